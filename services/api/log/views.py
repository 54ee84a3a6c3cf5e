"""The log: signed checkpoints, proofs and leaves, and histories step by step."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Response, current_app

from domain.log.entries import salt_of
from domain.log.notes import SignerKey
from ledger.audit import checkpoints
from ledger.audit.checkpoints import UnknownPosition
from ledger.audit.restores import read_restore_statements
from ledger.audit.rotation import prove_ends, public_keys, read_statements
from ledger.audit.steps import step_document
from ledger.reading.changes import steps_of
from ledger.reading.records import UnknownEnterprise
from ledger.store.application import Ledger
from ledger.store.log_tree import secret_of
from services.api.log.schemas import (
    CheckpointsSchema,
    ConsistencySchema,
    KeysSchema,
    LeafSchema,
    ProofSchema,
)
from services.api.paging import PageAnswer, page
from services.api.resource import Resource, ledger
from services.web.fields import POSITION_MAX, Cursor, Number, Query, limit_field
from services.web.looking import enterprise_in, tells_of
from services.web.problems import Problem

TEXT, STREAM = "text/plain", "application/x-ndjson"

blueprint = Resource("log", __name__, "/v1", "日志与证明 · the log and its proofs")


class ProofQuery(Query):
    """In the log of which size."""

    size = Number(1, POSITION_MAX)


class ConsistencyQuery(Query):
    """From which size to which."""

    first = Number(1, POSITION_MAX, required=True)
    second = Number(1, POSITION_MAX, required=True)


class KeysQuery(Query):
    """Whose checkpoint is to be verified by a key that was replaced since."""

    proving = Number(1, POSITION_MAX)


class CheckpointsQuery(Query):
    """Which checkpoints."""

    cursor = Cursor("checkpoints", int)
    limit = limit_field()


def signer() -> SignerKey:
    """The key that signs: the one of the settings, or the one beside the database."""
    return checkpoints.load_or_make_key(key_file())


def key_file() -> Path:
    """Where the signing key stands."""
    return Path(current_app.config["SIGNING_KEY"])


@blueprint.reads("/log/checkpoint", "最新检查点", Query, None, TEXT)
def checkpoint(_: dict[str, Any]) -> Response:
    """Sign for everything recorded so far."""
    return Response(checkpoints.current(ledger(), signer()), mimetype=TEXT)


@blueprint.reads("/log/checkpoints", "已留存的检查点", CheckpointsQuery, CheckpointsSchema)
def kept_checkpoints(query: dict[str, Any]) -> PageAnswer:
    """List the checkpoints that are kept, with their witnesses' signatures, by size."""
    (after,) = query.get("cursor", (-1,))
    with ledger().store.reading() as rows:
        checkpoint_rows = checkpoints.list_checkpoints(rows, after, query["limit"] + 1)
    items = [{"size": size, "made_at": made_at, "note": note} for size, made_at, note in checkpoint_rows]
    return page(items, query["limit"], ("checkpoints", "size"), {})


@blueprint.reads("/log/keys", "验证检查点的公钥", KeysQuery, KeysSchema)
def keys(query: dict[str, Any]) -> dict[str, Any]:
    """Give the public keys that verify the checkpoints, those that were replaced with their ends.

    Compare them with a copy got elsewhere.
    """
    file = key_file()
    public = public_keys(file, signer().verifier)
    with ledger().store.reading() as rows:
        proofs = prove_ends(rows, public, query["proving"]) if "proving" in query else []
    statements = [*read_statements(file), *read_restore_statements(file)]
    return {"keys": [str(key) for key in public], "proofs": proofs, "statements": statements}


@blueprint.reads("/log/proofs/<position>", "一条数据在日志中的证明", ProofQuery, ProofSchema)
def proof(query: dict[str, Any], position: int) -> dict[str, Any]:
    """Prove that the event at a position is in the log."""
    with ledger().store.reading() as rows:
        try:
            inclusion = checkpoints.prove_inclusion(rows, position, query.get("size"))
        except UnknownPosition:
            raise Problem("position-unknown") from None
    path = [each.hex() for each in inclusion.path]
    return {"position": position, "size": inclusion.size, "leaf": inclusion.leaf.hex(), "path": path}


@blueprint.reads("/log/consistency", "两个检查点之间的一致性证明", ConsistencyQuery, ConsistencySchema)
def consistency(query: dict[str, Any]) -> dict[str, Any]:
    """Prove that the log of one size is the beginning of the log of another."""
    with ledger().store.reading() as rows:
        try:
            path = checkpoints.prove_consistency(rows, query["first"], query["second"])
        except UnknownPosition:
            raise Problem("position-unknown") from None
    return {**query, "path": [each.hex() for each in path]}


@blueprint.reads("/log/events/<position>", "一条数据的存储原文", Query, LeafSchema)
def leaf(_: dict[str, Any], position: int) -> dict[str, Any]:
    """Give what the leaf of an event is hashed from, with its salt."""
    with ledger().store.reading() as rows:
        try:
            originator, version, topic, state = checkpoints.entry_at(rows, position)
        except UnknownPosition:
            raise Problem("position-unknown") from None
        salt = salt_of(secret_of(rows), position)
    tells_of(enterprise_in(originator))
    named = {"position": position, "originator": originator, "version": version, "topic": topic}
    return {**named, "salt": salt.hex(), "state": base64.b64encode(state).decode()}


@blueprint.reads("/enterprises/<code>/history", "逐步的历史", Query, None, STREAM)
def history(_: dict[str, Any], code: str) -> Response:
    """Stream a history: each event, what it changed, and the balances after; one JSON object a line."""
    with ledger().store.reading() as rows:
        if not rows.all("SELECT 1 FROM stored_events WHERE originator_id=? LIMIT 1", [code]):
            raise UnknownEnterprise(code)
    return Response(_steps(ledger(), code), mimetype=STREAM)


def _steps(opened: Ledger, code: str) -> Iterator[str]:
    with opened.store.reading() as rows:
        for step in steps_of(rows, code, rows.last_position()):
            yield json.dumps(step_document(step), ensure_ascii=False) + "\n"
