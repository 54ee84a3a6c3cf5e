"""A file of the bank's answers, read and recorded: CSV, or an ISO 20022 pain.002 status report."""

from __future__ import annotations

from typing import NamedTuple

from domain.authority.roles import Actor, NotAllowed
from ledger.export.file_faults import text_lines
from ledger.policies.versions import rulebook
from ledger.settlement.bank_names import read_ordered_amounts
from ledger.settlement.paying import RESULTS_MAX, Result, StepsRefused, check_results, record_results
from ledger.settlement.payment_results import BankAnswers, read_pain002, read_results
from ledger.store.application import Ledger

_XML_MARKS = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\x00<")


class Recorded(NamedTuple):
    """How many answers were recorded, known before, not final yet, and of a day before what is recorded."""

    recorded: int
    known: int
    pending: int
    outdated: int = 0


def is_xml(data: bytes) -> bool:
    """Whether a file is XML, whatever it is called."""
    return data.lstrip(b" \t\r\n").startswith(_XML_MARKS)


def read_answers(ledger: Ledger, policy: str, year: int, data: bytes) -> BankAnswers:
    """What a file says became of a year's payments.

    Raises:
        UnknownPolicy; FileError: with everything that is wrong.
    """
    if not is_xml(data):
        return read_results(text_lines(data))
    with ledger.store.reading() as rows:
        currency = rulebook(rows, policy).latest.currency
        ordered = read_ordered_amounts(rows, policy, year)
    return read_pain002(data, ordered, currency)


def record_answers(ledger: Ledger, policy: str, year: int, actor: Actor, data: bytes) -> Recorded:
    """Record what a file says; all of it is looked through before any of it is recorded.

    Files may come in any order: what a file says of a day before the bank's last word, and that word says
    otherwise, is passed over and counted, so that the last word holds and the others are not lost. A call
    that was cut off is made again: what was recorded is known then.

    Raises:
        UnknownPolicy; FileError; NotAllowed; StepsRefused: with the line of each; nothing is recorded.
    """
    answers = read_answers(ledger, policy, year, data)
    lines = [result.line for result in answers.results]
    results = [Result(r.payment, r.status, r.amount, r.on, r.remark) for r in answers.results]
    faults = list[tuple[int, NotAllowed]]()
    for start in range(0, len(results), RESULTS_MAX):
        chunk = results[start : start + RESULTS_MAX]
        refusals = check_results(ledger, policy, year, actor, chunk)
        faults += [(start + index, fault) for index, fault in refusals]
    outdated = {index for index, fault in faults if fault.code == "payment.contradiction"}
    if len(outdated) < len(faults):
        raise StepsRefused([fault for fault in faults if fault[0] not in outdated], lines)
    allowed = [index for index in range(len(results)) if index not in outdated]
    recorded = repeated = 0
    for start in range(0, len(allowed), RESULTS_MAX):
        places = allowed[start : start + RESULTS_MAX]
        try:
            new, old = record_results(ledger, policy, year, actor, [results[place] for place in places])
        except StepsRefused as refused:
            raise StepsRefused([(places[index], fault) for index, fault in refused.faults], lines) from None
        recorded, repeated = recorded + new, repeated + old
    return Recorded(recorded, repeated, answers.pending, len(outdated))
