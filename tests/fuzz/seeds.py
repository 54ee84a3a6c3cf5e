"""Where fuzzing begins: right inputs of every kind, and those that were once found to be wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from domain.log.notes import SignerKey
from ledger.audit import bundle, checkpoints
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from services.sample.city import city
from services.sample.policy import policy_text
from tests.events import EXAMPLES

FOUND = Path(__file__).parent / "found"
RESULTS = b"payment,status,amount,on,reference,reason\n2024-001-9133,made,12.00,2025-04-01,R1,\n"
PAYEES = "统一社会信用代码,户名,账号,行号\n91330282MA0000001D,甲,6222000011112222,102332000019\n".encode()


def seeds(target: str) -> Iterator[bytes]:
    """Inputs to begin with."""
    yield from (path.read_bytes() for path in sorted((FOUND / target).glob("*")))
    if target == "policy":
        yield policy_text().encode()
        yield from (text.encode() for text in EXAMPLES.values())
    elif target == "bundle":
        yield from _bundles()
    elif target == "files":
        yield from (RESULTS, PAYEES)
    else:
        for number, message in enumerate(islice(city(30, seed=5), 200)):
            yield bytes([number % 256]) + message if target == "kafka" else message


def _bundles() -> Iterator[bytes]:
    folder = Path(tempfile.mkdtemp(prefix="seed-"))
    ledger = open_ledger(str(folder / "l.db"))
    adopt_policy(ledger, policy_text())
    for _ in ingest_all(ledger, islice(city(6, seed=5), 40), "file"):
        pass
    key: SignerKey = checkpoints.load_or_make_key(folder / "l.key")
    note = checkpoints.current(ledger, key)
    with ledger.store.reading() as rows:
        size = rows.last_position()
        code = rows.all("SELECT code FROM enterprises ORDER BY code LIMIT 1")[0][0]
    bundle.write_year(ledger, folder / "year.zip", "cixi-ecommerce-2024", 2024, note, size)
    bundle.write_enterprise(ledger, folder / "one.zip", code, "cixi-ecommerce-2024", 2024, note, size, key)
    yield (folder / "year.zip").read_bytes()
    yield (folder / "one.zip").read_bytes()
    ledger.close()
