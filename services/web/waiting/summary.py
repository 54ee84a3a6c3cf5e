"""What a step that waits for a second person would do, in words for whoever confirms it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, assert_never

from domain.events.amendments import FieldValue
from domain.events.event import SEP
from domain.events.second_person import Request
from domain.events.second_person import requests as asked
from domain.events.second_person.requests import OfYearRequest
from domain.money.amounts import print_fen
from domain.policy.differences import currency_in, differences, titles_in, value_words
from domain.settlement.open_matters import KINDS
from domain.vocabulary.kinds import Kind, Words
from domain.vocabulary.load import shipped_vocabulary
from ledger.amendments.amending import preview_amendment
from ledger.intake.refusals import find
from ledger.policies.versions import rulebooks
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
        case asked.AdoptPolicy():
            return _adoption(rows, request)
        case asked.SetBudget():
            return [
                _line("政策", "Policy", request.policy),
                _line("预算期", "Period", request.period),
                _line("现预算", "Budget so far", print_fen(request.before_fen, request.currency)),
                _line("新预算", "New budget", print_fen(request.amount_fen, request.currency)),
            ]
        case asked.OfYear():
            return _of_settlement(rows, request)
        case asked.DecideDisagreement():
            return _decision(rows, request)
        case asked.DecideMerge():
            return _merge(rows, request)
        case asked.AmendFact():
            return _amendment(rows, request)
        case asked.DismissRefusal():
            return _dismissal(rows, request)
        case _:
            assert_never(request)


def _of_settlement(rows: Rows, request: OfYearRequest) -> list[SummaryLine]:
    """A step of the settlement or the payments of a year."""
    match request:
        case asked.PublishList() | asked.CloseYear():
            return [
                *_of_year(request.policy, request.year),
                _line("名单", "Proposal", f"{request.number}"),
                _line("企业数", "Enterprises", f"{request.enterprises:,}"),
                _line("应兑现", "Payable", print_fen(request.payable_fen, request.currency)),
                _line("名单摘要", "List SHA-256", request.lines_digest),
                *_acknowledged(request.acknowledged, request.currency),
            ]
        case asked.OrderPayments():
            return _payments(request)
        case asked.OrderClawback():
            return [
                *_of_year(request.policy, request.year),
                *_of_enterprise(rows, request.enterprise),
                *([_line("条款", "Measure", request.measure)] if request.measure else []),
                _line("追回金额", "To pay back", print_fen(request.amount_fen, request.currency)),
                _line("理由", "Reason", request.reason),
            ]
        case asked.AcceptAdjustment():
            return [
                *_of_year(request.policy, request.year),
                *_of_enterprise(rows, request.enterprise),
                _line("条款", "Measure", request.measure),
                _line("调整金额", "To add", print_fen(request.amount_fen, request.currency)),
                _line("列入年度", "Into the year", str(request.into_year)),
                _line("理由", "Reason", request.reason),
            ]
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


def _adoption(rows: Rows, request: asked.AdoptPolicy) -> list[SummaryLine]:
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


def _payments(request: asked.OrderPayments) -> list[SummaryLine]:
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
        *_acknowledged(request.acknowledged, request.currency),
    ]


def _acknowledged(acknowledged: asked.AcknowledgedMatters | None, currency: str) -> Iterator[SummaryLine]:
    """What is open, which the second person acknowledges too, and why the step is taken."""
    if acknowledged is None:
        return
    for matter in acknowledged.matters:
        words = KINDS[matter.kind]
        sums = f"{matter.item_count:,} · {print_fen(matter.amount_fen, currency)}"
        yield SummaryLine("未了事项", "Open matter", f"{words.zh} {sums}", f"{words.en} {sums}")
    yield _line("办理理由", "Taken because", acknowledged.reason)


def _decision(rows: Rows, request: asked.DecideDisagreement) -> list[SummaryLine]:
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


def _dismissal(rows: Rows, request: asked.DismissRefusal) -> list[SummaryLine]:
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


def _amendment(rows: Rows, request: asked.AmendFact) -> list[SummaryLine]:
    """The fact with what it says and would say, and what that changes of the enterprise's awards."""
    kind = shipped_vocabulary().kinds.get(request.of_type)
    title = kind.title if kind else Words(*_CLAIM_STEPS.get(request.of_type, (request.of_type,) * 2))
    labels = {field.name: field.label for field in kind.fields} if kind else {}
    lines = [
        *_of_enterprise(rows, request.enterprise),
        SummaryLine("数据类型", "Type", title.zh, title.en),
        _line("来源", "Source", request.of_source),
        _line("编号", "Id", request.of),
        SummaryLine("办理", "Step", "撤回", "retract")
        if request.changes is None
        else SummaryLine("办理", "Step", "更正", "correct"),
    ]
    if request.held:
        lines.append(SummaryLine("现状", "Now", "待核实，暂不计入", "held: it does not count yet"))
    for name, value in request.stands.items():
        label = labels.get(name) or Words(*_CLAIM_FIELDS.get(name, (name, name)))
        before = _value_words(kind, name, value)
        if request.changes is not None and name in request.changes:
            after = _value_words(kind, name, request.changes[name])
            moved = (f"{before.zh} → {after.zh}", f"{before.en} → {after.en}")
            lines.append(SummaryLine(label.zh, label.en, *moved))
        elif value is not None:
            lines.append(SummaryLine(label.zh, label.en, before.zh, before.en))
    lines += _award_changes(rows, preview_amendment(rows, request))
    if request.based_on:
        lines.append(_line("依据", "Rests on", request.based_on.citation))
    return [*lines, _line("理由", "Reason", request.reason)]


