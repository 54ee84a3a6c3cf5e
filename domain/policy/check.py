"""What the form of a policy file cannot say: that its parts fit each other and the events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from domain.events import CATALOGUE
from domain.events.content import EnterpriseContent
from domain.money.amounts import FOREIGN
from domain.policy.faults import Path, PathFault
from domain.policy.model import Fixed, GrowthShare, Measure, Percentage, PerUnit, Policy, Select, Tier, Unpaid
from domain.policy.source import RawFile
from domain.vocabulary.kinds import CODE_PATTERN, CurrencyAmong, CurrencyBy, Kind
from domain.vocabulary.load import shipped_vocabulary

KindTest = Callable[[Kind], bool]
"""Whether a measure or target can count facts of a kind."""
TOWN_LENGTH_MAX = shipped_vocabulary().kinds["EnterpriseRegistered"].field("town").length_max
"""Characters of the name of a town or street."""
_CLAUSES = ("budget", "highest-only", "pro-rata")


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What no document, message or terminal can show: control characters, line ends, halves of a character."""
_SEVERAL_LINES = ("quote", "basis")
"""Words of a published text, which may have line ends."""


def faults_of_text(raw: Any) -> list[PathFault]:
    """Every text and name of a file with a character that cannot be printed."""
    return list(_unprintable(raw, ()))


def _unprintable(value: Any, path: Path) -> Iterator[PathFault]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _unprintable(key, (*path, key))
        yield from _unprintable(item, (*path, key))
    if isinstance(value, str):
        lines = bool(path) and path[-1] in _SEVERAL_LINES
        if bad := _UNPRINTABLE.search(value.replace("\n", "") if lines else value):
            yield PathFault(path, "policy.unprintable", {"code": f"{ord(bad[0]):04X}"})


def faults_of_meaning(policy: Policy, file: RawFile) -> list[PathFault]:
    """Everything in the policy that is well-formed but cannot mean anything; ``file`` as it was read."""
    faults = [*_written(file, ()), *_unheeded(file)]
    faults += _codes(policy.highest_only_authorities, ("highest_only", "authorities"))
    if policy.life_until and policy.life_until < policy.life_from:
        faults.append(PathFault(("life", "until"), "policy.life-order"))
    if policy.effective_from > (policy.life_until or policy.effective_from):
        faults.append(PathFault(("effective_from",), "policy.effective-late", {"day": policy.life_until}))
    clauses = [clause.id for clause in policy.clauses]
    for clause in _CLAUSES:
        if clauses.count(clause) != 1:
            faults.append(PathFault(("clauses",), "policy.clause-count", {"clause": clause}))
    for index, measure in enumerate(policy.measures.values()):
        faults += [fault.below("measures", index) for fault in _measure(policy, measure)]
    faults += _disagreements(policy)
    faults += _budgets(policy)
    faults += _priorities(policy)
    for index, target in enumerate(policy.targets.values()):
        if target.measure not in policy.measures:
            faults.append(PathFault(("targets", index, "measure"), "policy.measure-unknown"))
        if target.counts == "quantity" and target.counted_on.field not in _quantities(target.counted_on):
            args = {"known": ", ".join(_quantities(target.counted_on))}
            faults.append(PathFault(("targets", index, "of", "field"), "policy.quantity-unknown", args))
        needs = {"amount": _is_amount, "items": _is_dated, "quantity": _has_quantity}.get(target.counts)
        faults += [fault.below("targets", index, "of") for fault in _select(target.counted_on, needs)]
    return faults


ID_MAX = 200
"""Characters of an id: what a message may hold."""
_WHOLE_NUMBERS = ("version", "notice_days", "appeal_days", "base_years", "award_years", "times", "goal")


def _written(raw: Any, path: Path) -> Iterator[PathFault]:
    """Ids that no message can hold, and numbers that begin with a zero."""
    inner = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, value in inner:
        here = (*path, key)
        yield from _written(value, here)
        if key == "id" and len(str(value)) > ID_MAX:
            yield PathFault(here, "policy.too-long", {"most": ID_MAX})
        if key in _WHOLE_NUMBERS and isinstance(value, str) and re.fullmatch("0[0-9]+", value):
            yield PathFault(here, "policy.leading-zero", {"value": int(value)})


