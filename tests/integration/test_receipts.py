"""Receipts and published lists prove themselves; one changed digit anywhere is found and named."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from domain.authority.roles import NotAllowed
from domain.events import settlement_id
from domain.events.instants import SHANGHAI
from domain.log.merkle import check_inclusion, root_of
from domain.log.notes import Checkpoint, SignerKey, VerifierKey
from domain.money.amounts import print_fen
from domain.settlement.public_list import COLUMNS, leaf_of_line
from ledger.audit.checkpoints import current, load_or_make_key
from ledger.projections.closings import settlement_of
from ledger.settlement import list_tree, published
from ledger.settlement.list_tree import ListTree
from ledger.settlement.receipts import make_receipt
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree
from ledger.store.stored_events import SELECT, Stored, events_of, stored
from services.cli.main import main as cli
from services.server.app import create_app
from services.verify import Broken, main, reading, verify
from tests import acknowledging
from tests.events import CIXI, CIXI_TEXT, Feed, take
from tests.integration.closings import OFFICER, closed
from tests.integration.test_bundles import KEY
from tests.integration.test_settled_bundles import bundled, closing_at, forged, position_of

SCRIPT = Path(__file__).parents[2] / "docs/checking/recompute.py"
OTHER = SignerKey("other", bytes(31) + b"\x01")


def listed(ledger: Ledger, path: Path, year: int = 2024, key: SignerKey = KEY) -> list[str]:
    """The published list's file, as its lines."""
    with ledger.store.reading() as rows, path.open("w", encoding="utf-8", newline="\n") as out:
        published.write_published_list(rows, CIXI, year, out, key)
    return path.read_text("utf-8").split("\n")[:-1]


def receipted(ledger: Ledger, code: str, year: int = 2024) -> dict[str, Any]:
    """An enterprise's receipt at a fresh checkpoint."""
    note = current(ledger, KEY)
    with ledger.store.reading() as rows:
        return make_receipt(ledger, rows, code, CIXI, year, note, KEY)


def faults(path: Path, text: str, key: VerifierKey = KEY.verifier) -> list[str]:
    """What the verifier finds in a file of this text; what it cannot read is a fault too."""
    path.write_text(text, "utf-8")
    return found_in(path, key)


def found_in(path: Path, key: VerifierKey = KEY.verifier) -> list[str]:
    try:
        return verify(path, [key])[1].faults
    except Broken as error:
        return [str(error)]


def checked(path: Path, value: Any, key: VerifierKey = KEY.verifier) -> list[str]:
    """What the verifier finds in a receipt."""
    return faults(path, json.dumps(value, ensure_ascii=False), key)


def test_a_list_and_every_receipt_verify_and_are_the_ledger_s_figures(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at)
    for year in (2024, 2025):
        lines = listed(scene.ledger, tmp_path / "list.ndjson", year)
        head, verdict = verify(tmp_path / "list.ndjson", [KEY.verifier])
        assert verdict.faults == []
        assert verdict.payable == closing_at(scene.ledger, year).payable_fen == head["payable"]
        assert head["awards"] == len(lines) - 2 == verdict.awards
        with scene.ledger.store.reading() as rows:
            sql = "SELECT code, payable FROM accounts WHERE year=?"
            accounts = {code: payable for code, payable in rows.all(sql, [year])}  # noqa: C416
        assert accounts
        for code, payable in accounts.items():
            found = receipted(scene.ledger, code, year)
            assert checked(tmp_path / "receipt.json", found) == []
            assert found["account"]["payable"] == print_fen(payable)
    assert receipted(scene.ledger, scene.code)["account"]["recovered"] == "400.00"


def digits(text: str) -> Iterator[int]:
    return (match.start() for match in re.finditer("[0-9]", text))


