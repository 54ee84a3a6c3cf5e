"""What is wrong with a policy file, in Chinese: a row for each rule and mend of its checks.

The checks speak English; what they fill in (``{…}``) is kept as it is. A text without a row
stays English, and a test fails.
"""

from __future__ import annotations

import re
from functools import cache

ROWS: tuple[tuple[str, str], ...] = (
    ("is missing", "缺少此项"),
    ("add it", "补上"),
    ("is empty", "没有填写"),
    ("give a value", "填写内容"),
    ("is not text", "不是文字"),
    ("write one value, not a list or a group", "只写一个值，不写列表或分组"),
    ("is not a list", "不是列表"),
    ("write [one, two], or one item a line after hyphens", "写成 [甲, 乙]，或每行以连字符开头写一项"),
    ("is not a group of fields", "不是一组字段"),
    ("indent its fields below it", "把其字段缩进写在它的下面"),
    ("must be a group of fields", "应为一组字段"),
    ("is not an amount: digits with at most two decimals", "不是金额：应为数字，最多两位小数"),
    ("write it like {example}", "写成 {example} 这样"),
    ("is larger than {most}", "大于{most}"),
    ("check the unit: yuan, not fen", "核对单位：元，不是分"),
    ("is not a whole number", "不是整数"),
    ("write digits only", "只写数字"),
    ("is not from {low} to {high}", "不在{low}至{high}之间"),
    ("choose a number in that range", "改为该范围内的数"),
    ("is not a percentage with at most two decimals", "不是最多两位小数的百分数"),
    ("is not above 0 and at most 100", "不在0（不含）至100之间"),
    ("choose a percentage in that range", "改为该范围内的百分数"),
    ("is not a date", "不是日期"),
    ("is not a day of every year", "不是每年都有的日子"),
    ("{value} is not known here", "此处没有{value}这个取值"),
    ("use one of: {known}", "可用：{known}"),
    ("is not an id", "不是编号"),
    ("use lower-case letters, digits, hyphens and full stops", "只用小写字母、数字、连字符和点"),
    ("is not a field here", "此处没有这个字段"),
    ("remove it, or check its spelling", "删去，或核对拼写"),
    ("is none of its options", "不在其可选项之中"),
    ("needs either fact or all_of", "fact 与 all_of 须写其一"),
    ("name one kind of event, or all conditions", "写一种数据，或写全部条件"),
    ("needs either earns or of", "earns 与 of 须写其一"),
    ("count new items, or units of an amount", "按新增件数计，或按金额的单位计"),
    ("must be above zero with of", "写了 of 时须大于零"),
    ("{kind} is not a kind of measure", "没有{kind}这个种类"),
    ("is not a number", "不是数字"),
    ("write digits, or yuan for an amount", "写数字；金额写元"),
    ("{id} stands twice", "{id} 出现两次"),
    ("stands twice", "出现两次"),
    ("rename one", "改其中一个的编号"),
    ("keep one of them", "只留一个"),
    ("lies before the life begins", "早于施行日期"),
    ("give a later date, or null", "写较晚的日期，或写 null"),
    ("needs the clause {clause} exactly once", "条款 {clause} 须恰好一次"),
    ("quote it from the policy's text", "照原文抄录"),
    ("names a measure that the file does not have", "所指条款文件中没有"),
    ("use the id of a measure", "写某一条款的编号"),
    ("is not a quantity of an event", "不是数据中的数量"),
    ("use floor_area_m2", "写 floor_area_m2"),
    ("a growth share is of ContributionAssessed", "增量分成只能依据 ContributionAssessed"),
    ("name that event", "写该类数据"),
    ("needs two fixed measures with once: item", "需要两个 once: item 的固定金额条款"),
    ("name such a measure, or remove nets", "写这样的条款，或删去 nets"),
    ("is not part of the identity of both facts", "不是两类数据共有的识别字段"),
    ("name a field that identifies both", "写两者共有的识别字段"),
    ("units are counted by one kind of event", "件数只能依据一种数据"),
    ("use fact instead of all_of", "写 fact，不写 all_of"),
    ("is not above the one before it", "不高于前一档"),
    ("order them upwards", "由低到高排列"),
    ("{fact} is not an event that fits here", "{fact} 不是此处可用的数据"),
    ("is not a field of the event to choose by", "不是可用于筛选的字段"),
    ("the conditions are not known by the same field", "各条件的识别字段不同"),
    ("name events of one identity", "写识别字段相同的数据"),
    ("{value} is not reported by anyone", "没有人报送{value}"),
    ("adds up amounts of several currencies", "把几种币种的金额相加"),
    ("name channels in {currency}: {known}", "写明以{currency}报送的渠道：{known}"),
    ("{fact} is never reported in USD", "{fact} 不以 USD 报送"),
    ("is not the currency of the channel", "不是该渠道的币种"),
    ("write currency: {currency}", "写 currency: {currency}"),
    ("is not in {currency}, which the policy pays in", "不是政策发放所用的币种 {currency}"),
    ("a policy file has at most {most} bytes", "政策文件最多{most}字节"),
    ("split the file, or remove what is not policy", "拆成几个文件，或删去与政策无关的内容"),
    ("not YAML: {problem}", "不是YAML：{problem}"),
    ("check indentation, quotes and brackets near this line", "核对该行附近的缩进、引号和括号"),
    ("contains the character U+{code}", "含有字符 U+{code}"),
    (
        "write printable text, without escapes such as \\n or \\x07",
        "改为可打印的文字，不写 \\n、\\x07 之类的转义",
    ),
    ("a policy file is a mapping of fields", "政策文件应为一组字段"),
    ("start from the file in domain/policy", "从 domain/policy 中的文件改起"),
    ("uses the alias *{name}", "使用了别名 *{name}"),
    ("write the text out where it is meant", "在原处写出全文"),
    ("nested deeper than {most}", "嵌套超过{most}层"),
    ("flatten it", "减少层次"),
    ("no such reading", "没有这项理解"),
    ("no such figure", "没有这个数"),
    (
        "write measure/field, e.g. store.tmall/amount or brand.domestic-sales/tiers/0/award",
        "写成 条款/字段，例如 store.tmall/amount 或 brand.domestic-sales/tiers/0/award",
    ),
    ("names the reading {name}, which the file does not have", "所指理解{name}文件中没有"),
    ("is not UTF-8 text", "不是UTF-8文本"),
    ("save it as UTF-8", "另存为UTF-8"),
    (
        "does not follow version {version}, which is adopted already",
        "没有接在已纳入的第{version}版之后",
    ),
    ("number this version {version}", "把版本写成{version}"),
    ("lies before the version in force since {day}", "早于{day}起施行的版本"),
    ("give that day or a later one", "写当天或更晚的日期"),
    ("was of kind {kind} in version {version}", "在第{version}版中种类是{kind}"),
    ("give the new measure an id of its own", "给新条款一个新的编号"),
    (
        "begins the policy's life on {now}, version {version} on {then}",
        "政策有效期自{now}起，第{version}版自{then}起",
    ),
    ("keep {then}, or let this version take effect by {day}", "保持{then}，或使这一版最迟自{day}起施行"),
    ("needs either amount or parts", "amount 与 parts 须写其一"),
    ("give one amount, or the budgets one by one", "写一个总额，或逐项写出各预算"),
    ("names both towns and measures", "同时写了镇街和条款"),
    ("tell budgets apart by one of them", "各预算只按其中一种划分"),
    ("names measures, another budget names towns", "写了条款，而别的预算写的是镇街"),
    ("tell all budgets apart by town, or all by measure", "各预算都按镇街划分，或都按条款划分"),
    ("{what} pays nothing", "{what}不发放资金"),
    ("pays nothing", "没有可列支的对象"),
    ('name its towns or measures, or write rest: "yes"', '写其镇街或条款，或写 rest: "yes"'),
    ("remove it", "删去"),
    ("is the second budget that takes the rest", "是第二个包括其余的预算"),
    ("let one budget take it", "只由一个预算包括其余"),
    ("leaves towns without a budget", "有的镇街没有预算"),
    ('write rest: "yes" for the one that pays other towns', '给列支其余镇街的预算写 rest: "yes"'),
    ("{measure} stands in no budget", "{measure} 不在任何预算之中"),
    ("name it in one budget", "写入一个预算"),
    ("{measure} stands in no group", "{measure} 不在任何一组之中"),
    ("name it in one group", "写入一组"),
    ("no longer has the budget {name} of version {version}", "没有了第{version}版中的预算 {name}"),
    ("keep it, if need be with other towns or measures", "保留该预算，镇街或条款可以调整"),
    ("is in {now}, version {version} was in {then}", "币种是{now}，第{version}版是{then}"),
    ("keep the currency, or give the policy another id", "保持币种不变，或另立一份政策"),
    ("consists of several amounts", "由几项预算组成"),
    ("change one of them, e.g. budget/parts/0/amount", "改其中一项，例如 budget/parts/0/amount"),
    ("{fact} is no event of an enterprise", "{fact} 不是企业的数据类型"),
    ("use a class name of docs/events", "用 docs/events 中的数据类型名称"),
    ("{name} is no field of {fact}", "{fact} 没有 {name} 这个字段"),
    ("use the fields in docs/events", "用 docs/events 中的字段"),
    ("names no field", "没有写明字段"),
    ("name the fields that tell one matter from another", "写明据以区分各事项的字段"),
    ("name the figure, such as amount_fen", "写明数额字段，例如 amount_fen"),
    ("needs yearly amounts, and how many times is too many", "须为年度数额，并写明超过几倍"),
    ("write times: 10", "写 times: 10"),
    ("correct the value", "改正该值"),
    ("Length must be between {low} and {high}.", "长度须在{low}至{high}之间"),
    ("Shorter than minimum length {low}.", "少于{low}项"),
    ("Longer than maximum length {high}.", "多于{high}项"),
)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for english, chinese in ROWS:
        parts = re.split(r"\{(\w+)\}", english)
        text = "".join(f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        found.append((re.compile(text, re.DOTALL), chinese))
    return sorted(found, key=lambda each: each[0].groups)


def in_chinese(text: str) -> str | None:
    """A rule or mend in Chinese; ``None`` where there is no row for it."""
    for pattern, chinese in _patterns():
        if said := pattern.fullmatch(text):
            return chinese.format(**said.groupdict())
    return None
