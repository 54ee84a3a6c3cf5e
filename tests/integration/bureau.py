"""The people of a settlement, each with the API as they see it, and a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from domain.money.amounts import parse_fen
from domain.settlement.postings import balances, funds_account
from ledger.export.books import books_of
from ledger.store.application import Ledger
from tests.events import CIXI, message
from tests.integration.api_client import Api, balance_path, year_path

MAY = datetime(2025, 5, 6, 2, tzinfo=UTC)
"""A morning in Asia/Shanghai after the figures of 2024 have been reported."""


class Clock:
    """A present that the test moves."""

    def __init__(self, now: datetime = MAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)


class Bureau:
    """One ledger's API in the hands of two officers, two reviewers, finance and enterprises."""

    def __init__(self, ledger: Ledger, clock: Clock, policy: str = CIXI, api: Api | None = None) -> None:
        ledger.clock = clock
        self.ledger, self.clock, self.policy = ledger, clock, policy
        self.api = api or Api(ledger)
        self.officer, self.second = self.api.by("Lin", "officer"), self.api.by("Gao", "officer")
        self.reviewer, self.other_reviewer = self.api.by("Shen", "reviewer"), self.api.by("Wu", "reviewer")
        self.finance = self.api.by("Qian", "finance")
        self.seen: list[tuple[str, str, Any]] = []
        """What was answered when, and where: it is answered again to whoever asks for that moment."""
        self.is_followed = True
        """Whether every stage is looked at; not of a year that another one shows, stage by stage."""

    def enterprise(self, code: str) -> Api:
        """An enterprise's own clerk."""
        return self.api.by(f"clerk of {code[-6:]}", "enterprise", code)

    def year(self, what: str, year: int = 2024) -> str:
        """Where a figure of a year stands."""
        return year_path(what, year, self.policy)

    def claim_path(self, code: str, claim: str, step: str = "") -> str:
        """Where a claim, or a step of it, stands."""
        return f"/v1/claims/{self.policy}/{code}/{quote(claim)}{step and '/' + step}"

    def asked(self, code: str, claim: str, measure: str, item: str, year: int = 2024, **more: Any) -> Any:
        """A claim's body."""
        named = {"enterprise": code, "policy": self.policy, "claim": claim, "measure": measure}
        return {**named, "item": item, "year": year, **more}

    def publish(self, type_: str, code: str, event_id: str, **data: Any) -> Any:
        """An upstream's fact, sent now."""
        return self.api.publish(message(type_, code, event_id, "2025-05-06T01:00:00Z", data))

    def propose_and_publish(self, year: int = 2024) -> Any:
        """The list, worked out and published; it is out for the policy's days."""
        self.officer.post(self.year("settlement/proposal", year), {})
        return self.officer.post(self.year("settlement/publication", year), {})

    def settle(self, year: int = 2024) -> Any:
        """A year from here to its closing, without an objection."""
        self.propose_and_publish(year)
        self.clock.pass_(days=8)
        return self.reviewer.post(self.year("settlement/closing", year), {})

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        sign = "&" if "?" in path else "?"
        page = self.api.get(f"{path}{sign}limit=1000")
        yield from page["items"]
        while page["next"]:
            page = self.api.get(page["next"])
            yield from page["items"]

    def results(self, *results: tuple[str, str, str], on: str = "", said: str = "bank") -> Any:
        """A body with the bank's answers of today, or of a day: (payment, status, amount)."""
        on = on or self.today()
        names = ("payment", "status", "amount")

        def result(each: tuple[str, str, str]) -> dict[str, str]:
            remark = f"{said} {self.policy} {each[0].rpartition('-')[2]}"
            return {**dict(zip(names, each, strict=True)), "on": on, "said": remark}

        return {"results": [result(each) for each in results]}

    def today(self) -> str:
        """The day on the office's clock."""
        return self.clock().date().isoformat()

    def position(self) -> int:
        """The ledger's last position."""
        with self.ledger.store.reading() as rows:
            return rows.last_position()

    def balance(self, code: str, year: int = 2024) -> Any:
        """An enterprise's balance."""
        return self.api.get(balance_path(code, year, self.policy))


def fen(text: str) -> int:
    """An amount of an answer, which may stand below zero."""
    return -parse_fen(text[1:]) if text.startswith("-") else parse_fen(text)


