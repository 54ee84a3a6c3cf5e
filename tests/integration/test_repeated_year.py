"""Every call of the API that records: sent again, and eight times at once, it is once in the books."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from services.server.app import create_app
from tests.integration.bureau import Bureau, Clock, check
from tests.repeated_year import KNOWN_BY_THEMSELVES, RUNGS, ask, endpoints_that_write, positions

REPLAYED = "Idempotency-Replayed"


def test_no_call_that_records_is_forgotten(open_at: Callable[..., Ledger]) -> None:
    app = create_app(open_at(policy=False))
    walked = {rung.endpoint for rung in RUNGS}
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
