"""What is wrong with a file that came back, all of it at once, and the reading of CSV beneath it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ledger.export.cells import FORMULA_STARTS

FAULTS_MAX = 1_000
"""Most faults that are kept of one file; the others are counted."""
SHOWN_MAX = 50
"""Most faults that an error's text lists."""
ROWS_MAX = 2_000_000
"""Most rows that are read of one file."""

CODES = {
    # code: (rule zh, mend zh, rule en, mend en)
    "file.empty": ("文件没有内容", "导出后重新选择文件", "the file is empty", "choose the exported file"),
    "file.headings": (
        "缺少列：{columns}",
        "第一行写列名，并补上所缺的列",
        "columns are missing: {columns}",
        "put the names of the columns in the first line, with those that are missing",
    ),
    "file.rows": (
        "超过 {most} 行",
        "分成几个文件",
        "there are more than {most} rows",
        "split the file",
    ),
    "row.shape": (
        "不是规范的 CSV：{reason}",
        "另存为“CSV UTF-8（逗号分隔）”",
        "this is no proper CSV: {reason}",
        "save it as CSV UTF-8, comma-separated",
    ),
    "missing": ("没有填写", "填写该列", "nothing is filled in", "fill it in"),
    "text": (
        "超过 {most} 个字符，或含控制字符",
        "缩短并去掉换行等控制字符",
        "it is longer than {most} characters or holds control characters",
        "shorten it, and take out line breaks and the like",
    ),
    "code": (
        "不是有效的统一社会信用代码",
        "对照营业执照更正",
        "this is no valid unified social credit code",
        "correct it by the business licence",
    ),
    "account": (
        "账号只能有数字、字母和连字符，最多 34 位",
        "对照开户许可更正",
        "an account holds digits, letters and hyphens only, 34 at most",
        "correct it by the bank's notice",
    ),
    "account.number": (
        "账号被电子表格改成了数值（{value}），末尾数位已丢失",
        "先把该列设为文本格式，再重新填写账号",
        "a spreadsheet turned the account into a number ({value}) and lost its last digits",
        "format the column as text, then fill the account in anew",
    ),
    "bank": (
        "既不是 12 位大额支付行号，也不是 BIC",
        "填写 12 位行号，或 8、11 位 BIC",
        "this is neither a CNAPS number of 12 digits nor a BIC",
        "give the 12 digits, or a BIC of 8 or 11 characters",
    ),
    "identifier": (
        "编号只能是 1 至 35 个可见 ASCII 字符",
        "照导出文件中的编号填写",
        "an identifier is 1 to 35 visible ASCII characters",
        "copy it from the exported file",
    ),
    "twice": (
        "与第 {earlier} 行重复",
        "只保留一行",
        "the same as in line {earlier}",
        "keep one of them",
    ),
    "status": (
        "状态只能是“成功”或“失败”",
        "银行有最终结果后再导入",
        "a status is made or failed",
        "import it once the bank has a final result",
    ),
    "amount": (
        "金额应为大于零的元，最多两位小数，不带千分位和货币符号",
        "照导出文件中的写法填写，如 1234.56",
        "an amount is yuan above zero with at most two decimals, no separators and no sign of currency",
        "write it as in the exported file, such as 1234.56",
    ),
    "amount.absent": (
        "回单没有金额，导出的付款中也没有这个编号",
        "请银行附上原付款金额，或核对编号",
        "the report has no amount, and no payment that was ordered has this identifier",
        "have the bank give the original amount, or check the identifier",
    ),
    "currency": ("币种不是 {wanted}", "与银行核对", "the currency is not {wanted}", "check it with the bank"),
    "date": (
        "日期应为实际存在的 年-月-日",
        "如 2025-03-31",
        "a date is a day that exists, year-month-day",
        "write it like 2025-03-31",
    ),
    "reason.made": (
        "付款成功，却有失败原因",
        "核对状态，或清空失败原因",
        "the payment was made, yet a reason of failure is given",
        "check the status, or clear the reason",
    ),
    "xml": ("不是完整的 XML：{reason}", "重新下载回单", "no whole XML: {reason}", "download it again"),
    "xml.dtd": (
        "含有文档类型声明（DTD）",
        "回单不应有 DTD；请核实文件来源",
        "it declares a document type",
        "a report has none; check where the file comes from",
    ),
    "xml.kind": (
        "不是 ISO 20022 pain.002 付款状态报告",
        "选择银行给出的 pain.002 文件",
        "this is no ISO 20022 pain.002 status report",
        "choose the bank's pain.002 file",
    ),
    "xml.large": (
        "超过 {most} 字节",
        "请银行按批次分成几个回单",
        "it is larger than {most} bytes",
        "have the bank split the report",
    ),
    "status.pending": (
        "状态 {status} 不是最终结果",
        "等待银行给出 ACSC、ACCC 或 RJCT 后再导入",
        "the status {status} is not final yet",
        "wait for the bank's ACSC, ACCC or RJCT",
    ),
    "batch-only": (
        "回单只有整批状态，没有逐笔结果",
        "请银行给出逐笔结果（TxInfAndSts）",
        "the report states the batch alone, no payment",
        "have the bank report each payment (TxInfAndSts)",
    ),
}


