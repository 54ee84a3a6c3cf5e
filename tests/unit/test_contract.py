"""The contract with other systems: fresh, valid, and never broken unawares."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from docs.generate import pages as docs_out
from docs.generate.contract import breaking, types_removed
from docs.generate.events import examples
from ledger.intake.inbox import ingest
from ledger.intake.messages.schemas import TYPES
from ledger.store.application import Ledger
from services.cli.main import main
from services.kafka import asyncapi
from services.kafka.publisher import outgoing
from services.web.json_schemas import event_schema

DATA = Path(__file__).parents[1] / "data"
Document = dict[str, Any]


def test_the_schemas_are_those_that_others_were_given() -> None:
    """Mend with ``python -m docs.generate.pages``, which refuses to break them."""
    assert docs_out.released() == asyncapi.messages()
    assert json.loads((docs_out.DOCS / "asyncapi.json").read_text("utf-8")) == asyncapi.document()


def test_nothing_breaks_what_others_rely_on() -> None:
    assert set(docs_out.released()) > set(TYPES)
    assert docs_out.contract_broken() == []


@pytest.mark.parametrize("type_", asyncapi.messages())
def test_every_schema_is_a_schema(type_: str) -> None:
    Draft202012Validator.check_schema(asyncapi.messages()[type_])


def test_the_document_is_asyncapi_3() -> None:
    """By the schema of the AsyncAPI initiative."""
    schema = json.loads((DATA / "asyncapi" / "3.0.0.json").read_text("utf-8"))
    document = asyncapi.document()

    assert list(validator_for(schema)(schema).iter_errors(document)) == []
    broken = copy.deepcopy(document)
    broken["channels"]["events"]["messages"]["store-registered.v1"] = 1
    assert list(validator_for(schema)(schema).iter_errors(broken))


def test_every_reference_leads_somewhere_and_every_message_is_used() -> None:
    document = asyncapi.document()
    text = json.dumps(document)
    referred = {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}

    for path in referred:
        found: Any = document
        for step in path.split("/"):
            found = found[step]
    assert {p.split("/")[-1] for p in referred if p.startswith("components/messages/")} == set(
        document["components"]["messages"]
    )


def test_the_command_prints_the_document() -> None:
    said = CliRunner().invoke(main, ["asyncapi"])

    assert said.exit_code == 0
    assert json.loads(said.output) == asyncapi.document()


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_is_published_is_what_the_contract_says(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    ingest(ledger, list(examples().values()), "file")
    schema = asyncapi.balance_schema()
    check = Draft202012Validator(schema)

    with ledger.store.reading() as rows:
        sent = [json.loads(each.value) for each in outgoing(rows, 0, rows.last_position())]

    assert len(sent) > 5
    for value in sent:
        check.validate(value)
        assert set(value["data"]) == set(data(schema)["properties"])


# --- the check itself ---------------------------------------------------------------------------


def shop() -> Document:
    """A schema of a released type."""
    return event_schema("subsidy.store-registered.v1")


def data(schema: Document) -> Document:
    """The part of a message's schema that is about its data."""
    found = schema["properties"]["data"]
    assert isinstance(found, dict)
    return found


def field(schema: Document, name: str) -> Document:
    """The schema of one field of the data."""
    found = data(schema)["properties"][name]
    assert isinstance(found, dict)
    return found