_HEEDED = {
    "items": (),
    "enterprises": ("currency", "threshold"),
    "amount": ("currency",),
    "quantity": ("field",),
}
"""What a target heeds beside the facts, by what it counts; of dated facts nothing is in a currency."""


def _unheeded(file: RawFile) -> Iterator[PathFault]:
    """Fields that stand where nothing reads them."""
    for index, measure in enumerate(file["measures"]):
        for name in ("earns", "proposes", "of", "sales"):
            unread = ("field",) if name in ("of", "sales") else ("field", "currency")
            for field in unread:
                if field in (measure.get(name) or {}):
                    yield PathFault(("measures", index, name, field), "policy.unheeded")
    for index, target in enumerate(file.get("targets") or ()):
        kind = shipped_vocabulary().kinds.get(target["of"].get("fact", ""))
        dated = kind is None or _is_dated(kind)
        heeded = () if dated and target["counts"] == "enterprises" else _HEEDED[target["counts"]]
        for field, holder in (("field", "of"), ("currency", "of"), ("threshold", "")):
            if field not in heeded and field in (target[holder] if holder else target):
                place = (holder, field) if holder else (field,)
                args = {"what": target["counts"]}
                yield PathFault(("targets", index, *place), "policy.unheeded-counting", args)


def _disagreements(policy: Policy) -> Iterator[PathFault]:
    """A rule about disagreeing facts names facts and fields that there are."""
    for index, rule in enumerate(policy.disagreements):
        here = ("disagreements", index)
        if rule.kind == "replaced-code":
            continue
        event = CATALOGUE.get(rule.fact)
        if event is None or not issubclass(event, EnterpriseContent):
            yield PathFault((*here, "fact"), "policy.fact-unknown", {"fact": rule.fact})
            continue
        unknown = [name for name in rule.same if name not in event.__struct_fields__]
        for name in unknown:
            args = {"name": name, "fact": rule.fact}
            yield PathFault((*here, "same"), "policy.fact-field-unknown", args)
        if rule.kind in ("claimed-twice", "two-sources") and not rule.same:
            yield PathFault((*here, "same"), "policy.fields-none")
        if rule.kind == "two-sources" and rule.field not in event.__struct_fields__:
            args = {"name": rule.field, "fact": rule.fact}
            yield PathFault((*here, "field"), "policy.figure-unknown", args)
        if rule.kind == "outlier" and (not rule.times or event.shape != "amount"):
            yield PathFault(here, "policy.outlier-form")


def _budgets(policy: Policy) -> Iterator[PathFault]:
    """Every award belongs to exactly one of several budgets, all of which are told apart alike."""
    here = ("budget", "parts")
    names: set[tuple[str, str]] = set()
    for index, budget in enumerate(policy.budgets):
        yield from _towns(budget.towns, (*here, index, "towns"))
        for name, value in (("id", budget.id), *(("towns", town) for town in budget.towns)):
            if (name, value) in names:
                yield PathFault((*here, index, name), "policy.value-twice", {"value": value})
            names.add((name, value))
        if budget.towns and (budget.measures or not policy.by_town):
            yield PathFault((*here, index), "policy.budget-both")
        elif budget.measures and policy.by_town:
            yield PathFault((*here, index, "measures"), "policy.budget-mixed")
        elif not (budget.towns or budget.measures or budget.rest):
            yield PathFault((*here, index), "policy.budget-empty")
    rests = [index for index, each in enumerate(policy.budgets) if each.rest]
    for index in rests[1:]:
        yield PathFault((*here, index, "rest"), "policy.rest-twice")
    if policy.by_town and not rests:
        yield PathFault(here, "policy.rest-none")
    named = [((*here, n, "measures"), each.measures) for n, each in enumerate(policy.budgets)]
    if named and not policy.by_town:
        yield from _once_each(policy, named, None if rests else "policy.budget-none")


