"""The page about who may write what: what ``domain.authority`` answers for each sender, kind and role.

Tests try every cell of both tables for real, through every door that a sender has or a step is taken at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from docs.generate.languages import list_items, read_about
from docs.generate.steps import LETTERS, letters_of
from docs.generate.tables import table_in
from domain.authority.duties import parted_duties
from domain.authority.publishers import Scope
from domain.authority.roles import ROLES, Actor
from domain.authority.two_persons import TWO_PERSON_STEPS, confirming_roles
from domain.authority.writes import IDENTITY, LOCAL, Write, Writer, judge_write
from domain.vocabulary.kinds import Words, type_of
from ledger.intake.sheets.tables import SHIPPED_TABLES

OWN, OTHER = "urn:own", "urn:other"
"""The source that a publisher is bound to, or that a person speaks for; and another one."""
SALES, STORE = type_of("SalesReported"), type_of("StoreRegistered")
CORRECTED, RETRACTED = type_of("FactCorrected"), type_of("FactRetracted")
SUBMITTED, APPROVED = type_of("ClaimSubmitted"), type_of("ClaimApproved")
REJECTED, WITHDRAWN = type_of("ClaimRejected"), type_of("ClaimWithdrawn")
SOME_TYPES = frozenset({SALES, RETRACTED})
NAMED = frozenset({OWN})


class SenderColumn(NamedTuple):
    """One kind of sender, and the doors that it has."""

    id: str
    title: Words
    writer: Writer
    doors: tuple[str, ...]


class MessageRow(NamedTuple):
    """One kind of message, as it would be written."""

    id: str
    title: Words
    write: Write


DOOR_LETTERS = {
    **dict.fromkeys(("key", "token", "header", "resubmission"), "H"),
    **dict.fromkeys(("sheet", "sheet-key"), "S"),
    **dict.fromkeys(("topic", "signature"), "K"),
    "command": "L",
    "sheet-command": "LS",
    "console-resubmission": "C",
    "console-sheet": "CS",
}
"""The doors of messages, by the letters of the table of steps."""


def _writer(*roles: str, mode: str = IDENTITY, scope: Scope | None = None) -> Writer:
    return Writer(Actor("·", frozenset(roles)), mode, scope)


SENDERS = (
    SenderColumn(
        "bound",
        Words(
            "绑定来源：密钥、专用主题、签名、写明来源的令牌",
            "bound: key, own topic, signature, token with a source",
        ),
        _writer("upstream", scope=Scope(OWN)),
        ("key", "sheet-key", "console-sheet", "token", "topic", "signature"),
    ),
    SenderColumn(
        "some-types",
        Words("绑定来源和部分类型", "bound to some types as well"),
        _writer("upstream", scope=Scope(OWN, SOME_TYPES)),
        ("key", "topic", "signature"),
    ),
    SenderColumn(
        "unbound",
        Words("未绑定来源，核验身份", "bound to none, identities checked"),
        _writer("upstream"),
        ("token", "topic"),
    ),
    SenderColumn(
        "unbound-local",
        Words("未绑定来源，不核验身份", "bound to none, identities not checked"),
        _writer("upstream", mode=LOCAL),
        ("topic", "header"),
    ),
    SenderColumn(
        "officer",
        Words("办理人", "officer"),
        _writer("officer"),
        ("sheet", "console-sheet", "command", "sheet-command", "resubmission", "console-resubmission"),
    ),
    SenderColumn(
        "operator",
        Words("运行人员", "operator"),
        _writer("operator"),
        (
            *("token", "command", "sheet", "sheet-command", "console-sheet"),
            *("resubmission", "console-resubmission"),
        ),
    ),
    SenderColumn(
        "others",
        Words("复核、财务、审计、企业", "reviewer, finance, auditor, enterprise"),
        _writer("reviewer", "finance", "auditor", "enterprise"),
        ("token", "sheet", "command", "console-sheet", "resubmission", "console-resubmission"),
    ),
)
"""The columns of the table. A person speaks for the source that a message names."""


def _amendment(of_source: str, of_type: str = SALES, type_: str = RETRACTED) -> Write:
    return Write("fact.amend", source=OWN, type=type_, of_source=of_source, of_type=of_type)


def _decision(type_: str, deciders: frozenset[str]) -> Write:
    return Write("claim.decide", source=OWN, type=type_, deciders=deciders)


MESSAGES = (
    MessageRow(
        "own-fact",
        Words("自己来源的数据", "a fact of its own source"),
        Write("fact.report", source=OWN, type=SALES),
    ),
    MessageRow(
        "own-other-type",
        Words("自己来源、未获准类型的数据", "a fact of its own source, of a type not allowed to it"),
        Write("fact.report", source=OWN, type=STORE),
    ),
    MessageRow(
        "other-fact",
        Words("以另一来源之名的数据", "a fact in another source's name"),
        Write("fact.report", source=OTHER, type=SALES),
    ),
    MessageRow(
        "own-retracted",
        Words("撤回自己来源的数据", "retracting a fact of its own source"),
        _amendment(OWN),
    ),
    MessageRow(
        "own-other-type-retracted",
        Words("撤回自己来源、未获准类型的数据", "retracting one of a type not allowed to it"),
        _amendment(OWN, STORE),
    ),
    MessageRow(
        "other-retracted",
        Words("撤回另一来源的数据", "retracting another source's fact"),
        _amendment(OTHER),
    ),
    MessageRow(
        "other-corrected",
        Words("更正另一来源的数据", "correcting another source's fact"),
        _amendment(OTHER, type_=CORRECTED),
    ),
    MessageRow(
        "other-retracted-early",
        Words("撤回另一来源尚未到达的数据", "retracting another source's fact before it has arrived"),
        _amendment(OTHER),
    ),
    MessageRow(
        "other-retracted-named",
        Words("撤回另一来源的数据，政策写明本来源可以", "the same, where the policy names the source"),
        _amendment(OTHER)._replace(amenders=NAMED),
    ),
    MessageRow(
        "submitted",
        Words("申报提交", "a claim submitted"),
        Write("claim.report", source=OWN, type=SUBMITTED),
    ),
    MessageRow(
        "other-withdrawn",
        Words("撤回另一来源提交的申报", "withdrawing a claim that another source submitted"),
        Write("claim.report", source=OWN, type=WITHDRAWN, of_claim=OTHER),
    ),
    MessageRow(
        "other-resubmitted",
        Words("再次提交另一来源提交的申报", "submitting a claim that another source submitted"),
        Write("claim.report", source=OWN, type=SUBMITTED, of_claim=OTHER),
    ),
    MessageRow(
        "withdrawal-moved",
        Words(
            "把自己的撤回更正为另一来源的申报",
            "correcting a withdrawal of its own into one of another source's claim",
        ),
        _amendment(OWN, WITHDRAWN, CORRECTED)._replace(of_claim=OTHER),
    ),
    MessageRow(
        "approved",
        Words("申报批准", "a claim approved"),
        _decision(APPROVED, frozenset()),
    ),
    MessageRow(
        "rejected",
        Words("申报不予批准", "a claim rejected"),
        _decision(REJECTED, frozenset()),
    ),
    MessageRow(
        "approved-named",
        Words(
            "申报批准，政策写明本来源可以",
            "a claim approved, where the policy names the source for the measure",
        ),
        _decision(APPROVED, NAMED),
    ),
    MessageRow(
        "approval-raised",
        Words("更正自己报送的批准金额", "correcting the amount of an approval of its own"),
        _amendment(OWN, APPROVED, CORRECTED)._replace(action="claim.decide", deciders=frozenset()),
    ),
)
"""The rows of the table."""

ACTIONS = {
    "claim.submit": Words("申报：提交", "claim: submit"),
    "claim.propose": Words("申报：免申即享提出", "claim: propose what is earned"),
    "claim.review": Words("申报：初审", "claim: first review"),
    "claim.approve": Words("申报：复审批准", "claim: approve"),
    "claim.reject": Words("申报：不予批准", "claim: reject"),
    "claim.withdraw": Words("申报：撤回", "claim: withdraw"),
    "claim.appeal": Words("申报：申诉", "claim: appeal"),
    "settlement.propose": Words("年度兑现：拟定名单", "settlement: propose the list"),
    "settlement.publish": Words("年度兑现：公示", "settlement: publish"),
    "settlement.object": Words("年度兑现：提出异议", "settlement: object"),
    "settlement.resolve": Words("年度兑现：处理异议", "settlement: decide an objection"),
    "settlement.close": Words("年度兑现：办结", "settlement: close"),
    "payment.order": Words("拨付：提交银行", "payment: order"),
    "payment.record": Words("拨付：登记结果", "payment: record results"),
    "clawback.order": Words("追回：要求退回", "clawback: order"),
    "clawback.record": Words("追回：登记到账", "clawback: record"),
    "adjustment.accept": Words("调整：受理", "adjustment: accept"),
    "disagreement.decide": Words("疑点数据：决定", "disagreement: decide"),
    "merge.decide": Words("不同写法：决定是否同一事项", "spellings: decide whether they are one thing"),
    "amendment.make": Words("更正、撤回来源的数据", "amending what a source said"),
    "fact.report": Words("报送数据（表格等）", "facts (a sheet, a message)"),
    "fact.publish": Words("接口报送数据", "messages over HTTP"),
    "fact.amend": Words("报送更正、撤回", "amendments, sent from outside"),
    "claim.report": Words("报送申报的提交、撤回", "claims submitted or withdrawn, sent from outside"),
    "claim.decide": Words(
        "报送申报的审核结果（政策写明的来源）", "decisions of claims, sent from outside by a named source"
    ),
    "refusal.resubmit": Words("退回件：更正重报", "refused message: send again"),
    "refusal.dismiss": Words("退回件：不再处理", "refused message: dismiss"),
    "policy.adopt": Words("纳入政策", "adopt a policy"),
    "budget.set": Words("设定预算", "set a budget"),
    "key.make": Words("发放密钥", "make a key"),
    "key.end": Words("停用密钥", "end a key"),
    "sample.make": Words("生成样例", "make the sample"),
}
"""What each step of ``MAY`` is called."""

ROLE_WORDS = {
    "upstream": Words("报送", "upstream"),
    "officer": Words("办理", "officer"),
    "reviewer": Words("复核", "reviewer"),
    "finance": Words("财务", "finance"),
    "auditor": Words("审计", "auditor"),
    "enterprise": Words("企业", "enterprise"),
    "operator": Words("运行", "operator"),
}


def judge_cell(sender: SenderColumn, row: MessageRow) -> str:
    """What a cell of the first table says: empty where it may be written, else the code of the fault."""
    fault = judge_write(sender.writer, row.write)
    return fault.code if fault is not None else ""


def authority_page(language: str) -> tuple[str, ...]:
    """The parts of the page, its head apart."""
    about = (part.strip() for part in read_about("authority", language).split("%%"))
    introduction, publishers, steps, duties = about
    legend = " · ".join(f"**{letter}** {words.in_language(language)}" for letter, words in LETTERS.items())
    title = Words("步骤与角色", "Steps and roles").in_language(language)
    parted = Words("不相容职务", "Duties of different persons").in_language(language)
    return (
        introduction,
        _messages(language),
        publishers,
        f"## {title}",
        steps,
        legend,
        _steps(language),
        f"## {parted}",
        duties,
        _duties(language),
    )


def _duties(language: str) -> str:
    heads = (
        Words("名称", "Name"),
        Words("职务", "Duties"),
        Words("一项的步骤", "Steps of the one"),
        Words("另一项的步骤", "Steps of the other"),
    )
    return table_in(
        language,
        heads,
        [
            (
                f"`{duties.id}`",
                duties.title._asdict()[language],
                *(
                    list_items(
                        [ACTIONS[step].in_language(language) for step in ACTIONS if step in side], language
                    )
                    for side in (duties.first, duties.second)
                ),
            )
            for duties in parted_duties().values()
        ],
    )


def _messages(language: str) -> str:
    heads = (Words("报送的内容", "What is sent"), *(sender.title for sender in SENDERS))
    return table_in(
        language,
        heads,
        [
            (row.title.in_language(language), *(_mark(judge_cell(sender, row)) for sender in SENDERS))
            for row in MESSAGES
        ],
    )


def _mark(code: str) -> str:
    return f"`{code}`" if code else "✓"


def _steps(language: str) -> str:
    heads = (Words("步骤", "Step"), *(ROLE_WORDS[role] for role in ROLES))
    return table_in(
        language,
        heads,
        [
            (words.in_language(language), *(_step_mark(action, role) for role in ROLES))
            for action, words in ACTIONS.items()
        ],
    )


def _step_mark(step: str, role: str) -> str:
    """The doors at which a role takes a step; with ``①`` where it is the first of two persons alone."""
    letters = doors_of(step, role)
    is_first_alone = step in TWO_PERSON_STEPS and role not in confirming_roles(step)
    return " ".join([*letters, *(["①"] if letters and is_first_alone else [])])


def doors_of(step: str, role: str) -> str:
    """The letters of the doors at which a role takes a step, in person or by messages."""
    letters = {
        *letters_of(step, role),
        *(letter for door in _doors(step, role) for letter in DOOR_LETTERS[door]),
    }
    return "".join(letter for letter in LETTERS if letter in letters)


def _doors(step: str, role: str) -> Iterator[str]:
    """The doors by which a role sends messages that take a step; a sheet has rows of some types alone."""
    tabular = {each.type for each in SHIPPED_TABLES.by_name.values()}
    for sender in SENDERS:
        for row in MESSAGES if role in sender.writer.actor.roles else ():
            if row.write.action == step and not judge_cell(sender, row):
                yield from (door for door in sender.doors if "sheet" not in door or row.write.type in tabular)