Change = Callable[[Document], object]
BREAKS: dict[str, tuple[Change, str]] = {
    "a field removed": (lambda s: data(s)["properties"].pop("shop"), "/data/shop: the field was removed"),
    "a field required": (
        lambda s: (
            data(s)["properties"].update(area={"type": "integer"}),
            data(s)["required"].append("area"),
        ),
        "/data/area: the field is now required",
    ),
    "an attribute required": (lambda s: s["required"].append("dataschema"), "/dataschema: the field is now"),
    "a longer least": (lambda s: field(s, "shop").update(minLength=2), "minLength was narrowed: 1 → 2"),
    "a shorter most": (lambda s: field(s, "shop").update(maxLength=100), "maxLength was narrowed"),
    "a bound from nowhere": (lambda s: field(s, "kind").update(maxLength=3), "maxLength was narrowed: none"),
    "another pattern": (lambda s: field(s, "kind").update(pattern="^[a-z]$"), "pattern was narrowed"),
    "a list of values": (lambda s: field(s, "kind").update(enum=["flagship"]), "restricted to a list"),
    "another type": (lambda s: field(s, "shop").update(type="integer"), "may no longer be string"),
    "null refused": (
        lambda s: s["properties"]["dataschema"].update(type="string"),
        "/dataschema: may no longer be null",
    ),
    "another constant": (lambda s: s["properties"]["type"].update(const="x"), "values no longer allowed"),
    "another format": (lambda s: field(s, "on").update(format="date-time"), "format was narrowed"),
    "a condition": (lambda s: data(s).update(allOf=[{"if": {}, "then": {}}]), "allOf gained a condition"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_change_that_breaks_is_named(name: str) -> None:
    change, said = BREAKS[name]
    new = shop()
    change(new)

    found = breaking(shop(), new)

    assert len(found) == 1
    assert said in found[0]


FITS: dict[str, Change] = {
    "nothing": lambda s: None,
    "an optional field": lambda s: data(s)["properties"].update(area={"type": ["integer", "null"]}),
    "no longer required": lambda s: data(s)["required"].remove("shop"),
    "a longer most": lambda s: field(s, "shop").update(maxLength=400),
    "no bound": lambda s: field(s, "shop").pop("maxLength"),
    "no pattern": lambda s: field(s, "kind").pop("pattern"),
    "null allowed": lambda s: field(s, "shop").update(type=["string", "null"]),
    "unknown fields allowed": lambda s: data(s).update(additionalProperties=True),
    "other words": lambda s: s.update(title="x", description="y"),
}


@pytest.mark.parametrize("name", FITS)
def test_a_change_that_fits_is_not(name: str) -> None:
    new = shop()
    FITS[name](new)

    assert breaking(shop(), new) == []


def test_values_may_be_added_and_not_taken_away() -> None:
    few, many = {"enum": ["a", "b"]}, {"enum": ["a", "b", "c"]}

    assert breaking(few, many) == []
    assert breaking(many, few) == ["/: values no longer allowed: 'c'"]
    assert breaking({"type": "number"}, {"type": "integer"}) == ["/: may no longer be number"]
    assert breaking({"type": "integer"}, {"type": "number"}) == []


def test_a_condition_of_a_correction_may_not_be_narrowed() -> None:
    old, new = (event_schema("subsidy.fact-corrected.v1") for _ in range(2))
    changes = [each["then"]["properties"]["changes"] for each in data(new)["allOf"]]
    next(each for each in changes if "shop" in each["properties"])["properties"].pop("shop")

    assert breaking(old, new) == ["/data/then/changes/shop: the field was removed"]


def test_a_condition_on_a_value_that_is_new_constrains_nothing_old() -> None:
    old, new = (event_schema("subsidy.fact-corrected.v1") for _ in range(2))
    gone = data(old)["allOf"].pop(0)["if"]["properties"]["of_type"]["const"]
    assert breaking(old, new) == ["/data: allOf gained a condition"]

    field(old, "of_type")["enum"].remove(gone)
    assert breaking(old, new) == []

    data(old)["required"].remove("of_type")
    assert "/data: allOf gained a condition" in breaking(old, new)


def test_a_type_may_not_be_removed() -> None:
    assert types_removed({"a": {}, "b": {}}, {"b": {}, "c": {}}) == ["a: the type was removed"]


def test_the_documents_are_not_written_over_a_broken_contract(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = shop()
    data(old)["properties"]["colour"] = {"type": "string"}
    (tmp_path / f"subsidy.store-registered.v1{docs_out.SUFFIX}").write_text(json.dumps(old))
    monkeypatch.setattr(docs_out, "MESSAGES", tmp_path)

    with pytest.raises(SystemExit, match="/data/colour: the field was removed"):
        docs_out.main()
