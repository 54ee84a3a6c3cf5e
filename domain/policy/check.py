"""What the form of a policy file cannot say: that its parts fit each other and the events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from domain.events import (
    CATALOGUE,
    CHANNELS,
    CODE_PATTERN,
    CODED,
    CUSTOMS_CODES,
    TOWN_MAX,
    DatedFact,
    EnterpriseEvent,
    RecognitionGranted,
    YearlyAmount,
)
from domain.money.amounts import FOREIGN
from domain.policy.model import Fixed, GrowthShare, Measure, Percentage, PerUnit, Policy, Select, Tier, Unpaid

Found = tuple[tuple[str | int, ...], str, str]
"""(path in the file, rule, mend)."""

_EVENTS, _FIGURE = "use a class name of docs/events", "name the figure, such as amount_fen"
_CLAUSES = ("budget", "highest-only", "pro-rata")


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What no document, message or terminal can show: control characters, line ends, halves of a character."""
_SEVERAL_LINES = ("quote", "basis")
"""Words of a published text, which may have line ends."""


def faults_of_text(raw: Any) -> list[Found]:
    """Every text and name of a file with a character that cannot be printed."""
    return list(_unprintable(raw, ()))


def _unprintable(value: Any, path: tuple[str | int, ...]) -> Iterator[Found]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _unprintable(key, (*path, key))
        yield from _unprintable(item, (*path, key))
    if isinstance(value, str):
        lines = bool(path) and path[-1] in _SEVERAL_LINES
        if bad := _UNPRINTABLE.search(value.replace("\n", "") if lines else value):
            rule = f"contains the character U+{ord(bad[0]):04X}"
            yield path, rule, "write printable text, without escapes such as \\n or \\x07"


def faults_of_meaning(policy: Policy, said: dict[str, Any]) -> list[Found]:
    """Everything in the policy that is well-formed but cannot mean anything; ``said`` is its file."""
    found = [*_written(said, ()), *_unheeded(said)]
    found += _codes(policy.highest_only_authorities, ("highest_only", "authorities"))
    if policy.life_until and policy.life_until < policy.life_from:
        found.append((("life", "until"), "lies before the life begins", "give a later date, or null"))
    if policy.effective_from > (policy.life_until or policy.effective_from):
        rule = f"lies after the life ends, on {policy.life_until}"
        found.append((("effective_from",), rule, "give an earlier date, or a longer life"))
    have = [clause.id for clause in policy.clauses]
    for clause in _CLAUSES:
        if have.count(clause) != 1:
            found.append(
                (("clauses",), f"needs the clause {clause} exactly once", "quote it from the policy's text")
            )
    for index, measure in enumerate(policy.measures.values()):
        found += [
            ((("measures", index, *path)), rule, mend) for path, rule, mend in _measure(policy, measure)
        ]
    found += _disagreements(policy)
    found += _budgets(policy)
    found += _priorities(policy)
    for index, target in enumerate(policy.targets.values()):
        if target.measure not in policy.measures:
            found.append(
                (
                    ("targets", index, "measure"),
                    "names a measure that the file does not have",
                    "use the id of a measure",
                )
            )
        if target.counts == "quantity" and target.of.field != "floor_area_m2":
            found.append(
                (("targets", index, "of", "field"), "is not a quantity of an event", "use floor_area_m2")
            )
        needs = {"amount": YearlyAmount, "items": DatedFact, "quantity": RecognitionGranted}.get(
            target.counts
        )
        found += [
            (("targets", index, "of", *path), rule, mend) for path, rule, mend in _select(target.of, needs)
        ]
    return found


ID_MAX = 200
"""Characters of an id: what a message may hold."""
_WHOLE = ("version", "notice_days", "appeal_days", "base_years", "award_years", "times", "goal")


