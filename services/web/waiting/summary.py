"""What a step that waits for a second person would do, in words for whoever confirms it."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from domain.events.second_person import (
    AcceptAdjustment,
    AdoptPolicy,
    CloseYear,
    DecideDisagreement,
    DismissRefusal,
    OrderClawback,
    OrderPayments,
    PublishList,
    Request,
    SetBudget,
)
from domain.money.amounts import print_fen
from domain.policy.differences import currency_in, differences, titles_in, value_words
from ledger.intake.refusals import find
from ledger.reading.disagreements import read_disagreement
from ledger.store.rows import Rows, read_row

DIFFERENCES_MAX = 200
"""Most differences of a policy file that a summary lists."""


class SummaryLine(NamedTuple):
    """One line: what it says, and the value, in both languages."""

    label_zh: str
    label_en: str
    zh: str
    en: str


def summarise_step(rows: Rows, request: Request) -> list[SummaryLine]:
    """What a step asks for and what it rests on, as lines."""
    match request:
        case AdoptPolicy():
            return _adoption(rows, request)
        case SetBudget():
            return [
                _line("政策", "Policy", request.policy),
                _line("预算期", "Period", request.period),
                _line("现预算", "Budget so far", print_fen(request.before_fen, request.currency)),
                _line("新预算", "New budget", print_fen(request.amount_fen, request.currency)),
            ]
        case PublishList() | CloseYear():
            return [
                *_of_year(request.policy, request.year),
                _line("名单", "Proposal", f"{request.number}"),
                _line("企业数", "Enterprises", f"{request.enterprises:,}"),
                _line("应兑现", "Payable", print_fen(request.payable_fen, request.currency)),
                _line("名单摘要", "List SHA-256", request.lines_digest),
            ]
        case OrderPayments():
            return _payments(request)
        case OrderClawback():
            return [
                *_of_year(request.policy, request.year),
                *_of_enterprise(rows, request.enterprise),
                *([_line("条款", "Measure", request.measure)] if request.measure else []),
                _line("追回金额", "To pay back", print_fen(request.amount_fen, request.currency)),
                _line("理由", "Reason", request.reason),
            ]
        case AcceptAdjustment():
            return [
                *_of_year(request.policy, request.year),
                *_of_enterprise(rows, request.enterprise),
                _line("条款", "Measure", request.measure),
                _line("调整金额", "To add", print_fen(request.amount_fen, request.currency)),
                _line("列入年度", "Into the year", str(request.into_year)),
                _line("理由", "Reason", request.reason),
            ]
        case DecideDisagreement():
            return _decision(rows, request)
        case DismissRefusal():
            return _dismissal(rows, request)
        case _:
            assert_never(request)


def _line(zh: str, en: str, value: str) -> SummaryLine:
    return SummaryLine(zh, en, value, value)


def _of_year(policy: str, year: int) -> list[SummaryLine]:
    return [_line("政策", "Policy", policy), _line("年度", "Year", str(year))]


def _of_enterprise(rows: Rows, code: str) -> list[SummaryLine]:
    row = read_row(rows, "SELECT name FROM enterprises WHERE code=?", [code])
    name = str(row[0]) if row else ""
    return [_line("企业", "Enterprise", f"{name} {code}".strip())]


def _adoption(rows: Rows, request: AdoptPolicy) -> list[SummaryLine]:
    """The version, and how it differs from the one before."""
    lines = [
        _line("政策", "Policy", request.policy),
        _line("版本", "Version", str(request.version)),
        _line("施行日期", "In force from", request.effective_from),
    ]
    sql = "SELECT document FROM policies WHERE policy=? AND version<? ORDER BY version DESC LIMIT 1"
    row = read_row(rows, sql, [request.policy, request.version])
    if row is None:
        return [*lines, SummaryLine("与上一版的差异", "Differences", "首次采用", "the first version")]
    before, currency = str(row[0]), currency_in(request.document)
    titles = titles_in(before, request.document)
    for each in differences(before, request.document)[:DIFFERENCES_MAX]:
        values = {
            language: f"{value_words(each.before, language, currency)} → "
            f"{value_words(each.after, language, currency)}"
            for language in ("zh", "en")
        }
        path_zh, path_en = each.path_words("zh", titles), each.path_words("en", titles)
        lines.append(SummaryLine(path_zh, path_en, values["zh"], values["en"]))
    return lines


def _payments(request: OrderPayments) -> list[SummaryLine]:
    some = request.enterprises
    whose = (
        SummaryLine("范围", "Of", "全部待拨付企业", "all with something outstanding")
        if some is None
        else SummaryLine("范围", "Of", f"{len(some):,} 家企业", f"{len(some):,} enterprises")
    )
    return [
        *_of_year(request.policy, request.year),
        whose,
        _line("批次", "Batch", request.batch),
        _line("笔数", "Payments", f"{request.payments:,}"),
        _line("合计", "Sum", print_fen(request.total_fen, request.currency)),
    ]


def _decision(rows: Rows, request: DecideDisagreement) -> list[SummaryLine]:
    disagreement = read_disagreement(rows, request.disagreement)
    counting = {(fact.source, fact.id) for fact in request.counting}
    lines = [_line("编号", "Id", request.disagreement)]
    if disagreement is not None:
        words = disagreement.words
        lines.append(SummaryLine("事项", "About", words["zh"], words["en"]))
        for fact in disagreement.facts:
            counts = (fact.source, fact.id) in counting
            value = print_fen(fact.value) if isinstance(fact.value, int) else fact.value
            said = f"{fact.enterprise} · {fact.source} · {fact.id} · {value}"
            zh, en = ("计入", "Counts") if counts else ("不计入", "Does not count")
            lines.append(_line(zh, en, said))
    return [*lines, _line("理由", "Reason", request.reason)]


def _dismissal(rows: Rows, request: DismissRefusal) -> list[SummaryLine]:
    message = find(rows, request.message)
    lines = [_line("数据摘要", "Message SHA-256", request.message)]
    if message is not None:
        lines += [
            _line("企业", "Enterprise", message.subject or "—"),
            _line("数据类型", "Type", message.type or "—"),
            _line("来源", "Source", message.source or "—"),
            _line("编号", "Id", message.event_id or "—"),
        ]
    return [*lines, *([_line("理由", "Reason", request.reason)] if request.reason else [])]
