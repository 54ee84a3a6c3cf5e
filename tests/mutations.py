"""Files that were handed out, altered in one place: by a slip, a program, or who holds the ledger's key.

Every alteration follows from its seed. Some leave the file as good as it was (blanks, the order of a
ZIP archive's members): verifiers must agree on these, too.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import random
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from domain.log.entries import leaf_of
from domain.log.merkle import HASH_BYTES, Growing, leaf_hash
from domain.log.notes import SignerKey
from domain.settlement.public_list import note_body
from domain.settlement.receipt import digest_of, marks_of, seal_body

LOOKALIKES = {"a": "а", "e": "е", "o": "о", "0": "０", "1": "１", "2": "２", "-": "‐", "A": "Α", "6": "б"}
POLICY_ALONE = "which budget pays a year stands in the policy's file, which the second verifier does not read"
"""Why the second verifier cannot see a bundle's ``period`` changed."""


class Mutation(NamedTuple):
    """An altered file: how it was altered, and why the second verifier cannot see it where it cannot."""

    how: str
    data: bytes
    unseen: str = ""


@dataclass
class Altering:
    """Alters one file, with the key that signed it at hand."""

    file: Path
    key: SignerKey
    rand: random.Random

    def alter(self) -> Mutation:
        """One alteration of the file."""
        data = self.file.read_bytes()
        if self.file.suffix == ".zip":
            return self._alter_bundle(data)
        how = self.rand.choice(LIST_WAYS if self.file.suffix == ".ndjson" else RECEIPT_WAYS)
        return Mutation(how.__name__, how(self, data))

    def _alter_bundle(self, data: bytes) -> Mutation:
        members = members_of(data)
        ways = BUNDLE_WAYS + (ENTERPRISE_WAYS if "seal" in members else YEAR_WAYS)
        how = self.rand.choice(ways)
        unseen = POLICY_ALONE if how is pay_from_life else ""
        return Mutation(how.__name__, pack(how(self, members)), unseen)


Members = dict[str, bytes]


def members_of(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(members: Members | list[tuple[str, bytes]]) -> bytes:
    """A ZIP archive; of pairs, a name may come twice."""
    out = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        warnings.simplefilter("ignore")
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# --- alterations of bytes and of JSON, whatever file they are in ---------------------------------------


def flip_byte(rand: random.Random, data: bytes) -> bytes:
    at = rand.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rand.randrange(8)]) + data[at + 1 :]


def drop_bytes(rand: random.Random, data: bytes) -> bytes:
    at = rand.randrange(len(data))
    return data[:at] + data[at + rand.randint(1, 4) :]


