"""Every call of the API that records: sent again, and eight times at once, it is once in the books."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from services.server.app import create_app
from tests.events import CIXI
from tests.integration.api_client import Api
from tests.integration.bureau import Bureau, Clock, check
from tests.integration.checked import CheckedApi
from tests.repeated_year import KNOWN_BY_THEMSELVES, RUNGS, ask, endpoints_that_write, positions

REPLAYED = "Idempotency-Replayed"


OF_TWO_PERSONS = {"waiting.confirm", "waiting.withdraw"}
"""Calls that only two persons make, below."""


def test_no_call_that_records_is_forgotten(open_at: Callable[..., Ledger]) -> None:
    app = create_app(open_at(policy=False))
    walked = {rung.endpoint for rung in RUNGS} | OF_TWO_PERSONS
    assert set(endpoints_that_write(app)) == walked | set(KNOWN_BY_THEMSELVES)
    assert not walked & set(KNOWN_BY_THEMSELVES)


def test_every_call_sent_eight_times_at_once_and_again_is_taken_once(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    bureau = Bureau(open_at(policy=False), Clock())
    other = create_app(open_at(policy=False))
    other.extensions["subsidy-ledger"].clock = bureau.clock
    names: dict[str, str] = {}
    for number, rung in enumerate(RUNGS):
        names |= rung.before(bureau) if rung.before else {}
        ask_once = partial(ask, rung=rung, names=names, key=f"rung-{number}")
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask_once, [bureau.api.app, other] * 4))
        taken = [answer for answer in answers if answer.status_code == rung.status]
        early = [answer for answer in answers if answer.status_code == 409]
        assert len(taken) + len(early) == 8, (rung, [answer.data for answer in answers])
        assert {answer.json["faults"][0]["code"] for answer in early if answer.json} <= {"repeat.early"}
        assert sum(REPLAYED not in answer.headers for answer in taken) == 1, rung
        position = positions(bureau.ledger)
        again = ask_once(bureau.api.app)
        assert (again.status_code, again.headers[REPLAYED]) == (rung.status, "true"), (rung, again.data)
        assert {answer.data for answer in taken} == {again.data}
        assert positions(bureau.ledger) == position
    check(bureau)
    assert replay(bureau.ledger, str(tmp_path / "replay.db")).equal


def test_what_a_second_person_confirms_or_the_first_withdraws_is_done_once(
    open_at: Callable[..., Ledger],
) -> None:
    ledger = open_at()
    ledger.clock = Clock()
    office = CheckedApi(ledger)
    first, second = (office.person(name, "finance", name=name) for name in ("u1", "u2"))
    for number, step in enumerate(("confirmation", "withdrawal")):
        amount = {"amount": f"{number + 1}.00", "currency": "CNY"}
        proposed = twice(first, "PUT", f"/v1/policies/{CIXI}/budgets/2024", amount, f"propose {number}", 202)
        path = f"/v1/waiting-steps/{proposed['waiting']}/{step}"
        twice(second if step == "confirmation" else first, "POST", path, {}, step, 200)
    with ledger.store.reading() as rows:
        assert [row[0] for row in rows.all("SELECT amount FROM budgets")] == ["100"]


def twice(api: Api, method: str, path: str, body: Any, key: str, status: int) -> Any:
    """Make a call under a key twice: the second answer is the first one, and nothing is recorded for it."""
    asked = copy.copy(api)
    asked.headers = {**api.headers, "Idempotency-Key": key.replace(" ", "-")}
    answer = asked.send(method, path, body)
    position = positions(api.ledger)
    again = asked.send(method, path, body)
    assert (answer.status_code, again.status_code) == (status, status), (answer.data, again.data)
    assert (again.data, again.headers[REPLAYED]) == (answer.data, "true")
    assert positions(api.ledger) == position
    return answer.json
