"""The page about a policy file's fields: made from the schemas that read the file, with their words."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml
from marshmallow import Schema, fields, validate

from domain.policy.form import file, measures, parts, values

GROUPS: dict[str, type[Schema]] = {
    "file": file.PolicySchema,
    "document": parts.DocumentSchema,
    "life": parts.LifeSchema,
    "budget": parts.BudgetSchema,
    "part": parts.NamedBudgetSchema,
    "highest_only": parts.HighestOnlySchema,
    "pro_rata": parts.ProRataSchema,
    "settlement": parts.ProcedureSchema,
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


def policy_fields_page() -> tuple[str, ...]:
    """The parts of the page, beside its title."""
    said = words()
    return (said["about"]["zh"], said["about"]["en"], *(_group(name, said[name]) for name in GROUPS))


def _group(name: str, said: dict[str, Any]) -> str:
    rows = [
        "| 字段 · field | 必填 · required | 写什么 · what stands there | 含义 · meaning |",
        "| --- | --- | --- | --- |",
    ]
    rows += [
        f"| `{key}` | {'是 · yes' if field.required else ''} | {_form(field)} "
        f"| {said['fields'][key]['zh']} · {said['fields'][key]['en']} |"
        for key, field in own_fields(name).items()
    ]
    return "\n\n".join([f"## {said['title']}", f"{said['zh']} · {said['en']}", "\n".join(rows)])


def _form(field: fields.Field[Any]) -> str:
    """What may stand there, and what holds where it is left out."""
    found = _kind(field)
    if field.allow_none:
        found += "，或 · or `null`"
    default = field.load_default
    if isinstance(default, str) and default:
        found += f"；省略为 · else `{default}`"
    elif isinstance(default, int) and default:
        found += f"；省略为 · else {default}"
    return found


def _kind(field: fields.Field[Any]) -> str:
    plain = {
        values.Money: '金额，如 · amount, like `"10000.00"`',
        values.Percent: '百分数，如 · per cent, like `"8.5"`',
        values.Day: "日期，如 · date, like `2024-01-01`",
        values.MonthDay: "每年的一天，如 · day of a year, like `03-31`",
        measures.AnyMeasure: "[条款 · a measure](#measure)",
    }
    if type(field) in plain:
        return plain[type(field)]
    if isinstance(field, fields.Nested):
        name = _NAMES[type(field.schema)]
        return f"[{name}](#{name})"
    if isinstance(field, fields.List):
        return f"列表 · list：{_kind(field.inner)}"
    if isinstance(field, fields.Dict):
        return f"名称与内容 · names, each with：{_kind(field.value_field or fields.Raw())}"
    if isinstance(field, values.WholeNumber):
        return f"整数 · whole number {field.low}–{field.high}"
    return _text(field)


def _text(field: fields.Field[Any]) -> str:
    for check in field.validators:
        if choices := values.choices_of(check):
            return "、".join(f"`{choice}`" for choice in choices)
        if isinstance(check, validate.Regexp):
            return "编号 · id：a-z、0-9、`-`、`.`"
    return "文字 · text"
