"""One made-up enterprise and what its upstreams say of it, for ``services.sample.city``.

All amounts are whole fen (US cents where the currency says so) until they are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from domain.money.amounts import print_fen
from domain.things.credit_code import complete

POLICY = "cixi-ecommerce-2024"
ENTERPRISES_MAX = 31**6
"""As many enterprises as ``code_of`` can tell apart."""

Message = dict[str, Any]
Timed = tuple[int, Message]
"""A message, and how many windows of the stream it is held back."""
_T = TypeVar("_T")

MARKET, COMMERCE = "urn:cixi:market-supervision", "urn:cixi:commerce"
TAX, CUSTOMS, STATISTICS = "urn:cixi:tax", "urn:cixi:customs", "urn:cixi:statistics"
INDUSTRY, REFORM, ORGANISATION = "urn:cixi:industry", "urn:cixi:development-reform", "urn:cixi:organisation"
TMALL, JD, PINDUODUO, DOUYIN = HOME = (
    "urn:platform:tmall",
    "urn:platform:jd",
    "urn:platform:pinduoduo",
    "urn:platform:douyin",
)
AMAZON, ALIEXPRESS, TEMU = ABROAD = ("urn:platform:amazon", "urn:platform:aliexpress", "urn:platform:temu")
_PREFIX = {
    MARKET: "SJ",
    COMMERCE: "SW",
    TAX: "SS",
    CUSTOMS: "HG",
    STATISTICS: "TJ",
    INDUSTRY: "JX",
    REFORM: "FG",
    ORGANISATION: "ZZ",
    TMALL: "TM",
    JD: "JD",
    PINDUODUO: "PDD",
    DOUYIN: "DY",
    AMAZON: "AMZ",
    ALIEXPRESS: "AE",
    TEMU: "TEMU",
}
"""How the ids of each source begin."""
_BUREAU = {"design": INDUSTRY, "talent": ORGANISATION}
"""Who takes claims, by the first word of the measure; the commerce bureau takes the others."""

DAYS = tuple(f"{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29))
FIRST_QUARTER, _APRIL = DAYS[:84], DAYS[84:112]
_CLOCK = tuple(f"T{hour:02d}:{minute:02d}:00+08:00" for hour in range(8, 18) for minute in range(60))
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES = {c: i for i, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_HEADS = ("91",) * 16 + ("92", "92", "93", "N2")
_MEDIAN_FEN = 180_000_000
_STEPS = tuple(
    _MEDIAN_FEN * 11 ** max(step, 0) * 7 ** max(-step, 0) // (7 ** max(step, 0) * 11 ** max(-step, 0))
    for step in (min(20, max(-20, ones - 32)) for ones in range(65))
)
"""Yearly sales in fen by the number of ones among 64 random bits: close to lognormal."""


def code_of(index: int, seed: int) -> str:
    """A credit code of Cixi (330282), another for each index below ``ENTERPRISES_MAX``."""
    number = (index * 387_420_489 + seed * 7_919) % ENTERPRISES_MAX
    organisation = "MA"
    for _ in range(6):
        number, digit = divmod(number, 31)
        organisation += ALPHABET[digit]
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    check = -sum(_VALUES[c] * w for c, w in zip(organisation, weights, strict=True)) % 11  # GB 11714
    return complete(f"{_HEADS[index * 7 % 20]}330282{organisation}{'X' if check == 10 else check}")


class Enterprise:
    """One enterprise and what is said of it: ``drawn`` may be spoilt, ``exact`` comes as it is."""

    __slots__ = ("code", "drawn", "exact", "index", "rng", "said", "serial", "size", "year")

    def __init__(self, index: int, code: str, year: int, rng: Random) -> None:
        self.index, self.code, self.year, self.rng = index, code, year, rng
        self.drawn: list[Timed] = []
        self.exact: list[Timed] = []
        self.said = self.drawn
        self.serial = 0
        self.size = self.vary(_STEPS[rng.getrandbits(64).bit_count()])

    def pick(self, choices: Sequence[_T]) -> _T:
        """One of some things."""
        return choices[int(self.rng.random() * len(choices))]

    def chance(self, share: float) -> bool:
        """Whether something with this share happens."""
        return self.rng.random() < share

    def vary(self, fen: int, low: int = 75, high: int = 125) -> int:
        """Between ``low`` and ``high`` percent of an amount of fen, and some odd fen."""
        return fen * (low * 10 + int(self.rng.random() * (high - low) * 10)) // 1000 + self.rng.getrandbits(7)

    def registered(self, profile: Message, rng: Random) -> Message:
        """The register's entry, sent in January; its id and day take nothing from the other messages."""
        return {
            "specversion": "1.0",
            "id": f"{_PREFIX[MARKET]}{self.year}-{self.index:07d}-00",
            "source": MARKET,
            "type": "subsidy.enterprise-registered.v1",
            "subject": self.code,
            "time": f"{self.year}-{DAYS[int(rng.random() * 28)]}{_CLOCK[int(rng.random() * len(_CLOCK))]}",
            "data": profile,
        }

    def make(self, type_: str, source: str, on: str, data: Message) -> Message:
        """A message with an id of its own, sent on a day in office hours."""
        self.serial += 1
        return {
            "specversion": "1.0",
            "id": f"{_PREFIX[source]}{self.year}-{self.index:07d}-{self.serial:02d}",
            "source": source,
            "type": f"subsidy.{type_}.v1",
            "subject": self.code,
            "time": on + self.pick(_CLOCK),
            "data": data,
        }

    def dated(self, type_: str, source: str, on: str | None = None, **data: Any) -> Message:
        """A fact of a day; one of the years before is reported in the year itself."""
        on = on or f"{self.year}-{self.pick(DAYS)}"
        sent = on if int(on[:4]) >= self.year else f"{self.year}-{self.pick(FIRST_QUARTER)}"
        return self.say(self.make(type_, source, sent, {**data, "on": on}))

    def amount(self, type_: str, source: str, fen: int, year: int | None = None, **data: Any) -> Message:
        """A figure of a year in fen (or cents), reported in the first quarter of the next."""
        figure_year = self.year if year is None else year
        sent = f"{max(figure_year + 1, self.year)}-{self.pick(FIRST_QUARTER)}"
        content = {"year": figure_year, "amount": print_fen(fen), "currency": "CNY", **data}
        return self.say(self.make(type_, source, sent, content))

    def say(self, message: Message) -> Message:
        """Send a message."""
        self.said.append((0, message))
        return message

    def sales(self, channel: str, source: str, fen: int, **data: Any) -> Message:
        """Sales of the year through a channel, in fen, or in cents with ``currency="USD"``."""
        return self.amount("sales-reported", source, fen, channel=channel, **data)

    def store(self, platform: str, kind: str, source: str, on: str | None = None) -> Message:
        """A new shop, with a number of its own."""
        shop = f"{platform}{100_000_000 + self.index * 100 + self.serial}"
        return self.dated("store-registered", source, on, platform=platform, kind=kind, shop=shop)

    def certified(self, kind: str) -> Message:
        """A certificate of a brand."""
        ref = f"{kind[:2].upper()}-{self.year}-{self.index:07d}-{self.serial}"
        return self.dated("brand-certified", MARKET, kind=kind, ref=ref)

    def honoured(self, kind: str, **data: Any) -> Message:
        """An honour without a sum."""
        return self.dated("recognition-granted", COMMERCE, kind=kind, ref=f"{kind}-{self.year}", **data)

    def replaced(self) -> Message:
        """A new code, given by Ningbo's registry when the year's figures have all been reported."""
        by = complete(f"{self.code[:2]}330200{self.code[8:17]}")
        return self.dated("enterprise-replaced", MARKET, f"{self.year + 1}-04-30", by=by)

    def branch(self, admitted: bool) -> None:
        """A direct-sales branch, perhaps admitted above quota."""
        name = f"慈溪直销分公司-{self.index:07d}"
        on, later = f"{self.year}-{self.pick(DAYS[:308])}", f"{self.year}-12-{self.pick('123')}0"
        self.dated("direct-sales-branch-registered", MARKET, on, branch=name)
        if admitted:
            self.dated("above-quota-admitted", STATISTICS, later, branch=name)

    def warehouse(self, *levels: str) -> None:
        """An overseas warehouse, recognised at some levels."""
        for level in levels:
            self.dated("warehouse-recognised", REFORM, level=level, warehouse=f"WH-{self.index:07d}")

    def contribution(self, *fen: int, first: int = -3) -> None:
        """The local comprehensive contribution in fen of years in a row; ``first`` counts from ours."""
        for year, year_fen in enumerate(fen, self.year + first):
            self.amount("contribution-assessed", TAX, year_fen, year)

    def other_award(self, measure: str, fen: int, authority: str, policy: str) -> Message:
        """Another policy paid so many fen for the same matter."""
        data: Message = {"policy": POLICY, "measure": measure, "authority": authority, "other_policy": policy}
        return self.amount("other-award-recorded", COMMERCE, fen, **data)

    def claim(self, step: str, measure: str, item: str, fen: int) -> None:
        """A claim for so many fen, as far as ``step``; always submitted first."""
        source = _BUREAU.get(measure.split(".")[0], COMMERCE)
        names = {"claim": f"慈申{self.year}-{self.index:07d}-{self.serial}", "policy": POLICY}
        names |= {"measure": measure, "item": item}
        content: Message = {**names, "year": self.year}
        sum_ = {"amount": print_fen(fen), "currency": "CNY"}
        submitted_on = f"{self.year}-{self.pick(DAYS[28:])}"
        self.say(self.make("claim-submitted", source, submitted_on, {**content, **sum_}))
        if step != "submitted":
            more = {"approved": sum_, "rejected": {"reason": "材料不齐，未通过评审"}, "withdrawn": {}}[step]
            decided = f"{self.year + 1}-{self.pick(FIRST_QUARTER)}"
            self.say(self.make(f"claim-{step}", source, decided, {**content, **more}))

    def standard(self, level: str, item: str, fen: int) -> None:
        """A standard that was published, and the approved claim of so many fen for it."""
        self.dated("standard-published", MARKET, level=level, standard=item)
        self.claim("approved", f"standard.{level}", item, fen)

    def amendment(self, fact: Message, changes: Message | None) -> Message:
        """A correction of a fact, or without changes its retraction; from its source or the bureau."""
        data = {"of": fact["id"], "of_type": fact["type"], "reason": "数据复核" if changes else "误报撤回"}
        source = fact["source"]
        if self.chance(0.5):
            data["of_source"], source = source, COMMERCE
        sent = f"{self.year + 1}-{self.pick(_APRIL)}"
        if changes is None:
            return self.make("fact-retracted", source, sent, data)
        return self.make("fact-corrected", source, sent, {**data, "changes": changes})
