"""A year's settlement: propose, publish, object, close; and what late facts would change."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Response, current_app

from domain.money.amounts import print_fen
from domain.money.wire import currency_form
from domain.settlement.open_matters import SETTLED_BY
from domain.settlement.year import Settlement
from ledger.intake.messages.fields import Choice, CreditCode
from ledger.policies.versions import rulebook
from ledger.projections.closings import must_be_closed, settlement_of
from ledger.settlement import adjusting, closing, proposing, published
from ledger.settlement.files import write_list, write_summary
from ledger.settlement.open_matters import Acknowledging, read_open_matters
from ledger.settlement.overpaid import list_overpayments
from ledger.store.rows import Rows
from services.api.log import views as log
from services.api.paging import PageAnswer, page
from services.api.resource import Resource, ledger
from services.api.settlements.document import (
    adjustment_documents,
    overpayment_document,
    settlement_document,
)
from services.api.settlements.open_matters import open_matters_document, read_acknowledging
from services.api.settlements.schemas import (
    AcknowledgingBody,
    AdjustmentBody,
    AdjustmentSchema,
    LinesSchema,
    ObjectionBody,
    OpenMattersSchema,
    OverpaymentsSchema,
    PendingPageSchema,
    ResolutionBody,
    SettlementSchema,
)
from services.api.waiting.schemas import WaitingStepSchema
from services.web.fields import Cursor, Query, limit_field
from services.web.identity.gate import requester

YEAR = "/<policy>/years/<year>"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
blueprint = Resource("settlements", __name__, "/v1/policies", "年度兑现 · a year's settlement")


@blueprint.reads(f"{YEAR}/settlement", "年度兑现的状态", Query, SettlementSchema)
def settlement(_: dict[str, Any], policy: str, year: int) -> dict[str, Any]:
    """Say where a year's settlement stands."""
    with ledger().store.reading() as rows:
        rulebook(rows, policy)
        return settlement_document(rows, settlement_of(rows, policy, year))


class OpenMattersQuery(Query):
    """Of which step it is asked."""

    step = Choice(*SETTLED_BY)


@blueprint.reads(f"{YEAR}/open-matters", "未了事项", OpenMattersQuery, OpenMattersSchema)
def open_matters(query: dict[str, Any], policy: str, year: int) -> dict[str, Any]:
    """List what of a year and the years before it is open, or must be acknowledged before a step."""
    with ledger().store.reading() as rows:
        acknowledged = settlement_of(rows, policy, year).acknowledgements
        listed = read_open_matters(ledger(), rows, policy, year, query.get("step", ""))
        return open_matters_document(listed, acknowledged)


class LinesQuery(Query):
    """Which part of a year's list."""

    enterprise = CreditCode()
    cursor = Cursor("lines", str, str, int)
    limit = limit_field()


@blueprint.reads(f"{YEAR}/settlement/lines", "兑现名单", LinesQuery, LinesSchema)
def lines(query: dict[str, Any], policy: str, year: int) -> PageAnswer:
    """List the awards of the proposed, published or closed list."""
    where, values = "", list[Any]()
    if "enterprise" in query:
        where, values = " AND code=?", [query["enterprise"]]
    if "cursor" in query:
        where += " AND (code, measure, award_year)>(?,?,?)"
        values += query["cursor"]
    names = ("enterprise", "measure", "award_year", "pot", "gross", "withheld", "reduction", "payable")
    sql = (
        "SELECT code, measure, award_year, pot, gross, withheld, reduction, payable FROM settlement_lines "
        f"WHERE policy=? AND year=?{where} ORDER BY code, measure, award_year LIMIT ?"
    )
    with ledger().store.reading() as rows:
        rulebook(rows, policy)
        found = rows.all(sql, [policy, year, *values, query["limit"] + 1])
    items = [dict(zip(names, [*row[:4], *map(print_fen, row[4:])], strict=True)) for row in found]
    return page(items, query["limit"], ("lines", "enterprise", "measure", "award_year"))


@blueprint.reads(f"{YEAR}/settlement/list.xlsx", "公示名单（表格）", Query, media_type=XLSX)
def list_xlsx(_: dict[str, Any], policy: str, year: int) -> Response:
    """Give the public list as a workbook, with what the policy masks masked."""
    return _file(write_list, policy, year, ".xlsx", XLSX)


@blueprint.reads(f"{YEAR}/settlement/list.csv", "公示名单（CSV）", Query, media_type="text/csv")
def list_csv(_: dict[str, Any], policy: str, year: int) -> Response:
    """Give the public list as CSV, with what the policy masks masked."""
    return _file(write_list, policy, year, ".csv", "text/csv")