class FileFault(NamedTuple):
    """One thing that is wrong: its line (0 where it concerns the whole file), field and code."""

    line: int
    field: str
    code: str
    args: Mapping[str, str] = {}

    @property
    def rule(self) -> str:
        """What must hold, in Chinese."""
        return CODES[self.code][0].format(**self.args)

    @property
    def mend(self) -> str:
        """What to do about it, in Chinese."""
        return CODES[self.code][1].format(**self.args)

    def words(self, language: str) -> dict[str, str | int]:
        """The fault for a reader: line, field, code, rule and mend in ``zh`` or ``en``."""
        rule, mend = CODES[self.code][2:] if language == "en" else CODES[self.code][:2]
        said = {"rule": rule.format(**self.args), "mend": mend.format(**self.args)}
        return {"line": self.line, "field": self.field, "code": self.code, **said}

    def __str__(self) -> str:
        where = f"第 {self.line} 行，" if self.line else ""
        return f"{where}{self.field}：{self.rule} — {self.mend}"


class FileError(ValueError):
    """A file that cannot be used; ``faults`` holds what was found, ``total`` how much there is."""

    def __init__(self, faults: list[FileFault], total: int) -> None:
        self.faults = faults
        self.total = total
        shown = [str(fault) for fault in faults[:SHOWN_MAX]]
        if total > len(shown):
            shown.append(f"…… 另有 {total - len(shown)} 处")
        super().__init__("\n".join(shown))


class Faults:
    """Collects faults; a broken file of a million lines takes no more memory than one of a thousand."""

    def __init__(self) -> None:
        self.kept: list[FileFault] = []
        self.total = 0

    def add(self, line: int, field: str, code: str, **args: str) -> None:
        """Keep a fault, or count it where enough are kept."""
        self.total += 1
        if len(self.kept) < FAULTS_MAX:
            self.kept.append(FileFault(line, field, code, args))

    def raise_any(self) -> None:
        """Raise everything that was found, where anything was.

        Raises:
            FileError.
        """
        if self.total:
            raise FileError(self.kept, self.total)


Columns = Mapping[str, tuple[str, ...]]
"""The headings that each field may have."""


def records(lines: Iterable[str], columns: Columns, faults: Faults) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV with headings: line number, and the value of every field.

    Columns of other names are passed over, so that a bank may answer within the file it was sent;
    so are blank lines. A byte order mark before the first line is taken off.
    """
    reader = csv.reader(_bare(lines), strict=True)
    try:
        head = next(reader, None)
        if head is None:
            faults.add(0, "file", "file.empty")
            return
        places = _places(head, columns, faults)
        for number, row in enumerate(reader if places else (), 1):
            if number > ROWS_MAX:
                faults.add(reader.line_num, "file", "file.rows", most=str(ROWS_MAX))
                return
            if any(value.strip() for value in row):
                yield reader.line_num, {name: _value(row, place) for name, place in places.items()}
    except csv.Error as error:
        faults.add(reader.line_num, "row", "row.shape", reason=str(error))


def _bare(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix("\ufeff")


def _places(head: list[str], columns: Columns, faults: Faults) -> dict[str, int]:
    """Where each field stands, or nothing where one is missing."""
    found = {heading.strip().casefold(): place for place, heading in reversed(list(enumerate(head)))}
    places = {
        name: next(found[heading] for heading in headings if heading in found)
        for name, headings in columns.items()
        if any(heading in found for heading in headings)
    }
    missing = [headings[-1] for name, headings in columns.items() if name not in places]
    if missing:
        faults.add(1, "headings", "file.headings", columns="、".join(missing))
        return {}
    return places


def _value(row: list[str], place: int) -> str:
    """A cell as it was meant: without blanks around it, and without the mark that keeps it text."""
    value = row[place].strip() if place < len(row) else ""
    return value[1:] if value.startswith("'") and value[1:].startswith(FORMULA_STARTS) else value
