"""Made-up names of e-commerce companies, and the towns and streets of Cixi where they stand.

They are drawn from random numbers of their own, so that all else about the sample city is what
it would be without them; an enterprise keeps its name and town from year to year.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

_T = TypeVar("_T")

TOWNS = (
    "古塘街道",
    "白沙路街道",
    "浒山街道",
    "宗汉街道",
    "坎墩街道",
    "逍林镇",
    "观海卫镇",
    "附海镇",
    "桥头镇",
    "匡堰镇",
    "新浦镇",
    "胜山镇",
    "横河镇",
    "崇寿镇",
    "长河镇",
    "周巷镇",
    "庵东镇",
    "龙山镇",
)
"""The five streets and thirteen towns of Cixi (GB/T 2260 code 330282)."""
_WEIGHTS = (9, 9, 10, 8, 5, 5, 11, 4, 3, 2, 5, 4, 6, 3, 4, 9, 4, 6)
"""How many enterprises stand in each: more in the streets of the city and in the large towns."""
_BY_WEIGHT = tuple(town for town, weight in zip(TOWNS, _WEIGHTS, strict=True) for _ in range(weight))

_FIRST = "华锦瑞恒嘉盛鑫海博雅卓越宏泰优美旭日新创万佳启航云智德信"
_SECOND = "达宇诺尚腾禾源森通凯丰悦辰朗洋晟翔茂联峰唯逸成舟亿星佰拓"
_TRADES = (
    ("电子商务", "5292"),
    ("电器", "3857"),
    ("网络科技", "6429"),
    ("跨境电子商务", "5292"),
    ("家居用品", "2438"),
    ("进出口", "5199"),
    ("供应链管理", "7224"),
    ("日用品", "5137"),
    ("针织", "1783"),
    ("文化传媒", "8810"),
    ("智能家电", "3859"),
)
"""A word of the name, and the trade that goes with it (GB/T 4754)."""
_SIZES = ((40_000_000_000, "large"), (5_000_000_000, "medium"), (1_000_000_000, "small"))
"""Sales in fen from which a trading enterprise is so large (the statistics bureau's classes of 2017)."""


def profile(seed: int, index: int, head: str, sales_fen: int, rng: Random) -> dict[str, Any]:
    """How the enterprise of an index stands in the register.

    Args:
        head: how its credit code begins: ``91`` for companies, ``92`` for sole traders,
            ``93`` and ``N2`` for cooperatives.
        sales_fen: about how much it sells in a year.
        rng: is seeded here; what it drew before changes nothing.
    """
    rng.seed(f"profile {seed} {index}")
    town = _pick(rng, _BY_WEIGHT)
    trade, sector = _pick(rng, _TRADES)
    brand = _pick(rng, _FIRST) + _pick(rng, _SECOND)
    if rng.random() < 0.4:
        brand += _pick(rng, _SECOND)
    size = next((name for start, name in _SIZES if sales_fen >= start), "micro")
    if head == "91":
        place, kind = _pick(rng, ("慈溪市", "慈溪", "宁波")), "有限公司"
    elif head == "92":
        place, kind = f"慈溪市{town}", _pick(rng, ("商行", "经营部", "店"))
    else:
        place, kind, trade, sector = "慈溪市", "专业合作社", "农产品", "5121"
    return {"name": f"{place}{brand}{trade}{kind}", "town": town, "size": size, "sector": sector}


def _pick(rng: Random, choices: Sequence[_T]) -> _T:
    return choices[int(rng.random() * len(choices))]
