"""Test vectors of the formats: inputs, and the bytes, hashes and verdicts that the product gives for them.

Everything is fixed, keys too, so that a vector changes only where a format does; a test holds the
digest of each file.
"""

from __future__ import annotations

import hashlib
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from domain.events import CATALOGUE, STATES, topic_of
from domain.events.content import Content
from domain.events.event import Capacity, Event, Speaker
from domain.events.stored import state_of
from domain.log.entries import entry_of, leaf_of
from domain.log.merkle import (
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of,
)
from domain.log.notes import COSIGNATURE_V1, Checkpoint, KeyEnd, SignerKey, VerifierKey
from domain.log.statements import write_key_statement, write_proof
from domain.money.amounts import apportion
from domain.settlement.public_list import COLUMNS, FORMAT, MARK_DIGITS, encoded, note_body
from domain.settlement.receipt import canonical, digest_of, marks_of
from domain.settlement.year import SettledLine, line_bytes

SALT = bytes(range(16))
KEY = SignerKey("ledger.example/log", bytes(range(32)))
LATER_KEY = SignerKey("ledger.example/log", bytes(range(32, 64)))
WITNESS = SignerKey("audit.example/witness", bytes(range(64, 96)), COSIGNATURE_V1)
COSIGNED_AT = 1_735_689_600
MOMENT = "2025-01-01T00:00:00.000000Z"
ORIGINATOR = "91330282MA00001215"
EARLIER_FORMS: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "SalesReported": (("customs_code", "amount_fen"), {"amount": "12.50"}),
    "SettlementProposed": (("budgets", "pots"), {}),
    "SettlementPublished": (("list_root", "list_lines"), {}),
    "SettlementClosed": (("budgets", "pots"), {}),
}
"""Of each kind that has an earlier version: what that one lacked, and what it had instead."""


def leaves() -> list[dict[str, object]]:
    """A leaf of every kind of event, of every stored version, and with all that an envelope may hold.

    New kinds come last, so that the vectors before them stay.
    """
    vectors: list[dict[str, object]] = []
    for number, (name, kind) in enumerate(CATALOGUE.items(), 1):
        states = {kind.class_version: state_of(_event(kind), MOMENT)}
        if name in EARLIER_FORMS:
            states[1] = _earlier(name, states[kind.class_version])
        vectors += [_leaf(name, version, number, state) for version, state in sorted(states.items())]
    said = _event(CATALOGUE["BudgetSet"])
    spoken = msgspec.structs.replace(
        said,
        said_by=Speaker(issuer="https://id.example", subject="7f3a", name="林"),
        acting_as=Capacity(role="officer", proposed_by=Speaker(issuer="os", subject="1000", name="Chen")),
        written={"id": "Ａ-1"},
    )
    return [vectors[0], _leaf("BudgetSet", 1, 2**40 + 1, state_of(spoken, MOMENT)), *vectors[1:]]


def _leaf(name: str, class_version: int, position: int, state: bytes) -> dict[str, object]:
    place = SALT, position, ORIGINATOR, 1, topic_of(name), state
    STATES.read_event(topic_of(name), state)
    return {
        "salt": SALT.hex(),
        "position": position,
        "version": 1,
        "originator": ORIGINATOR,
        "topic": topic_of(name),
        "class_version": class_version,
        "state": state.decode(),
        "entry": entry_of(*place).hex(),
        "leaf": leaf_of(*place).hex(),
    }


def _earlier(name: str, state: bytes) -> bytes:
    """A state as version 1 of its kind was stored."""
    lacking, instead = EARLIER_FORMS[name]
    values = {key: value for key, value in msgspec.json.decode(state).items() if key not in lacking}
    del values["class_version"]
    return msgspec.json.encode(values | instead)


def _event(kind: type[Content]) -> Event:
    return Event(_example_of(kind, ""), "urn:example:source", "2024-000001", MOMENT)


