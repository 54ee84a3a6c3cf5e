"""Limits before and after somebody is known: counted by all workers together, with answers that are true."""

from __future__ import annotations

import multiprocessing
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from joserfc.jwk import KeySet

from ledger.store.application import open_ledger
from services.runtime.identity_settings import RETURN, IdentitySettings
from services.web.identity import signing_in, tokens
from services.web.identity.limits import Accepted, Buckets, Limit, name_address
from services.web.identity.signing_in import SignIn
from services.web.identity.tokens import WAITING_MAX, Keys, Refused
from tests.integration.test_identity import BUDGET, City
from tests.issuing import issuing

FAILED = 5


def test_wrong_credentials_are_limited_by_address_before_anything_is_looked_up(tmp_path: Path) -> None:
    city = City(tmp_path, failed=FAILED)
    now = [100.0]
    gate = city.app.extensions["subsidy-gate"]
    gate.failures.clock = gate.accepted.clock = lambda: now[0]
    right, fresh = city.token("officer"), city.token("officer", sub="u2")
    assert city.ask(right, BUDGET).status_code == 200

    answers = [city.ask(f"wrong.{number}", BUDGET) for number in range(FAILED + 1)]

    assert [answer.status_code for answer in answers] == [401] * FAILED + [429]
    assert answers[0].headers["RateLimit-Policy"] == f'"failed-credentials";q={FAILED};w=60'
    left = [answer.headers["RateLimit"].split(";")[1] for answer in answers]
    assert left == [f"r={FAILED - 1 - number}" for number in range(FAILED)] + ["r=0"]
    city.refused(answers[-1], 429, "rate.failed")
    assert city.ask(right, BUDGET).status_code == 200, "known to be good: it shares the address of a guesser"
    assert city.ask(fresh, BUDGET).status_code == 429, "not looked at"
    assert city.ask(None, "/v1/policies").status_code == 200, "what anyone may read stays"
    elsewhere = city.ask(fresh, BUDGET, environ_base={"REMOTE_ADDR": "10.9.9.9"})
    assert elsewhere.status_code == 200, "another address is another caller"

    wait = int(answers[-1].headers["Retry-After"])
    assert wait == 60 // FAILED
    now[0] += wait
    assert city.ask("wrong.again", BUDGET).status_code == 401, "Retry-After was true"
    assert city.ask("wrong.again", BUDGET).status_code == 429
    city.ledger.close()


def test_retry_after_says_when_a_caller_may_ask_again(tmp_path: Path) -> None:
    city = City(tmp_path, rate=1)
    now = [100.0]
    city.app.extensions["subsidy-gate"].requests.clock = lambda: now[0]
    token = city.token("officer")
    answers = [city.ask(token, BUDGET) for _ in range(11)]
    assert answers[0].headers["RateLimit"] == '"requests";r=9;t=1'
    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=10;w=10'
    assert (answers[-1].status_code, answers[-1].headers["Retry-After"]) == (429, "1")
    now[0] += 1
    assert city.ask(token, BUDGET).status_code == 200
    city.ledger.close()


def ask_often(file: Path, number: int) -> int:
    limit = Limit("requests", 100, 60, Buckets(file), clock=lambda: 1_000.0)
    return sum(not limit.ask("somebody").wait_seconds for _ in range(number))


