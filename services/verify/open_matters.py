"""What is open, told beside what was verified: it says nothing against the figures."""

from __future__ import annotations

from collections.abc import Sequence

from domain.events.settlements import OpenMatter, OpenMattersAcknowledged
from domain.money.amounts import print_fen
from domain.settlement.open_matters import KINDS
from services.verify.sentences import Sentence


def summarise_open(matters: Sequence[OpenMatter], currency: str) -> Sentence:
    """How many things are open, what they are about, and of which kinds, those with most money first."""
    count = sum(matter.item_count for matter in matters)
    amount = print_fen(sum(matter.amount_fen for matter in matters), currency)
    zh = "；".join(f"{KINDS[each.kind].zh} {each.item_count:,}" for each in matters)
    en = "; ".join(f"{KINDS[each.kind].en}: {each.item_count:,}" for each in matters)
    return Sentence(
        f"有 {count:,} 项未了事项，涉及 {amount}：{zh}", f"{count:,} matters are open, about {amount}: {en}"
    )


def list_open(matters: Sequence[OpenMatter], currency: str) -> list[Sentence]:
    """The sentence that matters are open, and a line for each kind; nothing where none is."""
    if not matters:
        return []
    return [conclude_open(matters, currency), *(_tell_matter(matter, currency) for matter in matters)]


def list_acknowledged(acknowledged: Sequence[OpenMattersAcknowledged], currency: str) -> list[Sentence]:
    """Who took which step while what was open, and why."""
    sentences = []
    for event in acknowledged:
        count = sum(matter.item_count for matter in event.matters)
        amount = print_fen(sum(matter.amount_fen for matter in event.matters), currency)
        who_zh, who_en = (
            event.actor or "没有记录姓名的人",
            event.actor or "somebody whose name is not recorded",
        )
        sentences.append(
            Sentence(
                f"{event.year} 年度 {event.step}：{who_zh}知悉 {count:,} 项未了事项（{amount}）："
                f"{event.reason}",
                f"{event.year} {event.step}: {who_en} acknowledged {count:,} open matters ({amount}): "
                f"{event.reason}",
            )
        )
    return sentences


def _tell_matter(matter: OpenMatter, currency: str) -> Sentence:
    """A kind with its sums, and the thing with most money of it."""
    kind, amount = KINDS[matter.kind], print_fen(matter.amount_fen, currency)
    zh, en = f"{kind.zh}：{matter.item_count:,} 项", f"{kind.en}: {matter.item_count:,}"
    if matter.amount_fen:
        zh, en = f"{zh}，{amount}", f"{en}, {amount}"
    named = ", ".join(
        " ".join(filter(None, (item.enterprise, str(item.year or ""), item.measure, item.reference)))
        for item in matter.items[:NAMED_MAX]
    )
    more = matter.item_count - NAMED_MAX
    rest_zh, rest_en = (f" 等，另 {more:,} 项", f" and {more:,} more") if more > 0 else ("", "")
    since_zh, since_en = (f"自 {matter.since} 起", f", since {matter.since}") if matter.since else ("", "")
    return Sentence(f"· {zh}，{since_zh}（{named}{rest_zh}）", f"· {en}{since_en} ({named}{rest_en})")


NAMED_MAX = 3
"""Most things of a kind that the verifier names."""


def conclude_open(matters: Sequence[OpenMatter], currency: str, title: str = "") -> Sentence:
    """The sentence with which a check ends that found nothing wrong while matters are open."""
    count = sum(matter.item_count for matter in matters)
    amount = print_fen(sum(matter.amount_fen for matter in matters), currency)
    zh, en = (f"（{title}）", f" ({title})") if title else ("", "")
    return Sentence(
        f"核对一致；另有 {count:,} 项未了事项，涉及 {amount}，见下{zh}。",
        f"All of it matches; {count:,} matters are open all the same, about {amount}, see below{en}.",
    )