def _written(said: Any, path: tuple[str | int, ...]) -> Iterator[Found]:
    """Ids that no message can hold, and numbers that begin with a zero."""
    inner = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for key, value in inner:
        here = (*path, key)
        yield from _written(value, here)
        if key == "id" and len(str(value)) > ID_MAX:
            yield here, f"has more than {ID_MAX} characters", "shorten it"
        if key in _WHOLE and isinstance(value, str) and re.fullmatch("0[0-9]+", value):
            yield here, "begins with a zero", f"write {int(value)}"


_HEEDED = {
    "items": (),
    "enterprises": ("currency", "threshold"),
    "amount": ("currency",),
    "quantity": ("field",),
}
"""What a target heeds beside the facts, by what it counts; of dated facts nothing is in a currency."""


def _unheeded(said: dict[str, Any]) -> Iterator[Found]:
    """Fields that stand where nothing reads them."""
    for index, measure in enumerate(said["measures"]):
        for name in ("earns", "proposes", "of", "sales"):
            unread = ("field",) if name in ("of", "sales") else ("field", "currency")
            for field in unread:
                if field in (measure.get(name) or {}):
                    yield ("measures", index, name, field), "says nothing here", _REMOVE
    for index, target in enumerate(said.get("targets") or ()):
        dated = issubclass(CATALOGUE.get(target["of"].get("fact", ""), DatedFact), DatedFact)
        heeded = () if dated and target["counts"] == "enterprises" else _HEEDED[target["counts"]]
        for field, holder in (("field", "of"), ("currency", "of"), ("threshold", "")):
            if field not in heeded and field in (target[holder] if holder else target):
                where = (holder, field) if holder else (field,)
                yield ("targets", index, *where), f"says nothing of {target['counts']}", _REMOVE


_REMOVE = "remove it"


def _disagreements(policy: Policy) -> Iterator[Found]:
    """A rule about disagreeing facts names facts and fields that there are."""
    for index, rule in enumerate(policy.disagreements):
        here = ("disagreements", index)
        if rule.kind == "replaced-code":
            continue
        event = CATALOGUE.get(rule.fact)
        if event is None or not issubclass(event, EnterpriseEvent):
            yield (
                (*here, "fact"),
                f"{rule.fact!r} is no event of an enterprise",
                "use a class name of docs/events",
            )
            continue
        unknown = [name for name in rule.same if name not in event.content_fields()]
        for name in unknown:
            yield (*here, "same"), f"{name} is no field of {rule.fact}", "use the fields in docs/events"
        if rule.kind in ("claimed-twice", "two-sources") and not rule.same:
            yield (*here, "same"), "names no field", "name the fields that tell one matter from another"
        if rule.kind == "two-sources" and rule.field not in event.content_fields():
            yield (
                (*here, "field"),
                f"{rule.field!r} is no field of {rule.fact}",
                "name the figure, such as amount_fen",
            )
        if rule.kind == "outlier" and (not rule.times or not issubclass(event, YearlyAmount)):
            yield (*here,), "needs yearly amounts, and how many times is too many", "write times: 10"


def _budgets(policy: Policy) -> Iterator[Found]:
    """Every award belongs to exactly one of several budgets, all of which are told apart alike."""
    here = ("budget", "parts")
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(policy.budgets):
        yield from _towns(each.towns, (*here, index, "towns"))
        for name, value in (("id", each.id), *(("towns", t) for t in each.towns)):
            if (name, value) in seen:
                yield (*here, index, name), f"{value} stands twice", "keep one of them"
            seen.add((name, value))
        if each.towns and (each.measures or not policy.by_town):
            yield (*here, index), "names both towns and measures", "tell budgets apart by one of them"
        elif each.measures and policy.by_town:
            yield (*here, index, "measures"), "names measures, another budget names towns", _ONE_WAY
        elif not (each.towns or each.measures or each.rest):
            yield (*here, index), "pays nothing", 'name its towns or measures, or write rest: "yes"'
    rests = [index for index, each in enumerate(policy.budgets) if each.rest]
    for index in rests[1:]:
        yield (*here, index, "rest"), "is the second budget that takes the rest", "let one budget take it"
    if policy.by_town and not rests:
        yield here, "leaves towns without a budget", 'write rest: "yes" for the one that pays other towns'
    named = [((*here, n, "measures"), each.measures) for n, each in enumerate(policy.budgets)]
    if named and not policy.by_town:
        yield from _once_each(policy, named, bool(rests), "budget")