def _towns(towns: Sequence[str], here: Path) -> Iterator[PathFault]:
    """Names that no register holds."""
    for place, town in enumerate(towns):
        if town != town.strip():
            yield PathFault((*here, place), "policy.blanks", {"value": town.strip()})
        if len(town) > TOWN_LENGTH_MAX:
            yield PathFault((*here, place), "policy.too-long", {"most": TOWN_LENGTH_MAX})


def _priorities(policy: Policy) -> Iterator[PathFault]:
    """Every measure that pays stands in exactly one group."""
    here = ("pro_rata", "priorities")
    named = [((*here, n), group) for n, group in enumerate(policy.priorities)]
    if named:
        yield from _once_each(policy, named, "policy.group-none")


def _once_each(
    policy: Policy, named: Sequence[tuple[Path, tuple[str, ...]]], unnamed: str | None
) -> Iterator[PathFault]:
    """Measures that are named twice, pay nothing or are unknown; ``unnamed`` is the code of one left out."""
    ids: set[str] = set()
    for path, measures in named:
        for place, measure_id in enumerate(measures):
            measure = policy.measures.get(measure_id)
            if measure is None:
                yield PathFault((*path, place), "policy.measure-unknown")
            elif isinstance(measure, Unpaid):
                yield PathFault((*path, place), "policy.unpaid", {"what": measure_id})
            elif measure_id in ids:
                yield PathFault((*path, place), "policy.value-twice", {"value": measure_id})
            ids.add(measure_id)
    for index, measure in enumerate(policy.measures.values()):
        if unnamed and not isinstance(measure, Unpaid) and measure.id not in ids:
            yield PathFault(("measures", index, "id"), unnamed, {"measure": measure.id})


def _paid(policy: Policy, measure: Measure) -> Iterator[PathFault]:
    """A share of an amount is in the amount's currency, so that must be what the policy pays in."""
    if isinstance(measure, GrowthShare) and policy.currency != "CNY":
        yield PathFault(("of",), "policy.growth-currency", {"currency": policy.currency})
    elif isinstance(measure, Percentage | GrowthShare) and measure.counted_on.currency != policy.currency:
        yield PathFault(("of",), "policy.currency-other", {"currency": policy.currency})


def _measure(policy: Policy, measure: Measure) -> Iterator[PathFault]:
    yield from _paid(policy, measure)
    yield from _codes(measure.stacks_with, ("stacks_with",))
    for name, attribute, needs in (
        ("earns", "earns", _is_dated),
        ("of", "counted_on", _is_amount),
        ("sales", "sales", _is_amount),
        ("proposes", "proposes", _is_dated),
    ):
        select = getattr(measure, attribute, None)
        if select is not None:
            fits = None if isinstance(measure, GrowthShare) and name == "of" else needs
            for fault in _select(select, fits):
                yield fault.below(name)
    if isinstance(measure, GrowthShare) and measure.counted_on.facts != ("ContributionAssessed",):
        yield PathFault(("of", "fact"), "policy.growth-fact")
    for name in ("tiers", "shares"):
        yield from _ascending(name, getattr(measure, name, ()))
    if isinstance(measure, Fixed) and measure.nets:
        set_off = policy.measures.get(measure.nets.measure)
        if set_off is measure or not isinstance(set_off, Fixed) or {set_off.once, measure.once} != {"item"}:
            yield PathFault(("nets", "measure"), "policy.nets-form")
        elif measure.nets.same not in _identity(measure.earns) or measure.nets.same not in _identity(
            set_off.earns
        ):
            yield PathFault(("nets", "same"), "policy.nets-same")
    if isinstance(measure, PerUnit) and measure.earns and len(measure.earns.facts) > 1:
        yield PathFault(("earns",), "policy.units-fact")


