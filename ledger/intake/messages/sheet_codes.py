"""What can be wrong with a spreadsheet, beside what can be wrong with each of its facts.

``sheet.`` concerns a file or a table in it, ``cell.`` a cell whose content a spreadsheet program
changed or hides, ``matter.`` a row that contradicts what is known already.
"""

from __future__ import annotations

SHEET_CODES: dict[str, tuple[str, str, str, str]] = {
    # code: (rule zh, mend zh, rule en, mend en)
    "sheet.kind": (
        "不是xlsx工作簿，也不是CSV文本",
        "用电子表格软件另存为“Excel 工作簿（.xlsx）”或“CSV UTF-8”",
        "is neither an xlsx workbook nor CSV text",
        "save it as an Excel workbook (.xlsx) or as CSV UTF-8",
    ),
    "sheet.empty": ("文件没有内容", "重新选择文件", "is empty", "choose the file again"),
    "sheet.old": (
        "是加密的工作簿，或97-2003格式（.xls）",
        "取消打开密码，另存为“Excel 工作簿（.xlsx）”",
        "is encrypted, or of the format of 1997 to 2003 (.xls)",
        "take off the password and save it as an Excel workbook (.xlsx)",
    ),
    "sheet.macros": (
        "含有宏",
        "另存为不含宏的“Excel 工作簿（.xlsx）”",
        "holds macros",
        "save it as an Excel workbook without macros (.xlsx)",
    ),
    "sheet.broken": (
        "工作簿不完整或已损坏：{detail}",
        "用电子表格软件打开后重新另存为.xlsx",
        "is damaged or incomplete: {detail}",
        "open it in a spreadsheet program and save it again as .xlsx",
    ),
    "sheet.dtd": (
        "内含文档类型声明（DTD）：{part}",
        "由电子表格软件重新另存；正常的工作簿不含DTD",
        "declares a document type in {part}",
        "save it again with a spreadsheet program: no proper workbook has one",
    ),
    "sheet.large": (
        "超过上限：{what} 最多 {limit}",
        "删去多余的行、列和工作表，或分成几个文件",
        "is too large: {what}, at most {limit}",
        "delete rows, columns and sheets that are not needed, or split the file",
    ),
    "sheet.encoding": (
        "既不是UTF-8，也不是GB18030编码",
        "另存为“CSV UTF-8（逗号分隔）”",
        "is neither UTF-8 nor GB18030 text",
        "save it as CSV UTF-8, comma-separated",
    ),
    "sheet.csv": (
        "不是规范的CSV：{detail}",
        "另存为“CSV UTF-8（逗号分隔）”",
        "is no proper CSV: {detail}",
        "save it as CSV UTF-8, comma-separated",
    ),
    "sheet.headings": (
        "前{rows}行中没有可以识别的列名",
        "以模板中的列名为一行标题",
        "has no row of known column names in its first {rows} rows",
        "put the column names of the template in one row",
    ),
    "sheet.type": (
        "无法确定这张表是哪一类数据，可能是：{types}",
        "以模板中的工作表名称命名，或在导入时指明类别",
        "does not say which facts it holds; they may be: {types}",
        "name the sheet as in the template, or name the type when it is taken in",
    ),
    "sheet.other": (
        "按名称或所指明的类别当作“{taken}”，列名却是：{types}",
        "以所填数据的类别命名工作表或CSV文件，或在导入时指明类别",
        "was taken for “{taken}”, by its name or as the sender said, and has the columns of: {types}",
        "name the sheet or CSV file after the facts it holds, or name their type when it is taken in",
    ),
    "sheet.passed": (
        "没有读取这张工作表：{reason}",
        "取消隐藏、以数据的类别命名，或使用模板中的列名",
        "was not read: {reason}",
        "show the sheet, name it after the facts it holds, or use the column names of the template",
    ),
    "sheet.again": (
        "又是一行列名，次序与第{row}行不同",
        "其下各行按第{row}行的次序排列后删去该行，或另放一张工作表",
        "names columns again, in another order than row {row}",
        "order the rows below it like row {row} and delete it, or move them to a sheet of their own",
    ),
    "sheet.nothing": (
        "没有可以读取的数据行",
        "从示例行之下开始填写",
        "holds no rows to read",
        "fill it in below the example",
    ),
    "column.unknown": (
        "不是该表的列：{name}",
        "改用模板中的列名，或删去该列",
        "is not a column of this sheet: {name}",
        "use a column name of the template, or delete the column",
    ),
    "column.nameless": (
        "该列没有列名，却有内容：{value}",
        "补上模板中的列名，或删去该列的内容",
        "stands in a column without a heading: {value}",
        "give the column its name of the template, or delete what stands in it",
    ),
    "column.twice": (
        "同一列出现两次：{name}",
        "只保留一列",
        "is there twice: {name}",
        "keep one of the two columns",
    ),
    "column.missing": (
        "缺少列：{name}",
        "补上该列",
        "lacks the column {name}",
        "add the column",
    ),
    "column.unit": (
        "列名中的单位不能识别：{unit}",
        "以元或万元为单位",
        "names a unit that is not known: {unit}",
        "give amounts in yuan (元) or in ten thousands of yuan (万元)",
    ),
    "cell.formula": (
        "是公式，但没有保存计算结果",
        "用电子表格软件打开并保存，或复制后“粘贴为数值”",
        "is a formula whose result was not saved",
        "open and save it in a spreadsheet program, or paste it as a value",
    ),
    "cell.error": (
        "公式结果有错误：{value}",
        "改正公式，或直接填写数值",
        "is an error of a formula: {value}",
        "correct the formula, or fill in the value",
    ),
    "cell.external": (
        "公式引用了别的工作簿",
        "复制后“粘贴为数值”",
        "is a formula over another workbook",
        "paste it as a value",
    ),
    "cell.merged": (
        "与其他列的单元格合并（{range}）",
        "取消合并，每格各填一项",
        "is merged with cells of other columns ({range})",
        "unmerge them and fill in each cell",
    ),
    "cell.digits": (
        "被电子表格改成了数值（{value}），末尾数位可能已丢失",
        "先把该列设为文本格式，再重新填写",
        "was turned into a number ({value}), so that its last digits may be lost",
        "format the column as text, then fill it in anew",
    ),
    "cell.date": (
        "被电子表格改成了日期（{value}）",
        "先把该列设为文本格式，再重新填写",
        "was turned into a date ({value})",
        "format the column as text, then fill it in anew",
    ),
    "cell.choice": (
        "不在可选范围内，应为：{choices}",
        "从下拉列表中选择",
        "is none of: {choices}",
        "choose from the list",
    ),
    "cell.list": (
        "“{said}”是“{table}”中“{column}”一列的选项",
        "核对列名、内容是否错位；本列应为：{choices}",
        "is “{said}”, a choice of the column “{column}” of “{table}”",
        "see whether headings or cells changed places; this column takes: {choices}",
    ),
    "cell.currency": (
        "写明的币种（{said}）与该行的币种（{currency}）不同",
        "改正币种；或改正金额旁、列名中的币种字样",
        "names a currency ({said}) that is not the row's ({currency})",
        "correct the currency, or the word beside the amount or in its heading",
    ),
    "cell.time": (
        "不是有效的日期或时间",
        "按“2024-03-01”或“2024-03-01 09:30”填写",
        "is no date or time",
        "write it like 2024-03-01, or 2024-03-01 09:30",
    ),
    "cell.whole": (
        "应为整数",
        "填写不带小数和单位的整数",
        "must be a whole number",
        "write it without decimals or units",
    ),
    "cell.truth": (
        "是逻辑值（TRUE或FALSE）",
        "填写该列应有的内容",
        "is TRUE or FALSE",
        "fill in what the column asks for",
    ),
    "row.total": (
        "像是合计行",
        "删去合计行，只保留明细",
        "looks like a row of totals",
        "delete it: the sheet holds single facts only",
    ),
    "matter.file": (
        "与本文件第{row}行是同一事项，但内容不同",
        "核对后只保留一行",
        "is the same matter as row {row} of this file, with other content",
        "compare them and keep one",
    ),
    "matter.ledger": (
        "同一事项已在账本位置 {position} 入账（来源 {source}），但内容不同：{differs}",
        "如账本有误，请报送更正；如本行有误，请改正或删去本行",
        "is recorded at position {position} from {source} with other content: {differs}",
        "where the ledger is wrong send a correction; where this row is, mend or delete it",
    ),
}