def _towns(towns: Sequence[str], here: tuple[str | int, ...]) -> Iterator[Found]:
    """Names that no register holds."""
    for place, town in enumerate(towns):
        if town != town.strip():
            yield (*here, place), "has blanks around it", f"write {town.strip()}"
        if len(town) > TOWN_MAX:
            yield (*here, place), f"has more than {TOWN_MAX} characters", "shorten it"


_ONE_WAY = "tell all budgets apart by town, or all by measure"


def _priorities(policy: Policy) -> Iterator[Found]:
    """Every measure that pays stands in exactly one group."""
    here = ("pro_rata", "priorities")
    named = [((*here, n), group) for n, group in enumerate(policy.priorities)]
    if named:
        yield from _once_each(policy, named, False, "group")


def _once_each(
    policy: Policy, named: Sequence[tuple[tuple[str | int, ...], tuple[str, ...]]], rest: bool, what: str
) -> Iterator[Found]:
    """Measures that are named more than once, pay nothing, are unknown, or are named nowhere."""
    seen: set[str] = set()
    for path, measures in named:
        for place, measure_id in enumerate(measures):
            measure = policy.measures.get(measure_id)
            if measure is None:
                yield (
                    (*path, place),
                    "names a measure that the file does not have",
                    "use the id of a measure",
                )
            elif isinstance(measure, Unpaid):
                yield (*path, place), f"{measure_id} pays nothing", "remove it"
            elif measure_id in seen:
                yield (*path, place), f"{measure_id} stands twice", "keep one of them"
            seen.add(measure_id)
    for index, measure in enumerate(policy.measures.values()):
        if not rest and not isinstance(measure, Unpaid) and measure.id not in seen:
            yield (
                ("measures", index, "id"),
                f"{measure.id} stands in no {what}",
                f"name it in one {what}",
            )


def _paid(policy: Policy, measure: Measure) -> Iterator[Found]:
    """A share of an amount is in the amount's currency, so that must be what the policy pays in."""
    if isinstance(measure, GrowthShare) and policy.currency != "CNY":
        rule = f"is assessed in CNY, the policy pays in {policy.currency}"
        yield ("of",), rule, "remove the measure, or pay it under a policy in CNY"
    elif isinstance(measure, Percentage | GrowthShare) and measure.of.currency != policy.currency:
        yield ("of",), f"is not in {policy.currency}, which the policy pays in", _write(policy.currency)


def _write(currency: str) -> str:
    return f"write currency: {currency}"


def _measure(policy: Policy, measure: Measure) -> Iterator[Found]:
    yield from _paid(policy, measure)
    yield from _codes(measure.stacks_with, ("stacks_with",))
    for name, needs in (
        ("earns", DatedFact),
        ("of", YearlyAmount),
        ("sales", YearlyAmount),
        ("proposes", DatedFact),
    ):
        select = getattr(measure, name, None)
        if select is not None:
            wants = None if isinstance(measure, GrowthShare) and name == "of" else needs
            for path, rule, mend in _select(select, wants):
                yield (name, *path), rule, mend
    if isinstance(measure, GrowthShare) and measure.of.facts != ("ContributionAssessed",):
        yield ("of", "fact"), "a growth share is of ContributionAssessed", "name that event"
    for name in ("tiers", "shares"):
        yield from _ascending(name, getattr(measure, name, ()))
    if isinstance(measure, Fixed) and measure.nets:
        other = policy.measures.get(measure.nets.measure)
        if other is measure or not isinstance(other, Fixed) or other.once != "item" or measure.once != "item":
            yield (
                ("nets", "measure"),
                "needs two fixed measures with once: item",
                "name such a measure, or remove nets",
            )
        elif measure.nets.same not in _identity(measure.earns) or measure.nets.same not in _identity(
            other.earns
        ):
            yield (
                ("nets", "same"),
                "is not part of the identity of both facts",
                "name a field that identifies both",
            )
    if isinstance(measure, PerUnit) and measure.earns and len(measure.earns.facts) > 1:
        yield ("earns",), "units are counted by one kind of event", "use fact instead of all_of"


