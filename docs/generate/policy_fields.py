"""The page about a policy file's fields: made from the schemas that read the file, with their words."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml
from marshmallow import Schema, fields, validate

from docs.generate.languages import YES, as_sentence, list_items
from docs.generate.tables import table_in
from domain.policy.form import file, measures, parts, values
from domain.vocabulary.kinds import Words

GROUPS: dict[str, type[Schema]] = {
    "file": file.PolicySchema,
    "document": parts.DocumentSchema,
    "life": parts.LifeSchema,
    "budget": parts.BudgetSchema,
    "part": parts.NamedBudgetSchema,
    "highest_only": parts.HighestOnlySchema,
    "pro_rata": parts.ProRataSchema,
    "settlement": parts.ProcedureSchema,
    "same_person": parts.SamePersonSchema,
    "disagreement": parts.DisagreementSchema,
    "clause": parts.ClauseSchema,
    "reading": parts.ReadingSchema,
    "measure": measures.MeasureSchema,
    **{
        name: measures.KINDS[name]
        for name in measures.KINDS
        if measures.KINDS[name] is not measures.UnpaidSchema
    },
    "unpaid": measures.UnpaidSchema,
    "select": measures.SelectSchema,
    "nets": measures.NetsSchema,
    "tier": measures.TierSchema,
    "share": measures.ShareSchema,
    "target": measures.TargetSchema,
    "words": parts.WordsSchema,
}
"""The groups of fields, in the order of the page."""

_NAMES = {schema: name for name, schema in GROUPS.items()}


def words() -> dict[str, Any]:
    """What the groups, and the fields of each, mean in Chinese and English."""
    said: dict[str, Any] = yaml.safe_load(
        files("docs.generate").joinpath("policy_fields.yaml").read_text("utf-8")
    )
    return said


def own_fields(name: str) -> dict[str, fields.Field[Any]]:
    """A group's fields by the name in the file; of a kind of measure, those that others do not have."""
    schema = GROUPS[name]
    found = {field.data_key or key: field for key, field in schema().fields.items()}
    shared = measures.MeasureSchema().fields if issubclass(schema, measures.MeasureSchema) else {}
    return {key: field for key, field in found.items() if name == "measure" or key not in shared}


def policy_fields_page(language: str) -> tuple[str, ...]:
    """The parts of the page, its head apart."""
    said = words()
    return (said["about"][language], *(_group(name, said[name], language) for name in GROUPS))


def _group(name: str, said: dict[str, Any], language: str) -> str:
    heads = (
        Words("字段", "Field"),
        Words("必填", "Required"),
        Words("写什么", "What stands there"),
        Words("含义", "Meaning"),
    )
    rows = [
        (
            f"`{key}`",
            YES.in_language(language) if field.required else "",
            _form(field, language),
            str(said["fields"][key][language]),
        )
        for key, field in own_fields(name).items()
    ]
    return "\n\n".join(
        [f"## {said['title']}", as_sentence(said[language], language), table_in(language, heads, rows)]
    )


def _form(field: fields.Field[Any], language: str) -> str:
    """What may stand there, and what holds where it is left out."""
    found = _kind(field, language)
    if field.allow_none:
        found += Words("，或 `null`", ", or `null`").in_language(language)
    default = field.load_default
    if default and isinstance(default, str | int):
        shown = f"`{default}`" if isinstance(default, str) else str(default)
        found += Words(f"；省略为 {shown}", f"; else {shown}").in_language(language)
    return found


PLAIN = {
    values.Money: Words('金额，如 `"10000.00"`', 'amount, like `"10000.00"`'),
    values.Percent: Words('百分数，如 `"8.5"`', 'per cent, like `"8.5"`'),
    values.Day: Words("日期，如 `2024-01-01`", "date, like `2024-01-01`"),
    values.MonthDay: Words("每年的一天，如 `03-31`", "day of a year, like `03-31`"),
    measures.AnyMeasure: Words("[条款](#measure)", "[a measure](#measure)"),
}


def _kind(field: fields.Field[Any], language: str) -> str:
    if type(field) in PLAIN:
        return PLAIN[type(field)].in_language(language)
    if isinstance(field, fields.Nested):
        name = _NAMES[type(field.schema)]
        return f"[{name}](#{name})"
    if isinstance(field, fields.List):
        return Words("列表：", "list: ").in_language(language) + _kind(field.inner, language)
    if isinstance(field, fields.Dict):
        inner = _kind(field.value_field or fields.Raw(), language)
        return Words("名称与内容：", "names, each with: ").in_language(language) + inner
    if isinstance(field, values.WholeNumber):
        return f"{Words('整数', 'whole number').in_language(language)} {field.low}–{field.high}"
    return _text(field, language)


def _text(field: fields.Field[Any], language: str) -> str:
    for check in field.validators:
        if choices := values.choices_of(check):
            return list_items((f"`{choice}`" for choice in choices), language)
        if isinstance(check, validate.Regexp):
            return Words("编号：a-z、0-9、`-`、`.`", "id: a-z, 0-9, `-`, `.`").in_language(language)
    return Words("文字", "text").in_language(language)