def _award_changes(rows: Rows, changes: Iterable[asked.AwardChange]) -> Iterator[SummaryLine]:
    """Awards before and after, by the titles of their measures."""
    books = rulebooks(rows)
    for change in changes:
        book = books[change.policy]
        titles = book.segments[change.measure][-1].measure.title
        moved = " → ".join(
            print_fen(fen, book.latest.currency) for fen in (change.before_fen, change.after_fen)
        )
        head = f"{change.policy} {change.year}"
        words = (f"{head} {titles[language]}: {moved}" for language in ("zh", "en"))
        yield SummaryLine("奖励变化", "Award", *words)


def _merge(rows: Rows, request: asked.DecideMerge) -> list[SummaryLine]:
    """The facts, whether they are one thing, and what changes where they are."""
    decision = ("同一事项", "one thing") if request.same else ("不是同一事项", "different things")
    facts = [
        _line("数据", "Fact", f"{fact.written.replace(SEP, ' ')!r} · {fact.source} · {fact.id}")
        for fact in request.facts
    ]
    changes = _award_changes(rows, request.changes if request.same else ())
    return [
        *_of_enterprise(rows, request.enterprise),
        *facts,
        SummaryLine("决定", "Decision", *decision),
        *changes,
        _line("理由", "Reason", request.reason),
    ]


def _value_words(kind: Kind | None, name: str, value: FieldValue) -> Words:
    """A value of a fact: a word of a code list as people call it, an amount with thousands apart."""
    if value is None:
        return Words("—", "—")
    if name.endswith("_fen") and isinstance(value, int):
        return Words(*[print_fen(value, grouped=True)] * 2)
    is_coded = kind is not None and kind.field(name).form in ("word", "choice")
    called = shipped_vocabulary().values.get(str(value)) if is_coded else None
    return called or Words(str(value), str(value))


_CLAIM_STEPS = {
    "ClaimSubmitted": ("申报提交", "claim submitted"),
    "ClaimApproved": ("申报批准", "claim approved"),
    "ClaimRejected": ("申报不予批准", "claim rejected"),
    "ClaimWithdrawn": ("申报撤回", "claim withdrawn"),
}
_CLAIM_FIELDS = {
    "claim": ("申报编号", "claim"),
    "policy": ("政策", "policy"),
    "measure": ("条款", "measure"),
    "item": ("事项", "item"),
    "year": ("年度", "year"),
    "amount_fen": ("金额", "amount"),
    "currency": ("币种", "currency"),
    "reason": ("理由", "reason"),
}
"""What fields of claims are called; those of kinds of fact, the vocabulary names."""
