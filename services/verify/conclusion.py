"""How the verifier ends: what was checked, what could not be seen from the file, and what to do.

Each sentence is told in Chinese and in English, whoever reads it.
"""

from __future__ import annotations

from typing import Any

from domain.settlement.public_list import FORMAT as LIST_FORMAT
from domain.settlement.receipt import FORMAT as RECEIPT_FORMAT
from services.verify.open_matters import list_acknowledged, list_open
from services.verify.reading import Verdict
from services.verify.sentences import Sentence

MARK = "※ "
"""Begins each line of these sentences."""


NO_CHECKPOINT = Sentence(
    "没有与外部留存的检查点比对：持有数据库和签名密钥的人若重做全部历史，这里看不出来。"
    "请用 --checkpoint 给出自己另行留存的检查点。",
    "It was not held against a checkpoint kept elsewhere: whoever has the database and the "
    "signing key could have made all of it anew. Give one that you kept by --checkpoint.",
)
BESIDE = Sentence(
    "包内只有事件：查阅记录、退回的数据、重建结果和密钥表的各行不在其中，"
    "请在账本现场用 subsidy-ledger audit 核对。",
    "The bundle holds events alone: rows of looks, refused messages, certificates and keys are not in it; "
    "hold them against the log at the ledger, by subsidy-ledger audit.",
)
OTHERS_ABSENT = Sentence(
    "其他企业的数据不在包内，预算如何分配没有重算；没有遗漏该企业的数据，凭的是账本的签字（seal）。请用全年的包。",
    "Other enterprises' events are not in it, so the budget was not divided again; that none of this "
    "enterprise's is left out rests on the ledger's signature (seal). Take the year's bundle.",
)
RECEIPT_ONLY = Sentence(
    "凭据只载已定的名单和账户：奖励怎样由申报数据算出，其中看不到，请用审计包。",
    "A receipt holds the settled list and the account alone: how awards follow from the facts cannot be seen "
    "from it; take a bundle.",
)
REFUSALS_UNSEEN = Sentence(
    "未了事项只按包内的事件得出：退回的数据、只作提示的不一致，事件中没有，请在账本现场查看。",
    "What is open follows from the events alone: refused messages, and facts that disagree without being "
    "held, are in no event; look at the ledger for them.",
)
LIST_ONLY = Sentence(
    "名单只载公示的金额：奖励怎样由申报数据算出，是否已经付款，其中看不到，请用审计包。",
    "A list holds the published sums alone: how awards follow from the facts, and what was paid, cannot be "
    "seen from it; take a bundle.",
)
UNREADABLE = Sentence(
    "结论：没有核对完，不能据此得出任何结论。请重新取得文件，核对公钥。",
    "Conclusion: it could not be checked to its end, so nothing follows from it. Get the file again, and see "
    "that the public key is the right one.",
)


def conclude(head: dict[str, Any], verdict: Verdict, witnesses: int) -> list[Sentence]:
    """The sentences that the check of a file ends with, in order."""
    checked, not_seen = _checked(head, verdict), _not_seen(head, verdict, witnesses)
    return [*checked, *_duties(verdict), *not_seen, *_open(head, verdict), _advice(verdict)]


def lines_of(sentences: list[Sentence]) -> list[str]:
    """The sentences as lines: the Chinese one, then the English one."""
    return [MARK + text for sentence in sentences for text in sentence]


