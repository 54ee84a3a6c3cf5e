"""RFC 9457 problem details: the one form of every error, in the reader's language."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException

from domain.authority.roles import NotAllowed
from domain.events.stored import UnreadableState
from domain.faults.fault import Fault, FaultValue, args_in
from domain.faults.registry import read_problems
from domain.log.notes import NoteError
from domain.policy.faults import PolicyError, PolicyFault
from domain.policy.rulebook import NoRules
from domain.things.personal_number import wipe_alike
from ledger.amendments.amending import AmendmentRefused
from ledger.export.books import NotExportable
from ledger.export.file_faults import FileError
from ledger.intake.settling import SettledRefusal, UnknownRefusal
from ledger.intake.sheets.faults import SheetError
from ledger.log.key_record import LogNotContinued
from ledger.policies.versions import UnknownPolicy
from ledger.reading.records import UnknownEnterprise
from ledger.settlement.paying import StepsRefused
from ledger.store.moments import Unanswerable
from ledger.store.rows import (
    Conflict,
    DamagedStore,
    StaleStore,
    StoreError,
    StoreUnavailable,
    UnsuitableStore,
    WriteRefused,
)
from ledger.store.schema.comparing import check_schema
from ledger.store.turns.queues import AT_ONCE_MAX, LaneFull
from services.web.fault_words import describe_fault, fault_of
from services.web.sheets.desk import UnknownSheet

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:subsidy-ledger:problem:"
RETRY_AFTER_SECONDS = 5
LANGUAGES = {"zh": "zh-CN", "en": "en"}
FAULTS = {"zh": " faults", "en": "faults"}
"""Where an answer's faults stand, in its detail; a page has words of its own."""

log = logging.getLogger(__name__)

_BY_STATUS = {
    400: "request-bad",
    404: "route-unknown",
    405: "method-wrong",
    413: "body-large",
    415: "media-wrong",
}


class Problem(Exception):
    """A request that is refused; ``args_`` fill the words of its kind."""

    def __init__(
        self,
        code: str,
        faults: Iterable[Fault] = (),
        *,
        extra: dict[str, Any] | None = None,
        retry_after_seconds: int = RETRY_AFTER_SECONDS,
        **args_: FaultValue,
    ) -> None:
        super().__init__(code)
        self.code, self.faults, self.args_ = code, list(faults), args_
        self.retry_after_seconds = retry_after_seconds
        self.extra = extra or {}


def language() -> str:
    """The reader's language: ``zh``, or ``en`` where Accept-Language prefers it."""
    accepted: LanguageAccept = request.accept_languages
    best = accepted.best_match(["zh-CN", "zh", "en"], default="zh-CN")
    return "en" if best == "en" else "zh"


def answer(
    problem: Problem,
    status: int | None = None,
    headers: Iterable[tuple[str, str]] = (),
    page: bool = True,
) -> Response:
    """The response that tells a problem; a page where the console was asked and ``page`` is not ruled out."""
    if page and request.path.startswith("/console"):
        as_page: Callable[[Problem, int | None], Response] = current_app.extensions["subsidy-problem-page"]
        return as_page(problem, status)
    lang = language()
    kind = read_problems()[problem.code]
    status = status or kind.status
    title, detail = (kind.title_en, kind.detail_en) if lang == "en" else (kind.title_zh, kind.detail_zh)
    body = {
        "type": TYPE_PREFIX + problem.code,
        "title": title,
        "status": status,
        "detail": detail.format(faults=FAULTS[lang], **args_in(lang, problem.args_)),
        "instance": wipe_alike(request.path),
        "code": problem.code,
        "faults": [describe_fault(fault, lang) for fault in problem.faults],
        **problem.extra,
    }
    response = current_app.response_class(current_app.json.dumps(body), status, mimetype=MEDIA_TYPE)
    response.headers["Content-Language"] = LANGUAGES[lang]
    response.headers.extend([(name, value) for name, value in headers if name.lower() == "allow"])
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    return response


def on_http_error(error: HTTPException) -> Response:
    """Flask's own refusals: unknown routes, wrong methods, bodies too large."""
    status = error.code or 500
    code = _BY_STATUS.get(status, "http")
    faults = []
    if code == "body-large":
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        faults = [Fault("body.large", "body", {"limit": limit})]
    return answer(Problem(code, faults, reason=error.name), status, error.get_headers())


def on_problem(error: Problem) -> Response:
    """A refusal of ours; not as a page where the form did not arrive, which a page would ask for again."""
    return answer(error, page=error.code != "body-stalled")


def _words(fault: PolicyFault) -> dict[str, str]:
    rule_zh, mend_zh = fault.words("zh")
    return {"rule": fault.rule, "mend": fault.mend, "rule_zh": rule_zh, "mend_zh": mend_zh}


