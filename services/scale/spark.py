"""The audit and the what-if of a province on Spark, over the columnar export of its events.

``python -m services.scale.spark EVENTS… --out FOLDER --policy FILE [--reading NAME=VALUE] --year 2024`` reads
every event once, shuffles it once by credit code, and folds whole partitions with the functions
that the service itself uses (``services.scale.partition``). Needs PySpark and Java 17:
``pip install -r requirements-bench.lock``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from domain.money.amounts import parse_fen, print_fen
from domain.money.apportioning import cut_of, exact_sum, shares
from domain.policy.changes import Changes
from domain.policy.load import load_policy
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import basis, factor, shares_budget
from services.scale.partition import AWARDS, COLUMNS_READ, awards_of_partition

SCHEMA = "rules short, code string, measure string, year int, gross long, withheld long"
assert [each.split()[0] for each in SCHEMA.split(", ")] == AWARDS.names


class Settled(NamedTuple):
    """A year under one rulebook, in fen: what shares the budget, what is paid, and by measure."""

    enterprises: int
    awards: int
    sharing: int
    factor: str
    payable: int
    gross: dict[str, int]
    paid: dict[str, int]


class Audited(NamedTuple):
    """What the export holds: complete where the positions are as many as the last one says."""

    events: int
    first: int
    last: int

    @property
    def is_complete(self) -> bool:
        """Whether no position is missing or twice."""
        return self.events == self.last - self.first + 1 == self.last


def session(master: str, partitions: int, local: Path | None = None) -> SparkSession:
    """Spark with the workers that ``master`` names; Python workers run this very environment.

    ``local`` is a folder for what is written between stages.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    )
    builder = SparkSession.builder if local is None else SparkSession.builder.config("spark.local.dir", local)
    return (
        builder.master(master)
        .appName("subsidy-ledger")
        .config("spark.sql.shuffle.partitions", partitions)
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )


def audited(events: DataFrame) -> Audited:
    """Count the positions of the whole export; what is twice shows as one too many."""
    totals = events.agg(
        sql.count("*"), sql.countDistinct("position"), sql.min("position"), sql.max("position")
    )
    count, distinct, first, last = totals.first() or (0, 0, 1, 0)
    return Audited(count if count == distinct else -count, first or 1, last or 0)


def awards(events: DataFrame, books: list[Rulebook], partitions: int) -> DataFrame:
    """Every award under each rulebook: one shuffle by ranges of credit code, one fold a partition."""
    ranged = events.select(*COLUMNS_READ).repartitionByRange(partitions, "originator")
    ordered = ranged.sortWithinPartitions("originator", "version")

    def folded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return awards_of_partition(batches, books)

    return ordered.mapInArrow(folded, SCHEMA)


def settled(folder: Path, number: int, book: Rulebook, year: int, budget: int) -> Settled:
    """A year's apportionment; the driver holds a few numbers an award, in order of the awards' keys."""
    # Parts are numbered by ranges of credit code, and each is in order of its keys.
    parts = [str(path) for path in sorted(folder.glob("part-*.parquet"))]
    rows_of_year = (pc.field("rules") == number) & (pc.field("year") == year)
    table = pa.concat_tables([pq.read_table(part, filters=rows_of_year) for part in parts])
    gross, withheld = (table.column(name).to_numpy() for name in ("gross", "withheld"))
    names = np.array(table.column("measure").to_pylist(), object)
    policy = book.of_year(year)
    inside = np.array([shares_budget(policy, name) for name in names], bool)
    shared = basis(policy, gross[inside], withheld[inside])
    cut = cut_of(shared, budget)
    paid, share = gross - withheld, shares(shared, budget, cut)
    if policy.pro_rata == "standards-first":
        share = share - np.minimum(share, withheld[inside])
    paid[inside] = share
    if int(share.sum()) > budget:
        raise ArithmeticError(f"{int(share.sum())} fen payable out of {budget}")
    rows_by_name = {str(name): names == name for name in sorted(set(names))}
    value = factor(budget, cut.total)
    return Settled(
        len(set(table.column("code").to_pylist())),
        len(gross),
        cut.total,
        f"{value.numerator}/{value.denominator}",
        exact_sum(paid),
        {name: exact_sum(gross[rows]) for name, rows in rows_by_name.items()},
        {name: exact_sum(paid[rows]) for name, rows in rows_by_name.items()},
    )


def province(
    spark: SparkSession,
    paths: list[str],
    out: Path,
    books: list[Rulebook],
    year: int,
    budget: int,
    partitions: int,
) -> dict[str, Any]:
    """The audit, and the year under each rulebook; the awards of all are computed once, into ``out``."""
    began = time.perf_counter()
    events = spark.read.parquet(*paths)
    audit = audited(events)
    read = time.perf_counter()
    awards(events, books, partitions).write.mode("error").parquet(str(out))
    folded = time.perf_counter()
    if any(book.divides for book in books):
        raise ValueError("a policy with several budgets or groups is settled by the ledger, not by Spark")
    years = [settled(out, number, book, year, budget)._asdict() for number, book in enumerate(books)]
    ended = time.perf_counter()
    seconds = {"audit": read - began, "fold": folded - read, "settle": ended - folded}
    return {"audit": {**audit._asdict(), "whole": audit.is_complete}, "years": years, "seconds": seconds}


def main() -> None:
    """Run from the command line; prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="+", help="Parquet files, or folders of them")
    parser.add_argument("--out", type=Path, required=True, help="a new folder for the awards")
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--reading", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--year", type=int, required=True)
    parser.add_argument("--budget", help="yuan; by default the policy's")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--partitions", type=int, default=8)
    options = parser.parse_args()
    text = options.policy.read_text("utf-8-sig")
    readings = dict(each.split("=", 1) for each in options.reading)
    books = [Rulebook([load_policy(text)])]
    if readings:
        books.append(Rulebook([load_policy(text, Changes(readings, {}))]))
    budget = parse_fen(options.budget) if options.budget else books[0].of_year(options.year).budget
    spark = session(options.master, options.partitions)
    answer = province(spark, options.events, options.out, books, options.year, budget, options.partitions)
    print(json.dumps({**answer, "budget": print_fen(budget)}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