def _example_of(hint: Any, field: str) -> Any:
    """A value of a type, the same one each time."""
    if hint is str:
        return f"{field or 'text'}-文"
    if hint in (int, bool):
        return hint(len(field))
    if isinstance(hint, type):
        hints = typing.get_type_hints(hint)
        names: tuple[str, ...] = getattr(hint, "__struct_fields__", ()) or getattr(hint, "_fields", ())
        return hint(**{name: _example_of(hints[name], name) for name in names})
    parts = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return (_example_of(parts[0], field),)
    if origin is dict:
        return {"on": "2024-03-01", "floor_area_m2": None}
    assert origin in (typing.Union, types.UnionType), hint
    return _example_of(parts[0], field)


def trees() -> list[dict[str, object]]:
    """Roots over 0 to 9 leaves, with every proof of inclusion and of consistency."""
    hashes = [leaf_hash(bytes([number])) for number in range(9)]

    def node(level: int, index: int) -> bytes:
        return root_of(hashes[index << level : (index + 1) << level])

    return [
        {
            "entries": [f"{number:02x}" for number in range(size)],
            "root": root_of(hashes[:size]).hex(),
            "inclusion": [[each.hex() for each in inclusion_path(i, size, node)] for i in range(size)],
            "consistency": {
                str(first): [each.hex() for each in consistency_path(first, size, node)]
                for first in range(1, size + 1)
            },
        }
        for size in range(10)
    ]


def notes() -> dict[str, object]:
    """Keys, a checkpoint signed and cosigned, a key's end, and the statement of a rotation."""
    checkpoint = Checkpoint(KEY.name, 9, root_of([leaf_hash(bytes([number])) for number in range(9)]))
    end = KeyEnd(checkpoint.size, checkpoint.root)
    ended = VerifierKey(KEY.name, KEY.verifier.algorithm, KEY.verifier.public, end)
    cosigned = WITNESS.cosign(checkpoint.body, COSIGNED_AT)
    note = checkpoint.body + "\n" + KEY.sign(checkpoint.body) + cosigned
    return {
        "keys": [
            {
                "name": key.name,
                "algorithm": key.algorithm,
                "seed": key.seed.hex(),
                "public": key.verifier.public.hex(),
                "key_id": key.verifier.key_id.hex(),
                "vkey": str(key.verifier),
            }
            for key in (KEY, LATER_KEY, WITNESS)
        ],
        "checkpoint": {"body": checkpoint.body, "note": note, "cosigned_at": COSIGNED_AT},
        "ended_key": str(ended),
        "proof_line": write_proof(6, 9, [bytes.fromhex(each) for each in _path(6, 9)]),
        "rotation": write_key_statement(checkpoint, end, KEY, LATER_KEY),
    }


def _path(first: int, second: int) -> list[str]:
    consistency: Any = trees()[second]["consistency"]
    path: list[str] = consistency[str(first)]
    return path


CANONICAL: tuple[Any, ...] = (
    {"b": 1, "a": [], "é": "中文", "A": {"/~": None}},
    [],
    {},
    [{"x": "1234.50", "y": [True, False]}],
    '\u007f\u2028\t"\\',
)
REFUSED = {
    '{"a":1,"a":1}': "a key twice",
    '{"a":1,"\\u0061":2}': "a key twice, spelt otherwise",
    "[1.0]": "a fraction",
    "[1e3]": "an exponent",
    "[-0]": "minus nought",
    "[9007199254740992]": "above 2^53 - 1",
    "[01]": "a leading nought",
    '["\\ud800"]': "half a character",
    "[NaN]": "no JSON",
    "[1,]": "no JSON",
    '["\t"]': "a control character in text",
    "": "nothing",
    "[1] [2]": "two values",
}


