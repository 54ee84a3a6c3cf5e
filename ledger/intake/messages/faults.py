"""Everything that can be wrong with a message: a stable code, the rule and the mend, in words.

Codes are a promise to upstream systems: they are never renamed. ``docs/errors.md`` is made
from this table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from marshmallow import ValidationError

from ledger.intake.messages.sheet_codes import SHEET_CODES

CODES: dict[str, tuple[str, str, str, str]] = {
    # code: (rule zh, mend zh, rule en, mend en)
    "source.foreign": (
        "不是本系统的来源标识，应为 {source}",
        "使用发给本系统的来源标识",
        "is not the sender's own, which is {source}",
        "publish under your own source",
    ),
    "type.foreign": (
        "本系统不得报送该类数据，可报送：{types}",
        "由有权的系统报送",
        "is not a type that the sender may publish; it may publish: {types}",
        "have the system whose facts these are publish it",
    ),
    "source.reserved": (
        "是本账本自身的来源标识",
        "使用本系统自己的来源标识",
        "is the ledger's own",
        "use the source that is yours",
    ),
    "claim.desk": (
        "申报 {claim} 已在本账本审核流程中，不能由上游改变",
        "在审核流程中办理",
        "the claim {claim} is being decided at the ledger's own desk",
        "take the step there",
    ),
    "amend.ledger": (
        "指向本账本自身记录的事项",
        "在审核流程中办理",
        "names an event that the ledger made itself",
        "take the step at the ledger's desk",
    ),
    "json.syntax": (
        "不是有效的JSON：{detail}",
        "按JSON格式重新生成该条数据",
        "is not valid JSON: {detail}",
        "generate the message with a JSON library",
    ),
    "json.utf8": (
        "不是UTF-8编码",
        "以UTF-8编码发送",
        "is not UTF-8 text",
        "send the message encoded as UTF-8",
    ),
    "json.depth": (
        "嵌套超过{limit}层",
        "展开嵌套结构",
        "is nested deeper than {limit} levels",
        "flatten the message",
    ),
    "json.duplicate": ("同一字段出现两次", "只保留一个", "has the same key twice", "keep one of the two"),
    "json.number": (
        "含有非有限数字（NaN或Infinity）",
        '以文本写金额，如 "1234.56"',
        "has a number that is not finite",
        'write amounts as text like "1234.56"',
    ),
    "size.message": (
        "单条数据超过{limit}字节",
        "拆分或删去无关内容",
        "is larger than {limit} bytes",
        "send less in one message",
    ),
    "field.missing": ("缺少必填字段", "补充该字段", "is required", "add the field"),
    "field.unknown": (
        "不是该类数据的字段",
        "删去该字段，或核对拼写",
        "is not a field of this message",
        "remove it, or check its spelling",
    ),
    "field.null": (
        "不能为空",
        "填写该字段",
        "must not be null",
        "give a value, or leave the field out if it is optional",
    ),
    "field.type": ("类型应为{wanted}", "改为{wanted}", "must be {wanted}", "write it as {wanted}"),
    "text.form": (
        "格式不符合要求：{form}",
        "按要求的格式填写",
        "does not have the form {form}",
        "write it in that form",
    ),
    "text.length": (
        "长度应为1至{limit}个字符",
        "调整长度",
        "must have 1 to {limit} characters",
        "shorten or fill it",
    ),
    "value.choice": (
        "不在允许的取值范围内：{choices}",
        "从允许的取值中选择",
        "is none of: {choices}",
        "use one of these",
    ),
    "type.unknown": (
        "数据类型不存在：{type}",
        "使用 /v1/event-types 所列的类型",
        "is not a type of event: {type}",
        "use a type listed at /v1/event-types",
    ),
    "type.version": (
        "该类型没有这个版本：{type}",
        "使用版本 {known}",
        "is not a known version of this type: {type}",
        "use version {known}",
    ),
    "code.shape": (
        "不是18位统一社会信用代码（GB 32100-2015）",
        "核对18位代码，使用大写字母，不含空格和连字符",
        "is not an 18-character credit code (GB 32100-2015)",
        "check its 18 characters: capitals, no blanks or hyphens",
    ),
    "code.check": (
        "统一社会信用代码的校验位不正确，应为“{wanted}”",
        "核对代码是否抄写有误",
        "has a wrong check character, {wanted!r} would fit",
        "compare the code with the business licence",
    ),
    "money.type": (
        '金额应为文本，如 "1234.56"',
        "为金额加上引号",
        'must be text, like "1234.56", never a number',
        "put the amount in quotes",
    ),
    "money.form": (
        "金额应为不带符号和分隔符的数字，整数部分最多12位，小数最多两位",
        "按“1234.56”的格式填写",
        "must be digits with at most two decimals, without sign or separators",
        'write it like "1234.56"',
    ),
    "money.negative": (
        "金额不能为负",
        "更正或撤回原数据，而不是报送负数",
        "must not be negative",
        "correct or retract the earlier fact instead",
    ),
    "money.decimals": (
        "金额最多两位小数",
        "四舍五入由报送单位决定后再报送",
        "must have at most two decimals",
        "send whole fen",
    ),
    "currency.wrong": (
        "币种应为{wanted}",
        "以{wanted}报送；销售额请一并核对渠道",
        "must be {wanted} here",
        "send the amount in {wanted}; of sales, check the channel too",
    ),
    "date.form": (
        "不是有效日期，应为 2024-03-01 的形式",
        "按该格式填写",
        "is not a date like 2024-03-01",
        "write year, month and day",
    ),
    "date.future": (
        "日期在将来",
        "待事实发生后再报送，或核对日期",
        "lies in the future",
        "send the fact when it has happened, or check the date",
    ),
    "year.range": ("年度应在2000至2100之间", "核对年度", "must be from 2000 to 2100", "check the year"),
    "year.future": (
        "年度在将来",
        "待该年度开始后再报送",
        "is a year that has not begun",
        "send the fact when the year has begun",
    ),
    "time.form": (
        "不是带时区的时间，应为 2024-03-01T09:30:00+08:00 的形式",
        "按RFC 3339填写并带时区",
        "is not a time with its zone, like 2024-03-01T09:30:00+08:00",
        "write it as RFC 3339 asks, with the offset",
    ),
    "time.future": (
        "时间在将来",
        "核对发送系统的时钟",
        "lies in the future",
        "check the clock of the sending system",
    ),
    "customs.channel": (
        "只有 b2b_pilot_export 渠道可以带海关监管代码",
        "删去该字段，或更正渠道",
        "goes with the channel b2b_pilot_export only",
        "remove it, or correct the channel",
    ),
    "identity.reused": (
        "相同来源和编号的数据已入账，但内容不同",
        "更正请发送 fact-corrected；新事实请使用新编号",
        "is already recorded from this source with other content",
        "send a fact-corrected to change it, or a new id for a new fact",
    ),
    "kafka.tombstone": (
        "记录没有内容（墓碑）",
        "账本从不删除；撤回事实请发送 fact-retracted",
        "is a tombstone: a record without a value",
        "nothing is ever deleted here; send a fact-retracted to retract a fact",
    ),
    "kafka.key": (
        "记录的键与 subject 不同",
        "以统一社会信用代码为键",
        "has a key that is not the subject",
        "key the record by the enterprise's credit code",
    ),
    "kafka.header": (
        "二进制模式的消息头不是UTF-8文本：{header}",
        "以UTF-8文本写消息头",
        "has a header that is not UTF-8 text: {header}",
        "write the ce_ headers as UTF-8 text",
    ),
    "policy.unknown": (
        "政策尚未纳入账本：{policy}",
        "使用 /v1/policies 所列的政策编号",
        "is not a policy of this ledger: {policy}",
        "use an id listed at /v1/policies",
    ),
    "measure.unknown": (
        "政策没有该条款：{measure}",
        "使用政策文件中的条款编号",
        "is not a measure of the policy: {measure}",
        "use an id from the policy file",
    ),
    "measure.no-claims": (
        "该条款不需要审批，由事实自动计算",
        "报送事实数据即可",
        "is earned by facts, not by claims",
        "send the facts that earn it",
    ),
    "claim.cap": (
        "批准金额超过上限{cap}",
        "批准不超过上限的金额",
        "is above the cap of {cap}",
        "approve at most the cap",
    ),
    "claim.item": (
        "该事项已有批准的申报：{item}",
        "如需更改，更正或撤回原批准",
        "has an approved claim already: {item}",
        "correct or retract the earlier approval instead",
    ),
    "replaced.self": (
        "接替的信用代码与原代码相同",
        "填写变更之后的新代码",
        "is the very code that it replaces",
        "give the new code",
    ),
    "sum.limit": (
        "同一渠道同一年度合计超过{limit}元",
        "核对单位是否为元",
        "makes the sum of its year larger than {limit} yuan",
        "check the unit: yuan, not fen",
    ),
    "amend.amendment": (
        "更正和撤回本身不能再更正或撤回",
        "撤回原事实并重新报送",
        "names a correction or retraction",
        "retract the fact and report it anew",
    ),
    "amend.subject": (
        "所更正的数据属于另一企业",
        "核对企业代码和编号",
        "names an event of another enterprise",
        "check the subject and the id",
    ),
    "amend.type": (
        "所更正的数据是另一类型：{actual}",
        "核对 of_type",
        "names an event of another type: {actual}",
        "check of_type",
    ),
    "amend.empty": (
        "没有要更正的字段",
        "写明要更正的字段",
        "changes nothing",
        "name at least one field to change",
    ),
    "amend.person": (
        "姓名加密保存，不能更正",
        "撤回原数据，以新编号重新报送",
        "is held encrypted and cannot be corrected",
        "retract the fact and report it anew under a new id",
    ),
    **SHEET_CODES,
}


class Fault(NamedTuple):
    """One thing that is wrong with a message, at one field."""

    code: str
    field: str
    args: dict[str, Any] = {}
    """What fills the words; what is called otherwise in each language under ``zh`` and ``en``."""

    def words(self, language: str) -> dict[str, str]:
        """The fault for a reader: field, code, rule and mend in ``zh`` or ``en``."""
        rule_zh, mend_zh, rule_en, mend_en = CODES[self.code]
        rule, mend = (rule_en, mend_en) if language == "en" else (rule_zh, mend_zh)
        args = {name: said[language] if isinstance(said, dict) else said for name, said in self.args.items()}
        return {
            "field": self.field,
            "code": self.code,
            "rule": rule.format(**args),
            "mend": mend.format(**args),
        }


class FaultError(ValidationError):
    """A marshmallow error that carries a fault's code and arguments."""

    def __init__(self, code: str, **args: Any) -> None:
        super().__init__([(code, args)])


def faults_from(messages: Any, path: str = "") -> list[Fault]:
    """Flatten marshmallow's nested messages into faults."""
    if isinstance(messages, dict):
        found = []
        for key, value in messages.items():
            inner = path if key == "_schema" else f"{path}.{key}" if path else str(key)
            found += faults_from(value, inner)
        return found
    found = []
    for message in messages:
        code, args = message if isinstance(message, tuple) else (message, {})
        found.append(Fault(code, path or "message", args))
    return found
