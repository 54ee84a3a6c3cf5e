"""A policy as a JSON document: amounts and percentages as text, ids beside words."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from domain.money.amounts import print_fen
from domain.money.wire import currency_form
from domain.policy.model import (
    GrowthShare,
    Measure,
    NamedBudget,
    Nets,
    PerUnit,
    Policy,
    Reading,
    Select,
    Target,
    Tier,
)

_COMMON = frozenset(field.name for field in fields(Measure))
_COUNTS = frozenset(("base_years", "award_years"))
_HELPS = frozenset(("foreign", "width"))
_NAMES = {"rate": "percent", "counted_on": "of"}

Document = dict[str, Any]


def policy_document(policy: Policy, versions: list[Document]) -> Document:
    """The whole of one version, with the list of all versions."""
    return {
        "policy": policy.id,
        "title": dict(policy.title),
        "version": policy.version,
        "digest": policy.digest,
        "effective_from": policy.effective_from,
        "paper": {
            "number": policy.number,
            "issued": policy.issued,
            "issuer": policy.issuer,
            "repeals": list(policy.repeals),
        },
        "authority": policy.authority,
        "timezone": policy.timezone,
        "life": {"from": policy.life_from, "until": policy.life_until},
        "budget": {
            "amount": print_fen(policy.budget),
            "per": policy.budget_per,
            **currency_form(policy.currency),
            **_divided(policy),
        },
        "general_readings": list(policy.general_readings),
        "versions": versions,
        "readings": [_reading(reading) for reading in policy.readings.values()],
        "measures": [measure_document(measure) for measure in policy.measures.values()],
        "clauses": [{"clause": c.id, "quote": c.quote, "en": c.en} for c in policy.clauses],
        "targets": [_target(target) for target in policy.targets.values()],
    }


def measure_document(measure: Measure) -> Document:
    """One measure; what its kind alone has stands in ``figures``."""
    share = "percent" if isinstance(measure, GrowthShare) else "award"
    own = [field.name for field in fields(measure) if field.name not in _COMMON]
    if isinstance(measure, PerUnit) and measure.counted_on is None:
        own.remove("unit")
    return {
        "measure": measure.id,
        "article": measure.article,
        "title": dict(measure.title),
        "quote": measure.quote,
        "lead": measure.lead,
        "kind": measure.kind,
        "funds": measure.funds,
        "readings": list(measure.readings),
        "stacks_with": list(measure.stacks_with),
        "figures": {_NAMES.get(n, n): _figure(n, getattr(measure, n), share) for n in own},
    }


def _figure(name: str, value: Any, share: str) -> Any:
    if isinstance(value, Tier):
        return {"from": print_fen(value.start), share: print_fen(value.gives)}
    if isinstance(value, Select | Nets):
        return {
            f.name: _figure(f.name, getattr(value, f.name), share)
            for f in fields(value)
            if f.name not in _HELPS
        }
    if isinstance(value, tuple):
        return [_figure(name, each, share) for each in value]
    if isinstance(value, dict):
        return {key: _figure(key, each, share) for key, each in value.items()}
    if isinstance(value, int) and name not in _COUNTS:
        return print_fen(value)
    if is_dataclass(value):
        raise TypeError(f"{name} has no form in JSON")
    return value


def _divided(policy: Policy) -> Document:
    """The named budgets and the order of payment; neither where all awards share one budget alike."""
    found: Document = {}
    if policy.budgets:
        found["parts"] = [_part(each) for each in policy.budgets]
    if policy.priorities:
        found["priorities"] = [list(group) for group in policy.priorities]
    return found


def _part(each: NamedBudget) -> Document:
    return {
        "budget": each.id,
        "name": dict(each.name),
        "amount": print_fen(each.amount),
        "towns": list(each.towns),
        "measures": list(each.measures),
        "rest": each.rest,
    }


def _reading(reading: Reading) -> Document:
    return {
        "reading": reading.id,
        "value": reading.value,
        "options": {value: dict(said) for value, said in reading.options.items()},
        "basis": reading.basis,
        "why": dict(reading.why),
        "open": reading.open,
    }


def _target(target: Target) -> Document:
    return {
        "target": target.id,
        "measure": target.measure,
        "title": dict(target.title),
        "counts": target.counts,
        "goal": print_fen(target.goal) if target.counts == "amount" else str(target.goal),
        "threshold": print_fen(target.threshold),
    }
