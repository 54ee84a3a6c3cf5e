"""Worked cases as data: read, turned into messages, and settled through the ledger's own door.

A case says what was reported and what it must give, worked out by hand from the policy's text
(docs/changing-the-policy.md). ``outcome_of`` settles one in a ledger of its own, and compares.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from marshmallow import INCLUDE, Schema, ValidationError, fields

from domain.faults.fault import Fault
from domain.faults.registry import CASE_AREAS, MESSAGE_AREAS
from domain.faults.validation import FaultError, faults_from
from domain.money.amounts import parse_fen, yuan
from domain.money.dividing import budget_period
from domain.vocabulary.kinds import kebab, type_of
from domain.vocabulary.load import shipped_vocabulary
from ledger.intake.inbox import ingest
from ledger.intake.messages.fields import REQUIRED, Choice, Money, Text, Whole
from ledger.intake.messages.schemas import Message
from ledger.policies.versions import UnknownPeriod, adopt_policy, rulebook, set_budget
from ledger.reading import queries
from ledger.store.application import Ledger, open_ledger

SOURCE = "urn:cases"
CHANNEL = {"dtc_export_usd": ("dtc_own_brand_export", "USD")}

NAMES = {
    **{kebab(kind).replace("-", "_"): kind for kind in (*shipped_vocabulary().kinds, "ClaimApproved")},
    "corrected": "FactCorrected",
    "retracted": "FactRetracted",
}
"""Kinds of facts as cases name them, with the class names of their events."""


class CaseError(ValueError):
    """A case file that cannot be used; ``faults`` says of each fault its field, rule and mend."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(_said(fault, "en") for fault in faults))

    def said(self, language: str) -> list[str]:
        """Every fault on a line of its own, in ``zh`` or ``en``."""
        return [_said(fault, language) for fault in self.faults]


_WANTED = {
    "a JSON object": "JSON 对象",
    "a JSON array": "JSON 数组",
    "text": "文本",
    "a whole number": "整数",
}


def _said(fault: Fault, language: str) -> str:
    """A fault on one line, in ``zh`` or ``en``."""
    if language == "zh" and "wanted" in fault.args:
        wanted = fault.args["wanted"]
        fault = fault._replace(args={**fault.args, "wanted": _WANTED.get(str(wanted), wanted)})
    words = fault.words(language, (*MESSAGE_AREAS, *CASE_AREAS))
    colon = ": " if language == "en" else "："
    return f"{words['field']}{colon}{words['rule']} — {words['mend']}"


_GROUP = {"invalid": [("field.type", {"wanted": "a JSON object"})], **REQUIRED}
_LIST = {"invalid": [("field.type", {"wanted": "a JSON array"})], **REQUIRED}


def _group(schema: type[Schema]) -> fields.Nested:
    return fields.Nested(schema, required=True, error_messages=_GROUP)


def _rows(inner: fields.Field[Any], **kwargs: Any) -> fields.List[Any]:
    return fields.List(inner, error_messages=_LIST, **kwargs)


def _by_name(values: fields.Field[Any], **kwargs: Any) -> fields.Dict:
    return fields.Dict(keys=Text(), values=values, error_messages=_GROUP, **kwargs)


class _Fact(Message):
    """One fact; its other keys are those of its kind, which the ledger itself checks."""

    id = Text(required=True)
    enterprise = Text(required=True)
    fact = Choice(*NAMES, required=True)

    class Meta:
        """Whatever its kind has besides."""

        unknown = INCLUDE


class _Retracted(_Fact):
    """A fact is taken back."""

    of = Text(required=True)


class _Corrected(_Retracted):
    """Some keys of a fact are others."""

    changes = fields.Dict(required=True, data_key="with", error_messages=_GROUP)


_FACTS = {"corrected": _Corrected, "retracted": _Retracted}


class _AnyFact(fields.Field[Any]):
    """A fact, by its kind."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        kind = value.get("fact") if isinstance(value, dict) else None
        return _FACTS.get(kind if isinstance(kind, str) else "", _Fact)().load(value)


class _Fraction(Text):
    """A factor in lowest terms."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch("[0-9]+/[0-9]+", text):
            raise FaultError("text.form", form="1/1")
        return text


class _Award(Message):
    """One award above zero; ``working`` is for people."""

    enterprise = Text(required=True)
    measure = Text(required=True)
    gross = Money(required=True)
    withheld = Money(required=True)
    eligible = Money(required=True)
    payable = Money(required=True)
    working = fields.Raw()


class _Expect(Message):
    """What must come of it; ``refused`` are the ids of facts that the ledger must refuse."""

    awards = _rows(_group(_Award), required=True)
    gross_total = Money()
    eligible_total = Money()
    factor = _Fraction()
    payable = _by_name(Money())
    payable_total = Money()
    pots = _by_name(_Fraction())
    refused = _rows(Text())


