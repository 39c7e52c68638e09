"""Texts of the problems of sheets, English and Chinese; docs/FORMATS.md lists their codes."""

from __future__ import annotations

SHEET_TEXTS: dict[str, tuple[str, str]] = {
    # the sheet
    "sheet_unknown": (
        "neither a CSV nor an XLSX file; save the sheet as one of them",
        "不是 CSV 或 XLSX 文件，请另存为其中之一",
    ),
    "sheet_old": (
        "an older .xls workbook, or one with a password; save it as .xlsx without a password",
        "是旧版 .xls 文件或带密码的文件，请另存为无密码的 .xlsx",
    ),
    "sheet_encoding": (
        "byte {position} is neither UTF-8 nor GB 18030; save the sheet as CSV UTF-8",
        "第 {position} 字节既不是 UTF-8 也不是 GB 18030，请另存为 CSV UTF-8",
    ),
    "sheet_page": (
        "a web page or XML named as a sheet; open it in a spreadsheet program and save it as .xlsx",
        "是网页或 XML 而非表格文件，请用表格软件打开后另存为 .xlsx",
    ),
    "sheet_strict": (
        "a workbook saved as Strict Open XML; save it as a plain Excel workbook (.xlsx)",
        "工作簿以 Strict Open XML 格式保存，请另存为普通 Excel 工作簿（.xlsx）",
    ),
    "sheet_damaged": (
        "the sheet is broken; open it, save it again and upload that",
        "表格文件损坏，请打开后重新保存再上传",
    ),
    "sheet_quotes": (
        "row {row} has a quotation mark that is not closed, or text after one; correct it or save the sheet as XLSX",
        "第 {row} 行的引号未闭合或引号后有多余文字，请更正或另存为 XLSX",
    ),
    "sheet_too_costly": (
        "reading the workbook takes more time or memory than its rows may; save the sheet as CSV",
        "读取工作簿所需的时间或内存超出限制，请另存为 CSV",
    ),
    "sheet_unpacks_too_large": (
        "the workbook unpacks to more than {limit} bytes; keep only the sheet with the invoices",
        "工作簿解压后超过 {limit} 字节，请只保留发票所在的工作表",
    ),
    "sheet_macros": (
        "the workbook holds macros, which are not accepted; save it as .xlsx",
        "工作簿含宏，不予接受，请另存为 .xlsx",
    ),
    "sheet_links": (
        "the workbook refers to other files; break the links, keeping the values, and save it again",
        "工作簿引用了其他文件，请断开链接并保留数值后重新保存",
    ),
    "sheet_rows": ("more than {limit} rows; split the sheet", "超过 {limit} 行，请拆分"),
    "sheet_columns": (
        "row {row} has more than {limit} columns; remove the empty ones",
        "第 {row} 行超过 {limit} 列，请删除空列",
    ),
    "sheet_cells": ("more than {limit} characters in all; split the sheet", "全部文字超过 {limit} 个字符，请拆分"),
    "sheet_empty": (
        "no row below the column names; fill in at least one invoice",
        "列名下没有数据行，请至少填写一张发票",
    ),
    "members_empty": (
        "no row below the column names; name at least one person",
        "列名下没有数据行，请至少填写一人",
    ),
    "members_head": (
        "no row with person and grants among the first {limit} rows; name these columns",
        "前 {limit} 行内没有含人员、授权的表头，请补充",
    ),
    "register_head": (
        "no row with name, tax_id and class among the first {limit} rows; name these columns",
        "前 {limit} 行内没有含企业名称、统一社会信用代码、额度等级的表头，请补充",
    ),
    "sheet_head_missing": (
        "no row of column names among the first {limit} rows; start from the template",
        "前 {limit} 行中没有列名行，请使用模板",
    ),
    "sheet_column_missing": ("the column {name} is missing; add it, as in the template", "缺少列 {name}，请按模板补充"),
    "sheet_column_twice": (
        "the columns {first} and {second} mean the same; remove one",
        "列 {first} 与 {second} 含义相同，请删除其一",
    ),
    "sheet_column_unknown": (
        "the column {name} is not known and was left out; check its name against the template",
        "无法识别列 {name}，已忽略，请对照模板核对列名",
    ),
    # one cell
    "cell_formula": (
        "a formula is not accepted and was not computed; paste its value instead",
        "不接受公式，未予计算，请粘贴为数值",
    ),
    "cell_error": (
        "an error value of the spreadsheet program; give the value itself",
        "为表格软件的错误值，请填写实际值",
    ),
    "cell_too_long": (
        "has {count} characters, at most {limit}; shorten it",
        "有 {count} 个字符，最多 {limit} 个，请缩短",
    ),
    "cell_digits_lost": (
        "kept as a number, so digits beyond the 15th are lost; format the cell as text and enter it again",
        "以数值保存，15 位之后的数字已丢失，请设为文本格式后重新输入",
    ),
    "cell_without_column": (
        "stands right of the last column name; is a comma too many in the row?",
        "位于最后一个列名右侧，请检查该行是否多了逗号",
    ),
    "cell_amount": (
        "no amount in yuan with at most two decimals; write it like 1234.50",
        "不是最多两位小数的金额（元），请写作 1234.50",
    ),
    "cell_decimal": (
        "no plain decimal; write it like 15841.5841584158, at most 15 digits before and 13 after the point",
        "不是普通十进制数，请写作 15841.5841584158，小数点前最多 15 位，后最多 13 位",
    ),
    "cell_rate": (
        "no tax rate; write 13%, 0.13, 免税, 不征税 or 零税率",
        "不是税率，请填写 13%、0.13、免税、不征税或零税率",
    ),
    "cell_not_taken": (
        "the column {name} is not read and would change the amount; put a discount in a negative row below instead",
        "列 {name} 不读取而会影响金额，请将折扣改为下一行的负数金额",
    ),
    "cell_date": (
        "kept as a date or time, which no column is; format the cell as text and enter it again",
        "以日期或时间保存，而此列不是日期，请设为文本格式后重新输入",
    ),
    "cell_choice": ("write one of: {choices}", "请填写以下之一：{choices}"),
    # one row, one invoice
    "row_rate_differs": (
        "rate and rate mark contradict each other; correct one",
        "税率与税率标识矛盾，请更正其一",
    ),
    "row_amount_missing": (
        "give the amount without tax, the amount with tax, or quantity and price",
        "请填写金额、含税金额，或数量和单价",
    ),
    "row_gross_differs": (
        "the amount with tax is {given}, amount and tax add up to {expected}; correct one",
        "含税金额为 {given}，金额与税额之和为 {expected}，请更正其一",
    ),
    "row_head_differs": (
        "differs from the first row of the same invoice, row {row}; make them equal or leave it blank",
        "与同一发票首行（第 {row} 行）不同，请改为一致或留空",
    ),
    "row_reference_again": (
        "this reference stands in row {row} already; put the lines of one invoice below each other",
        "该单据编号已在第 {row} 行出现，同一发票的各行须相邻",
    ),
    "row_reference_blank": (
        "has an item but neither reference nor buyer; repeat them in each row (unmerge merged cells), or remove it",
        "该行有项目但没有单据编号和购买方：请在每行重复填写（取消合并单元格），或删除该行",
    ),
    "row_external_again": (
        "another invoice of the sheet, row {row}, has this external id; one invoice would be issued twice",
        "表中另一张发票（第 {row} 行）已用该外部单号，可能重复开票，请更正",
    ),
}
