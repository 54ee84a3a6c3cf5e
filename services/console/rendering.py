"""What templates can use: words, money, dates, addresses that keep policy and year, charts."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask, Response, current_app, render_template, request, url_for

from domain.events.instants import SHANGHAI
from domain.faults.fault import args_in
from domain.faults.registry import read_problems
from domain.money.amounts import parse_fen, print_fen
from domain.money.wire import print_fraction, print_percent
from ledger.policies.versions import rulebooks
from services.console import forms, language, telling
from services.console.shown import DOCUMENT_WORDS
from services.web import charts
from services.web.amounts import print_quantity
from services.web.fault_words import describe_fault
from services.web.identity.gate import gate_of
from services.web.problems import Problem

FORMS_LOST = ("signed-out", "form-expired")
"""Refusals that say nothing of what was filled in: the same would be taken if it were sent again."""


def register(app: Flask) -> None:
    """Add filters and globals."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        money=money,
        plain=print_fen,
        quantity=partial(print_quantity, grouped=True),
        percent=print_percent,
        fraction=print_fraction,
        day=day,
        moment=moment,
        grouped=grouped,
    )
    app.jinja_env.globals.update(
        t=language.words_for,
        of=language.chosen_words,
        lang=language.chosen,
        languages=language.LANGUAGES,
        csrf_token=forms.token,
        working=forms.working,
        signing_in=lambda: gate_of().sign_in is not None,
        is_unverified=lambda: gate_of().settings.mode == "local",
        chart=charts,
        with_language=with_language,
        enterprise_address=enterprise_address,
        event_address=telling.event_address,
        document_words=DOCUMENT_WORDS,
    )


def money(amount: str | int, currency: str) -> str:
    """Fen, or an amount as programs get it, for readers: ``¥1,234,567.89``."""
    return print_fen(amount if isinstance(amount, int) else parse_fen(amount, printed=True), currency)


def grouped(number: int | str) -> str:
    """A count with thousands apart."""
    return f"{int(number):,}"


def moment(instant: str) -> str:
    """A UTC instant in Asia/Shanghai, to the second."""
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def day(instant: str) -> str:
    """The day of a UTC instant in Asia/Shanghai."""
    return moment(instant)[:10]


def with_language(wanted: str) -> str:
    """This page's address in another language; of the answer to a form, that of the page above it."""
    args = {**request.args.to_dict(), **(request.view_args or {}), "lang": wanted}
    above = request.path
    while request.endpoint and above and not _is_page(above):
        above = above.rpartition("/")[0]
    if above and above != request.path:
        return f"{above}?lang={wanted}"
    return url_for(request.endpoint or "console.home", **args)


def _is_page(path: str) -> bool:
    """Whether an address can be opened, and is not only sent forms to."""
    addresses = current_app.create_url_adapter(request)
    return addresses is None or addresses.test(path, method="GET")


def enterprise_address(code: str) -> str:
    """An enterprise's page, of the policy and year that this page is about."""
    about = {name: (request.view_args or {})[name] for name in ("policy", "year")}
    return url_for("console.enterprise_page", code=code, **about)


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page."""
    return Response(render_template(template, **values), status, mimetype="text/html")


def choices() -> dict[str, list[int]]:
    """The policies of the ledger, each with the years that have awards or belong to now."""
    ledger = forms.opened()
    with ledger.store.reading() as rows:
        books = rulebooks(rows)
        sql = "SELECT DISTINCT policy, year FROM totals WHERE kind='measure' ORDER BY policy, year"
        found: dict[str, list[int]] = {policy: [] for policy in books}
        for policy, year in rows.all(sql):
            found.setdefault(policy, []).append(year)
    this = ledger.clock().astimezone(SHANGHAI).year
    for policy, years in found.items():
        if not years and policy in books:
            years.append(min(max(int(books[policy].life_from[:4]), 2000), this))
    return found


def problem_page(problem: Problem, status: int | None = None) -> Response:
    """A refusal as a page: what is wrong, and the mend, in the reader's language."""
    lang = language.chosen()
    kind = read_problems()[problem.code]
    title, detail = (kind.title_en, kind.detail_en) if lang == "en" else (kind.title_zh, kind.detail_zh)
    faults = [describe_fault(fault, lang) for fault in problem.faults]
    said = {
        "title": title,
        "detail": detail.format(faults=language.words_for("error-faults"), **args_in(lang, problem.args_)),
        "found": faults,
        "back": forms.back(),
        "typed": forms.typed_texts() if problem.code in FORMS_LOST else [],
    }
    return page("problem.html", status or kind.status, **said)
