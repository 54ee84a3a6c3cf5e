"""A whole policy recomputed for a million enterprises, beside the same measures written in OpenFisca.

``python -m tests.benchmarks.policy --enterprises 1000000`` packs a sample city of some ten
thousands, repeats it, and lets two child processes compute it: ours over columns, OpenFisca over
its arrays. Each is timed without loading, and its peak of memory is that of the whole process.
Ours is held to ``awards_of`` for every enterprise of the city; how far OpenFisca's 32-bit floats
give the same fen is counted.
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from domain.events.event import SEP
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.rulebook import Rulebook
from domain.rules.columns.chunks import IDENTITIES, Chunk, Items
from domain.rules.evaluation import awards_of
from ledger.intake.messages.decode import Message, Now, decode
from ledger.simulation.packing import Packed, awards_in, pack
from services.sample.city import city
from services.sample.policy import YEAR, policy_text
from tests.benchmarks.closing import peak_mb

TEMPLATE = 10_000
"""Enterprises of the city that is repeated."""
REPEATED = 6
"""How often it stands in one chunk of columns, which a ledger fills with 65,536."""
ROUNDS = 5
FILES = ("columns.pickle", "arrays.npz")


def book() -> Rulebook:
    """The Cixi policy as it stands."""
    from domain.policy.load import load_policy

    return Rulebook([load_policy(policy_text())])


def enterprises(count: int) -> dict[str, EnterpriseFacts]:
    """A sample city's facts, those that its enterprises would have with nothing refused for their sums."""
    from datetime import UTC, datetime

    now, found = Now.bounds_at(datetime(2026, 1, 1, tzinfo=UTC)), dict[str, dict[str, Any]]()
    for raw in city(count):
        said = decode(raw, now)
        if isinstance(said, Message):
            found.setdefault(said.subject, {}).setdefault(said.fact.key, said.fact)
    return {code: fold(list(facts.values())) for code, facts in sorted(found.items())}


def dense(facts: list[EnterpriseFacts]) -> dict[str, Any]:
    """OpenFisca's inputs: one array a variable and year, ``name@year``."""
    arrays: dict[str, Any] = {}

    def put(name: str, row: int, value: float, year: int = YEAR) -> None:
        key = f"{name}@{year}"
        if key not in arrays:
            arrays[key] = np.zeros(len(facts), np.float32)
        arrays[key][row] += value

    for row, each in enumerate(facts):
        for name, value, year in _inputs(each):
            put(name, row, value, year)
    return arrays


_SALES = {
    "online": "online_sales",
    "domestic_own_brand": "own_brand_sales",
    "dtc_own_brand_export": "dtc_export_cents",
}
_CAPS = {
    "standard.provincial": 10_000_000,
    "standard.ningbo": 5_000_000,
    "standard.cixi": 3_000_000,
    "talent.team": 1_000_000_000,
}


def _inputs(facts: EnterpriseFacts) -> Any:  # noqa: C901 - one branch a kind of fact
    """(variable, value, year) of one enterprise's facts, under the default readings."""
    yield from _things(facts)
    for key, reports in facts.amounts.get("SalesReported", {}).items():
        channel, _, year = key.split(SEP)
        if channel in _SALES:
            yield _SALES[channel], reports.total, int(year)
    for event, name in (("DesignPurchased", "design_purchased"), ("DesignServicesSold", "design_services")):
        for key, reports in facts.amounts.get(event, {}).items():
            yield name, reports.total, int(key.split(SEP)[-1])
    for key, reports in facts.amounts.get("OtherAwardRecorded", {}).items():
        _, measure, authority, year = key.split(SEP)
        if authority == "cixi":
            yield f"other.{measure}", reports.total, int(year)
    assessed = facts.figures.get("ContributionAssessed", {})
    if any(len(values) > 1 for values in assessed.values()):
        # Nothing is computed from figures that conflict until an officer has looked.
        assessed = {}
    for year, values in assessed.items():
        yield "contribution", values[0], int(year)
        yield "contribution_known", 1, int(year)
    for key, claims in facts.approvals.items():
        measure = key.split(SEP)[1]
        for claim in claims:
            yield f"claimed.{measure}", min(claim.amount, _CAPS.get(measure, claim.amount)), claim.year
        if measure.startswith("design."):
            for claimed_year in {claim.year for claim in claims}:
                yield f"claimed.{measure}_has", 1, claimed_year