def values() -> dict[str, object]:
    """Canonical JSON with its digests and marks, and texts that must be refused."""
    return {
        "canonical": [
            {"value": value, "bytes": canonical(value).hex(), "digest": digest_of(value)}
            for value in CANONICAL
        ],
        "marks": {
            "value": CANONICAL[0],
            "marks": marks_of({"b": 1, "a": [], "é": "中文", "A": {"/~": None}}),
        },
        "refused": [{"text": text, "why": why} for text, why in REFUSED.items()],
    }


DIVISIONS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (100, (50, 50)),
    (100, (50, 50, 50)),
    (1, (1, 1, 1)),
    (0, (5, 7)),
    (1_000_000_007, (999_999_937, 3, 999_999_937, 0)),
    (5 * 10**13, (10**14 - 1, 10**14 - 1)),
)


def divisions() -> list[dict[str, object]]:
    """A budget divided by the largest remainder; of equal remainders the first come gets the fen."""
    vectors: list[dict[str, object]] = []
    for budget, bases in DIVISIONS:
        keyed = [((f"{number:04d}",), fen) for number, fen in enumerate(bases)]
        shares = apportion(keyed, budget)
        cut = {"cut_remainder": str(shares.cut_remainder), "cut_key": list(shares.cut_key)}
        paid = [shares.share(fen, key) for key, fen in keyed]
        vectors.append({"budget": budget, "bases": list(bases), "shares": paid, **cut})
    return vectors


def public_list() -> dict[str, object]:
    """A list of two awards, its digest, its root, and the whole file."""
    lines = [
        SettledLine(ORIGINATOR, "store.jd", 2024, 500_000, 0, 333_333, 166_667),
        SettledLine(ORIGINATOR, "store.tmall", 2024, 1_000_000, 0, 666_667, 333_333),
    ]
    digested = b"".join(map(line_bytes, lines))
    digest = hashlib.sha256(digested).hexdigest()
    texts = [encoded(_list_head(digest)), *(_list_line(number, line) for number, line in enumerate(lines, 1))]
    leaf_hashes = [leaf_hash(text.encode()) for text in texts]
    root = root_of(leaf_hashes).hex()
    body = note_body("example-2024", 2024, 1, len(texts), root, 41, MOMENT)
    proof = {"lines": len(texts), "root": root, "position": 41, "published": MOMENT}
    marks = "".join(each.hex()[:MARK_DIGITS] for each in leaf_hashes)
    proof |= {"note": body + "\n" + KEY.sign(body), "marks": marks}
    return {
        "digest_bytes": digested.decode(),
        "digest": digest,
        "leaves": [each.hex() for each in leaf_hashes],
        "root": root,
        "key": str(KEY.verifier),
        "file": "".join(f"{text}\n" for text in [*texts, encoded(proof)]),
    }


def _list_head(digest: str) -> dict[str, object]:
    named = {"format": FORMAT, "policy": "example-2024", "title": "示例政策", "document": "示例〔2024〕1号"}
    sums = {"budget": 500_000, "sharing": 1_500_000, "pots": [["", 500_000, 1_500_000]], "gross": 1_500_000}
    sums |= {"withheld": 0, "payable": 500_000, "enterprises": 1, "awards": 2, "digest": digest}
    head = {**named, "issuer": "示例局", "year": 2024, "number": 1, "known": 39, "currency": "CNY"}
    return {**head, "unit": "hundredths", **sums, "instrument": "grant", "mask": [], "columns": list(COLUMNS)}


def _list_line(number: int, line: SettledLine) -> str:
    named = (number, line.code, "示例公司", "古塘街道", "small", "5292", "二", line.measure, "示例奖励")
    sums = (line.award_year, line.pot, line.gross, line.withheld, line.gross, line.reduction, line.payable)
    return encoded([*named, *sums])


def vector_files() -> Iterator[tuple[str, object]]:
    """Every file of vectors by its name."""
    yield "leaves", leaves()
    yield "trees", trees()
    yield "notes", notes()
    yield "values", values()
    yield "divisions", divisions()
    yield "list", public_list()
