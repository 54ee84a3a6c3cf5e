"""The page about documents: how a template is edited, and every place that it may have."""

from __future__ import annotations

from ledger.documents.catalogue import catalogue

DOCUMENTS = {
    "list": ("公示文稿和名单", "publication and list"),
    "payments": ("资金拨付表", "table of payments"),
    "letter": ("兑现决定书", "decision letter"),
    "report": ("年度报告", "report of the year"),
}
ABOUT = """\
公示文稿、资金拨付表、兑现决定书、年度报告，都由模板填成。模板就是普通的 Word 或 Excel 文件，用 Word、WPS 或 Excel 修改，不需要编程；每个数都取自账本。
The publication, the table of payments, the decision letter and the year's report are filled into templates: plain Word or Excel files, edited without programming. Every figure is the ledger's.

```sh
subsidy-ledger documents write list --year 2024 --out 公示.docx --number "慈商务公示〔2025〕3号"
subsidy-ledger documents write payments --year 2024 --batch 2024-001 --payees 账户.csv --out 拨付表.xlsx
subsidy-ledger documents write letter --year 2024 --enterprise 信用代码 --out 决定书.pdf
subsidy-ledger documents write report --year 2024 --addressee 市人民政府 --out 报告.docx
```

文件后缀决定形式：`.docx`、`.xlsx`，或 `.pdf`（由本机的 LibreOffice 转换）。`--language en` 用英文模板。网页上，“年度兑现”页有公示文稿和年度报告，企业的“告知单”页有决定书。
The suffix says the form: `.docx`, `.xlsx`, or `.pdf` (made by this machine's LibreOffice). `--language en` takes the English templates. On the pages, the settlement has the publication and the report, an enterprise's statement the letter.

## 修改模板 · Editing a template

1. `subsidy-ledger documents templates --into 文件夹` 写出全部模板；已有的文件不覆盖。 · writes all templates; files that are there stay.
2. 用 Word 或 Excel 修改文字、字体、版式；`{{应兑现}}` 这样的位置由账本填写，可移动、删除、重复使用。 · change words, fonts and layout; a place such as `{{应兑现}}` is filled by the ledger, and may be moved, removed or used again.
3. 含 `{{名单.企业名称}}` 这样位置的一行，按记录逐行重复；列可增减、换序。在表格之外，重复的是整段。 · a row with a place such as `{{名单.企业名称}}` is repeated for each record; columns may be added, removed, moved. Outside a table the paragraph is repeated.
4. 设 `SUBSIDY_LEDGER_TEMPLATES=文件夹`，以后都用您的模板；或每次用 `--template 文件`。 · set `SUBSIDY_LEDGER_TEMPLATES` to the folder, or name a file with `--template`.

写错的位置不会悄悄留在文件里：生成时逐一指出在哪一段、哪一行、哪一格，并列出可用的位置。
A place that there is not never stays in silence: each is named with the paragraph, row or cell that it stands in, and with those that there are.

- 金额：正文中为 1,234,567.89，Excel中单独成格时为数字；大写按《正确填写票据和结算凭证的基本规定》。 · Amounts are text in paragraphs and numbers in cells of their own; capitals follow the People's Bank's rules.
- 位置可用中文名或英文名。 · Places have a Chinese and an English name.
- Word表格最多20,000行，Excel最多50,000行；更长的名单用 `settle list`。 · Tables have at most 20,000 rows in Word and 50,000 in Excel; longer lists come from `settle list`.
- 收款账户由 `--payees` 文件提供，账本不保存。 · Accounts come from the payees' file; the ledger keeps none.
"""


def documents_page() -> tuple[str, ...]:
    """The parts of the page, beside its title."""
    parts = [ABOUT, "## 可填的位置 · Places", _table("位置 · place", _values())]
    for name, said in catalogue()["tables"].items():
        of = "、".join(DOCUMENTS[each][0] for each in said["in"])
        parts.append(f"### {{{{{name}.…}}}} · {{{{{said['en']}.…}}}}\n\n{of}：{said['zh']} · {said['means']}")
        rows = [
            (
                f"`{{{{{name}.{column}}}}}` `{{{{{said['en']}.{each['en']}}}}}`",
                f"{each['zh']} · {each['means']}",
                "",
            )
            for column, each in said["columns"].items()
        ]
        parts.append(_table("位置 · place", rows, among=False))
    return tuple(parts)


def _values() -> list[tuple[str, str, str]]:
    return [
        (
            f"`{{{{{name}}}}}` `{{{{{said['en']}}}}}`",
            f"{said['zh']} · {said['means']}",
            "全部 · all"
            if len(said["in"]) == len(DOCUMENTS)
            else "、".join(DOCUMENTS[d][0] for d in said["in"]),
        )
        for name, said in catalogue()["values"].items()
    ]


def _table(head: str, rows: list[tuple[str, str, str]], among: bool = True) -> str:
    heads = [head, "含义 · meaning", *(["文件 · document"] if among else [])]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(row[: len(heads)])} |" for row in rows]
    return "\n".join(lines)
