"""``kill -9`` of the service before it answers: the same call again, and the step is once in the books.

A process of its own makes each call of a year and is killed either when the step is written and not
committed, or when it is committed and not answered. It is the fork of one that has made
the service of another ledger before.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.replay.comparison import replay
from ledger.store.application import Ledger, open_ledger
from tests.integration.bureau import Bureau, Clock, check
from tests.repeated_year import RUNGS, ask, positions

ASK = """
import json, os, signal, sys, traceback
from datetime import datetime
from ledger.store.application import open_ledger
from services.server.app import create_app
from services.web import repeats
from tests.repeated_year import RUNGS, ask

die = lambda: os.kill(os.getpid(), signal.SIGKILL)
answer_once = repeats.answer_once

def ask_and_die(database, now, number, names, moment):
    def killed(ledger, request, act):
        def written():
            answer = act()
            if moment == "written":
                die()
            return answer
        answer_once(ledger, request, written)
        die()

    repeats.answer_once = killed
    ledger = open_ledger(database, clock=lambda: datetime.fromisoformat(now))
    print(ask(create_app(ledger), RUNGS[number], names, f"rung-{number}").data, file=sys.stderr)

create_app(open_ledger(sys.argv[1])).extensions["subsidy-looks"].flush()
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            ask_and_die(*json.loads(line))
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

AskAndDie = Callable[[str, Bureau, int, dict[str, str], str], None]


@contextmanager
def asker(folder: Path) -> Iterator[AskAndDie]:
    """Makes calls in processes that are killed before they answer."""
    first = str(folder / "first.db")
    with subprocess.Popen([sys.executable, "-c", ASK, first], stdin=-1, stdout=-1, text=True) as parent:
        assert parent.stdin

        def ask_and_die(
            database: str, bureau: Bureau, number: int, names: dict[str, str], moment: str
        ) -> None:
            words = [database, bureau.clock().isoformat(), number, names, moment]
            print(json.dumps(words), file=parent.stdin, flush=True)
            assert parent.stdout is not None
            assert int(parent.stdout.readline()) == -signal.SIGKILL, RUNGS[number]

        yield ask_and_die
        parent.stdin.close()


@pytest.mark.parametrize("moment", ["written", "committed"])
def test_a_call_that_was_killed_before_its_answer_counts_once(
    database_at: Callable[[str], str], tmp_path: Path, moment: str
) -> None:
    database = database_at("ledger.db")
    ledger: Ledger = open_ledger(database)
    bureau = Bureau(ledger, Clock())
    names: dict[str, str] = {}
    with asker(tmp_path) as ask_and_die:
        for number, rung in enumerate(RUNGS):
            names |= rung.before(bureau) if rung.before else {}
            before = positions(ledger)
            ask_and_die(database, bureau, number, names, moment)
            assert moment == "committed" or positions(ledger) == before, rung
            written = positions(ledger)
            answer = ask(bureau.api.app, rung, names, f"rung-{number}")
            assert answer.status_code == rung.status, (rung, answer.data)
            assert ("Idempotency-Replayed" in answer.headers) == (moment == "committed"), rung
            if moment == "committed":
                assert positions(ledger) == written, rung
    check(bureau)
    assert replay(ledger, str(tmp_path / "replay.db")).equal
    ledger.close()