class _Case(Message):
    """What a case file must hold."""

    policy = Text(required=True)
    year = Whole(2000, 2100, "year.range", required=True)
    budget = Money()
    budgets = _by_name(Money())
    facts = _rows(_AnyFact(required=True), required=True)
    expect = _group(_Expect)

    class Meta:
        """Words for people stand beside it."""

        unknown = INCLUDE


def is_case(path: Path) -> bool:
    """Whether a file of a folder has facts at its top; what cannot be read is told when it is run."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except ValueError:
        return True
    return isinstance(said, dict) and "facts" in said


def read_case(path: Path) -> dict[str, Any]:
    """A case file, as it stands.

    Raises:
        CaseError: where it is not one, with everything that is wrong with its form.
    """
    try:
        case: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _Case().load(case)
    except ValidationError as error:
        raise CaseError(
            [each._replace(field=_place(each.field)) for each in faults_from(error.messages)]
        ) from None
    except UnicodeDecodeError:
        raise CaseError([Fault("json.utf8", "file")]) from None
    except (ValueError, RecursionError) as error:
        raise CaseError([Fault("json.syntax", "file", {"detail": str(error)})]) from None
    return case


def _place(field: str) -> str:
    """A field of a message as a place in a file."""
    printable = field.encode("utf-8", "backslashreplace").decode()
    return "file" if field == "message" else printable.replace(".", "/").removesuffix("/value")


def messages_of(case: dict[str, Any]) -> list[bytes]:
    """The case's facts as CloudEvents, in order of arrival."""
    facts = {fact["id"]: fact for fact in case["facts"] if fact["fact"] not in ("corrected", "retracted")}
    return [json.dumps(message_of(fact, case, facts)).encode() for fact in case["facts"]]


