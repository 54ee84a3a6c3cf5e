"""The page about types of messages, and an example of each: from the vocabulary and the schemas."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from marshmallow import fields

from docs.generate.languages import CHINESE, YES, list_items
from docs.generate.tables import table_in
from domain.policy.load import load_policy
from domain.policy.model import Policy
from domain.vocabulary.kinds import CurrencyAmong, CurrencyBy, Kind, OnlyWith, Words
from ledger.intake.messages.decode import DEPTH_MAX, MESSAGE_BYTES_MAX
from ledger.intake.messages.fields import CreditCode, Day, Instant, Money, Slug, Text, WholeNumber
from ledger.intake.messages.schemas import SHIPPED, AmendedType, Changes, Envelope, MessageTypes

STEPS = "examples.ndjson"
"""Examples of claim steps and amendments; those of kinds of fact stand in their declarations."""
EXAMPLE_SUBJECT = "91330282MA00001215"
COUNTING_POLICY = "cixi-ecommerce-2024.yaml"
ABOUT = Words(
    f"每条数据是一个 CloudEvents 1.0 的 JSON 对象，UTF-8 编码，最大 {MESSAGE_BYTES_MAX:,} 字节，"
    f"嵌套不超过 {DEPTH_MAX} 层；没有列出的字段会被退回，不会被忽略。"
    "退回原因见[退回原因](errors.md)，怎样报送见[报送数据](upstream.md)。",
    f"Each message is one CloudEvents 1.0 object in JSON, in UTF-8, of at most {MESSAGE_BYTES_MAX:,} bytes "
    f"and {DEPTH_MAX} levels; a field not listed here is refused, never ignored. "
    "See [error codes](errors.en.md) and [publishing facts](upstream.en.md).",
)
COUNTED = Words("慈溪政策中计入：", "The policy of Cixi counts it for:")
TITLES = {
    "ClaimSubmitted": Words("申报提交", "An enterprise asks for an award that an officer must decide"),
    "ClaimApproved": Words("申报批准", "A claim was approved with an amount, within the policy's cap"),
    "ClaimRejected": Words("申报不予批准", "A claim was rejected, with the reason"),
    "ClaimWithdrawn": Words("申报撤回", "The enterprise took its claim back"),
    "FactCorrected": Words("更正", "The keys in `changes` replace those of the fact"),
    "FactRetracted": Words("撤回", "The fact counts as never having arrived"),
}


def examples(types: MessageTypes = SHIPPED) -> dict[str, bytes]:
    """A valid message of every type, by type."""
    lines = files(__package__).joinpath(STEPS).read_bytes().splitlines()
    steps = {json.loads(line)["type"]: line for line in lines}
    kinds = {name: schema.kind for name, schema in types.schemas.items()}
    return {
        type_: _example(kind) if (kind := kinds[name]) is not None else steps[type_]
        for type_, name in types.types.items()
    }


def examples_file() -> str:
    """The examples, one on each line; the file can be taken in as it is."""
    return b"".join(line + b"\n" for line in examples().values()).decode()


def _example(kind: Kind) -> bytes:
    message = {
        "specversion": "1.0",
        "id": kind.example.id,
        "source": kind.example.source,
        "type": kind.type,
        "subject": EXAMPLE_SUBJECT,
        "time": kind.example.time,
        "data": dict(kind.example.data),
    }
    return json.dumps(message, ensure_ascii=False).encode()


def events_page(language: str, types: MessageTypes = SHIPPED) -> tuple[str, ...]:
    """The parts of the page, its head apart."""
    titles = {name: _title(name, schema.kind) for name, schema in types.schemas.items()}
    rows = [
        (f"[`{type_}`](#{type_.replace('.', '')})", titles[name].in_language(language))
        for name, type_ in types.type_of.items()
    ]
    lines = examples(types)
    return (
        ABOUT.in_language(language),
        table_in(language, (Words("类型", "Type"), Words("含义", "Meaning")), rows),
        f"## {Words('信封', 'Envelope').in_language(language)}",
        _fields(Envelope().fields, language),
        *(
            _section(types, name, titles[name], lines[type_], language)
            for name, type_ in types.type_of.items()
        ),
    )


def _title(name: str, kind: Kind | None) -> Words:
    return TITLES[name] if kind is None else kind.documentation


def _section(types: MessageTypes, name: str, title: Words, example: bytes, language: str) -> str:
    """One type: its fields, its rules, what it counts for, and a message."""
    schema = types.schemas[name]
    parts = [
        f"## {types.type_of[name]}",
        title.in_language(language),
        _fields(schema().fields, language),
        *([_rules(schema.kind, language)] if schema.kind else ()),
        *_counted(name, language),
        f"```json\n{json.dumps(json.loads(example), ensure_ascii=False, indent=2)}\n```",
    ]
    return "\n\n".join(parts)


def _rules(kind: Kind, language: str) -> str:
    """The rules between fields, and what makes two records one."""
    sentences = (words.in_language(language) for words in (*_between_fields(kind), *_reports(kind)))
    return ("" if language == CHINESE else " ").join(sentences)


def _between_fields(kind: Kind) -> list[Words]:
    sentences = []
    for rule in kind.rules:
        if isinstance(rule, CurrencyBy):
            sentences.append(_currency_by(kind, rule))
        elif isinstance(rule, OnlyWith):
            values = Words("、".join(f"`{v}`" for v in rule.values), ", ".join(f"`{v}`" for v in rule.values))
            sentences.append(
                Words(f"只有 {values.zh} 可带 `{rule.field}`。", f"Only {values.en} takes a `{rule.field}`.")
            )
        else:
            sentences.append(_currency_among(rule))
    return sentences


def _currency_by(kind: Kind, rule: CurrencyBy) -> Words:
    """Which value has which currency: the rare ones are named, the rest has the most frequent."""
    field = kind.field(rule.by)
    (most, _), *_rest = Counter(rule.currencies.values()).most_common()
    rare = [(value, currency) for value, currency in rule.currencies.items() if currency != most]
    zh = "，".join(f"{field.words.title.zh} `{value}` 用 `{currency}`" for value, currency in rare)
    en = ", ".join(f"The {field.words.title.en} `{value}` is in `{currency}`" for value, currency in rare)
    more_zh = "；账本中有政策以其他币种发放的，也可用该币种，分开计算" if rule.also_in else ""
    more_en = (
        "; or any in another currency that a policy of the ledger pays in, kept apart" if rule.also_in else ""
    )
    return Words(f"{zh}，其余用 `{most}`{more_zh}。", f"{en}, all others in `{most}`{more_en}.")


def _currency_among(rule: CurrencyAmong) -> Words:
    first, *more = rule.currencies
    if not more:
        return Words(f"币种只能是 `{first}`。", f"The currency is `{first}`.")
    return Words(
        f"币种为 `{first}`，或账本中某一政策发放所用的其他币种，不能是 `USD`；各币种分开计算。",
        f"The currency is `{first}`, or another that a policy of the ledger pays in, never `USD`; "
        "currencies are kept apart.",
    )


def _reports(kind: Kind) -> list[Words]:
    """What several reports of one matter mean."""
    if kind.folds_as == "amount":
        by = next(
            (kind.field(rule.by).words.title for rule in kind.rules if isinstance(rule, CurrencyBy)), None
        )
        of = Words(f"同一{by.zh}同一年度", f"one {by.en} and year") if by else Words("同一年度", "one year")
        return [Words(f"{of.zh}的多次报送相加。", f"Reports of {of.en} add up.")]
    if kind.folds_as == "dated":
        identity = "、".join(f"`{part}`" for part in kind.identity)
        return [
            Words(
                f"同一企业的同一 {identity} 只按最早日期计一次。",
                f"Counts once, on its earliest day, by {identity}.",
            )
        ]
    return [
        {
            "figure": Words(
                "每年只有一个数；两个不同的数并存时暂不发放。",
                "One figure a year; two that differ hold the award.",
            ),
            "profile": Words(
                "以 `time` 最晚的一条为准，与到达先后无关；不影响奖励的金额，预算按镇街划分的，"
                "由镇街决定从哪项预算列支。",
                "The one with the latest `time` holds, in whatever order they come; "
                "no award is more or less for it, but where budgets are by town, the town says which "
                "of them pays.",
            ),
        }[kind.folds_as]
    ]


def _counting_policy() -> Policy:
    return load_policy(files("domain.policy").joinpath(COUNTING_POLICY).read_text("utf-8"))


def _counted(name: str, language: str) -> list[str]:
    """Which measures of the policy the event counts for, and with which values."""
    lines = []
    for measure in _counting_policy().measures.values():
        for part in ("earns", "counted_on", "sales"):
            select = getattr(measure, part, None)
            if select is not None and name in select.facts:
                values = (f"`{key}` = {list_items(v, language)}" for key, v in select.where.items())
                where = Words("，", ", ").in_language(language).join(values)
                colon = Words("：", ": ").in_language(language) if where else ""
                lines.append(f"- `{measure.id}` {measure.title[language]}{colon}{where}")
    return [COUNTED.in_language(language) + "\n\n" + "\n".join(lines)] if lines else []


def _fields(fields_by_name: Mapping[str, Any], language: str) -> str:
    rows = [
        (
            f"`{field.data_key or name}`",
            YES.in_language(language) if field.required else "",
            _rule(name, field).in_language(language),
        )
        for name, field in fields_by_name.items()
    ]
    return table_in(
        language, (Words("字段", "Field"), Words("必填", "Required"), Words("规则", "Rule")), rows
    )


ENVELOPE_RULES = {
    "documentnumber": Words("所依据文件的文号", "the number of the document that it rests on"),
    "documentsha256": Words(
        "该文件的 SHA-256，64位小写十六进制", "the SHA-256 of that document, 64 lower-case hexadecimal digits"
    ),
    "documentdate": Words("该文件的日期，如 `2024-03-01`", "the day of that document, as `2024-03-01`"),
    "documentissuer": Words("该文件的出具单位", "who issued that document"),
    "id": Words("在该来源内唯一的编号，最多200个字符", "unique within the source, at most 200 characters"),
    "source": Words(
        "报送系统，如 `urn:cixi:tax`，最多200个字符",
        "the sending system, like `urn:cixi:tax`, at most 200 characters",
    ),
    "type": Words("下文列出的类型", "one of the types below"),
    "data": Words("该类型的字段", "the fields of the type"),
}


RULES: dict[type, Words] = {
    AmendedType: Words("被更正数据的类型", "the type of the event that is amended"),
    Changes: Words("要更改的字段，至少一个", "the fields that change, at least one"),
    Money: Words('文本，最多两位小数，如 `"1234.56"`', 'text, at most two decimals, like `"1234.56"`'),
    Day: Words(
        "日期（北京时间），如 `2024-03-01`，不得在将来",
        "a date in China, like `2024-03-01`, not in the future",
    ),
    Instant: Words(
        "发生时间，带时区，如 `2024-03-01T09:30:00+08:00`",
        "when it happened, with its offset, like `2024-03-01T09:30:00+08:00`",
    ),
    CreditCode: Words("统一社会信用代码，含校验位", "a unified social credit code with its check character"),
    Slug: Words("小写字母、数字、`-`、`_`，最多40个", "a-z, 0-9, `-`, `_`, at most 40"),
}
PERSON_RULE = Words(
    "人才类奖励须留的姓名，最多200个字符；加密保存，可删除，不能更正",
    "the name that a talent award must keep, at most 200 characters; held encrypted, can be erased, "
    "not corrected",
)


def _rule(name: str, field: fields.Field[Any]) -> Words:
    if name in ENVELOPE_RULES:
        return ENVELOPE_RULES[name]
    if name == "person":
        return PERSON_RULE
    if type(field) in RULES:
        return RULES[type(field)]
    if isinstance(field, Text):
        limit = field.max_length
        return Words(f"一行文本，最多{limit}个字符", f"text on one line, at most {limit} characters")
    if isinstance(field, WholeNumber):
        among = f"{field.low}–{field.high}"
        if name != "year":
            return Words(f"整数 {among}", f"whole number {among}")
        return Words(
            f"整数 {among}，不得在将来，不加引号", f"whole number {among}, not in the future, without quotes"
        )
    choices = [f"`{choice}`" for choice in sorted(getattr(field, "choices", ()))]
    return Words("、".join(choices), ", ".join(choices))