def _ascending(name: str, tiers: tuple[Tier, ...]) -> Iterator[Found]:
    for index in range(1, len(tiers)):
        if tiers[index].start <= tiers[index - 1].start or tiers[index].gives < tiers[index - 1].gives:
            yield (name, index), "is not above the one before it", "order them upwards"


def _identity(select: Select) -> tuple[str, ...]:
    cls = CATALOGUE.get(select.fact)
    return cls.identity if cls and issubclass(cls, DatedFact) else ()


def _select(select: Select, needs: type | None) -> Iterator[Found]:
    classes = []
    for fact in select.facts:
        cls = CATALOGUE.get(fact)
        if cls is None or (needs and not issubclass(cls, needs)):
            fits = sorted(n for n, c in CATALOGUE.items() if issubclass(c, needs or DatedFact))
            yield ("fact",), f"{fact!r} is not an event that fits here", "use one of: " + ", ".join(fits)
            return
        classes.append(cls)
    for name in select.where:
        known = {n for cls in classes for n in _filterable(cls)}
        if name not in known:
            yield (
                ("where", name),
                "is not a field of the event to choose by",
                "use one of: " + ", ".join(sorted(known)),
            )
    for name in CODED:
        yield from _codes(select.where.get(name, ()), ("where", name))
    yield from _sales(select)
    if select.currency == "USD" and issubclass(classes[0], YearlyAmount) and select.fact != "SalesReported":
        yield ("currency",), f"{select.fact} is never reported in USD", _write("CNY")
    if len(classes) > 1 and len({getattr(cls, "identity", None) for cls in classes}) > 1:
        yield ("all_of",), "the conditions are not known by the same field", "name events of one identity"


def _codes(values: Sequence[str], here: tuple[str | int, ...]) -> Iterator[Found]:
    """Values that no message can have where it holds a word of a code list."""
    for place, value in enumerate(values):
        if not re.fullmatch(CODE_PATTERN, value):
            rule, mend = f"{value!r} can never be reported", "use a code of at most 40 of a-z, 0-9, - and _"
            yield (*here, place), rule, mend


def _sales(select: Select) -> Iterator[Found]:
    """Channels and customs codes are lists that the ledger knows, and a channel has its currency."""
    if select.fact != "SalesReported":
        return
    for name, known in (("channel", tuple(CHANNELS)), ("customs_code", CUSTOMS_CODES)):
        for value in select.where.get(name, ()):
            if value not in known:
                yield (
                    ("where", name),
                    f"{value!r} is not reported by anyone",
                    "use one of: " + ", ".join(known),
                )
    if select.currency in FOREIGN:  # what is reported in it is kept apart, whatever the channel
        return
    currencies = {CHANNELS.get(channel, select.currency) for channel in select.where["channel"]}
    if len(currencies) > 1:
        fits = ", ".join(name for name, currency in CHANNELS.items() if currency == select.currency)
        yield (
            ("where", "channel"),
            "adds up amounts of several currencies",
            f"name channels in {select.currency}: {fits}",
        )
    elif currencies != {select.currency}:
        yield ("currency",), "is not the currency of the channel", _write(currencies.pop())


def _filterable(cls: type) -> tuple[str, ...]:
    if issubclass(cls, DatedFact):
        return cls.identity + cls.attributes
    return cls.group if issubclass(cls, YearlyAmount) else ()