@blueprint.reads(
    f"{YEAR}/settlement/list.ndjson", "公示名单数据（可自行核验）", Query, media_type="application/x-ndjson"
)
def list_ndjson(_: dict[str, Any], policy: str, year: int) -> Response:
    """Give the published list as data, signed, from which anyone can work out every payment."""

    def write(_: Any, rows: Rows, policy: str, year: int, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as out:
            published.write_published_list(rows, policy, year, out, log.signer())

    return _file(write, policy, year, ".ndjson", "application/x-ndjson")


@blueprint.reads(f"{YEAR}/settlement/summary.xlsx", "资金汇总表", Query, media_type=XLSX)
def summary_xlsx(_: dict[str, Any], policy: str, year: int) -> Response:
    """Give the summary for the finance bureau as a workbook."""
    return _file(write_summary, policy, year, ".xlsx", XLSX)


def _file(write: Callable[..., Any], policy: str, year: int, suffix: str, media_type: str) -> Response:
    """A file of a settlement, written aside and sent whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{policy}-{year}{suffix}"
        with ledger().store.reading() as rows:
            write(ledger(), rows, policy, year, path)
        response = current_app.response_class(path.read_bytes(), mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
    return response


def _acknowledging(body: dict[str, Any]) -> Acknowledging | None:
    return read_acknowledging(body["acknowledges"], body["reason"])


def _document(state: Settlement) -> dict[str, Any]:
    with ledger().store.reading() as rows:
        return settlement_document(rows, state)


@blueprint.writes(
    "POST", f"{YEAR}/settlement/proposal", "拟定名单", {200: SettlementSchema}, body=AcknowledgingBody
)
def propose(body: dict[str, Any], policy: str, year: int) -> Any:
    """Work out the exact apportionment of all that is known now, and propose the list."""
    return _document(proposing.propose(ledger(), policy, year, requester(), _acknowledging(body)))


@blueprint.writes(
    "POST",
    f"{YEAR}/settlement/publication",
    "公示",
    {200: SettlementSchema, 202: WaitingStepSchema},
    body=AcknowledgingBody,
)
def publish(body: dict[str, Any], policy: str, year: int) -> Any:
    """Publish the proposed list for objections, from today."""
    return _document(proposing.publish(ledger(), policy, year, requester(), _acknowledging(body)))


@blueprint.writes(
    "POST", f"{YEAR}/settlement/objections", "提出异议", {200: SettlementSchema}, body=ObjectionBody
)
def object_to(body: dict[str, Any], policy: str, year: int) -> Any:
    """Object to the published list."""
    return _document(
        proposing.raise_objection(ledger(), policy, year, requester(), body["enterprise"], body["reason"])
    )


@blueprint.writes(
    "POST",
    f"{YEAR}/settlement/objections/<objection>/resolution",
    "处理异议",
    {200: SettlementSchema},
    body=ResolutionBody,
)
def resolve(body: dict[str, Any], policy: str, year: int, objection: str) -> Any:
    """Uphold an objection, so that the list must be proposed again, or dismiss it."""
    return _document(
        proposing.resolve_objection(
            ledger(), policy, year, requester(), objection, body["outcome"], body["reason"]
        )
    )


@blueprint.writes(
    "POST",
    f"{YEAR}/settlement/closing",
    "办结",
    {200: SettlementSchema, 202: WaitingStepSchema},
    body=AcknowledgingBody,
)
def close(body: dict[str, Any], policy: str, year: int) -> Any:
    """Make the published list final; every payment is frozen, all of them or none."""
    return _document(closing.close(ledger(), policy, year, requester(), _acknowledging(body)))


class PendingQuery(Query):
    """Which part of the proposed adjustments."""

    enterprise = CreditCode()
    cursor = Cursor("adjustments", str)
    limit = limit_field()


@blueprint.reads(f"{YEAR}/adjustments", "待调整事项", PendingQuery, PendingPageSchema)
def adjustments(query: dict[str, Any], policy: str, year: int) -> PageAnswer:
    """List what late facts would change in a closed year's awards; an enterprise's stand on one page."""
    after = query["cursor"][0] if "cursor" in query else ""
    with ledger().store.reading() as rows:
        rulebook(rows, policy)
        must_be_closed(rows, policy, year)
        adjustments = adjusting.pending(
            rows, policy, year, query.get("enterprise"), after, query["limit"] + 1
        )
        items = adjustment_documents(rows, policy, year, adjustments)
    count = adjusting.whole_enterprises(adjustments, query["limit"])
    return page(items, count, ("adjustments", "enterprise"))


class OverpaymentsQuery(Query):
    """Which part of what was paid too much."""

    enterprise = CreditCode()
    cursor = Cursor("overpayments", str)
    limit = limit_field()


@blueprint.reads(f"{YEAR}/overpayments", "多付与追回", OverpaymentsQuery, OverpaymentsSchema)
def overpayments(query: dict[str, Any], policy: str, year: int) -> PageAnswer:
    """List what late facts lowered after it was paid: what was paid too much, ordered back and recovered."""
    after = query["cursor"][0] if "cursor" in query else ""
    code, limit = query.get("enterprise"), query["limit"]
    with ledger().store.reading() as rows:
        paid_in = currency_form(rulebook(rows, policy).latest.currency)
        overpayments = list_overpayments(rows, policy, year, code, after, limit + 1)
    items = [overpayment_document(each) for each in overpayments]
    count = adjusting.whole_enterprises(overpayments, limit)
    return page(items, count, ("overpayments", "enterprise"), paid_in)


@blueprint.writes(
    "POST",
    f"{YEAR}/adjustments",
    "接受调整",
    {201: AdjustmentSchema, 202: WaitingStepSchema},
    body=AdjustmentBody,
)
def accept(body: dict[str, Any], policy: str, year: int) -> Any:
    """Accept what late facts add to a closed year's award into an open year's budget."""
    name, _ = adjusting.accept(
        ledger(),
        policy,
        year,
        body["enterprise"],
        body["measure"],
        body["into_year"],
        requester(),
        body["amount_fen"],
        body["reason"],
    )
    said = {name: body[name] for name in ("enterprise", "measure", "into_year")}
    return {"adjustment": name, "year": year, "amount": print_fen(body["amount_fen"]), **said}, 201, {}
