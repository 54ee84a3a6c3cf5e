"""Policies: adopting a version, reading it as data or as the file, setting a period's budget."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from domain.faults.fault import Fault
from domain.money.amounts import print_fen
from domain.policy.load import POLICY_BYTES_MAX
from ledger.policies.versions import UnknownPeriod, adopt_policy, rulebook, rulebook_at, rulebooks, set_budget
from ledger.store.rows import Rows, read_row
from services.api.policies.documents import policy_document
from services.api.policies.schemas import (
    AdoptedSchema,
    BudgetBody,
    BudgetSetSchema,
    PoliciesSchema,
    PolicySchema,
)
from services.api.resource import Resource, body_bytes, ledger
from services.api.waiting.schemas import WaitingStepSchema
from services.web.fields import POSITION_MAX, Query, When, moment_of
from services.web.identity.gate import requester
from services.web.problems import Problem

YAML_TYPES = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
YAML_BODY = {
    "required": True,
    "content": {name: {"schema": {"type": "string", "maxLength": POLICY_BYTES_MAX}} for name in YAML_TYPES},
}

blueprint = Resource("policies", __name__, "/v1/policies", "政策 · policies as data")


class PoliciesQuery(Query):
    """Which policies the ledger knew when."""

    as_known = When(metadata={"description": "账本当时已知 · what the ledger knew by then"})


class PolicyQuery(PoliciesQuery):
    """Which version of a policy was in force when."""

    rules_as_of = When(metadata={"description": "当日已生效的政策 · rules in force by that day"})


@blueprint.reads("", "全部政策", PoliciesQuery, PoliciesSchema)
def every_policy(query: dict[str, Any]) -> dict[str, Any]:
    """List the policies of the ledger."""
    with ledger().store.reading() as rows:
        until = moment_of(rows, query).until
        books = rulebooks(rows, until)
        items = [
            {"policy": name, "title": dict(book.latest.title), "versions": _versions(rows, name, until)}
            for name, book in books.items()
        ]
    return {"items": items}


@blueprint.reads("/<policy>", "一项政策的内容与版本", PolicyQuery, PolicySchema)
def one_policy(query: dict[str, Any], policy: str) -> dict[str, Any]:
    """Give a policy: its versions, and the latest with readings, measures, clauses and targets."""
    with ledger().store.reading() as rows:
        at = moment_of(rows, query)
        book = rulebook_at(rows, policy, at)
        known = {version.version for version in book.versions}
        versions = [v for v in _versions(rows, policy, at.until) if v["version"] in known]
    return policy_document(book.latest, versions)


def _versions(rows: Rows, policy: str, until: int | None) -> list[dict[str, Any]]:
    sql = (
        "SELECT version, digest, effective_from, position FROM policies "
        "WHERE policy=? AND position<=? ORDER BY version"
    )
    return [
        {
            "version": version,
            "digest": digest,
            "effective_from": effective_from,
            "position": position,
            "document": f"/v1/policies/{policy}/versions/{version}/document",
        }
        for version, digest, effective_from, position in rows.all(
            sql, [policy, POSITION_MAX if until is None else until]
        )
    ]


@blueprint.reads(
    "/<policy>/versions/<version>/document", "政策文件原文", Query, media_type="application/yaml"
)
def document(_: dict[str, Any], policy: str, version: int) -> Response:
    """Give the file of one version, byte for byte as it was adopted."""
    with ledger().store.reading() as rows:
        rulebook(rows, policy)
        row = read_row(rows, "SELECT document FROM policies WHERE policy=? AND version=?", [policy, version])
    if row is None:
        raise Problem("version-unknown", named=policy)
    return current_app.response_class(row[0], mimetype="application/yaml")


@blueprint.writes(
    "POST",
    "",
    "纳入政策文件",
    {200: AdoptedSchema, 201: AdoptedSchema, 202: WaitingStepSchema},
    request_body=YAML_BODY,
)
def adopt() -> Any:
    """Adopt a policy file, or a new version of one; the same file again changes nothing."""
    policy, new = adopt_policy(ledger(), _yaml_text(), requester())
    body = {
        "policy": policy.id,
        "version": policy.version,
        "digest": policy.digest,
        "effective_from": policy.effective_from,
        "new": new,
    }
    return body, 201 if new else 200, {"Location": f"/v1/policies/{policy.id}"}


def _yaml_text() -> str:
    """The body as text."""
    body = body_bytes(YAML_TYPES)
    if len(body) > POLICY_BYTES_MAX:
        raise Problem("body-large", [Fault("body.large", "file", {"limit": POLICY_BYTES_MAX})])
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("policy-refused", [Fault("text.utf8", "file", {"line": 1})]) from None
    return text


@blueprint.writes(
    "PUT",
    "/<policy>/budgets/<period>",
    "设定一个预算期的预算",
    {200: BudgetSetSchema, 202: WaitingStepSchema},
    body=BudgetBody,
)
def budget(body: dict[str, Any], policy: str, period: str) -> Any:
    """Set the budget of a period; the same figure again changes nothing."""
    whole, _, _ = period.partition(".")
    year = whole.isascii() and whole.isdigit() and len(whole) == 4 and 2000 <= int(whole) <= 2100
    if not year and whole != "life":
        raise Problem("period-unknown")
    with ledger().store.reading() as rows:
        paid_in = rulebook(rows, policy).latest.currency
    if body["currency"] != paid_in:
        raise Problem("request-invalid", [Fault("currency.wrong", "currency", {"wanted": paid_in})])
    try:
        found = set_budget(ledger(), policy, period, body["amount_fen"], actor=requester())
    except UnknownPeriod:
        raise Problem("period-unknown") from None
    return {
        "policy": policy,
        "period": found.period,
        "amount": print_fen(found.appropriation),
        "currency": paid_in,
        "position": found.position,
    }
