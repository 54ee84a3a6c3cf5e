"""What is open, told beside what was verified: it says nothing against the figures."""

from __future__ import annotations

from collections.abc import Sequence

from domain.events.settlements import OpenMatter
from domain.money.amounts import print_fen
from domain.settlement.open_matters import KINDS
from services.verify.conclusion import Sentence


def summarise_open(matters: Sequence[OpenMatter], currency: str) -> Sentence:
    """How many things are open, what they are about, and of which kinds, those with most money first."""
    count = sum(matter.item_count for matter in matters)
    amount = print_fen(sum(matter.amount_fen for matter in matters), currency)
    zh = "；".join(f"{KINDS[each.kind].zh} {each.item_count:,}" for each in matters)
    en = "; ".join(f"{KINDS[each.kind].en}: {each.item_count:,}" for each in matters)
    return Sentence(
        f"有 {count:,} 项未了事项，涉及 {amount}：{zh}", f"{count:,} matters are open, about {amount}: {en}"
    )


def conclude_open(matters: Sequence[OpenMatter], currency: str, title: str) -> Sentence:
    """The sentence with which a check ends that found nothing wrong while matters are open."""
    count = sum(matter.item_count for matter in matters)
    amount = print_fen(sum(matter.amount_fen for matter in matters), currency)
    return Sentence(
        f"核对一致；另有 {count:,} 项未了事项，涉及 {amount}，见下（{title}）。",
        f"All of it matches; {count:,} matters are open all the same, about {amount}, see below ({title}).",
    )
