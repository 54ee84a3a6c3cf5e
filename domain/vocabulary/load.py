"""Read a vocabulary: files of YAML, one block a kind of fact, in which every scalar is text.

The shipped kinds stand in ``shipped.yaml``, which says how a block is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import cast, get_args

from domain.money.amounts import CURRENCIES, FOREIGN, PAID_IN
from domain.vocabulary.blocks import Block, VocabularyError, VocabularyFault, parse_vocabulary
from domain.vocabulary.check import NAME, check_field, check_fields, check_rules
from domain.vocabulary.kinds import (
    ONLY_WITH,
    SHAPES,
    ColumnWords,
    CurrencyAmong,
    CurrencyBy,
    Example,
    FieldRule,
    Form,
    Kind,
    KindField,
    OnlyWith,
    Reports,
    Shape,
    Spelling,
    UsualRule,
    Vocabulary,
    Words,
)

YEARS = (2000, 2100)
CURRENCY_LISTS = {"paid": PAID_IN, "foreign": tuple(sorted(FOREIGN))}
"""Lists of currencies by name: what a policy may pay in, and those that are kept apart everywhere."""


@cache
def shipped_vocabulary() -> Vocabulary:
    """The vocabulary that comes with the program."""
    return load_vocabulary(files(__package__).joinpath("shipped.yaml").read_text("utf-8"))


def load_vocabulary(*texts: str) -> Vocabulary:
    """Read the texts of vocabulary files as one; a later one may use what an earlier one declares.

    Raises:
        VocabularyError: with every fault found, each with block, field, rule and mend.
    """
    faults: list[VocabularyFault] = []
    vocabulary = Vocabulary({}, {}, {}, {})
    for text in texts:
        vocabulary = _extended(vocabulary, parse_vocabulary(text), faults)
    if faults:
        raise VocabularyError(faults)
    return vocabulary


def _extended(before: Vocabulary, document: object, faults: list[VocabularyFault]) -> Vocabulary:
    """A vocabulary with what a document adds to it."""
    block = Block("file", "", document, faults)
    families = {**before.families, **read_words(block.inner("families"))}
    values = {**before.values, **read_words(block.inner("values"))}
    shared = block.inner("fields")
    fields = {**before.fields, **{wire: _field(shared, wire, {}, values) for wire in shared.values}}
    kinds = dict(before.kinds)
    declared = block.inner("kinds")
    for name in declared.values:
        declared.unread.pop(name, None)
        if name in kinds:
            declared.refuse(name, "stands twice", "give the new kind a name of its own")
            continue
        kind_block = Block(name, "", declared.values[name], faults)
        kinds[name] = _kind(kind_block, families, fields, values)
    block.finish()
    return Vocabulary(families, kinds, fields, values)


def read_words(block: Block) -> dict[str, Words]:
    """The words of every name of a block."""
    return {name: block.words(name) for name in block.values}


def _kind(
    block: Block, families: Mapping[str, Words], shared: Mapping[str, KindField], values: dict[str, Words]
) -> Kind:
    if not NAME.fullmatch(block.name):
        block.refuse("", "is no name of a kind", "write two words or more, as in StoreRegistered")
    shape = cast(Shape, block.text("shape", among=get_args(Shape)))
    reports = cast(Reports, block.text("reports", among=get_args(Reports)))
    if shape and reports and (shape, reports) not in SHAPES:
        fits = " or ".join(each for of_shape, each in SHAPES if of_shape == shape)
        block.refuse("reports", f"does not go with the shape {shape}", f"write {fits}")
    title = block.words("title")
    description = block.text("description")
    inner = block.inner("fields")
    fields = tuple(_field(inner, wire, shared, values) for wire in inner.values)
    same = block.texts("same")
    kind = Kind(
        name=block.name,
        shape=shape,
        reports=reports,
        family=block.text("family", among=families),
        title=title,
        description=description,
        documentation=block.words("documentation", Words(title.zh, description.rstrip("."))),
        claim=block.words("thing", Words("事项", "thing")),
        condition=block.words("condition", title),
        fields=_identifying(fields, same),
        same=same,
        rules=tuple(rule for row in block.rows("rules") if (rule := _rule(row)) is not None),
        usual=tuple(_usual(row) for row in block.rows("disagreements")),
        example=_example(block.inner("example"), fields),
        of_register=block.yes("of_register", "no"),
    )
    block.finish()
    check_fields(block, kind)
    check_rules(block, kind)
    return kind


def _field(fields: Block, wire: str, shared: Mapping[str, KindField], values: dict[str, Words]) -> KindField:
    """A field; what its block does not say, the shared field of its name says."""
    block = fields.inner(wire)
    base = shared.get(wire)
    form = cast(Form, block.text("form", base.form if base else None, get_args(Form)))
    words = read_column(block, base.words if base else None)
    label = base.label if base and "title" not in block.values else None
    field = KindField(
        name=f"{wire}_fen" if form == "amount" else wire,
        wire=wire,
        form=form,
        required=block.yes("required", "yes" if base is None or base.required else "no"),
        words=words,
        label=block.words("label", label or (words.title if form == "amount" else words.with_unit)),
        length_max=block.read_whole("max", base.length_max if base else 200),
        low=YEARS[0] if form == "year" else block.read_whole("low", base.low if base else 0),
        high=YEARS[1] if form == "year" else block.read_whole("high", base.high if base else 0),
        values=_values(block, form, values) or (base.values if base else ()),
        spelling=_spelling(block, base),
    )
    block.finish()
    check_field(block, field)
    return field


def _spelling(block: Block, base: KindField | None) -> Spelling:
    """How a text is kept; whether it tells things apart, its kind says."""
    alike = "alike" if base is not None and base.spelling == "number" else "apart"
    return "number" if block.text("letters", alike, ("alike", "apart")) == "alike" else "text"


def _identifying(fields: Sequence[KindField], same: Sequence[str]) -> tuple[KindField, ...]:
    """Fields of which those that make two things one are kept as identities."""
    return tuple(
        replace(field, spelling="identity") if field.name in same and field.spelling == "text" else field
        for field in fields
    )


def read_column(block: Block, base: ColumnWords | None = None) -> ColumnWords:
    """The words of a column; what its block does not say, those of ``base`` say."""
    unit = block.words("unit") if "unit" in block.values else base.unit if base else None
    example = block.text("example", "") if "example" in block.values else base.example if base else None
    return ColumnWords(
        title=block.words("title", base.title if base else None),
        help=block.words("help", base.help if base else None),
        unit=unit,
        also=block.texts("also") or (base.also if base else ()),
        example=example,
    )


def _values(block: Block, form: Form, values: dict[str, Words]) -> tuple[str, ...]:
    """The values of a field; their words, where it gives them, are added to ``values``."""
    if form == "currency":
        return tuple(CURRENCIES)
    inner = block.inner("values")
    for value in inner.values:
        if inner.values[value] == "":
            inner.unread.pop(value, None)
            continue
        words = inner.words(value)
        if values.setdefault(value, words) != words:
            inner.refuse(
                value, f"is called {values[value].zh} elsewhere", "leave its words out, or rename it"
            )
    inner.finish()
    return tuple(inner.values)


def _rule(block: Block) -> FieldRule | None:
    name = block.text("field")
    rule: FieldRule | None = None
    if "among" in block.values:
        among = block.value("among")
        currencies = CURRENCY_LISTS.get(among, ()) if isinstance(among, str) else block.texts("among")
        rule = CurrencyAmong(name, currencies)
        if not currencies or set(currencies) - CURRENCIES.keys():
            block.refuse("among", "is no list of currencies", "write [CNY], or paid")
    elif "only_with" in block.values:
        inner = block.inner("only_with")
        by = next(iter(inner.values), "")
        rule = OnlyWith(name, by, inner.texts(by), block.text("code", ONLY_WITH))
        inner.finish()
    elif "by" in block.values:
        inner = block.inner("currencies")
        currencies_by = {value: inner.text(value, among=CURRENCIES) for value in inner.values}
        also_in = CURRENCY_LISTS.get(block.text("or", "", ("", *CURRENCY_LISTS)), ())
        rule = CurrencyBy(name, block.text("by"), currencies_by, frozenset(also_in))
    else:
        block.refuse("", "says no rule", "write among, by or only_with")
    block.finish()
    return rule


def _usual(block: Block) -> UsualRule:
    rule = UsualRule(
        id=block.text("id"),
        kind=block.text("kind", among=("claimed-twice", "two-sources", "outlier")),
        same=block.texts("same"),
        field=block.text("field", ""),
        times=block.read_whole("times", 0),
        then=block.text("then", "note", ("note", "hold")),
    )
    block.finish()
    return rule


def _example(block: Block, fields: Sequence[KindField]) -> Example:
    inner = block.inner("data")
    forms = {field.wire: field.form for field in fields}
    data: dict[str, str | int] = {}
    for wire in inner.values:
        text = inner.text(wire)
        if wire not in forms:
            inner.refuse(wire, "is no field of the kind", "use its fields")
        elif forms[wire] not in ("whole", "year"):
            data[wire] = text
        elif text.isdecimal():
            data[wire] = int(text)
        else:
            inner.refuse(wire, f"is {text!r}", "write a whole number in digits")
    for field in fields:
        if field.required and field.wire not in inner.values:
            inner.refuse(field.wire, "is missing", "give every required field")
    example = Example(block.text("id"), block.text("source"), block.text("time"), data)
    block.finish()
    return example
