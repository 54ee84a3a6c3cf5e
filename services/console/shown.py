"""What several pages show alike: titles of measures, and where a list goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import request, url_for

from domain.money.amounts import print_fen
from domain.policy.model import Words
from domain.policy.rulebook import Rulebook
from domain.settlement.overpaid import STAGE_WORDS, OverpaidStage, Overpayment
from services.console import language
from services.console.blueprint import console
from services.web.fields import cursor_text


def title_of(book: Rulebook, measure: str, year: int) -> Words:
    """A measure in words, as it stood in an award year."""
    found = book.measure_of_year(measure, year)
    return found.title if found else {"zh": measure, "en": measure}


def awards_titled(book: Rulebook, awards: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Words]:
    """Titles by measure and award year."""
    return {(measure, year): title_of(book, measure, year) for measure, year in set(awards)}


def stages_in_words() -> dict[OverpaidStage, str]:
    """How far what was paid too much came back, in the reader's language."""
    return {stage: zh if language.chosen() == "zh" else en for stage, (zh, en) in STAGE_WORDS.items()}


def overpayment_in_words(overpayment: Overpayment, titles: Mapping[str, str], currency: str) -> str:
    """What was paid too much of an award, as one sentence; ``titles`` are those of measures."""
    return language.words_for(
        "overpaid-line",
        title=titles.get(overpayment.measure, overpayment.measure),
        awarded=print_fen(overpayment.awarded_fen, currency),
        paid=print_fen(overpayment.paid_fen, currency),
        overpaid=print_fen(overpayment.overpaid_fen, currency),
        ordered=print_fen(overpayment.ordered_fen, currency),
        recovered=print_fen(overpayment.recovered_fen, currency),
        due=print_fen(overpayment.due_fen, currency),
        stage=stages_in_words()[overpayment.stage],
    )


def next_page(name: str, keys: Sequence[Any]) -> str:
    """The address where the list goes on after these keys."""
    return here(cursor=cursor_text(name, *keys))


def here(**changes: Any) -> str:
    """This page's address with other values in its query; ``None`` takes one away."""
    args = {**request.args.to_dict(), **changes, **(request.view_args or {})}
    args.pop("lang", None)
    kept = {name: value for name, value in args.items() if value not in (None, "")}
    return url_for(request.endpoint or "console.home", **kept)


DOCUMENT_WORDS = {
    "documentnumber": "event-document-number",
    "documentsha256": "event-document-sha256",
    "documentdate": "event-document-issued-on",
    "documentissuer": "event-document-issuer",
}
"""What forms call the members of a message that name the document it rests on."""
FIELDS = {
    "enterprise": "credit-code",
    "code": "credit-code",
    "amount": "amount-yuan",
    "reason": "reason",
    "year": "year",
    "reference": "pay-reference",
    "said": "pay-reference",
    "batch": "pay-batch",
    "payees": "pay-payees",
    "payer_name": "pay-payer-name",
    "payer_account": "pay-payer-account",
    "payer_bank": "pay-payer-bank",
    "into_year": "adjust-into",
    "measure": "measure",
    "status": "status",
    "budget": "budget",
    "file": "file",
    **DOCUMENT_WORDS,
}
"""Fields whose words stand elsewhere; the others are ``field-…``, or stay as they are."""


@console.app_template_global()
def field_name(field: str) -> str:
    """A field of a form as its label says it; what a file's line number precedes keeps it."""
    head, _, name = field.rpartition(". ")
    plain = FIELDS.get(name, f"field-{name}")
    said = language.words_for(plain) if plain in language.words() else name
    return f"{head}. {said}" if head else said


def fragment_wanted() -> bool:
    """Whether htmx asks for a part of the page; never on the way back in the browser's history."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