def _checked(head: dict[str, Any], verdict: Verdict) -> list[Sentence]:
    events, awards = f"{verdict.events:,}", f"{verdict.awards:,}"
    if head["format"] == LIST_FORMAT:
        zh = f"已核对：名单的签字和每一行，由 {awards} 项奖励重算的合计、兑现系数和应兑现。"
        en = "Checked: the list's signature and every line; sums, factors and payments were worked out again "
        return [Sentence(zh, f"{en}from {awards} awards.")]
    if head["format"] == RECEIPT_FORMAT:
        zh = f"已核对：凭据的签字、检查点、{events} 条数据及其证明，{awards} 项奖励的兑现和账户。"
        en = f"Checked: the receipt's signature, the checkpoint, {events} events with their proofs, "
        return [Sentence(zh, f"{en}the payment of {awards} awards, and the account.")]
    if head["kind"] != "year":
        zh = f"已核对：{events} 条数据及其证明，由它们重算的 {awards} 项奖励、兑现和账户。"
        en = f"Checked: {events} events with their proofs; {awards} awards, their payment "
        return [Sentence(zh, f"{en}and the account were worked out again from them.")]
    zh = f"已核对：检查点所含的全部 {events} 条数据的散列、身份和先后，各项办理的步骤；"
    en = f"Checked: hashes, identities and order of all {events} events of the checkpoint, and the steps "
    division = Sentence(
        f"{zh}由它们重算 {awards} 项奖励、预算的分配和账户。",
        f"{en}that were taken; {awards} awards, the division of the budget and the accounts were worked out "
        "again from them.",
    )
    return [division, *_upkeep(verdict)]


def _upkeep(verdict: Verdict) -> list[Sentence]:
    """What the events say of keys, and of rows that are no events."""
    sentences = []
    if verdict.keys:
        sentences.append(
            Sentence(
                f"{verdict.keys:,} 个报送密钥的发放和停用前后相符。",
                f"The making and ending of {verdict.keys:,} keys of publishers is consistent.",
            )
        )
    if verdict.stated:
        rows = ", ".join(f"{table} {count:,}" for table, count in sorted(verdict.stated.items()))
        sentences.append(
            Sentence(
                f"日志以摘要载明的各行，各期前后相接：{rows}。",
                f"The digests of rows in the log follow each other without a gap: {rows}.",
            )
        )
    return sentences


def _duties(verdict: Verdict) -> list[Sentence]:
    """What the reader must know of who took the steps."""
    if not verdict.held_duties:
        return []
    return [
        Sentence(
            f"有 {verdict.held_duties:,} 处同一人兼办不相容职务，见上；账目是否相符不受影响。",
            f"In {verdict.held_duties:,} cases one person held duties of different persons, see above; "
            "whether the figures match does not hang on it.",
        )
    ]


def _not_seen(head: dict[str, Any], verdict: Verdict, witnesses: int) -> list[Sentence]:
    if head["format"] == LIST_FORMAT:
        sentences = [LIST_ONLY]
    elif head["format"] == RECEIPT_FORMAT:
        sentences = [RECEIPT_ONLY]
    else:
        sentences = [BESIDE if head["kind"] == "year" else OTHERS_ABSENT]
    if not verdict.kept:
        sentences.append(NO_CHECKPOINT)
    elif not verdict.counted:
        count = len(verdict.kept)
        sentences.append(
            Sentence(
                f"与外部留存的 {count} 个检查点相符。",
                f"It agrees with the {count} checkpoints that were kept elsewhere.",
            )
        )
    if not witnesses:
        sentences.append(
            Sentence(
                "没有要求见证人会签；请用 --witnesses 写明至少须有几人。",
                "No cosignature of a witness was asked for; say how many there must be by --witnesses.",
            )
        )
    return sentences


def _open(head: dict[str, Any], verdict: Verdict) -> list[Sentence]:
    """What is open and what was acknowledged of it, which says nothing against what matches."""
    if head["format"] in (LIST_FORMAT, RECEIPT_FORMAT) or verdict.counted:
        return []
    acknowledged = list_acknowledged(verdict.acknowledged, verdict.currency)
    unseen = [REFUSALS_UNSEEN] if head["kind"] == "year" else []
    return [*list_open(verdict.matters, verdict.currency), *acknowledged, *unseen]


def _advice(verdict: Verdict) -> Sentence:
    count = verdict.counted.total()
    if not count:
        return Sentence("结论：没有发现不符。", "Conclusion: nothing was found that does not match.")
    return Sentence(
        f"结论：有 {count:,} 处不符，见上。请不要据此签署意见；留存这份文件，向账本的主管部门查明原因。",
        f"Conclusion: {count:,} things do not match, see above. Sign no opinion on it; keep the file, and "
        "have the bureau that keeps the ledger say why.",
    )
