"""What the bank answers by file: whole or not at all, each fault with its line, one reference a payment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import NamedTuple

import pytest

from domain.money.amounts import print_fen
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.settlement import bank_answers, paying
from ledger.settlement.bank_answers import Recorded, record_answers
from ledger.settlement.paying import Result, StepsRefused
from ledger.store.application import Ledger
from services.cli.caller_errors import caller_message
from services.sample.city import city
from tests import acknowledging
from tests.events import CIXI
from tests.integration.api_client import Api
from tests.integration.bureau import Clock
from tests.integration.closings import CARRYING, FINANCE, list_and_close
from tests.unit.test_payment_results import payment as status_of
from tests.unit.test_payment_results import report

YEAR = 2024
DAY = "2025-05-14"
HEADINGS = "支付编号,状态,金额,日期,银行流水号,失败原因"


class Ordered(NamedTuple):
    """A closed year whose payments are ordered: (payment, fen)."""

    ledger: Ledger
    payments: list[tuple[str, int]]

    def file(self, *, wrong: int = -1, reference: str = "R{}") -> bytes:
        """Everything was made, as CSV; the payment numbered ``wrong`` by another amount."""
        rows = [
            f"{payment},成功,{print_fen(fen + (number == wrong))},{DAY},{reference.format(number)},"
            for number, (payment, fen) in enumerate(self.payments)
        ]
        return "\r\n".join([HEADINGS, *rows]).encode("gb18030")

    def statuses(self) -> dict[str, int]:
        """How many payments stand at each status."""
        with self.ledger.store.reading() as rows:
            return {
                str(s): int(n) for s, n in rows.all("SELECT status, COUNT(*) FROM payments GROUP BY status")
            }


@pytest.fixture
def ordered(open_at: Callable[..., Ledger]) -> Ordered:
    ledger = open_at(policy=False)
    clock = Clock(datetime(2025, 5, 6, 2, tzinfo=UTC))
    ledger.clock = clock
    adopt_policy(ledger, CARRYING)
    set_budget(ledger, CIXI, str(YEAR), 4_000_000_00)
    ingest(ledger, list(city(12, year=YEAR)), "tests")
    list_and_close(ledger, clock, YEAR)
    acknowledging.order_payments(ledger, CIXI, YEAR, FINANCE)
    with ledger.store.reading() as rows:
        found = rows.all("SELECT payment, amount FROM payments ORDER BY payment")
    return Ordered(ledger, [(str(name), int(fen)) for name, fen in found])


def test_a_file_larger_than_a_call_is_recorded_whole_or_not_at_all(
    ordered: Ordered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in the last part keeps the first parts from being recorded too; its line is told."""
    monkeypatch.setattr(bank_answers, "RESULTS_MAX", 2)
    count = len(ordered.payments)
    assert count > 4

    with pytest.raises(StepsRefused) as refused:
        record_answers(ordered.ledger, CIXI, YEAR, FINANCE, ordered.file(wrong=count - 1))

    assert ordered.statuses() == {"ordered": count}
    assert [refused.value.lines[index] for index, _ in refused.value.faults] == [count + 1]
    assert str(caller_message(refused.value, "zh")).startswith(f"第 {count + 1} 行，")
    assert str(caller_message(refused.value, "en")).startswith(f"line {count + 1}, amount: ")
    assert record_answers(ordered.ledger, CIXI, YEAR, FINANCE, ordered.file()) == Recorded(count, 0, 0)
    assert record_answers(ordered.ledger, CIXI, YEAR, FINANCE, ordered.file()) == Recorded(0, count, 0)
    assert ordered.statuses() == {"made": count}


def test_a_report_is_told_by_what_it_holds_and_counts_what_is_not_final(ordered: Ordered) -> None:
    (first, fen), (second, _), *_ = ordered.payments
    data = report(status_of(first, "ACSC", amount=print_fen(fen)), status_of(second, "PDNG", amount=""))
    data = data.replace(b"2025-04-02T17:00:00Z", b"2025-05-14T01:00:00Z")

    assert record_answers(ordered.ledger, CIXI, YEAR, FINANCE, data) == Recorded(1, 0, 1)
    assert record_answers(ordered.ledger, CIXI, YEAR, FINANCE, data) == Recorded(0, 1, 1)


def test_a_reference_of_the_bank_is_recorded_for_one_payment_whatever_the_door(ordered: Ordered) -> None:
    """In one call and in a later one, in another spelling too; the same answer again is known."""
    (first, fen), (second, other), *_ = ordered.payments
    results = [Result(first, "made", fen, DAY, "TX-1"), Result(second, "made", other, DAY, "TX-1")]
    body = [
        {"payment": name, "status": "made", "amount": print_fen(amount), "on": DAY, "said": "ＴＸ－1"}
        for name, amount in (ordered.payments[0], ordered.payments[1])
    ]
    finance = Api(ordered.ledger).by("Qian", "finance")

    with pytest.raises(StepsRefused) as refused:
        paying.record_results(ordered.ledger, CIXI, YEAR, FINANCE, results)
    assert [(index, fault.code) for index, fault in refused.value.faults] == [(1, "payment.reference")]

    assert paying.record_results(ordered.ledger, CIXI, YEAR, FINANCE, results[:1]) == (1, 0)
    path = f"/v1/policies/{CIXI}/years/{YEAR}/payments/results"
    problem = finance.post(path, {"results": body[1:]}, 409)
    assert [(each["code"], each["field"]) for each in problem["faults"]] == [
        ("payment.reference", "results.0.said")
    ]
    with pytest.raises(StepsRefused) as again:
        record_answers(ordered.ledger, CIXI, YEAR, FINANCE, ordered.file(reference="TX-{}"))
    assert [(again.value.lines[index], fault.code) for index, fault in again.value.faults][1:] == [
        (3, "payment.reference")
    ]
    assert paying.record_results(ordered.ledger, CIXI, YEAR, FINANCE, results[:1]) == (0, 1)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_reports_in_any_order_and_twice_leave_the_last_word(ordered: Ordered, order: tuple[int, ...]) -> None:
    """Accepted, rejected, and then paid after all: the late success holds, whichever report comes first."""
    ordered.ledger.clock.pass_(days=3)  # type: ignore[attr-defined]
    (a, fa), (b, fb), *_ = ordered.payments
    other = status_of(b, "ACSC", "<AcctSvcrRef>R-b</AcctSvcrRef>", print_fen(fb))
    reports = [
        on_day(f"2025-05-1{4 + day}", report(status_of(a, status, amount=print_fen(fa)), *more))
        for day, (status, more) in enumerate((("PDNG", ()), ("RJCT", (other,)), ("ACSC", ())))
    ]

    for number in (*order, *order):
        record_answers(ordered.ledger, CIXI, YEAR, FINANCE, reports[number])

    with ordered.ledger.store.reading() as rows:
        sql = "SELECT payment, status, day FROM payments WHERE status<>'ordered' ORDER BY payment"
        found = [tuple(row) for row in rows.all(sql)]
    assert found == [(a, "made", "2025-05-16"), (b, "made", "2025-05-15")]


def on_day(day: str, data: bytes) -> bytes:
    """A report of another day."""
    return data.replace(b"2025-04-02T17:00:00Z", f"{day}T01:00:00Z".encode())
