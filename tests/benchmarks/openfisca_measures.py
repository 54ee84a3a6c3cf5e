"""The computable measures of the Cixi policy as OpenFisca variables, vectorised as its makers teach.

Amounts are fen (US cents for exports) in OpenFisca's own ``float``, which has 32 bits: it holds
whole numbers up to 2^24, so that larger awards may lose fen. Its ``int`` has 32 bits as well and
holds no sales. The default readings are written out; OpenFisca computes one year, 2024.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

YEAR = 2024
ENTERPRISE = build_entity("enterprise", "enterprises", "An enterprise", is_person=True)
SALES = (
    (5_000_000_000, 5_000_000),
    (10_000_000_000, 10_000_000),
    (20_000_000_000, 20_000_000),
    (50_000_000_000, 30_000_000),
)
SHARES = ((10_000_000_000, 0.85), (20_000_000_000, 0.90), (50_000_000_000, 0.95))

COUNTED = (
    "tmall",
    "jd",
    "cross_border",
    "admitted_branches",
    "famous",
    "trademarks",
    "warehouses_ningbo",
    "warehouses_provincial",
)
AMOUNTS = (
    "online_sales",
    "own_brand_sales",
    "dtc_export_cents",
    "design_purchased",
    "design_services",
    "contribution",
    "contribution_known",
)


def tiered(amount: Any, tiers: tuple[tuple[int, float], ...]) -> Any:
    """What the highest tier reached gives."""
    return np.select([amount >= start for start, _ in reversed(tiers)], [g for _, g in reversed(tiers)], 0)


def growth(enterprise: Any, period: Any) -> Any:
    """The share of the growth over the mean of the base years that exist."""
    share = tiered(enterprise("online_sales", period), SHARES)
    base = [enterprise("contribution", period.offset(-n, "year")) for n in (1, 2, 3)]
    known = [enterprise("contribution_known", period.offset(-n, "year")) for n in (1, 2, 3)]
    count = sum(known)
    mean = sum(base) / np.maximum(count, 1)
    grown = np.maximum(enterprise("contribution", period) - mean, 0)
    return np.floor(grown * share) * (enterprise("contribution_known", period) > 0) * (count > 0)


def percentage(amount: str, threshold: int, percent: int, cap: int, claimed: str) -> Any:
    """A capped percentage from a threshold on; an approved claim may carry less."""

    def formula(enterprise: Any, period: Any) -> Any:
        of = enterprise(amount, period)
        full = np.minimum(np.floor(of * percent / 100), cap) * (of >= threshold)
        claim = enterprise(claimed, period)
        return np.where(enterprise(f"{claimed}_has", period) > 0, np.minimum(full, claim), full)

    return formula


def once(counted: str, fen: int) -> Any:
    """A fixed sum for an enterprise that has any."""
    return lambda enterprise, period: (enterprise(counted, period) > 0) * fen


def each(counted: str, fen: int) -> Any:
    """A fixed sum for each."""
    return lambda enterprise, period: enterprise(counted, period) * fen


def exports(enterprise: Any, period: Any) -> Any:
    """¥15,000 for each whole million of US dollars, at most ¥3,000,000."""
    return np.minimum(enterprise("dtc_export_cents", period) // 100_000_000 * 1_500_000, 300_000_000)


FORMULAS: dict[str, Any] = {
    "store.tmall": once("tmall", 1_000_000),
    "store.jd": once("jd", 500_000),
    "store.cross-border": lambda e, p: np.minimum(e("cross_border", p) * 500_000, 1_000_000),
    "direct-sales.branch": once("admitted_branches", 10_000_000),
    "scale.contribution-growth": growth,
    "brand.domestic-sales": lambda e, p: tiered(e("own_brand_sales", p), SALES),
    "brand.dtc-export": exports,
    "brand.famous-export": once("famous", 10_000_000),
    "brand.service-trademark": once("trademarks", 500_000),
    "logistics.warehouse-ningbo": each("warehouses_ningbo", 25_000_000),
    "logistics.warehouse-provincial": each("warehouses_provincial", 50_000_000),
    "design.procurement": percentage(
        "design_purchased", 20_000_000, 10, 50_000_000, "claimed.design.procurement"
    ),
    "design.services": percentage("design_services", 30_000_000, 3, 15_000_000, "claimed.design.services"),
}
APPROVED = (
    "park.transformation",
    "brand.design-centre",
    "standard.provincial",
    "standard.ningbo",
    "standard.cixi",
    "talent.team",
    "talent.cooperation",
    "climate.event",
)
"""What an approved claim carries is an input."""
MEASURES = (*FORMULAS, *APPROVED)
INPUTS = (
    *COUNTED,
    *AMOUNTS,
    *(f"claimed.{measure}" for measure in (*APPROVED, "design.procurement", "design.services")),
    "claimed.design.procurement_has",
    "claimed.design.services_has",
    *(f"other.{measure}" for measure in MEASURES),
)


def claimed(measure: str) -> Any:
    """What an approved claim carries."""
    return lambda enterprise, period: enterprise(f"claimed.{measure}", period)


def eligible(measure: str) -> Any:
    """What highest-only leaves of an award."""

    def formula(enterprise: Any, period: Any) -> Any:
        gross = enterprise(measure, period)
        return gross - np.minimum(gross, enterprise(f"other.{measure}", period))

    return formula


def variable(name: str, formula: Any = None) -> type[Variable]:
    """A yearly number of an enterprise."""
    of = {"value_type": float, "entity": ENTERPRISE, "definition_period": DateUnit.YEAR, "label": name}
    if formula is not None:
        of["formula"] = formula
    return type(name, (Variable,), of)


def system() -> TaxBenefitSystem:
    """The measures as a tax and benefit system; ``eligible`` is what highest-only leaves."""
    made = TaxBenefitSystem([ENTERPRISE])
    for name in INPUTS:
        made.add_variable(variable(name))
    for measure in MEASURES:
        made.add_variable(variable(measure, FORMULAS.get(measure) or claimed(measure)))
        made.add_variable(variable(f"eligible.{measure}", eligible(measure)))
    return made


def simulation(made: TaxBenefitSystem, inputs: dict[tuple[str, int], Any], count: int) -> Any:
    """A simulation of so many enterprises with its inputs set."""
    found = SimulationBuilder().build_default_simulation(made, count)
    for (name, year), values in inputs.items():
        found.set_input(name, str(year), values)
    return found


def computed(found: Any) -> dict[str, Any]:
    """Every measure's awards after highest-only, in fen."""
    return {measure: found.calculate(f"eligible.{measure}", str(YEAR)) for measure in MEASURES}
