"""Everything the API says when it refuses: problems, and faults beside those of messages.

Codes are a promise to callers: they are never renamed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.intake.messages.faults import Fault
from services.web.amounts import for_readers
from services.web.step_codes import STEPS

Words = dict[str, Any]


class Kind(NamedTuple):
    """One kind of problem: its HTTP status, and title and detail in both languages."""

    status: int
    title_zh: str
    title_en: str
    detail_zh: str
    detail_en: str


PROBLEMS: dict[str, Kind] = {
    "body-empty": Kind(
        400, "请求没有内容", "The body is empty", "在请求体中写入内容。", "Send the content in the body."
    ),
    "body-json": Kind(
        400,
        "请求体不是可读的JSON",
        "The body cannot be read as JSON",
        "逐项原因见 faults。",
        "See faults for what is wrong and how to mend it.",
    ),
    "request-bad": Kind(
        400,
        "请求无法读取",
        "The request cannot be read",
        "请求在传输中断开或不符合HTTP；请重新发送。",
        "It broke off or does not follow HTTP; send it again.",
    ),
    "request-invalid": Kind(
        422,
        "参数或内容不符合要求",
        "Parameters or content break a rule",
        "逐项原因见 faults。",
        "See faults for what is wrong and how to mend it.",
    ),
    "message-refused": Kind(
        422,
        "数据未被接收",
        "The message was refused",
        "原文与原因已留存于 /v1/refused/{digest}；更正后可重新报送。",
        "It is kept with the reasons at /v1/refused/{digest}; correct it and send it again.",
    ),
    "policy-refused": Kind(
        422,
        "政策文件不能使用",
        "The policy file cannot be used",
        "逐项原因及行号见 faults。",
        "See faults for each line that is wrong and how to mend it.",
    ),
    "moment-unanswerable": Kind(
        422,
        "账本无法回答该时点的问题",
        "The ledger cannot answer for that moment",
        "原因：{reason}",
        "{reason}",
    ),
    "rules-none": Kind(
        422,
        "该时点没有生效的政策版本",
        "No version of the policy was in force then",
        "请使用较晚的 rules_as_of。",
        "Ask for a later rules_as_of.",
    ),
    "position-unknown": Kind(
        404,
        "日志没有该位置或该长度",
        "The log has no such position or size",
        "当前长度见 /v1/log/checkpoint。",
        "Its size now stands in /v1/log/checkpoint.",
    ),
    "origin-foreign": Kind(
        403,
        "拒绝来自其他网站的写入",
        "Writes from another site are refused",
        "请从程序或本服务自己的页面发送。",
        "Send it from a program, or from a page of this service.",
    ),
    "route-unknown": Kind(
        404, "没有这个地址", "There is no such address", "所有地址见 /docs。", "See /docs for every address."
    ),
    "policy-unknown": Kind(
        404,
        "账本中没有该政策",
        "The ledger holds no such policy",
        "使用 /v1/policies 所列的编号。（{named}）",
        "Use an id listed at /v1/policies. ({named})",
    ),
    "version-unknown": Kind(
        404,
        "该政策没有这个版本",
        "The policy has no such version",
        "版本见 /v1/policies/{named}。",
        "See /v1/policies/{named} for its versions.",
    ),
    "period-unknown": Kind(
        404,
        "该政策没有这个预算期",
        "The policy has no such budget period",
        "按年度设预算的政策使用四位年份，否则使用 life。",
        "Use a year where the policy's budget is yearly, and life otherwise.",
    ),
    "enterprise-unknown": Kind(
        404,
        "账本中没有该企业的数据",
        "The ledger knows nothing of this enterprise",
        "核对统一社会信用代码，或查询较晚的时点。（{named}）",
        "Check the credit code, or ask for a later moment. ({named})",
    ),
    "trace-unknown": Kind(
        404,
        "没有与该编号有关的数据",
        "Nothing came under this id",
        "核对编号；账本没有收到过，也没有退回过。（{named}）",
        "Check the id: the ledger neither took nor refused anything under it. ({named})",
    ),
    "refusal-unknown": Kind(
        404,
        "没有这条被拒数据",
        "There is no such refused message",
        "使用 /v1/refused 所列的摘要。",
        "Use a digest listed at /v1/refused.",
    ),
    "sheet-unknown": Kind(
        404,
        "没有这份待处理的表格",
        "No such spreadsheet waits",
        "表格只保留一天；请重新上传。",
        "Spreadsheets wait for a day; send it again.",
    ),
    "sheet-refused": Kind(
        422,
        "表格不能读取",
        "The spreadsheet cannot be read",
        "逐项原因见 faults。",
        "See faults for what is wrong and how to mend it.",
    ),
    "sheet-not-ready": Kind(
        409,
        "表格还没有预览，或不能读取",
        "The spreadsheet has no preview yet, or cannot be read",
        "查询 /v1/sheets/{named}，待其状态为 ready。",
        "Ask /v1/sheets/{named} until it is ready.",
    ),
    "event-type-unknown": Kind(
        404,
        "没有这个数据类型",
        "There is no such type of event",
        "使用 /v1/event-types 所列的类型。",
        "Use a type listed at /v1/event-types.",
    ),
    "method-wrong": Kind(
        405,
        "该地址不支持此方法",
        "The address does not take this method",
        "可用方法见 Allow 响应头。",
        "See the Allow header.",
    ),
    "not-exportable": Kind(
        422,
        "不能生成该文件",
        "The file cannot be written",
        "{reason}",
        "{reason}",
    ),
    "step-refused": Kind(
        409,
        "不能办理该步骤",
        "The step is not allowed",
        "未作任何更改；逐项原因见 faults。",
        "Nothing was changed; see faults for each reason and its mend.",
    ),
    "identity-refused": Kind(
        401,
        "身份未能确认",
        "The caller is not known",
        "原因见 faults。",
        "See faults for the reason and the mend.",
    ),
    "too-many": Kind(
        429,
        "请求过于频繁",
        "Too many requests",
        "稍后再试。",
        "Wait, and try again.",
    ),
    "role-missing": Kind(
        403,
        "没有办理权限",
        "The step is not yours to take",
        "未作任何更改；原因见 faults。",
        "Nothing was changed; see faults for who may take it.",
    ),
    "form-expired": Kind(
        403,
        "表单已失效",
        "The form has expired",
        "返回上一页，刷新后重新提交；未作任何更改。",
        "Go back, load the page again and send it once more; nothing was changed.",
    ),
    "sample-not-empty": Kind(
        409,
        "账本中已有数据，不能放入示例",
        "The ledger holds data already",
        "在空的数据库中生成示例年度。",
        "Make the sample year in an empty database.",
    ),
    "claim-unknown": Kind(
        404,
        "没有这项申报",
        "There is no such claim",
        "申报见 /v1/claims。（{named}）",
        "See /v1/claims for every claim. ({named})",
    ),
    "settlement-unknown": Kind(
        404,
        "没有该年度的兑现记录",
        "There is no settlement of that year",
        "先拟定该年度的兑现名单。",
        "Propose the year's list first.",
    ),
    "refusal-settled": Kind(
        409,
        "该数据已更正报送",
        "The message was corrected and sent again already",
        "无需再作处理。",
        "There is nothing left to dismiss.",
    ),
    "body-large": Kind(
        413,
        "请求体过大",
        "The body is too large",
        "逐项原因见 faults。",
        "See faults for the limit and how to stay below it.",
    ),
    "media-wrong": Kind(
        415,
        "不支持该内容类型",
        "The type of content is not supported",
        "逐项原因见 faults。",
        "See faults for the types that are.",
    ),
    "store-unavailable": Kind(
        503,
        "账本暂时无法读写",
        "The ledger cannot be reached just now",
        "稍后重新发送；重复发送不会重复入账。",
        "Send it again later; sending twice never counts twice.",
    ),
    "store-unsuitable": Kind(
        503,
        "账本不能在这个数据库上工作",
        "The ledger cannot work on this database",
        "请运行人员处理：{reason}",
        "For the operator: {reason}",
    ),
    "internal": Kind(
        500,
        "服务内部出错",
        "Something went wrong inside",
        "错误编号 {reference}，请告知运行人员。",
        "Tell the operator the reference {reference}.",
    ),
    "http": Kind(400, "请求未被接受", "The request was not accepted", "{reason}", "{reason}"),
}

FAULTS: dict[str, tuple[str, str, str, str]] = {
    # code: (rule zh, mend zh, rule en, mend en)
    "query.unknown": (
        "不是该地址的参数",
        "可用参数：{known}",
        "is not a parameter of this address",
        "use one of: {known}",
    ),
    "trace.which": (
        "须给出关联编号，或来源与数据编号",
        "写 correlation，或同时写 source 和 event",
        "must be a correlation id, or the source and id of an event",
        "give correlation, or both source and event",
    ),
    "query.repeated": ("参数出现多次", "只写一次", "stands more than once", "give it once"),
    "query.whole": (
        "应为{low}至{high}的整数",
        "改为该范围内的整数",
        "must be a whole number from {low} to {high}",
        "write a number in that range",
    ),
    "query.flag": (
        "应为 true 或 false",
        "改为 true 或 false",
        "must be true or false",
        "write one of the two",
    ),
    "cursor.form": (
        "不是本地址给出的游标",
        "使用上一页的 next，或去掉该参数从头开始",
        "is not a cursor that this address gave out",
        "use the next of the page before, or leave it out to begin anew",
    ),
    "moment.form": (
        "不是 2024-03-01 形式的日期，也不是 2024-03-01T09:30:00+08:00 形式的带时区时间",
        "按其中一种形式填写",
        "is not a date like 2024-03-01, nor a time with its offset like 2024-03-01T09:30:00+08:00",
        "write it in one of these forms",
    ),
    "moment.unanswerable": (
        "账本无法回答该时点：{reason}",
        "改用较晚的时点",
        "{reason}",
        "ask for a later moment",
    ),
    "rules.none": (
        "该日没有生效的政策版本",
        "改用较晚的日期",
        "is a day on which no version of the policy was in force",
        "ask for a later day",
    ),
    "policy.file": ("{rule_zh}", "{mend_zh}", "{rule}", "{mend}"),
    "text.utf8": ("不是UTF-8编码", "以UTF-8编码发送", "is not UTF-8 text", "send it encoded as UTF-8"),
    "body.large": (
        "请求体超过{limit}字节",
        "分批发送，或使用 application/x-ndjson",
        "is larger than {limit} bytes",
        "send several batches, or application/x-ndjson, which has no limit",
    ),
    "batch.large": (
        "一批超过{limit}条",
        "分批发送，或使用 application/x-ndjson",
        "has more than {limit} messages",
        "send several batches, or application/x-ndjson, which has no limit",
    ),
    "batch.array": (
        "应为JSON数组",
        "将各条数据放入 [ ] 中",
        "must be a JSON array",
        "put the messages in [ ]",
    ),
    "media.type": (
        "内容类型应为：{known}",
        "设置 Content-Type 为其中之一",
        "must be one of: {known}",
        "set Content-Type to one of these",
    ),
    "media.encoding": (
        "不支持压缩的请求体",
        "不压缩发送",
        "names an encoding that is not supported",
        "send the body uncompressed",
    ),
}


FAULTS.update(STEPS)


def said(fault: Fault, language: str) -> Words:
    """A fault for a reader: field, code, rule and mend; policy faults also have their line."""
    if fault.code not in FAULTS:
        return dict(fault.words(language))
    rule_zh, mend_zh, rule_en, mend_en = FAULTS[fault.code]
    rule, mend = (rule_en, mend_en) if language == "en" else (rule_zh, mend_zh)
    args = for_readers(fault.args)
    words: Words = {
        "field": fault.field,
        "code": fault.code,
        "rule": rule.format(**args),
        "mend": mend.format(**args),
    }
    return {**words, "line": fault.args["line"]} if "line" in fault.args else words