def message_of(fact: dict[str, Any], case: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """One fact as a CloudEvents message."""
    kind = fact["fact"]
    data = {k: v for k, v in fact.items() if k not in ("id", "enterprise", "fact")}
    if kind in ("corrected", "retracted"):
        target = facts.get(data["of"], {"fact": "store_registered"})
        known = any(f["id"] == data["of"] and f["fact"] in ("corrected", "retracted") for f in case["facts"])
        data = {"of": data["of"], "reason": "case", "of_type": type_of(NAMES[target["fact"]])}
        if known:
            data["of_type"] = "subsidy.store-registered.v1"
        if kind == "corrected":
            data["changes"] = content_of(target["fact"], fact["with"], case, whole=False)
    else:
        data = content_of(kind, data, case, whole=True)
        if kind == "claim_approved":
            data["claim"] = fact["id"]
    day = fact.get("on") or f"{fact.get('year', case['year'])}-12-31"
    return {
        "specversion": "1.0",
        "id": fact["id"],
        "source": SOURCE,
        "type": type_of(NAMES[kind]),
        "subject": fact["enterprise"],
        "time": f"{day}T12:00:00+08:00",
        "data": data,
    }


def content_of(kind: str, data: dict[str, Any], case: dict[str, Any], whole: bool) -> dict[str, Any]:
    """The data of a fact, or of some of its keys, in the ledger's names."""
    data = dict(data)
    currency = data.pop("currency", "CNY")
    if "channel" in data:
        data["channel"], currency = CHANNEL.get(str(data["channel"]), (data["channel"], currency))
    if kind == "other_award_recorded" and "policy" in data:
        data["other_policy"] = data.pop("policy")
    if whole and kind in ("other_award_recorded", "claim_approved"):
        data["policy"] = case["policy"]
    if (whole and "amount" in data) or "channel" in data:
        data["currency"] = currency
    return data


def settle(ledger: Ledger, case: dict[str, Any], batches: list[list[bytes]]) -> dict[str, Any]:
    """Ingest batches, and read back what the case expects through the functions of the API."""
    set_budgets(ledger, case)
    fill(ledger, batches)
    return read_back(ledger, case)


def set_budgets(ledger: Ledger, case: dict[str, Any]) -> None:
    """Set the budgets that a case names.

    Raises:
        CaseError: where the policy does not have one.
    """
    with ledger.store.reading() as rows:
        period = rulebook(rows, case["policy"]).period_of(case["year"])
    whole = {"budget": (period, case["budget"])} if "budget" in case else {}
    named = {
        f"budgets/{name}": (budget_period(period, name), fen) for name, fen in case.get("budgets", {}).items()
    }
    for field, (called, amount) in {**whole, **named}.items():
        try:
            set_budget(ledger, case["policy"], called, parse_fen(amount))
        except UnknownPeriod as error:
            raise CaseError(
                [Fault("case.budget", field, {"called": error.called, "known": error.known})]
            ) from None


def fill(ledger: Ledger, batches: list[list[bytes]]) -> dict[str, Sequence[Fault]]:
    """Ingest batches; what was refused by the fact's id, with every reason."""
    results = [result for batch in batches for result in ingest(ledger, batch, "case")]
    return {str(each.event_id): each.faults for each in results if each.status == "refused"}


def read_back(ledger: Ledger, case: dict[str, Any]) -> dict[str, Any]:
    """The figures of a case's ``expect``, as the ledger answers them."""
    policy, year = case["policy"], case["year"]
    with ledger.store.reading() as rows:
        budget = queries.budget(ledger, rows, policy, year)
        codes = [each["enterprise"] for each in queries.enterprises(rows, policy, year, "", 10_000)]
        balances = [queries.balance(ledger, rows, code, policy, year) for code in codes]
    awards = [
        {"enterprise": each["enterprise"], **{k: line[k] for k in FIGURES}}
        for each in balances
        for line in each["awards"]
        if line["gross"] != "0.00"
    ]
    payable = {each["enterprise"]: each["payable"] for each in balances if each["gross"] != "0.00"}
    factors = {each["pot"]: each["factor"]["fraction"] for each in budget["pots"]}
    return {
        **({"pots": factors} if factors else {}),
        "awards": sorted(awards, key=lambda row: (row["enterprise"], row["measure"])),
        "gross_total": budget["gross"],
        "eligible_total": budget["eligible"],
        "factor": budget["factor"]["fraction"],
        "payable": payable,
        "payable_total": yuan(sum(parse_fen(amount) for amount in payable.values())),
    }


FIGURES = ("measure", "gross", "withheld", "eligible", "payable")


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """The case's ``expect`` without the words of its workings."""
    expect = dict(case["expect"])
    rows = [{k: row[k] for k in ("enterprise", *FIGURES)} for row in expect["awards"]]
    expect["awards"] = sorted(rows, key=lambda row: (row["enterprise"], row["measure"]))
    expect.pop("refused", None)  # it may hang on the order of arrival
    return expect


class Difference(NamedTuple):
    """A figure that is not what the case says: the case's, and the policy's (``—``: none)."""

    what: str
    expected: str
    got: str

    def said(self, language: str) -> str:
        """In ``zh`` or ``en``."""
        if language == "zh":
            return f"{self.what}: 样例 {self.expected}, 按政策 {self.got}"
        return f"{self.what}: case {self.expected}, policy {self.got}"


class Refused(NamedTuple):
    """A fact that the ledger refuses, and the case does not say so; without faults, the other way round."""

    fact: str
    faults: Sequence[Fault]

    def said(self, language: str) -> str:
        """In ``zh`` or ``en``, with every reason."""
        reasons = "; ".join(_said(fault, language) for fault in self.faults)
        if language == "zh":
            return (
                f"事实 {self.fact} 被退回：{reasons}"
                if reasons
                else f"事实 {self.fact} 没有被退回，样例写明应退回"
            )
        return (
            f"fact {self.fact} is refused: {reasons}"
            if reasons
            else f"fact {self.fact} is taken, the case says refused"
        )


NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""A case's facts have all happened by then."""


def outcome_of(policy_text: str, case: dict[str, Any]) -> list[Difference | Refused]:
    """Settle a case under a policy file, in a ledger that is thrown away; what differs.

    Raises:
        CaseError: where the case sets a budget that the policy does not have.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_ledger(f"{folder}/case.db", clock=lambda: NOW)) as ledger,
    ):
        adopt_policy(ledger, policy_text)
        set_budgets(ledger, case)
        refused = fill(ledger, [messages_of(case)])
        got = read_back(ledger, case)
    wanted = case["expect"].get("refused", [])
    return [
        *(Refused(fact, faults) for fact, faults in refused.items() if fact not in wanted),
        *(Refused(fact, ()) for fact in wanted if fact not in refused),
        *_differences(expected(case), got),
    ]


def _differences(expect: dict[str, Any], got: dict[str, Any]) -> Iterator[Difference]:
    mine, theirs = (
        {(row["enterprise"], row["measure"]): row for row in side["awards"]} for side in (expect, got)
    )
    for key in sorted(mine.keys() | theirs.keys()):
        for figure in FIGURES[1:]:
            one, other = (side.get(key, {}).get(figure, "—") for side in (mine, theirs))
            if one != other:
                yield Difference(f"{' '.join(key)} {figure}", one, other)
    for name in expect:
        if name != "awards" and expect[name] != got.get(name):
            yield Difference(name, _plain(expect[name]), _plain(got.get(name, "—")))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
