"""A step that a form asked for and the ledger refuses, in words beside the form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import marshmallow
import msgspec
from flask import flash, redirect, request
from marshmallow import Schema
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.roles import NotAllowed
from domain.authority.two_persons import TWO_PERSON_STEPS
from domain.faults.validation import faults_from
from ledger.amendments.amending import AmendmentRefused
from ledger.export.books import NotExportable
from ledger.export.file_faults import FileError, text_lines
from ledger.settlement.paying import StepsRefused
from ledger.store.repeats.keys import KeyInProgress, KeyOfOther, KeysFull
from ledger.waiting.reading import WaitingStep
from ledger.waiting.second_person import SecondPersonNeeded
from services.console import forms, language
from services.web.fault_words import describe_fault, fault_of

SHOWN_MAX = 200
"""Most faults that a page lists."""
REFUSED = 422


class Refusal(NamedTuple):
    """Which step was refused, and everything that is wrong: field, rule, mend (and line)."""

    step: str
    found: list[dict[str, Any]]
    total: int
    text: str = ""


class Refused(Exception):
    """A form whose content breaks rules."""

    def __init__(self, found: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(found)} faults")
        self.found = found


CAUGHT = (NotAllowed, AmendmentRefused, StepsRefused, FileError, NotExportable, Refused)


def read(schema: type[Schema], given: Mapping[str, str], *names: str, **more: Any) -> dict[str, Any]:
    """The fields of a form, checked as the interface checks them; blank ones count as absent.

    Raises:
        Refused: with everything that is wrong.
    """
    texts = {name: " ".join(given.get(name, "").split()) for name in names}
    try:
        loaded: dict[str, Any] = schema().load(
            {**{name: text for name, text in texts.items() if text}, **more}
        )
    except marshmallow.ValidationError as error:
        lang = language.chosen()
        raise Refused([dict(describe_fault(each, lang)) for each in faults_from(error.messages)]) from None
    return loaded


def refusal_of(step: str, error: Exception) -> Refusal:
    """What is wrong, for the reader."""
    lang = language.chosen()
    if isinstance(error, Refused):
        return Refusal(step, error.found, len(error.found))
    if isinstance(error, NotAllowed):
        return Refusal(step, [_said(error)], 1)
    if isinstance(error, AmendmentRefused):
        words = [dict(describe_fault(each, lang)) for each in error.faults]
        return Refusal(step, words, len(words))
    if isinstance(error, StepsRefused):
        found = [
            {**_said(each), "line": error.lines[index]} if error.lines else _said(each, f"{index + 1}. ")
            for index, each in error.faults[:SHOWN_MAX]
        ]
        return Refusal(step, found, len(error.faults))
    if isinstance(error, FileError):
        words = [dict(each.words(lang)) for each in error.faults[:SHOWN_MAX]]
        return Refusal(step, words, error.total)
    return Refusal(step, [], 0, str(error))


def _said(error: NotAllowed, path: str = "") -> dict[str, Any]:
    if error.code == "claim.status":
        args = {name: _claim_statuses(str(value)) for name, value in error.args_.items()}
        error = NotAllowed(error.code, error.field, **args)
    words = dict(describe_fault(fault_of(error, path), language.chosen()))
    if error.code == "actor.missing":
        words["mend"] = language.words_for("work-first")
    if error.code == "role.missing":
        roles = str(error.args_.get("roles", "")).split(", ")
        words["rule"] = language.words_for("step-not-yours")
        words["mend"] = language.words_for("step-whose", roles=named_roles(roles))
    return words


def describe_refusal(error: NotAllowed) -> str:
    """Why a step is not allowed, and the mend, as one sentence for the reader."""
    words = _said(error)
    return f"{words['rule']} — {words['mend']}"


def _claim_statuses(named: str) -> str:
    """Statuses of claims in words."""
    return " / ".join(language.words_for(f"claim-status-{status}") for status in named.split(", "))


def named_roles(roles: list[str]) -> str:
    """Roles in words."""
    known = language.words()
    return " / ".join(language.words_for(f"role-{role}") for role in roles if f"role-{role}" in known)


def take(
    step: str,
    act: Callable[[], str],
    after: Callable[[], str],
    show: Callable[[Refusal], BaseResponse],
) -> BaseResponse:
    """Take a step: go on to an address with a notice, or show the page again with what is wrong.

    A form that is sent again, by a double click or from the page before, goes on to the same address.
    The notice of a step that needs another person says that it waits.
    """

    def notice_and_address() -> bytes:
        try:
            notice = act()
        except SecondPersonNeeded as proposed:
            notice = _proposed(proposed.waiting)
        return msgspec.json.encode((notice, after()))

    try:
        kept = forms.submit_once(forms.opened(), notice_and_address)
    except (KeyOfOther, KeysFull, KeyInProgress):
        rule, mend = language.words_for("form-used"), language.words_for("form-used-mend")
        found = [{"field": language.words_for("form"), "rule": rule, "mend": mend}]
        return show(Refusal(step, found, 1))
    except CAUGHT as error:
        return show(refusal_of(step, error))
    notice, address = msgspec.json.decode(kept.content, type=tuple[str, str])
    flash(language.words_for("form-again", notice=notice) if kept.replayed else notice)
    return redirect(address, 303)


def _proposed(step: WaitingStep) -> str:
    """What to tell the first of two persons."""
    title = TWO_PERSON_STEPS[step.step]
    named = title.zh if language.chosen() == "zh" else title.en
    return language.words_for("waiting-did-propose", step=named, waiting=step.waiting)


def upload(name: str) -> FileStorage:
    """A file of the form.

    Raises:
        Refused: where none was chosen.
    """
    file = request.files.get(name)
    if file is None or not file.filename:
        rule, mend = language.words_for("file-none"), language.words_for("file-none-mend")
        raise Refused([{"field": language.words_for("file"), "rule": rule, "mend": mend}])
    return file


def lines_of(file: FileStorage) -> list[str]:
    """The lines of a text file, as UTF-8 or as Chinese spreadsheets save it.

    Raises:
        FileError: for bytes that are neither.
    """
    return text_lines(file.stream.read())