def _things(facts: EnterpriseFacts) -> Any:
    """(variable, 1, year) of each dated thing of the policy's life."""
    named = []
    for identity, store in facts.dated.get("StoreRegistered", {}).items():
        platform = identity.split(SEP)[0]
        if platform == "cross-border" or (
            platform in ("tmall", "jd") and {"flagship", "specialty"} & {*store.attributes}
        ):
            named.append((platform.replace("-", "_"), store.on))
    admitted = facts.dated.get("AboveQuotaAdmitted", {})
    for identity, branch in facts.dated.get("DirectSalesBranchRegistered", {}).items():
        if identity in admitted:
            named.append(("admitted_branches", max(branch.on, admitted[identity].on)))
    words = {"famous_export": "famous", "service_trademark": "trademarks"}
    for identity, brand in facts.dated.get("BrandCertified", {}).items():
        named.append((words.get(identity.split(SEP)[0], ""), brand.on))
    for identity, warehouse in facts.dated.get("WarehouseRecognised", {}).items():
        named.append((f"warehouses_{identity.split(SEP)[0]}", warehouse.on))
    for name, day in named:
        if name and day >= "2024-01-01":
            yield name, 1, int(day[:4])


def repeated(packed: Packed, times: int) -> Packed:
    """A chunk that holds the same enterprises several times, in memory of its own."""
    rows, one = len(packed.codes), packed.chunk

    def tiled(columns: Any, step: dict[str, int]) -> Any:
        made = {
            name: np.concatenate([values + step.get(name, 0) * n for n in range(times)], dtype=values.dtype)
            for name, values in columns._asdict().items()
            if name != "words"
        }
        return type(columns)(**made, **_words(columns, times))

    step = {"rows": rows, "keys": rows * IDENTITIES}
    chunk = Chunk(np.zeros(rows * times, np.int64))
    chunk.aside = tuple(row + rows * n for n in range(times) for row in one.aside)
    chunk.dated = {event: tiled(items, step) for event, items in one.dated.items()}
    chunk.figures = {e: {y: tiled(f, step) for y, f in years.items()} for e, years in one.figures.items()}
    chunk.approvals = {key: tiled(claims, step) for key, claims in one.approvals.items()}
    chunk.amounts = {
        event: {
            year: {group: tiled(reported, step) for group, reported in groups.items()}
            for year, groups in years.items()
        }
        for event, years in one.amounts.items()
    }
    return Packed(np.tile(packed.codes, times), chunk)


def _words(columns: Any, times: int) -> dict[str, Any]:
    if not isinstance(columns, Items):
        return {}
    return {
        "words": {name: (np.tile(numbers, times), known) for name, (numbers, known) in columns.words.items()}
    }