def posted(bureau: Bureau, year: int) -> dict[str, int]:
    """The balances of the year's books; every transaction, and all of them, sum to zero."""
    with bureau.ledger.store.reading() as rows:
        transactions = list(books_of(bureau.ledger, rows, bureau.policy, year).transactions())
    assert [each for each in transactions if sum(posting.fen for posting in each.postings)] == []
    found = balances(transactions)
    assert sum(found.values()) == 0
    return found


def remember(bureau: Bureau, *paths: str) -> None:
    """Note what is answered now; whatever comes later comes later by a minute."""
    at = bureau.clock.now.isoformat()
    if bureau.is_followed:
        bureau.seen += [(at, path, bureau.api.get(path)) for path in paths]
    bureau.clock.pass_(minutes=1)


def check_the_past(bureau: Bureau) -> None:
    """What was answered is what was known then."""
    for at, path, said in bureau.seen:
        assert bureau.api.get(f"{path}?{urlencode({'as_known': at})}") == said, (at, path)


def check(bureau: Bureau, year: int = 2024) -> None:
    """Hold budget, settlement, list, payments and books of a year to each other."""
    if not bureau.is_followed:
        return
    api = bureau.api
    budget, settlement = api.get(bureau.year("budget", year)), api.get(bureau.year("settlement", year))
    accounts = {name: fen(value) for name, value in settlement["accounts"].items()}
    inside = fen(budget["payable"]) - fen(budget["outside_budget"])
    assert budget["stage"] == settlement["stage"]
    assert inside <= fen(budget["available"])
    assert accounts["paid"] + accounts["ordered"] <= accounts["payable"]
    assert accounts["recovered"] <= accounts["clawed_back"] <= accounts["paid"]
    assert accounts["outstanding"] == accounts["payable"] - accounts["paid"] - accounts["ordered"]
    held = posted(bureau, year)
    funds = sum(fen_ for name, fen_ in held.items() if name.startswith("assets:treasury"))
    other = sum(fen_ for name, fen_ in held.items() if name.startswith("assets:other-funds"))
    owed = sum(fen_ for name, fen_ in held.items() if name.startswith("liabilities:"))
    assert funds >= 0
    assert funds + other == fen(budget["available"]) - accounts["paid"] + accounts["recovered"]
    assert -owed == fen(budget["payable"]) - accounts["paid"]
    assert held[funds_account(budget["period"])] == funds
    lines = list(bureau.pages(bureau.year("settlement/lines", year)))
    payments = list(bureau.pages(bureau.year("payments", year)))
    for status, name in (("made", "paid"), ("ordered", "ordered")):
        assert sum(fen(each["amount"]) for each in payments if each["status"] == status) == accounts[name]
    if settlement["proposal"] is not None:
        assert sum(fen(line["payable"]) for line in lines) == fen(settlement["proposal"]["payable"])
        for line in lines:
            parts = (fen(line[name]) for name in ("withheld", "reduction", "payable"))
            assert fen(line["gross"]) == sum(parts)
    if settlement["stage"] == "closed":
        assert budget["payable"] == settlement["proposal"]["payable"] == settlement["accounts"]["payable"]
        assert sum(fen(line["gross"]) for line in lines) == fen(budget["gross"])
        assert budget["factor"] == settlement["proposal"]["factor"]
    else:
        assert accounts["payable"] == 0


def all_of_year(bureau: Bureau, year: int, codes: list[str]) -> dict[str, Any]:
    """Everything that is said of a closed year; the ledger's position left out, which moves on."""
    said: dict[str, Any] = {}
    for what in ("budget", "settlement", "largest"):
        said[what] = bureau.api.get(bureau.year(what, year))
    for what in ("settlement/lines", "payments"):
        said[what] = list(bureau.pages(bureau.year(what, year)))
    for code in codes:
        said[code] = bureau.balance(code, year)
        path = f"/v1/enterprises/{code}/explanations/{bureau.policy}/{year}"
        said[f"why {code}"] = bureau.api.get(path)
    listed = bureau.pages(f"/v1/enterprises?policy={bureau.policy}&year={year}")
    said["enterprises"] = [
        {name: each[name] for name in ("enterprise", "gross", "withheld", "eligible")}
        for each in listed
        if each["enterprise"] in codes
    ]
    said["books"] = posted(bureau, year)
    return json.loads(json.dumps(said), object_pairs_hook=_without_position)  # type: ignore[no-any-return]


def _without_position(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if key != "position"}
