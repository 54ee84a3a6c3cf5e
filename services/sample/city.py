"""A believable city year as messages: made up, the same for a seed on any machine and day.

Enterprises come one after another, each from its own random numbers, so a city of a million
needs no more memory than one of a hundred. The first enterprises play fixed roles, so that even
a small city earns every measure; the rest are drawn. Between ``_messy`` and ``_windows`` the
stream is spoilt as real ones are: repeated, late, corrected, retracted and partly wrong.

All amounts are whole fen (or US cents) until they are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from domain.money.amounts import parse_fen, print_fen
from domain.vocabulary.load import shipped_vocabulary
from services.sample.enterprise import (
    ABROAD,
    ALPHABET,
    COMMERCE,
    CUSTOMS,
    DAYS,
    DOUYIN,
    ENTERPRISES_MAX,
    FIRST_QUARTER,
    HOME,
    INDUSTRY,
    JD,
    PINDUODUO,
    POLICY,
    STATISTICS,
    TMALL,
    Enterprise,
    Message,
    code_of,
)
from services.sample.names import profile

WINDOW = 2_000
"""Messages that are shuffled among each other; also about the most that is held in memory."""
REPEATED, LATE, CORRECTED, RETRACTED = 0.030, 0.020, 0.015, 0.005
"""Shares of the drawn messages that come twice, come late, are corrected, are retracted."""
WRONG = 0.06
"""Share of enterprises of which a message comes that must be refused: 1 % of the messages."""

_SHOP_KINDS = ("flagship",) * 9 + ("specialty",) * 8 + ("outlet",) * 3
_CLAIMS = (
    ("standard.cixi", "慈溪市直播电商选品规范", 3_000_000),
    ("standard.ningbo", "跨境小家电包装与标识要求", 5_000_000),
    ("climate.event", "电商供应链对接会", 9_000_000),
    ("talent.cooperation", "跨境电商校企合作课程", 6_000_000),
    ("brand.design-centre", "小家电产品研发设计中心", 20_000_000),
)
"""Measure, item, and the most that is approved in fen."""


KINDS_OF_THE_CITY = frozenset(
    (
        *("EnterpriseRegistered", "EnterpriseReplaced", "SalesReported", "ContributionAssessed"),
        *("StoreRegistered", "DirectSalesBranchRegistered", "AboveQuotaAdmitted", "BrandCertified"),
        *("StandardPublished", "WarehouseRecognised", "RecognitionGranted", "OtherAwardRecorded"),
        *("DesignPurchased", "DesignServicesSold", "ResearchSpent"),
    )
)
"""Kinds of fact that the parts of a city report; of any other, its example is reported once."""


def city(enterprises: int = 2_000, seed: int = 1, year: int = 2024) -> Iterator[bytes]:
    """The messages that a city's bureaus and platforms send about one year.

    Args:
        enterprises: how many, from 0 to ``ENTERPRISES_MAX``; 60 and more earn every measure.
        seed: any whole number; the same one gives the same bytes, everywhere and always.
        year: the calendar year (Asia/Shanghai) whose awards the messages earn, 2003 to 2090;
            its figures are reported in the first quarter of the next.

    Returns:
        CloudEvents messages in JSON, about seven for an enterprise, amounts as yuan (or US
        dollar) text; read one by one in constant memory.
    """
    if not 0 <= enterprises <= ENTERPRISES_MAX:
        raise ValueError(f"a city has from 0 to {ENTERPRISES_MAX} enterprises")
    if not 2003 <= year <= 2090:
        raise ValueError("the year of a city lies from 2003 to 2090")
    return _windows(_facts(enterprises, seed, year), Random(f"window {seed}"))  # noqa: S311


def _facts(enterprises: int, seed: int, year: int) -> Iterator[tuple[int, bytes]]:
    rng, names = Random(), Random()  # noqa: S311
    for index in range(enterprises):
        rng.seed(f"enterprise {seed} {index}")
        firm = Enterprise(index, code_of(index, seed), year, rng)
        entry = profile(seed, index, firm.code[:2], firm.size, names)
        yield 0, msgspec.json.encode(firm.registered(entry, names))
        _sell(firm)
        firm.said = firm.exact if index in _ROLES else firm.drawn
        for part in _ROLES.get(index, _PARTS):
            part(firm)
        yield from _messy(firm)
        if index == 0:
            yield from _examples(firm)


def _examples(firm: Enterprise) -> Iterator[tuple[int, bytes]]:
    """One fact of each kind that the city itself says nothing of, as its declaration gives it."""
    time = f"{firm.year}-12-20T09:30:00+08:00"
    for kind in shipped_vocabulary().kinds.values():
        if kind.name not in KINDS_OF_THE_CITY:
            example = kind.example
            envelope = {"specversion": "1.0", "id": example.id, "source": example.source, "type": kind.type}
            message = {**envelope, "subject": firm.code, "time": time, "data": dict(example.data)}
            yield 0, msgspec.json.encode(message)


def _windows(messages: Iterator[tuple[int, bytes]], rng: Random) -> Iterator[bytes]:
    """Shuffle within windows; what is held back comes in the next one."""
    window: list[bytes] = []
    later: list[bytes] = []
    for held_back, raw in messages:
        (later if held_back else window).append(raw)
        if len(window) >= WINDOW:
            rng.shuffle(window)
            yield from window
            window, later = later, []
    for messages_left in (window, later):
        rng.shuffle(messages_left)
        yield from messages_left


def _sell(firm: Enterprise) -> None:
    """What every enterprise has: sales, at home or abroad or both, as each upstream reports them."""
    kind = firm.rng.random()
    if kind < 0.75:
        unsold_fen = firm.size
        for source in HOME[int(firm.rng.random() * 4) :][:2]:
            part = unsold_fen if firm.chance(0.4) else unsold_fen // 2
            firm.sales("online", source, part)
            unsold_fen -= part
            if not unsold_fen:
                break
        firm.sales("domestic_online", STATISTICS, firm.vary(firm.size, 90, 100))
        if firm.chance(0.35):
            firm.sales("domestic_own_brand", STATISTICS, firm.vary(firm.size, 10, 80))
    if kind >= 0.60:
        firm.sales("online", firm.pick(ABROAD), firm.vary(firm.size, 40, 60))
        for _ in range(1 + firm.rng.getrandbits(1)):
            code = firm.pick(("9610", "9710", "9810", "1210", "other"))
            fen = firm.vary(firm.size, 20, 90)
            firm.sales("b2b_pilot_export", CUSTOMS, fen, customs_code=code)
        if firm.chance(0.4):
            cents = firm.vary(firm.size, 10, 60) * 10 // 71
            firm.sales("dtc_own_brand_export", CUSTOMS, cents, currency="USD")
    if firm.chance(0.5):
        before = firm.vary(firm.size, 70, 110)
        firm.amount("sales-reported", STATISTICS, before, firm.year - 1, channel="online")


def _open_shops(firm: Enterprise) -> None:
    for share, platform, source in ((0.09, "tmall", TMALL), (0.06, "jd", JD)):
        if firm.chance(share):
            on = f"{firm.year - 1}-{firm.pick(DAYS)}" if firm.chance(0.08) else None
            firm.store(platform, firm.pick(_SHOP_KINDS), source, on)
            if firm.chance(0.08):
                authority = firm.pick(("cixi", "ningbo"))
                firm.other_award(
                    f"store.{platform}", firm.pick((200_000, 500_000)), authority, "小微企业扶持"
                )
    if firm.chance(0.10):
        for _ in range(1 + int(firm.rng.random() * 3)):
            firm.store("cross-border", "shop", firm.pick(ABROAD))
    if firm.chance(0.004):
        firm.branch(admitted=firm.chance(0.7))


def _contribute(firm: Enterprise) -> None:
    large = firm.size >= 8_000_000_000
    if large or firm.chance(0.2):
        fen = firm.size * 7 // 1000
        years = [fen] if firm.chance(0.1) else [firm.vary(fen, low, low + 40) for low in (50, 60, 70, 80)]
        firm.contribution(*years, first=1 - len(years))


def _distinguish(firm: Enterprise) -> None:
    roll = firm.rng.random()
    if roll < 0.05:
        firm.certified("service_trademark")
    elif roll < 0.053:
        firm.certified("famous_export")
    elif roll < 0.07:
        firm.certified("quality_certification")
    elif roll < 0.22:
        firm.honoured("credit_evaluation")
    elif roll < 0.32:
        firm.honoured("compliance_training")
    elif roll < 0.321:
        firm.warehouse(firm.pick(("ningbo", "provincial")))
    if firm.chance(0.03):
        firm.amount("design-purchased", INDUSTRY, firm.vary(30_000_000, 20, 220))
    if firm.chance(0.006):
        firm.amount("design-services-sold", INDUSTRY, firm.vary(80_000_000, 20, 300))
    if firm.chance(0.01):
        measure, item, most = firm.pick(_CLAIMS)
        step = firm.pick(("approved",) * 6 + ("rejected", "rejected", "withdrawn", "submitted"))
        firm.claim(step, measure, item, firm.vary(most, 40, 95))


def _err(firm: Enterprise) -> None:
    if firm.chance(WRONG):
        firm.pick(_WRONGS)(firm)


Part = Callable[[Enterprise], object]
_PARTS: tuple[Part, ...] = (_open_shops, _contribute, _distinguish, _err)
"""What an enterprise without a role does beside selling."""


def _messy(firm: Enterprise) -> Iterator[tuple[int, bytes]]:
    """Every message, with repeats, late ones, corrections and retractions among the drawn ones."""
    encode = msgspec.json.encode
    for held_back, fact in firm.drawn:
        raw, roll = encode(fact), firm.rng.random()
        if roll < REPEATED:
            yield held_back, raw
            yield 1, raw
        elif roll < REPEATED + LATE:
            yield 1, raw
        elif roll < REPEATED + LATE + CORRECTED + RETRACTED:
            changes = _change(firm, fact) if roll < REPEATED + LATE + CORRECTED else None
            fact_after = firm.rng.getrandbits(1)
            yield fact_after, raw
            yield 1 - fact_after, encode(firm.amendment(fact, changes))
        else:
            yield held_back, raw
    for held_back, fact in firm.exact:
        yield held_back, encode(fact)


def _change(firm: Enterprise, fact: Message) -> Message | None:
    """What a correction puts right; a step of a claim that carries no amount is retracted instead."""
    data = fact["data"]
    if "amount" in data:
        high = 99 if "claim" in data else 115
        return {"amount": print_fen(firm.vary(parse_fen(data["amount"]), 85, high))}
    return {"on": f"{firm.year}-{firm.pick(DAYS)}"} if "on" in data else None


# --- messages that must be refused ------------------------------------------------------------


def _wrong(firm: Enterprise, fact: Message, **data: Any) -> Message:
    """Send a spoilt message as it is; it takes the place of the fair one."""
    firm.said.remove((0, fact))
    fact["data"] |= data
    firm.exact.append((0, fact))
    return fact


def _wrong_subject(firm: Enterprise) -> None:
    fact = _wrong(firm, firm.sales("online", firm.pick(HOME), firm.size))
    check = ALPHABET[(ALPHABET.index(firm.code[17]) + 1 + int(firm.rng.random() * 30)) % 31]
    fact["subject"] = firm.code[:17] + check


def _wrong_claim(firm: Enterprise, measure: str, amount: str) -> None:
    content = {"claim": f"慈误{firm.year}-{firm.index:07d}", "policy": POLICY, "measure": measure}
    content |= {"item": "待核项目", "amount": amount, "currency": "CNY"}
    on = f"{firm.year + 1}-{firm.pick(FIRST_QUARTER)}"
    firm.exact.append((0, firm.make("claim-approved", COMMERCE, on, {**content, "year": firm.year})))


def _reused_id(firm: Enterprise) -> None:
    first = _wrong(firm, firm.sales("online", firm.pick(HOME), firm.size))
    content = {**first["data"], "amount": print_fen(firm.size + 100)}
    firm.exact.append((1, {**first, "data": content}))


_WRONGS: tuple[Part, ...] = (
    _wrong_subject,
    _reused_id,
    lambda firm: _wrong(firm, firm.sales("online", TMALL, 0), amount=f"-{print_fen(firm.size)}"),
    lambda firm: _wrong(
        firm, firm.sales("domestic_online", STATISTICS, 0), amount=f"{print_fen(firm.size)}5"
    ),
    lambda firm: _wrong(firm, firm.sales("online", DOUYIN, firm.size), channel="livestream"),
    lambda firm: _wrong(firm, firm.certified("service_trademark"), on=f"209{firm.rng.getrandbits(3)}-05-18"),
    lambda firm: _wrong_claim(firm, "brand.livestream-base", "50000.00"),
    lambda firm: _wrong_claim(firm, "standard.cixi", "300000.00"),
)
"""One for each way to be refused that the sample shows."""

# --- fixed roles ------------------------------------------------------------------------------

_Y = 100
"""Fen in a yuan."""
_YI = 100_000_000 * _Y
_CAST: tuple[tuple[int, Part], ...] = (
    (0, lambda firm: firm.claim("approved", "talent.team", "智能家电海外人才团队", 1_500_000 * _Y)),
    (1, lambda firm: firm.standard("provincial", "DB33/T 2024 跨境电商海外仓服务规范", 100_000 * _Y)),
    (1, lambda firm: firm.standard("provincial", "DB33/T 2025 直播电商售后服务规范", 80_000 * _Y)),
    (2, lambda firm: firm.standard("ningbo", "DB3302/T 118 电商仓配一体化规范", 50_000 * _Y)),
    (3, lambda firm: firm.standard("cixi", "慈溪市杨梅网络销售技术性规范", 25_000 * _Y)),
    (4, lambda firm: firm.warehouse("ningbo")),
    (
        4,
        lambda firm: firm.other_award("logistics.warehouse-ningbo", 200_000 * _Y, "ningbo", "优秀海外仓奖励"),
    ),
    (5, lambda firm: firm.warehouse("provincial")),
    (6, lambda firm: firm.warehouse("ningbo", "provincial")),
    (7, lambda firm: firm.claim("approved", "brand.design-centre", "厨房电器研发设计中心", 600_000 * _Y)),
    (8, lambda firm: firm.claim("approved", "climate.event", "家电跨境电商发展论坛", 180_000 * _Y)),
    (9, lambda firm: firm.claim("approved", "talent.cooperation", "直播运营现代学徒制", 120_000 * _Y)),
    (10, lambda firm: firm.claim("approved", "park.transformation", "老经济开发区直播基地", 2_000_000 * _Y)),
    (10, lambda firm: firm.honoured("provincial_demonstration_park", floor_area_m2=126_000)),
    (11, lambda firm: firm.branch(admitted=True)),
    (12, lambda firm: firm.branch(admitted=False)),
    (13, lambda firm: firm.sales("online", TMALL, 6 * _YI)),
    (13, lambda firm: firm.contribution(*(n * 100_000 * _Y for n in (61, 66, 70, 81)))),
    (14, lambda firm: firm.sales("online", JD, 2 * _YI)),
    (14, lambda firm: firm.contribution(*(n * 10_000 * _Y for n in (212, 198, 240, 275)))),
    (15, lambda firm: firm.sales("online", PINDUODUO, _YI)),
    (15, lambda firm: firm.contribution(*(n * 10_000 * _Y + 1 for n in (90, 101, 112)), first=-2)),
    (16, lambda firm: firm.sales("domestic_own_brand", STATISTICS, _YI // 2)),
    (17, lambda firm: firm.sales("domestic_own_brand", STATISTICS, 5 * _YI)),
    (17, lambda firm: firm.sales("domestic_online", STATISTICS, 11 * _YI)),
    (18, lambda firm: firm.sales("dtc_own_brand_export", CUSTOMS, 21_000_000_000, currency="USD")),
    (19, lambda firm: firm.certified("famous_export")),
    (20, lambda firm: firm.certified("service_trademark")),
    (21, lambda firm: firm.store("tmall", "flagship", TMALL)),
    (22, lambda firm: firm.store("jd", "specialty", JD)),
    (23, lambda firm: [firm.store("cross-border", "shop", source) for source in ABROAD]),
    (24, lambda firm: firm.amount("design-purchased", INDUSTRY, 1_200_000 * _Y)),
    (24, lambda firm: firm.claim("approved", "design.procurement", "外观设计采购", 90_000 * _Y)),
    (25, lambda firm: firm.amount("design-purchased", INDUSTRY, 6_400_000 * _Y)),
    (26, lambda firm: firm.amount("design-services-sold", INDUSTRY, 3_300_000 * _Y)),
    (27, lambda firm: firm.certified("quality_certification")),
    (28, lambda firm: firm.other_award("finance.capital-market", 1_000_000 * _Y, "cixi", "企业上市扶持政策")),
    (29, lambda firm: firm.certified("famous_export")),
    (29, lambda firm: firm.other_award("brand.famous-export", 40_000 * _Y, "cixi", "品牌建设奖励")),
    (30, lambda firm: firm.store("tmall", "specialty", TMALL)),
    (30, lambda firm: firm.other_award("store.tmall", 10_000 * _Y, "cixi", "电商创业补助")),
    (31, lambda firm: firm.sales("dtc_own_brand_export", CUSTOMS, 320_000_000, currency="USD")),
    (31, lambda firm: firm.other_award("brand.dtc-export", 30_000 * _Y, "ningbo", "外贸新业态扶持")),
    (32, lambda firm: firm.claim("rejected", "climate.event", "网红直播节", 300_000 * _Y)),
    (33, lambda firm: firm.claim("withdrawn", "brand.design-centre", "毛绒制品设计中心", 400_000 * _Y)),
    (34, lambda firm: firm.claim("submitted", "talent.team", "跨境独立站运营团队", 800_000 * _Y)),
    (35, lambda firm: firm.honoured("top_ten_domestic")),
    (36, lambda firm: firm.honoured("top_ten_cross_border")),
    (37, lambda firm: (firm.honoured("compliance_training"), firm.honoured("credit_evaluation"))),
    (38, lambda firm: firm.sales("b2b_pilot_export", CUSTOMS, 9 * _YI, customs_code="9710")),
    (38, lambda firm: firm.amount("research-spent", INDUSTRY, 2_600_000 * _Y)),
    (38, lambda firm: firm.replaced()),
    (39, lambda firm: firm.sales("online", DOUYIN, 2 * _YI)),
    (39, lambda firm: firm.contribution(*(n * 10_000 * _Y for n in (150, 160, 170, 200)))),
    (39, lambda firm: firm.contribution(2_300_000 * _Y, first=0)),
    (40, lambda firm: firm.say(firm.amendment(firm.store("jd", "flagship", JD), None))),
    (
        41,
        lambda firm: firm.say(
            firm.amendment(firm.certified("service_trademark"), {"on": f"{firm.year}-06-18"})
        ),
    ),
    *enumerate(_WRONGS, 42),
)
"""The parts of the first enterprises, by index: every measure is earned, every type is seen."""
_ROLES: dict[int, list[Part]] = {}
for _index, _part in _CAST:
    _ROLES.setdefault(_index, []).append(_part)