def test_workers_count_together_to_the_last_one(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        allowed = pool.starmap(ask_often, [(tmp_path / "limits", 80)] * 2)
    assert sum(allowed) == 100
    assert min(allowed) > 0


def test_callers_beyond_what_is_remembered_push_out_those_who_are_done() -> None:
    now = [1_000.0]
    limit = Limit("requests", 10, 10, clock=lambda: now[0])
    for _ in range(10):
        limit.ask("busy")
    now[0] += 0.5
    for number in range(20_000):
        limit.ask(f"other {number}", count=number % 4 == 0)
    assert limit.ask("busy").wait_seconds > 0


def test_addresses_of_one_subscriber_are_one_caller() -> None:
    assert name_address("2001:db8::1") == name_address("2001:db8::ffff") != name_address("2001:db8:0:1::1")
    assert name_address("10.0.0.1") != name_address("10.0.0.2")
    assert name_address("") == ""


def test_a_credential_that_is_no_longer_good_is_forgotten() -> None:
    now = [10.0]
    accepted = Accepted(Buckets(), lambda: now[0])
    accepted.note("a", is_good=True)
    assert accepted.knows("a")
    accepted.note("a", is_good=False)
    assert not accepted.knows("a")
    accepted.note("a", is_good=True)
    now[0] += Accepted.SECONDS
    assert not accepted.knows("a")


# --- a slow issuer -------------------------------------------------------------------------------


def test_all_who_come_at_once_at_first_are_let_in() -> None:
    with issuing() as issuer:
        keys, refused = Keys(issuer.address), list[str]()

        def bring() -> None:
            try:
                keys.for_token("k1")
            except Refused as error:
                refused.append(error.reason)

        threads = [threading.Thread(target=bring) for _ in range(8)]
        for thread in threads:
            thread.start()
        threading.Timer(0.1, issuer.answers.set).start()
        for thread in threads:
            thread.join(10)
    assert refused == []
    assert issuer.asked == 1


def test_a_worker_without_keys_takes_those_that_another_fetched(tmp_path: Path) -> None:
    """The issuer hangs just as a worker is new, which another has asked before."""
    with issuing() as issuer:
        issuer.answers.set()
        first = Keys(issuer.address, shared=tmp_path / "issuer-keys")
        assert len(first.for_token("k1").keys) == 1
        issuer.answers.clear()

        second = Keys(issuer.address, shared=tmp_path / "issuer-keys")
        assert [key.kid for key in second.for_token("k1").keys] == ["k1"]
        assert issuer.asked == 1
        (tmp_path / "issuer-keys").write_text("nonsense")
        third = Keys(issuer.address, shared=tmp_path / "issuer-keys")
        with pytest.raises(Refused, match="keys-unavailable"):
            third.for_token("k1")
        issuer.answers.set()


class Endless(threading.Thread):
    """A fetch of keys that never ends; how long it was waited for."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.waits = list[float | None]()

    def is_alive(self) -> bool:
        return True

    def join(self, timeout: float | None = None) -> None:
        self.waits.append(timeout)


def test_whoever_comes_with_an_unknown_key_while_few_wait_for_it_is_told_at_once() -> None:
    """A flood of tokens whose keys nobody has seen would have every thread wait half a second each time."""
    keys, fetching = Keys("https://login.example/jwks", clock=lambda: 0.0), Endless()
    keys.held, keys.fetched, keys.fetching = KeySet([]), 0.0, fetching
    with ExitStack() as waiting:
        for _ in range(WAITING_MAX):
            waiting.enter_context(keys.waiting)
        with pytest.raises(Refused, match="keys-unavailable"):
            keys.for_token("unseen")
    assert fetching.waits == []


def test_a_slow_issuer_holds_up_no_key_that_is_known_and_few_that_are_not() -> None:
    now = [100.0]
    with issuing() as issuer:
        issuer.answers.set()
        keys = Keys(issuer.address, lambda: now[0])
        assert len(keys.for_token("k1").keys) == 1
        issuer.answers.clear()
        now[0] += tokens.FETCH_SECONDS
        refused = list[str]()

        def bring_unknown(number: int) -> None:
            try:
                keys.for_token(f"unknown {number}")
            except Refused as error:
                refused.append(error.reason)

        threads = [threading.Thread(target=bring_unknown, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 3
        while len(refused) < 8 - tokens.WAITING_MAX and time.monotonic() < until:
            time.sleep(0.01)
        assert refused == ["token.keys-unavailable"] * (8 - tokens.WAITING_MAX), "they don't wait"

        began = time.monotonic()
        for _ in range(100):
            keys.for_token("k1")
        assert time.monotonic() - began < 0.5, "nobody waits whose key is known"
        issuer.answers.set()
        for thread in threads:
            thread.join(10)
        for number in range(50):
            keys.for_token(f"other {number}")
        assert issuer.asked == 2, "once at first, once for all of these"


def test_a_slow_provider_takes_half_of_the_threads_that_answer(tmp_path: Path) -> None:
    with issuing() as issuer:
        address = issuer.address.removesuffix("/jwks")
        settings = IdentitySettings(
            mode="required",
            issuer=address,
            jwks="-",
            client_id="c",
            client_secret="s",
            redirect=f"http://127.0.0.1:9{RETURN}",
        )
        ledger = open_ledger(str(tmp_path / "ledger.db"))
        sign_in = SignIn(ledger, settings)
        refused = list[str]()

        def begin() -> None:
            with pytest.raises(Refused) as error:
                sign_in.start("/console/")
            refused.append(error.value.reason)

        threads = [threading.Thread(target=begin) for _ in range(8)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 3
        while len(refused) < 8 - signing_in.ASKING_MAX and time.monotonic() < until:
            time.sleep(0.01)
        assert refused == ["sign-in.provider"] * (8 - signing_in.ASKING_MAX), "they don't wait"
        issuer.answers.set()
        for thread in threads:
            thread.join(10)
        assert issuer.asked == signing_in.ASKING_MAX
        ledger.close()


def test_a_service_whose_issuer_is_away_asks_it_again_soon() -> None:
    now = [100.0]
    keys = Keys("/nowhere/jwks.json", lambda: now[0])
    for _ in range(3):
        with pytest.raises(Refused, match="keys-unavailable"):
            keys.for_token("k1")
    assert keys.fetched == 100.0
    now[0] += tokens.FIRST_FETCH_SECONDS
    with pytest.raises(Refused):
        keys.for_token("k1")
    assert keys.fetched == now[0]


def test_no_limit_holds_where_none_is_set(tmp_path: Path) -> None:
    assert IdentitySettings().failed > 0, "wrong credentials are limited unless somebody says otherwise"
    city = City(tmp_path, failed=0)
    answers = [city.ask("wrong", BUDGET) for _ in range(80)]
    assert {answer.status_code for answer in answers} == {401}
    assert "RateLimit" not in answers[0].headers
    city.ledger.close()