def places_of(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the single values stand."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [found for name, part in parts for found in places_of(part, (*place, name))]
    return inner or [place]


def value_at(value: Any, place: tuple[Any, ...]) -> Any:
    for name in place:
        value = value[name]
    return value


def change_value(rand: random.Random, data: bytes) -> bytes:
    """Another value in one place of one JSON text."""
    document = json.loads(data)
    place = rand.choice(places_of(document))
    if not place:
        return written(changed(rand, document))
    parent = value_at(document, place[:-1])
    parent[place[-1]] = changed(rand, parent[place[-1]])
    return written(document)


def changed(rand: random.Random, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return rand.choice([0, "", not value])
    if isinstance(value, int):
        return rand.choice([value + 1, value - 1, str(value), -value or 1, 2**53, None])
    if isinstance(value, str) and value:
        return rand.choice([look_alike(rand, value), value + " ", value[:-1], value.swapcase() + "x", None])
    return rand.choice(["x", 0, None, [0]])


def look_alike(rand: random.Random, text: str) -> str:
    at = rand.randrange(len(text))
    return text[:at] + LOOKALIKES.get(text[at], "文") + text[at + 1 :]


def repeat_key(rand: random.Random, data: bytes) -> bytes:
    """A key twice, with the same or another value, spelt alike or by an escape."""
    text = data.decode()
    document = json.loads(text)
    if not isinstance(document, dict):
        return data[:-1] + b",1]"
    name = rand.choice(list(document))
    spelt = rand.choice([name, f"\\u{ord(name[0]):04x}{name[1:]}"])
    value = rand.choice([json.dumps(document[name]), "0"])
    return f'{{"{spelt}":{value},{text.lstrip()[1:]}'.encode()


def swap_values(rand: random.Random, data: bytes) -> bytes:
    document = json.loads(data)
    names = list(document) if isinstance(document, dict) else list(range(len(document)))
    one, other = rand.sample(names * 2, 2)
    document[one], document[other] = document[other], document[one]
    return written(document)


def spell_number(rand: random.Random, data: bytes) -> bytes:
    """A number as a fraction, with an exponent, or as text."""
    document = json.loads(data)
    numbers = [place for place in places_of(document) if type(value_at(document, place)) is int]
    if not numbers:
        return data + b" "
    place = rand.choice(numbers)
    number, parent = value_at(document, place), value_at(document, place[:-1])
    parent[place[-1]] = "\0"
    spelt = rand.choice([f"{number}.0", f"{number}e0", f'"{number}"', f"0{number}", f"+{number}"])
    return written(document).replace(b'"\\u0000"', spelt.encode())


def respell_text(rand: random.Random, data: bytes) -> bytes:
    """Hexadecimal in capitals, Base64 with a blank or other last bits, an escape for a letter."""
    document = json.loads(data)
    texts = [place for place in places_of(document) if isinstance(value_at(document, place), str) and place]
    if not texts:
        return data + b"\n"
    place = rand.choice(texts)
    text, parent = value_at(document, place), value_at(document, place[:-1])
    parent[place[-1]] = rand.choice([text.upper(), text + "\n", f" {text}", text.replace("A=", "B=")])
    return written(document)


def cut_path(rand: random.Random, data: bytes) -> bytes:
    """A proof with a step less, or one more."""
    document = json.loads(data)
    paths = [place[:-1] for place in places_of(document) if {"path", "log_path"} & {*place}]
    if not paths:
        return data[:-1]
    path = value_at(document, rand.choice(paths))
    if rand.random() < 0.3:
        path.append("00" * HASH_BYTES)
    else:
        del path[rand.randrange(len(path))]
    return written(document)


JSON_WAYS = (change_value, change_value, repeat_key, swap_values, spell_number, respell_text, cut_path)


def move_lines(rand: random.Random, lines: list[bytes]) -> list[bytes]:
    """A line removed, repeated, moved, or changed for another."""
    lines, at, to = list(lines), rand.randrange(len(lines)), rand.randrange(len(lines))
    way = rand.randrange(4)
    if way == 0:
        del lines[at]
    elif way == 1:
        lines.insert(to, lines[at])
    elif way == 2:
        lines.insert(to, lines.pop(at))
    else:
        lines[at], lines[to] = lines[to], lines[at]
    return lines


def alter_line(rand: random.Random, lines: list[bytes]) -> list[bytes]:
    at = rand.randrange(len(lines))
    return [*lines[:at], rand.choice(JSON_WAYS)(rand, lines[at]), *lines[at + 1 :]]


def alter_lines(rand: random.Random, data: bytes) -> bytes:
    lines = data.removesuffix(b"\n").split(b"\n")
    lines = rand.choice((move_lines, alter_line))(rand, lines)
    return b"".join(line + b"\n" for line in lines)


def alter_note(rand: random.Random, text: str, key: SignerKey) -> str:
    """A note with a signature less, twice, by another key, or of other text."""
    body, _, signatures = text.rpartition("\n\n")
    lines = signatures.splitlines(keepends=True)
    ways: list[Callable[[], str]] = [
        lambda: f"{body}\n\n{''.join(lines[1:])}",
        lambda: f"{body}\n\n{''.join(lines * 2)}",
        lambda: f"{body}\n\n" + SignerKey(key.name, bytes(32)).sign(body + "\n"),
        lambda: text.replace(key.name, "subsidy‐ledger", 1),
        lambda: f"{body}\nmore\n\n{''.join(lines)}",
        lambda: text.removesuffix("\n"),
        lambda: f"{body}\n\n{''.join(lines)}" + SignerKey("other", bytes(32)).sign(body + "\n"),
        lambda: text.replace("=\n", "\n"),
    ]
    return rand.choice(ways)()


# --- lists ---------------------------------------------------------------------------------------------


def alter_list_lines(work: Altering, data: bytes) -> bytes:
    return alter_lines(work.rand, data)


def damage_file(work: Altering, data: bytes) -> bytes:
    return work.rand.choice((flip_byte, drop_bytes))(work.rand, data)


def edit_file(work: Altering, data: bytes) -> bytes:
    """What an editor does: a byte order mark, CRLF, a blank at the end, another encoding."""
    ways = (
        b"\xef\xbb\xbf" + data,
        data.replace(b"\n", b"\r\n"),
        data + b"\n",
        data.rstrip(b"\n"),
        data + b" ",
    )
    return work.rand.choice((*ways, data.decode().encode("utf-16"), data.decode().encode("gb18030")))


def alter_proof(work: Altering, data: bytes) -> bytes:
    *lines, last = data.removesuffix(b"\n").split(b"\n")
    proof = json.loads(last)
    if work.rand.random() < 0.5:
        proof["note"] = alter_note(work.rand, proof["note"], work.key)
    else:
        name = work.rand.choice(list(proof))
        proof[name] = changed(work.rand, proof[name])
    return b"\n".join([*lines, written(proof), b""])


def sign_list_anew(work: Altering, data: bytes) -> bytes:
    """Who holds the key changes figures, and signs the list again."""
    rand = work.rand
    head_line, *award_lines, last = data.removesuffix(b"\n").split(b"\n")
    head, rows, proof = json.loads(head_line), [json.loads(line) for line in award_lines], json.loads(last)
    for _ in range(rand.randint(1, 2)):
        row = rand.choice(rows)
        at, by = rand.randrange(11, 16), rand.choice([1, -1, 100])
        row[at] = (row[at] or 0) + by
        if rand.random() < 0.6:
            other = rand.randrange(11, 16)
            row[other] = (row[other] or 0) + rand.choice([by, -by])
    if rand.random() < 0.3:
        rows = [json.loads(line) for line in move_lines(rand, list(map(written, rows)))]
    if rand.random() < 0.3 and rows:
        name = rand.choice(["budget", "sharing", "gross", "withheld", "payable", "awards"])
        head[name] += rand.choice([1, -1])
    if rand.random() < 0.5:
        columns = {name: n for n, name in enumerate(head["columns"])}
        for name in ("gross", "withheld", "payable"):
            head[name] = sum(row[columns[name]] for row in rows)
        fields = ("code", "measure", "award_year", "gross", "withheld", "reduction", "payable")
        texts = [
            "\t".join([*(str(row[columns[f]]) for f in fields), *([row[10]] if row[10] else [])])
            for row in rows
        ]
        head["digest"] = hashlib.sha256("".join(f"{text}\n" for text in texts).encode()).hexdigest()
    lines = [written(head), *map(written, rows)]
    tree = Growing()
    for line in lines:
        tree.push(leaf_hash(line))
    root, position = tree.root.hex(), proof["position"]
    body = note_body(
        head["policy"], head["year"], head["number"], len(lines), root, position, proof["published"]
    )
    proof |= {"lines": len(lines), "root": root, "note": body + "\n" + work.key.sign(body)}
    proof["marks"] = "".join(leaf_hash(line).hex()[:8] for line in lines)
    return b"".join(line + b"\n" for line in [*lines, written(proof)])


LIST_WAYS = (
    alter_list_lines,
    alter_list_lines,
    damage_file,
    edit_file,
    alter_proof,
    sign_list_anew,
    sign_list_anew,
)


# --- receipts ------------------------------------------------------------------------------------------


def alter_receipt(work: Altering, data: bytes) -> bytes:
    return work.rand.choice(JSON_WAYS)(work.rand, data)


def lay_out_receipt(work: Altering, data: bytes) -> bytes:
    """Blanks, escapes and the order of keys, which mean nothing."""
    ways = ({"indent": 2}, {"ensure_ascii": True}, {"sort_keys": True}, {"separators": (" , ", "\r\n:\t")})
    return json.dumps(json.loads(data), **work.rand.choice(ways)).encode()


def alter_receipt_notes(work: Altering, data: bytes) -> bytes:
    document = json.loads(data)
    name = work.rand.choice(["checkpoint", "seal"])
    document[name] = alter_note(work.rand, document[name], work.key)
    return written(document)


def seal_anew(work: Altering, data: bytes) -> bytes:
    """Who holds the key changes something, and seals the receipt again."""
    rand, document = work.rand, json.loads(data)
    parts = [
        "awards",
        "account",
        "list",
        "events",
        "budget",
        "sharing",
        "factor",
        "enterprise",
        "year",
        "checkpoint",
    ]
    part = rand.choice(parts)
    if isinstance(document[part], dict | list):
        way = rand.choice((change_value, swap_values, cut_path))
        with contextlib.suppress(ValueError):
            document[part] = json.loads(way(rand, written(document[part])))
    else:
        document[part] = changed(rand, document[part])
    sealed = {name: value for name, value in document.items() if name not in ("marks", "seal")}
    marks = marks_of(sealed)
    place = document["enterprise"], document["policy"], document["year"]
    body = seal_body(*place, digest_of(sealed), digest_of(marks))
    document |= {"marks": marks, "seal": body + "\n" + work.key.sign(body)}
    return written(document)


RECEIPT_WAYS = (
    alter_receipt,
    alter_receipt,
    damage_file,
    edit_file,
    lay_out_receipt,
    alter_receipt_notes,
    seal_anew,
    seal_anew,
)


# --- bundles -------------------------------------------------------------------------------------------


def damage_member(work: Altering, members: Members) -> Members:
    name = work.rand.choice(list(members))
    return members | {name: work.rand.choice((flip_byte, drop_bytes))(work.rand, members[name])}


def alter_events(work: Altering, members: Members) -> Members:
    return members | {"events.ndjson": alter_lines(work.rand, members["events.ndjson"])}


def alter_awards(work: Altering, members: Members) -> Members:
    rows = members["awards.ndjson"]
    return members | {"awards.ndjson": alter_lines(work.rand, rows) if rows else b"{}\n"}


def alter_head(work: Altering, members: Members) -> Members:
    head = json.loads(members["bundle.json"])
    name = work.rand.choice(list(head))
    if name == "size":
        head["size"] += work.rand.choice([1, -1])
    elif name == "period":
        head["period"] = look_alike(work.rand, head["period"])
    else:
        head[name] = changed(work.rand, head[name])
    return members | {"bundle.json": written(head)}


def alter_head_text(work: Altering, members: Members) -> Members:
    ways = (repeat_key, spell_number, cut_path)
    return members | {"bundle.json": work.rand.choice(ways)(work.rand, members["bundle.json"])}


def alter_bundle_note(work: Altering, members: Members) -> Members:
    name = work.rand.choice([name for name in ("checkpoint", "seal") if name in members])
    return members | {name: alter_note(work.rand, members[name].decode(), work.key).encode()}


def pack_otherwise(work: Altering, members: Members) -> Members | list[tuple[str, bytes]]:
    """Members in another order, one too few, one too many, one twice, or under another name."""
    pairs = list(members.items())
    at = work.rand.randrange(len(pairs))
    name, data = pairs[at]
    ways = (
        work.rand.sample(pairs, len(pairs)),
        pairs[:at] + pairs[at + 1 :],
        [*pairs, ("more", b"")],
        [*pairs, (name, data)],
        [*pairs[:at], (name.upper(), data), *pairs[at + 1 :]],
    )
    return work.rand.choice(ways)


def seal_bundle_anew(work: Altering, members: Members) -> Members:
    """Who holds the key leaves out or moves events, or changes a figure, and seals the bundle again."""
    way = work.rand.choice((alter_events, alter_awards, alter_head))
    members = way(work, members)
    lines = [
        f"{name} {hashlib.sha256(members[name]).hexdigest()}\n"
        for name in ("bundle.json", "checkpoint", "events.ndjson", "awards.ndjson")
    ]
    body = "subsidy-audit-bundle/1\n" + "".join(lines)
    return members | {"seal": (body + "\n" + work.key.sign(body)).encode()}


def pay_from_life(work: Altering, members: Members) -> Members:
    """Another period, which is one that a policy may have."""
    return members | {"bundle.json": written(json.loads(members["bundle.json"]) | {"period": "life"})}


def sign_log_anew(work: Altering, members: Members) -> Members:
    """Who holds the key changes an event of an account behind the last closing, and signs the log again."""
    rand, leaves = work.rand, bytearray(members["leaves"])
    lines = members["events.ndjson"].removesuffix(b"\n").split(b"\n")
    events = [json.loads(line) for line in lines]
    policy = json.loads(members["bundle.json"])["policy"]
    own, closings = f"account:{policy}:", f"settlement:{policy}:"
    last = max(
        e["position"]
        for e in events
        if e["originator"].startswith(closings) and e["topic"].endswith(":SettlementClosed")
    )
    late = [n for n, e in enumerate(events) if e["originator"].startswith(own) and e["position"] > last]
    if not late:
        return damage_member(work, members)
    number = rand.choice(late)
    event = events[number]
    state = json.loads(base64.b64decode(event["state"]))
    name = rand.choice(
        ["amount_fen", "amount_fen", "payment", "clawback", "reference", "reason", "year", "into_year"]
    )
    if isinstance(state.get(name), int):
        state[name] += rand.choice([1, -1, -state[name], 10**9])
    elif name in state:
        state[name] = look_alike(rand, state[name])
    else:
        state["amount_fen"] -= 1
    raw = written(state)
    event["state"] = base64.b64encode(raw).decode()
    position = event["position"]
    place = position, event["originator"], event["version"], event["topic"]
    leaves[(position - 1) * HASH_BYTES : position * HASH_BYTES] = leaf_of(
        bytes.fromhex(event["salt"]), *place, raw
    )
    tree = Growing()
    for at in range(0, len(leaves), HASH_BYTES):
        tree.push(bytes(leaves[at : at + HASH_BYTES]))
    body = f"{work.key.name}\n{tree.size}\n{base64.b64encode(tree.root).decode()}\n"
    lines[number] = written(event)
    events_file = b"".join(line + b"\n" for line in lines)
    return members | {
        "leaves": bytes(leaves),
        "events.ndjson": events_file,
        "checkpoint": (body + "\n" + work.key.sign(body)).encode(),
    }


BundleWay = Callable[[Altering, Members], Members | list[tuple[str, bytes]]]
BUNDLE_WAYS: tuple[BundleWay, ...] = (
    damage_member,
    alter_events,
    alter_events,
    alter_awards,
    alter_head,
    alter_head_text,
    alter_bundle_note,
    pack_otherwise,
)
ENTERPRISE_WAYS: tuple[BundleWay, ...] = (seal_bundle_anew, seal_bundle_anew, seal_bundle_anew)
YEAR_WAYS: tuple[BundleWay, ...] = (sign_log_anew, sign_log_anew, sign_log_anew, pay_from_life)