def _ascending(name: str, tiers: tuple[Tier, ...]) -> Iterator[PathFault]:
    for index in range(1, len(tiers)):
        if tiers[index].start <= tiers[index - 1].start or tiers[index].gives < tiers[index - 1].gives:
            yield PathFault((name, index), "policy.step-order")


def _identity(select: Select) -> tuple[str, ...]:
    kind = shipped_vocabulary().kinds.get(select.fact)
    return kind.identity if kind else ()


def _is_dated(kind: Kind) -> bool:
    return kind.folds_as == "dated"


def _is_amount(kind: Kind) -> bool:
    return kind.folds_as == "amount"


def _has_quantity(kind: Kind) -> bool:
    return _is_dated(kind) and any(field.form == "whole" for field in kind.fields)


def _quantities(select: Select) -> list[str]:
    """The whole numbers that a selected fact states; where it states none, those that any does."""
    kinds = shipped_vocabulary().kinds
    selected = [kinds[fact] for fact in select.facts if fact in kinds and _has_quantity(kinds[fact])]
    stating = selected or [kind for kind in kinds.values() if _has_quantity(kind)]
    return [field.name for kind in stating for field in kind.fields if field.form == "whole"]


def _select(select: Select, fits: KindTest | None) -> Iterator[PathFault]:
    vocabulary = shipped_vocabulary()
    kinds = []
    for fact in select.facts:
        kind = vocabulary.kinds.get(fact)
        if kind is None or (fits and not fits(kind)):
            fitting = sorted(name for name, kind in vocabulary.kinds.items() if (fits or _is_dated)(kind))
            yield PathFault(("fact",), "policy.fact-unfit", {"fact": fact, "known": ", ".join(fitting)})
            return
        kinds.append(kind)
    selectable = sorted({name for kind in kinds for name in kind.selectable})
    for name in select.where:
        if name not in selectable:
            yield PathFault(("where", name), "policy.where-unknown", {"known": ", ".join(selectable)})
    for name in sorted(vocabulary.coded):
        yield from _codes(select.where.get(name, ()), ("where", name))
    yield from _choices(select, kinds[0])
    yield from _currency(select, kinds[0])
    if len({kind.identity for kind in kinds}) > 1:
        yield PathFault(("all_of",), "policy.conditions-apart")


def _codes(values: Sequence[str], here: Path) -> Iterator[PathFault]:
    """Values that no message can have where it holds a word of a code list."""
    for place, value in enumerate(values):
        if not re.fullmatch(CODE_PATTERN, value):
            yield PathFault((*here, place), "policy.value-never", {"value": value})


def _choices(select: Select, kind: Kind) -> Iterator[PathFault]:
    """Values that no fact of the kind can have where it has one of a few."""
    for name in kind.selectable:
        field = kind.field(name)
        for value in select.where.get(name, ()) if field.form == "choice" else ():
            if value not in field.values:
                args = {"value": value, "known": ", ".join(field.values)}
                yield PathFault(("where", name), "policy.value-unreported", args)


def _currency(select: Select, kind: Kind) -> Iterator[PathFault]:
    """Amounts are in a currency in which the kind is reported, and all in the same."""
    for rule in kind.rules:
        if isinstance(rule, CurrencyAmong) and _is_amount(kind) and select.currency not in rule.currencies:
            yield PathFault(
                ("currency",), "policy.dollars-never", {"fact": select.fact, "currency": select.currency}
            )
        if not isinstance(rule, CurrencyBy) or select.currency in FOREIGN:
            continue  # what is reported in such a currency is kept apart, whatever the other field says
        currencies = {rule.currencies.get(value, select.currency) for value in select.where[rule.by]}
        if len(currencies) > 1:
            fitting = [value for value, currency in rule.currencies.items() if currency == select.currency]
            args = {"currency": select.currency, "known": ", ".join(fitting)}
            yield PathFault(("where", rule.by), "policy.currencies-mixed", args)
        elif currencies != {select.currency}:
            yield PathFault(("currency",), "policy.channel-currency", {"currency": currencies.pop()})