def processor_time(work: Callable[[], object], rounds: int) -> float:
    """The median time of a piece of work on one processor, in seconds; others may share the machine."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median(times)


# --- the children ----------------------------------------------------------------------------


def ours(folder: Path, copies: int) -> dict[str, Any]:
    """Compute the policy over columns; the chunks are copies with memory of their own."""
    packed: Packed = pickle.loads((folder / FILES[0]).read_bytes())
    alone: dict[str, EnterpriseFacts] = pickle.loads((folder / "alone.pickle").read_bytes())
    whole, rest = divmod(copies, REPEATED)
    chunks = [repeated(packed, times) for times in (*[REPEATED] * whole, *([rest] if rest else []))]
    del packed
    rules = book()

    def facts_of(codes: list[str]) -> dict[str, EnterpriseFacts]:
        return {code: alone[code] for code in codes}

    def work() -> dict[str, int]:
        sums: dict[str, int] = {}
        for chunk in chunks:
            for (year, measure), found in awards_in(chunk, rules, facts_of).items():
                if year == YEAR:
                    sums[measure] = sums.get(measure, 0) + int((found.gross - found.withheld).sum())
        return sums

    seconds = processor_time(work, ROUNDS)
    return {"seconds": seconds, "peak_mb": peak_mb(), "sums": work()}


def openfisca(folder: Path, copies: int) -> dict[str, Any]:
    """Compute the same measures by OpenFisca; its inputs are set before the clock starts."""
    from tests.benchmarks.openfisca_measures import INPUTS, computed, simulation, system

    with np.load(folder / FILES[1]) as arrays:
        named = {key: np.tile(arrays[key], copies) for key in arrays.files if key.split("@")[0] in INPUTS}
    count = len(next(iter(named.values())))
    inputs = {(key.split("@")[0], int(key.split("@")[1])): values for key, values in named.items()}
    made, seconds, results = system(), [], dict[str, Any]()
    for _ in range(ROUNDS):
        results.clear()
        found = simulation(made, inputs, count)

        def work(of: Any = found) -> None:
            results.update(computed(of))

        seconds.append(processor_time(work, 1))
        del found, work
    peak = peak_mb()
    np.save(folder / "openfisca.npy", sum(v[: count // copies].astype(np.float64) for v in results.values()))
    sums = {measure: int(values.astype(np.float64).sum()) for measure, values in results.items()}
    return {"seconds": sorted(seconds)[ROUNDS // 2], "peak_mb": peak, "sums": sums}


SIDES = {"ours": ours, "openfisca": openfisca}


def child(side: str, folder: Path, copies: int) -> dict[str, Any]:
    """Run one side in a process of its own."""
    order = [sys.executable, "-m", "tests.benchmarks.policy", "--side", side, "--folder", str(folder)]
    found = subprocess.run([*order, "--copies", str(copies)], check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return answer


def exact(city_facts: dict[str, EnterpriseFacts], packed: list[Packed], rules: Rulebook) -> Any:
    """Eligible fen of the year by enterprise, from columns, held to ``awards_of`` award by award.

    Raises:
        ArithmeticError: where a fen differs.
    """
    totals, at, places = np.zeros(len(city_facts), np.int64), 0, list(city_facts.values())
    for part in packed:
        columns = awards_in(part, rules, lambda codes: {code: city_facts[code] for code in codes})
        found = {
            (row, year, measure, gross, withheld)
            for (year, measure), each in columns.items()
            for row, gross, withheld in zip(*(column.tolist() for column in each), strict=True)
        }
        mine = places[at : at + len(part.codes)]
        expected = {
            (row, year, measure, award.gross, award.withheld)
            for row, facts in enumerate(mine)
            for year, awards in awards_of(facts, rules).items()
            for measure, award in awards.items()
            if award.gross
        }
        if found != expected:
            raise ArithmeticError(f"columns differ: {sorted(found ^ expected)[:5]}")
        for row, year, _, gross, withheld in found:
            totals[at + row] += (gross - withheld) * (year == YEAR)
        at += len(part.codes)
    return totals


def measured(count: int) -> dict[str, Any]:
    """Both sides; ``same`` is the share of enterprises for which OpenFisca gives the same fen."""
    size = min(count, TEMPLATE)
    city_facts, rules = enterprises(size), book()
    packed = list(pack(city_facts.items(), size))
    totals = exact(city_facts, packed, rules)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / FILES[0]).write_bytes(pickle.dumps(packed[0]))
        codes = [bytes(packed[0].codes[row]).decode() for row in packed[0].chunk.aside]
        (folder / "alone.pickle").write_bytes(pickle.dumps({code: city_facts[code] for code in codes}))
        np.savez(folder / FILES[1], **dense(list(city_facts.values())))
        copies = max(1, count // len(city_facts))
        found = {side: child(side, folder, copies) for side in SIDES}
        theirs = np.load(folder / "openfisca.npy")
    if sum(found["ours"]["sums"].values()) != int(totals.sum()) * copies:
        raise ArithmeticError("the copies do not add up to the city")
    equal, small = theirs == totals, totals < 2**24
    return {
        "enterprises": copies * len(city_facts),
        "aside": len(codes) * copies,
        "same": float(equal.mean()),
        "same_awarded": float(equal[totals > 0].mean()),
        "same_small": float(equal[(totals > 0) & small].mean()),
        "largest_difference_fen": int(np.abs(theirs - totals).max()),
        **found,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--enterprises", type=int, default=1_000_000)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--copies", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.folder, arguments.copies)))
    else:
        print(json.dumps(measured(arguments.enterprises), indent=1))