def with_digit_changed(text: str, at: int) -> str:
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_any_one_changed_digit_of_a_list_is_found_and_its_line_named(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "list.ndjson"
    lines = listed(scene.ledger, path)
    rand, unseen = random.Random(7), []
    for number, line in enumerate(lines[:-1]):
        for at in rand.sample(list(digits(line)), 6):
            changed = [*lines[:number], with_digit_changed(line, at), *lines[number + 1 :]]
            found = faults(path, "\n".join(changed) + "\n")
            if not any(f"line {number + 1}" in fault for fault in found):
                unseen.append((number, at, found[:3]))
    for at in rand.sample(list(digits(lines[-1])), 200):
        if not faults(path, "\n".join([*lines[:-1], with_digit_changed(lines[-1], at)]) + "\n"):
            unseen.append((len(lines), at, []))
    assert unseen == []
    assert any("award 3 " in each for each in faults(path, "\n".join(paid_more(lines, 3)) + "\n"))


def paid_more(lines: list[str], number: int) -> list[str]:
    """A list in which one award is paid a fen more, and the head and the proof were made to fit."""
    row, head, proof = json.loads(lines[number]), json.loads(lines[0]), json.loads(lines[-1])
    row[-1] += 1
    row[-2] -= 1
    head["payable"] += 1
    changed = list(lines)
    for at, value in ((number, row), (0, head)):
        changed[at] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    leaves = [leaf_of_line(line) for line in changed[:-1]]
    proof["root"], proof["marks"] = root_of(leaves).hex(), "".join(leaf.hex()[:8] for leaf in leaves)
    changed[-1] = json.dumps(proof)
    return changed


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_any_one_changed_digit_of_a_receipt_is_found_and_its_place_named(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    path, whole = tmp_path / "receipt.json", receipted(scene.ledger, scene.code)
    rand, unseen = random.Random(8), []
    places = [(place, value) for place, value in leaves_of(whole) if re.search("[0-9]", str(value))]
    assert len(places) > 300
    for place, value in places:
        changed = copy.deepcopy(whole)
        at = rand.choice(list(digits(str(value))))
        other = with_digit_changed(str(value), at)
        put(changed, place, int(other) if isinstance(value, int) else other)
        found = checked(path, changed)
        named = "/" + "/".join(map(str, place))
        told = place[0] in ("marks", "seal", "checkpoint", "events", "format", "list", "year")
        if not found or not (told or any(named in fault for fault in found)):
            unseen.append((named, value, found[:3]))
    assert unseen == []


def leaves_of(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if inner is None:
        yield place, value
        return
    for key, each in inner:
        yield from leaves_of(each, (*place, key))


def put(value: Any, place: tuple[Any, ...], new: Any) -> None:
    for key in place[:-1]:
        value = value[key]
    value[place[-1]] = new


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_receipt_sealed_anew_by_another_key_or_over_a_forged_payment_does_not_pass(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    path, whole = tmp_path / "receipt.json", receipted(scene.ledger, scene.code)
    assert any("not signed" in each for each in checked(path, whole, OTHER.verifier))
    at = position_of(scene.ledger, "AwardsSettled", like=f"%{scene.code}")

    def more(state: dict[str, Any]) -> None:
        state["lines"][0][-1] += 1
        state["lines"][0][-2] -= 1
        state["payable_fen"] += 1

    forged(scene.ledger, at, more)
    found = checked(path, receipted(scene.ledger, scene.code))
    assert any("was worked out" in each and "was settled" in each for each in found)
    assert any("in the list are not what was settled" in each for each in found)


def printed(path: Path, text: str, out: io.TextIOWrapper, *more: str) -> tuple[int, list[str]]:
    """How the command ends, and the lines that it writes on ``out``."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.redirect_stdout(out):
        code = main([str(path), "--key", str(KEY.verifier), *more])
    out.seek(0)
    return code, out.read().split("\n")


def screen(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


FORGED_HEADS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a pot of text": lambda head: head["pots"][0].__setitem__(1, "1"),
    "a pot of nothing": lambda head: head.update(pots=[["a"]]),
    "a pot that is none": lambda head: head.update(pots=[None]),
    "pots that are none": lambda head: head.update(pots=5),
    "a pot of truth": lambda head: head["pots"][0].__setitem__(1, True),
    "a policy that ends the line": lambda head: head.update(policy="x\nVERIFIED\n\x1b[8m"),
    "a policy that turns round": lambda head: head.update(policy="x\u202eDEIFIREV"),
    "a policy of half a character": lambda head: head.update(policy="x\ud800"),
    "a policy that GBK has not": lambda head: head.update(policy="é😀"),
}


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_forged_file_writes_nothing_of_its_own_on_the_terminal_and_stops_no_check(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "file"
    head, row, *rest = listed(scene.ledger, path)
    whole = receipted(scene.ledger, scene.code)
    forged = {}
    for name, change in FORGED_HEADS.items():
        for kind, value in (("list", json.loads(head)), ("receipt", {**whole, "pots": [["", 1, 1]]})):
            change(value)
            said = json.dumps(value, ensure_ascii="half" in name, separators=(",", ":"))
            forged[name, kind] = "\n".join([said, row, *rest]) if kind == "list" else said
    award = json.loads(row)
    award[1], award[11] = "x\nVERIFIED\n\x1b[8m", award[11] + 1
    forged["an award", "list"] = "\n".join([head, json.dumps(award), *rest])
    forged["a budget", "receipt"] = json.dumps({**whole, "budget": "1\nVERIFIED\n\x9b8m"})
    for (name, _), text in forged.items():
        for encoding in ("utf-8", "gbk"):
            code, lines = printed(path, text, screen(encoding))
            assert code in (1, 2), name
            assert lines[-2].startswith("NOT VERIFIED"), (name, lines)
            assert "VERIFIED" not in lines, name
            assert all(line.isprintable() for line in lines), (name, lines)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_many_faults_of_one_kind_hide_none_of_another_and_lines_come_first(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "list.ndjson"
    head, *rows = listed(scene.ledger, path)
    monkeypatch.setattr(reading, "FAULTS_MAX", 2)
    forged = json.loads(head)
    forged["pots"][0][1] //= 2
    code, lines = printed(path, "\n".join([json.dumps(forged), *rows]), screen())
    told = [line for line in lines if line.startswith("!")]
    assert code == 1
    assert told[0] == "! line 1 is not the one that was published"
    assert sum("was worked out" in line for line in told) == 2
    shared = sum(bool(json.loads(row)[COLUMNS.index("basis")]) for row in rows[:-1])
    assert f"! and {shared - 2} more awards that were worked out otherwise" in told
    assert any("note that was signed" in line for line in told)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_witnesses_are_asked_for_of_lists_too(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "list.ndjson"
    lines = listed(scene.ledger, path)
    code, said = printed(path, "\n".join(lines), screen(), "--witnesses", "3")
    assert code == 1
    assert any("3 witnesses are asked for: witnesses sign checkpoints" in line for line in said)
    proof = json.loads(lines[-1])
    proof["note"] += OTHER.sign(proof["note"].partition("\n\n")[0] + "\n")
    code, said = printed(path, "\n".join([*lines[:-1], json.dumps(proof)]), screen())
    assert code == 0
    assert f"signed by {KEY.name}; by keys that were not given: 1" in said


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_which_list_it_is_and_of_when_is_told_and_signed(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "file"
    lines = listed(scene.ledger, path)
    (_, published) = events_named(scene.ledger, "SettlementPublished")
    proof = json.loads(lines[-1])
    assert (proof["position"], proof["published"]) == (published.position, published.fact.time)
    day = datetime.fromisoformat(published.fact.time).astimezone(SHANGHAI)
    code, said = printed(path, "\n".join(lines), screen())
    assert code == 0
    assert f"list of proposal 2, published on {day:%Y-%m-%d %H:%M} (UTC+8) at position" in said[0]
    assert "a later one replaces it" in said[0]
    forged = json.dumps({**proof, "published": "2025-01-01T00:00:00Z"})
    assert any("note that was signed" in each for each in faults(path, "\n".join([*lines[:-1], forged])))

    whole = receipted(scene.ledger, scene.code)
    with scene.ledger.store.reading() as rows:
        size = Tree(rows).size()
        last = stored(rows.all(f"{SELECT} WHERE rowid=?", [size])[0])
    assert whole["as_of"] == last.recorded_at
    code, said = printed(path, json.dumps(whole), screen())
    assert code == 0
    assert said[0].endswith("receipt on the list of proposal 2")
    assert said[1].startswith(f"as of {size:,} events of ")
    assert not any("enterprises" in line for line in said)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_list_of_before_its_moment_was_told_verifies_still(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    lines = listed(scene.ledger, tmp_path / "list.ndjson")
    proof = json.loads(lines[-1])
    body = proof["note"].partition("\n\n")[0].rpartition("\n")[0] + "\n"
    del proof["published"]
    proof["note"] = body + "\n" + KEY.sign(body)
    assert faults(tmp_path / "old.ndjson", "\n".join([*lines[:-1], json.dumps(proof)])) == []


def events_named(ledger: Ledger, name: str) -> list[Stored]:
    with ledger.store.reading() as rows:
        return [each for each in events_of(rows, settlement_id(CIXI, 2024)) if each.fact.name == name]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_was_done_to_a_file_is_said_in_words(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "list.ndjson"
    lines = listed(scene.ledger, path)
    head, proof = json.loads(lines[0]), json.loads(lines[-1])
    whole = receipted(scene.ledger, scene.code)

    def with_proof(**more: Any) -> str:
        return "\n".join([*lines[:-1], json.dumps({**proof, **more})])

    def with_(**more: Any) -> str:
        return json.dumps({**whole, **more}, ensure_ascii=False)

    def without(name: str) -> str:
        return json.dumps({key: value for key, value in whole.items() if key != name})

    text, last = "\n".join(lines), len(lines)
    mark = "0" * 8 + proof["marks"][8:]
    rows = whole["list"]["rows"]
    row = {key: value for key, value in rows[0].items() if key != "number"}
    cases: list[tuple[str | bytes, list[str]]] = [
        (b"", ["it is empty"]),
        ("序号,企业\n1,甲\n", ["neither a receipt nor a published list: not JSON: it begins with 序号"]),
        (text.encode("utf-16"), ["it is in UTF-16"]),
        (text.encode("utf-16-le"), ["it is in UTF-16"]),
        (text.encode("gb18030"), ["line 1: it is not in UTF-8 (perhaps in GB18030)"]),
        (text.replace('"policy"', "policy", 1), ["line 1: not JSON: damaged or cut off at character "]),
        (text[1:], ["line 1: not JSON: "]),
        (text[: len(text) // 2], [": not JSON: damaged or cut off at character "]),
        ("\ufeff" + text, ["begins with a byte order mark (BOM)"]),
        (text.replace("\n", "\r\n"), ["the lines end in CRLF, not in LF"]),
        ("\ufeff" + with_(), []),
        (json.dumps(whole, indent=1).replace("\n", "\r\n"), []),
        (with_proof(marks=mark), ["the mark of line 1 was changed, the line is the one that was published"]),
        (with_proof(payable=5), [f"line {last}: payable is no part of the proof"]),
        (with_proof(lines="5"), [f"line {last}: lines is missing or not of its kind"]),
        (with_(marks={**whole["marks"], "/name": "0"}), ["the mark of /name was changed", "seal"]),
        (without("list"), ["/list is missing"]),
        (without("budget"), ["/budget is missing"]),
        (with_(list={**whole["list"], "rows": [row]}), ["/list/rows/0/number is missing or not of its kind"]),
        (with_(awards=[None]), ["/awards/0 is missing or not of its kind"]),
        (with_(events=[{}]), ["an event cannot be read: position is missing"]),
        (with_()[:-9], ["the receipt: not JSON: damaged or cut off at character "]),
        (json.dumps(head), ["the list has no head, or no proof on its last line"]),
    ]
    for raw, named in cases:
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        found = found_in(path)
        assert all(any(each in fault for fault in found) for each in named), (named, found)
        assert bool(found) == bool(named), (named, found)
        assert not re.search(r"Error\(|\bb'|NoneType", " ".join(found)), found
    assert "No such file" in " ".join(found_in(tmp_path / "none.json"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    assert "no audit bundle" in " ".join(found_in(path))


TWICE = {
    '"payable": "': '"payable": "99',
    '"name": "': '"name": "别的公司',
    '"enterprise": "': '"enterprise": "91330282MA036YCF49',
    '"awards": [': '"awards": [], "awards": [',
    '"account": {': '"account": {"payable": "9.00"}, "account": {',
    '"measure": "': '"measure": "other',
}
"""What stands in a receipt, and what a forger puts before it: a person reads that first."""


def written_twice(text: str, key: str, before: str) -> str:
    """A receipt in which one key is written twice, the right value last."""
    end = "" if key.endswith(("[", "{")) else '", ' + key
    return text.replace(key, before + end, 1)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_is_written_twice_or_is_no_whole_number_is_refused_and_named(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "file"
    whole = json.dumps(receipted(scene.ledger, scene.code), ensure_ascii=False)
    for key, before in TWICE.items():
        changed = written_twice(whole, key, before)
        assert json.loads(changed) == json.loads(whole), key
        (found,) = faults(path, changed)
        assert f"{key.partition(':')[0]} is written more than once" in found
    lines = listed(scene.ledger, path)
    for number, key in ((0, '"payable":'), (-1, '"root":'), (-1, '"note":')):
        again = [*lines]
        again[number] = lines[number].replace(key, f"{key}5,{key}")
        (found,) = faults(path, "\n".join(again) + "\n")
        assert f"line {number % len(lines) + 1}: {key[:-1]} is written more than once: 5 and " in found
    for odd in ("2024.0", "2.024e3", "1" + "0" * 30, "-0", "NaN"):
        assert f"{odd} is not a whole number" in faults(path, whole.replace("2024,", odd + ",", 1))[0], odd
        assert (
            f"{odd} is not a whole number" in faults(path, "\n".join(lines).replace("2024,", odd + ",", 1))[0]
        )
    assert "half a character: \\ud800" in faults(path, whole.replace('"name": "', '"name": "\\ud800', 1))[0]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_twenty_lines_recompute_every_payment_from_the_list_alone(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "list.ndjson"
    lines = listed(scene.ledger, path)

    def said(text: str) -> list[str]:
        path.write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-I", SCRIPT, path], capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    head, closing = json.loads(lines[0]), closing_at(scene.ledger, 2024)
    factor, last = said("\n".join(lines) + "\n")
    assert factor == f"factor {closing.budget_fen}/{closing.sharing_fen}"
    assert last == f"{head['awards']} awards, {closing.payable_fen} payable, in hundredths of CNY"
    assert any(each.startswith("award 3: ") for each in said("\n".join(paid_more(lines, 3)) + "\n"))
    broken = re.sub(r'("pots":\[\["",[0-9])', r"\1.", lines[0])
    path.write_text("\n".join([broken, *lines[1:]]), "utf-8")
    done = subprocess.run([sys.executable, "-I", SCRIPT, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "line 1: pots hold what is no whole number of fen\n")
    code = [
        line for line in SCRIPT.read_text().splitlines() if line and not line.startswith(("import", '"""'))
    ]
    assert len(code) <= 20


MASKED = CIXI_TEXT.replace("mask: [person]", "mask: [person, code]")


def test_a_masked_list_proves_itself_without_what_is_masked(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,), text=MASKED)
    path = tmp_path / "list.ndjson"
    lines = listed(scene.ledger, path)
    with scene.ledger.store.reading() as rows:
        codes = [code for (code,) in rows.all("SELECT code FROM enterprises")]
    text = "\n".join(lines)
    assert codes
    assert not any(code in text for code in codes)
    assert verify(path, [KEY.verifier])[1].faults == []
    assert verify(bundled(scene, tmp_path, 2024), [KEY.verifier])[1].faults == []
    assert checked(tmp_path / "receipt.json", receipted(scene.ledger, scene.code)) == []


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_list_stays_what_was_published_when_names_change(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    before = listed(scene.ledger, tmp_path / "a.ndjson")
    feed = Feed(1)
    feed.code = scene.code
    named = {"name": "慈溪市改名贸易有限公司", "town": "周巷镇"}
    take(scene.ledger, feed.send("enterprise-registered", "2025-05-10T00:00:00Z", **named))
    list_tree._blocks_by_root.clear()
    after = listed(scene.ledger, tmp_path / "b.ndjson")
    assert [json.loads(line) for line in after[:-1]] == [json.loads(line) for line in before[:-1]]
    assert "改名" not in json.dumps(receipted(scene.ledger, scene.code), ensure_ascii=False)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_proofs_of_a_list_of_many_blocks_lead_to_its_root(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    lines = listed(scene.ledger, tmp_path / "list.ndjson")[:-1]
    for level in (0, 1, 2, 3, 4):
        monkeypatch.setattr(list_tree, "LEVEL", level)
        monkeypatch.setattr(list_tree, "BLOCK", 1 << level)
        list_tree._blocks_by_root.clear()
        with scene.ledger.store.reading() as rows:
            state = settlement_of(rows, CIXI, 2024)
            tree = ListTree(rows, state)
            found = [tree.head_proof()]
            for code in sorted({json.loads(line)[1] for line in lines[1:]}):
                found += tree.proofs(code)
        assert [each.line for each in found] == lines
        root = bytes.fromhex(state.present_publication().list_root or "")
        for each in found:
            check_inclusion(leaf_of_line(each.line), each.number, len(lines), each.path, root)
    list_tree._blocks_by_root.clear()


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_cannot_be_proved_says_why(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    scene = closed(open_at, years=(2024,))
    with pytest.raises(NotAllowed) as error:
        receipted(scene.ledger, scene.code, 2026)
    assert error.value.code == "settlement.not-closed"
    feed = Feed(7_777)
    take(scene.ledger, feed.send("enterprise-registered", name="慈溪市无奖贸易有限公司", town="周巷镇"))
    with pytest.raises(NotAllowed) as error:
        receipted(scene.ledger, feed.code)
    assert error.value.code == "receipt.not-listed"
    acknowledging.propose(scene.ledger, CIXI, 2025, OFFICER)
    with pytest.raises(NotAllowed) as error:
        listed(scene.ledger, tmp_path / "none.ndjson", 2025)
    assert error.value.code == "settlement.not-published"
    with scene.ledger.store.writing() as rows:
        rows.run("UPDATE settlement_lines SET payable=payable+1 WHERE year=2024 AND code=?", [scene.code])
    list_tree._blocks_by_root.clear()
    for make in (lambda: receipted(scene.ledger, scene.code), lambda: listed(scene.ledger, tmp_path / "x")):
        with pytest.raises(NotAllowed) as error:
            make()
        assert error.value.code == "settlement.list-altered"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_publication_without_a_root_cannot_be_proved(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    at = position_of(scene.ledger, "SettlementPublished", number=-1)
    forged(scene.ledger, at, lambda state: state.update(list_root=None, list_lines=None))
    with pytest.raises(NotAllowed) as error:
        listed(scene.ledger, tmp_path / "none.ndjson")
    assert error.value.code == "settlement.list-unproved"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_publication_of_another_list_is_named_in_the_year_s_bundle(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    at = position_of(scene.ledger, "SettlementPublished", number=-1)
    forged(scene.ledger, at, lambda state: state.update(list_root="00" * 32))
    found = verify(bundled(scene, tmp_path, 2024), [KEY.verifier])[1].faults
    assert any("that was published has another root" in each for each in found)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_lists_receipts_and_the_page_come_by_command_and_by_the_interface(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = closed(open_at, years=(2024,))
    monkeypatch.setenv("SUBSIDY_LEDGER_SIGNING_KEY", str(tmp_path / "log.key"))
    code, year = scene.code, ["--policy", CIXI, "--year", "2024"]

    def said(*words: str) -> str:
        done = CliRunner().invoke(cli, ["--database", str(tmp_path / "ledger.db"), *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    files = {name: tmp_path / name for name in ("list.ndjson", "r.json", "r.html", "check.html")}
    said("settle", "list", *year, str(files["list.ndjson"]))
    said("receipt", code, *year, "--out", str(files["r.json"]))
    said("receipt", code, *year, "--out", str(files["r.html"]))
    said("check-page", "--out", str(files["check.html"]))
    key = VerifierKey.parse(said("log-keys").split()[0])
    for name in ("list.ndjson", "r.json"):
        assert verify(files[name], [key])[1].faults == []
    assert str(key) in files["check.html"].read_text("utf-8")
    assert code in files["r.html"].read_text("utf-8")

    client = create_app(scene.ledger, signing_key=tmp_path / "log.key").test_client()
    tail = f"{CIXI}/2024"
    got = client.get(f"/v1/enterprises/{code}/receipts/{tail}")
    assert checked(tmp_path / "got.json", got.get_json(), key) == []
    listed_now = client.get(f"/v1/policies/{CIXI}/years/2024/settlement/list.ndjson")
    assert faults(tmp_path / "got.ndjson", listed_now.text, key) == []
    pages = {f"/v1/enterprises/{code}/receipts/{tail}/page": "style-src", "/check": "script-src"}
    for path, policy in pages.items():
        page = client.get(path)
        assert page.status_code == 200
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; " + policy)
    none = client.get(f"/v1/enterprises/{code}/receipts/{CIXI}/2026")
    assert none.status_code == 409
    assert none.get_json()["faults"][0]["code"] == "settlement.not-closed"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_receipt_is_made_at_a_checkpoint_of_its_own_ledger_after_the_closing_or_not_at_all(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = closed(open_at, years=(2024,))
    monkeypatch.setenv("SUBSIDY_LEDGER_SIGNING_KEY", str(tmp_path / "log.key"))
    key = load_or_make_key(tmp_path / "log.key")
    closing = position_of(scene.ledger, "SettlementClosed")
    with scene.ledger.store.reading() as rows:
        tree = Tree(rows)
        whole = tree.size()
        roots = {size: tree.root(size) for size in (0, closing - 1, closing, whole)}

    def made(size: int, root: bytes, by: SignerKey = key) -> tuple[int, str, Path]:
        body = Checkpoint(by.name, size, root).body
        (tmp_path / "note").write_text(body + "\n" + by.sign(body), "utf-8")
        out = tmp_path / "made.json"
        out.unlink(missing_ok=True)
        words = ["--database", str(tmp_path / "ledger.db"), "--language", "en", "receipt", scene.code]
        words += ["--policy", CIXI, "--year", "2024", "--checkpoint", str(tmp_path / "note")]
        done = CliRunner().invoke(cli, [*words, "--out", str(out)])
        return done.exit_code, done.output, out

    for size in (closing, whole):
        code, said, out = made(size, roots[size])
        assert code == 0, said
        assert verify(out, [key.verifier])[1].faults == []
    refused = (
        (whole + 1, roots[whole], key, f"over {whole + 1} events is not of this ledger"),
        (closing, roots[whole], key, f"over {closing} events is not of this ledger"),
        (
            closing - 1,
            roots[closing - 1],
            key,
            f"over {closing - 1} events is older than the closing of 2024",
        ),
        (0, roots[0], key, "over 0 events is older than the closing of 2024"),
        (whole, roots[whole], OTHER, "the checkpoint is not signed by any of the given keys"),
    )
    for size, root, by, why in refused:
        code, said, out = made(size, root, by)
        assert (code, out.exists()) == (1, False), said
        assert why in " ".join(said.split()), said
    codes = ((whole + 1, "receipt.checkpoint-foreign"), (closing - 1, "receipt.checkpoint-older"))
    for size, named in codes:
        note = Checkpoint(KEY.name, size, roots.get(size, bytes(32))).body
        with scene.ledger.store.reading() as rows, pytest.raises(NotAllowed) as error:
            make_receipt(scene.ledger, rows, scene.code, CIXI, 2024, note + "\n" + KEY.sign(note), KEY)
        assert (error.value.code, error.value.field) == (named, "checkpoint")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_command_says_verified_or_what_differs(
    open_at: Callable[..., Ledger], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = closed(open_at, years=(2024,))
    path = tmp_path / "list.ndjson"
    lines = listed(scene.ledger, path)
    key = ["--key", str(KEY.verifier)]
    assert main([str(path), *key]) == 0
    assert capsys.readouterr().out.endswith("VERIFIED\n")
    path.write_text("\n".join(paid_more(lines, 2)) + "\n", "utf-8")
    assert main([str(path), *key]) == 1
    assert "award 2 " in capsys.readouterr().out
    receipt_path = tmp_path / "receipt.json"
    receipt_path.write_text(json.dumps(receipted(scene.ledger, scene.code)), "utf-8")
    assert main([str(receipt_path), *key]) == 0
    receipt_path.write_text("{}", "utf-8")
    assert main([str(receipt_path), *key]) == 2
    assert "not a receipt" in capsys.readouterr().out
