"""Enterprises: balances, explanations, what could still be earned, and history."""

from __future__ import annotations

from typing import Any

from domain.money.wire import currency_form, wire_form
from domain.policy.check import TOWN_LENGTH_MAX
from domain.policy.rulebook import NoRules
from ledger.intake.messages.fields import Text
from ledger.policies.versions import rulebook_at, rulebooks
from ledger.reading.balances import Balance, read_balance
from ledger.reading.enterprises import list_enterprises, list_enterprises_at
from ledger.reading.explained import Explanation, Outlook
from ledger.reading.explanations import explain_awards, read_outlook
from ledger.reading.records import UnknownEnterprise, count_events, read_awards, read_facts, read_position
from ledger.reading.search import Search
from ledger.store.moments import Moment
from ledger.store.rows import Rows
from ledger.store.stored_events import stored
from services.api.enterprises.schemas import (
    BalanceSchema,
    EnterpriseSchema,
    EnterprisesSchema,
    ExplanationSchema,
    HistorySchema,
    OutlookSchema,
)
from services.api.paging import PageAnswer, linked, page
from services.api.resource import Resource, ledger
from services.api.wire import event_document
from services.web.fields import (
    POSITION_MAX,
    Cursor,
    Moments,
    Query,
    When,
    YearOfAwards,
    cursor_text,
    limit_field,
    moment_of,
)

SUMS = ("gross", "withheld", "eligible", "reduction", "payable")

blueprint = Resource("enterprises", __name__, "/v1/enterprises", "企业 · enterprises")


class EnterprisesQuery(Moments):
    """Which enterprises, and which policy and year the sums are of."""

    policy = Text(required=True)
    year = YearOfAwards(required=True)
    q = Text(
        metadata={
            "description": "企业名称的一部分，或信用代码的开头 · part of a name, or how a credit code begins"
        }
    )
    town = Text(
        TOWN_LENGTH_MAX, metadata={"description": "镇或街道的全称 · the whole name of a town or street"}
    )
    cursor = Cursor("enterprises", str)
    limit = limit_field()


class HistoryQuery(Query):
    """Which part of a history."""

    as_known = When(metadata={"description": "账本当时已知 · what the ledger knew by then"})
    cursor = Cursor("events", int)
    limit = limit_field()


@blueprint.reads("", "企业名单与年度合计", EnterprisesQuery, EnterprisesSchema)
def enterprises(query: dict[str, Any]) -> PageAnswer:
    """List enterprises in order of credit code, or those that a search finds, with their sums of a year."""
    policy, year, limit = query["policy"], query["year"], query["limit"]
    (after,) = query.get("cursor", ("",))
    search = Search(query.get("q", ""), query.get("town", ""))
    with ledger().store.reading() as rows:
        at = moment_of(rows, query)
        book = rulebook_at(rows, policy, at)
        extra = {"policy": policy, "year": year, "position": read_position(rows, at)}
        if at.is_now:
            lines, passed = list_enterprises(rows, policy, year, after, limit + 1, search), None
        else:
            lines, passed = list_enterprises_at(rows, book, year, after, limit + 1, at, search)
    items = wire_form(lines)
    if passed is not None:
        return linked(items, cursor_text("enterprises", passed), extra)
    return page(items, limit, ("enterprises", "enterprise"), extra)


@blueprint.reads("/<code>", "一家企业的各年度合计", Moments, EnterpriseSchema)
def enterprise(query: dict[str, Any], code: str) -> dict[str, Any]:
    """Give an enterprise's sums of every policy and year."""
    with ledger().store.reading() as rows:
        at = moment_of(rows, query)
        events = count_events(rows, code, at)
        if not events:
            raise UnknownEnterprise(code)
        profile = read_facts(rows, code, at).profile
        years = [line for policy in rulebooks(rows, at.until) for line in _years(rows, code, policy, at)]
        return {
            "enterprise": code,
            "name": profile.name if profile else "",
            "town": profile.town if profile else "",
            "events": events,
            "position": read_position(rows, at),
            "years": years,
        }


def _years(rows: Rows, code: str, policy: str, at: Moment) -> list[dict[str, Any]]:
    """The sums of each year of a policy; none where the policy did not hold by then."""
    try:
        book = rulebook_at(rows, policy, at)
    except NoRules:
        return []
    lines = []
    for year in sorted(read_awards(rows, code, book, at)):
        sums = wire_form(read_balance(ledger(), rows, code, policy, year, at))
        head = {"policy": policy, "year": year, **currency_form(book.latest.currency)}
        lines.append({**head, **{name: sums[name] for name in SUMS}})
    return lines


@blueprint.reads("/<code>/balances/<policy>/<year>", "企业的年度奖励", Moments, BalanceSchema)
def balance(query: dict[str, Any], code: str, policy: str, year: int) -> Balance:
    """Give an enterprise's balance of one policy and year, measure by measure."""
    with ledger().store.reading() as rows:
        return read_balance(ledger(), rows, code, policy, year, moment_of(rows, query))


@blueprint.reads("/<code>/explanations/<policy>/<year>", "每一分钱的依据", Moments, ExplanationSchema)
def explanation(query: dict[str, Any], code: str, policy: str, year: int) -> Explanation:
    """Explain every award of a year: articles, readings, source events, arithmetic; in both languages."""
    with ledger().store.reading() as rows:
        return explain_awards(ledger(), rows, code, policy, year, moment_of(rows, query))


@blueprint.reads("/<code>/outlook/<policy>/<year>", "还可以获得的奖励", Moments, OutlookSchema)
def outlook(query: dict[str, Any], code: str, policy: str, year: int) -> Outlook:
    """Say what an enterprise could still earn in a year."""
    with ledger().store.reading() as rows:
        return read_outlook(ledger(), rows, code, policy, year, moment_of(rows, query))


@blueprint.reads("/<code>/events", "企业的全部数据", HistoryQuery, HistorySchema)
def history(query: dict[str, Any], code: str) -> PageAnswer:
    """List an enterprise's events in order of recording."""
    (after,) = query.get("cursor", (0,))
    sql = (
        "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events "
        "WHERE originator_id=? AND originator_version>? AND rowid<=? ORDER BY originator_version LIMIT ?"
    )
    with ledger().store.reading() as rows:
        at = moment_of(rows, query)
        if not count_events(rows, code, at):
            raise UnknownEnterprise(code)
        until = POSITION_MAX if at.until is None else at.until
        found = rows.all(sql, [code, after, until, query["limit"] + 1])
    items = [event_document(stored(row)) for row in found]
    return page(items, query["limit"], ("events", "version"), {"enterprise": code})