def of_ledger(error: Exception) -> Problem | None:
    """What the ledger raises, as a problem; ``None`` for what it never should."""
    if isinstance(error, UnknownPolicy):
        return Problem("policy-unknown", named=str(error))
    if isinstance(error, UnknownEnterprise):
        return Problem("enterprise-unknown", named=str(error))
    if isinstance(error, NoRules):
        return Problem("rules-none", [Fault("rules.none", "rules_as_of")])
    if isinstance(error, Unanswerable):
        field = str(error).partition("=")[0].partition(" ")[0]
        fault = Fault("moment.unanswerable", field, {"reason": str(error)})
        return Problem("moment-unanswerable", [fault], reason=str(error))
    if isinstance(error, PolicyError):
        faults = [
            Fault("policy.file", each.field, {"line": each.line, **_words(each)}) for each in error.faults
        ]
        return Problem("policy-refused", faults)
    if isinstance(error, NotExportable | FileError):
        return Problem("not-exportable", reason=str(error))
    if isinstance(error, NotAllowed):
        forbidden = error.code.partition(".")[0] in ("role", "actor")
        return Problem("role-missing" if forbidden else "step-refused", [fault_of(error)])
    if isinstance(error, StepsRefused):
        faults = [fault_of(each, f"results.{index}.") for index, each in error.faults]
        return Problem("step-refused", faults)
    if isinstance(error, AmendmentRefused):
        return Problem("request-invalid", error.faults)
    return _of_sheet(error) or _of_refusal(error) or _of_store(error)


def _of_refusal(error: Exception) -> Problem | None:
    """What keeps messages, or a refused one, from being taken; ``None`` for anything else."""
    if isinstance(error, LaneFull):
        fault = Fault("rate.at-once", "Authorization", {"most": AT_ONCE_MAX})
        return Problem("too-many", [fault], retry_after_seconds=1)
    if isinstance(error, UnknownRefusal):
        return Problem("refusal-unknown")
    return Problem("refusal-settled") if isinstance(error, SettledRefusal) else None


def _of_sheet(error: Exception) -> Problem | None:
    """A spreadsheet that cannot be read, or does not wait; ``None`` for anything else."""
    if isinstance(error, SheetError):
        return Problem("sheet-refused", error.faults)
    return Problem("sheet-unknown") if isinstance(error, UnknownSheet) else None


def _of_store(error: Exception) -> Problem | None:
    """A database that is away, or that the operator must see to; ``None`` for anything else."""
    if isinstance(error, UnreadableState):
        error = DamagedStore("database.unreadable-row", reason=str(error))
    if isinstance(error, StaleStore):
        log.error("nothing is recorded: %s", error)
        return Problem("store-stale", reason=_reason(error))
    if isinstance(error, UnsuitableStore):
        log.error("the store is unsuitable: %s", error)
        return Problem("store-unsuitable", reason=_reason(error))
    if isinstance(error, WriteRefused):
        log.error("nothing is recorded: %s", error)
        return Problem("store-unwritable", reason=_reason(error))
    if isinstance(error, LogNotContinued | NoteError):
        log.error("nothing is signed: %s", error)
        return Problem("log-not-signed", reason=str(error))
    if isinstance(error, StoreUnavailable | Conflict):
        log.warning("the store is unavailable: %s", error)
        return Problem("store-unavailable")
    return None


def _reason(error: StoreError) -> dict[str, str]:
    """What is wrong with the database and its mend, in both languages."""
    return {language: error.describe(language) for language in LANGUAGES}


def _of_altered_tables(error: Exception) -> Problem | None:
    """Tables that are not as the ledger made them, which then hold what no reader expects; or ``None``."""
    ledger = current_app.extensions.get("subsidy-ledger")
    if ledger is None:
        return None
    try:
        with ledger.store.reading() as rows:
            faults = check_schema(rows)
    except StoreError as fault:
        return _of_store(fault)
    except Exception:  # it is the first error that is told
        return None
    if not faults:
        return None
    log.error("the tables were altered, whence: %r", error)
    return _of_store(
        UnsuitableStore("database.other-tables", reason={"zh": faults[0].zh, "en": faults[0].en})
    )


def on_exception(error: Exception) -> Response:
    """Everything else: what the ledger raises for a caller, or a defect of ours, untold."""
    problem = of_ledger(error) or _of_altered_tables(error)
    if problem is None:
        reference = secrets.token_hex(6)
        log.error("reference %s: %s %r", reference, request.method, request.path, exc_info=error)
        problem = Problem("internal", reference=reference)
    return answer(problem)


def register(app: Flask) -> None:
    """Make every error of the application a problem."""
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Problem, on_problem)
    app.register_error_handler(Exception, on_exception)
