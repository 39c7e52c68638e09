"""Problems of a document as people read them: one code, one text in English and one in Chinese.

A code never changes meaning; docs/FORMATS.md lists them all. Texts say what is wrong, then what to do.
"""

from __future__ import annotations

from ledger.domain.errors import FieldProblem

PROBLEM_TEXTS: dict[str, tuple[str, str]] = {
    # shape
    "not_an_object": ("give an object with named fields, not {got}", "请给出带字段名的对象，而不是{got}"),
    "unknown_field": ("no such field; check its spelling or leave it out", "没有这个字段，请核对拼写或删除"),
    "missing": ("required; give a value", "必填，请填写"),
    "wrong_type": ("give {expected}, not {got}", "应为{expected_zh}，而不是{got}"),
    "float_refused": (
        "a number with a fraction is not accepted: amounts are whole fen, price and quantity decimal texts",
        "不接受带小数的数值：金额用整数分，单价和数量用十进制文本",
    ),
    "text_empty": ("must not be blank; fill it in", "不能为空白，请填写"),
    "text_too_long": (
        "has {count} characters, at most {limit}; shorten it",
        "有 {count} 个字符，最多 {limit} 个，请缩短",
    ),
    "text_character": (
        "character {position} (U+{character}) cannot be printed; remove it",
        "第 {position} 个字符（U+{character}）不可打印，请删除",
    ),
    "not_a_choice": ("give one of: {choices}", "只能是其中之一：{choices}"),
    "integer_range": ("must lie in {low}..{high}", "必须在 {low} 到 {high} 之间"),
    "decimal_form": (
        "write a plain decimal such as 15841.5841584158: at most 15 digits before and 13 after the point",
        "请写普通十进制数，例如 15841.5841584158：小数点前最多 15 位，后最多 13 位",
    ),
    "date_form": ("write an existing day as YYYY-MM-DD, 2000 or later", "请按 YYYY-MM-DD 填写 2000 年以后的有效日期"),
    "number_form": (
        "write 20 digits: 12-digit code and 8-digit number together, or a 20-digit number",
        "请写 20 位数字：12 位代码加 8 位号码，或 20 位号码",
    ),
    "lines_missing": ("an invoice has at least one line; add it", "发票至少有一行项目，请补充"),
    "too_many_lines": (
        "has {count} lines, at most {limit}; split the invoice",
        "有 {count} 行，最多 {limit} 行，请拆分",
    ),
    "document_too_large": (
        "takes {count} bytes, at most {limit}; shorten texts or split the invoice",
        "共 {count} 字节，最多 {limit} 字节，请缩短文字或拆分发票",
    ),
    "more_problems": (
        "{count} more problems are not listed; correct these first",
        "另有 {count} 处问题未列出，请先改正以上",
    ),
    # identifiers
    "tax_id_missing": ("the tax id is required here; give it", "此处税号必填，请填写"),
    "tax_id_characters": (
        "a tax id has digits and capital letters only; check it against the licence",
        "税号只含数字和大写字母，请对照营业执照",
    ),
    "tax_id_length": (
        "a tax id has 15, 17, 18 or 20 characters, not {count}; check it against the licence",
        "税号为 15、17、18 或 20 位，而不是 {count} 位，请对照营业执照",
    ),
    "uscc_check": (
        "not a unified social credit code: its check character is wrong; a character was misread or swapped",
        "不是有效的统一社会信用代码：校验码不符，请检查是否看错或写反了字符",
    ),
    "tax_code_form": (
        "a tax classification code is 19 digits, the first 1 to 6; correct it or leave it out",
        "税收分类编码为 19 位数字，首位 1 到 6，请更正或留空",
    ),
    # arithmetic of a line
    "rate_needs_mark": (
        "rate 0 needs its meaning: set rate_mark to exempt, not_taxable or zero",
        "税率为 0 时须注明：rate_mark 填 exempt（免税）、not_taxable（不征税）或 zero（零税率）",
    ),
    "mark_forbids_rate": (
        "a line marked {mark} has rate 0 and tax 0; correct the rate, the tax or the mark",
        "标记为 {mark} 的行税率和税额应为 0，请更正税率、税额或标记",
    ),
    "line_tax": (
        "tax {given} is not net x rate = {expected} within 0.06; check net, rate and tax for swapped columns",
        "税额 {given} 与 金额×税率 {expected} 相差超过 0.06，请检查金额、税率、税额是否串列",
    ),
    "difference_tax": (
        "tax {given} on a difference is more than net x rate = {expected}; correct it",
        "差额征税的税额 {given} 超过 金额×税率 {expected}，请更正",
    ),
    "line_product": (
        "net {given} is not quantity x price within 0.01; check quantity, price and net",
        "金额 {given} 与 数量×单价 相差超过 0.01，请检查数量、单价和金额",
    ),
    "line_sign": (
        "must be {sign} here: only a discount line has the other sign; correct the sign or the nature",
        "此处应为{sign_zh}：只有折扣行符号相反，请更正符号或行性质",
    ),
    "price_sign": ("a price is never negative; put the sign on the quantity", "单价不能为负，请把负号放在数量上"),
    "discount_alone": (
        "a discount line follows the line it discounts, which has nature 2; move it or correct the natures",
        "折扣行须紧跟被折扣行（行性质 2），请调整顺序或行性质",
    ),
    "discount_missing": (
        "a line of nature 2 is followed by its discount line; add it or set nature 0",
        "被折扣行（行性质 2）后须有折扣行，请补充或改为 0",
    ),
    "discount_too_large": (
        "the discount {given} is larger than the line it discounts, {expected}; reduce it",
        "折扣 {given} 大于被折扣行金额 {expected}，请减小",
    ),
    "discount_rate": (
        "a discount has the rate of the line it discounts; copy it",
        "折扣行税率须与被折扣行一致，请照抄",
    ),
    # arithmetic of the document
    "total_net": ("is {given}, the lines add up to {expected}; correct one", "为 {given}，各行合计 {expected}，请更正"),
    "total_tax": ("is {given}, the lines add up to {expected}; correct one", "为 {given}，各行合计 {expected}，请更正"),
    "total_gross": ("is {given}, net + tax is {expected}; correct one", "为 {given}，金额加税额为 {expected}，请更正"),
    "tax_error_sum": (
        "the lines' rounding errors add up to {given}, at most 1.27; recompute the tax of the lines",
        "各行税额误差合计 {given}，最多 1.27，请重算各行税额",
    ),
    "words_unreadable": ("not an amount in words; write it like {expected}", "不是有效的大写金额，请写作 {expected}"),
    "words_differ": (
        "the words say {given}, the figures {expected}; correct one",
        "大写金额为 {given}，小写为 {expected}，请更正",
    ),
    "colour_sign": (
        "a {colour} invoice cannot have this sign; correct colour or amounts",
        "{colour_zh}发票的金额符号不符，请更正颜色或金额",
    ),
    "original_missing": (
        "a red invoice names the blue one it credits; give it",
        "红字发票须注明对应的蓝字发票，请填写",
    ),
    "original_unexpected": ("only a red invoice names an original; leave it out", "只有红字发票才有原发票，请删除"),
    "original_form": (
        "name the blue invoice by 12- or 10-digit code and 8-digit number, or by 20 digits without a code",
        "请用 12 或 10 位代码加 8 位号码，或仅用 20 位号码注明蓝字发票",
    ),
    # issuing here
    "red_not_issued": (
        "a red invoice cannot be issued from a document; open a red slip on the blue invoice instead",
        "不能直接开具红字发票，请在对应蓝字发票上发起红字信息确认单",
    ),
    "buyer_is_seller": (
        "is the seller's own tax id; nobody sells to itself, name the buyer",
        "与销售方税号相同，不能向自己开票，请填写购买方税号",
    ),
    "gross_zero": (
        "the total is 0; nothing to invoice, add a line with an amount",
        "合计为 0，没有可开票的金额，请补充项目",
    ),
    "net_zero": (
        "the amount without tax is 0: tax alone is not invoiced; correct the lines",
        "金额为 0，不能只开税额，请更正各行",
    ),
    "rate_unknown": (
        "{given} % is no rate in force; check it, the known ones are {choices}",
        "{given}% 不是现行税率，请核对，现行税率为 {choices}",
    ),
    "number_not_ours": (
        "not a number of this ledger (20 digits, first 9); leave it out to be given one",
        "不是本账本的号码（20 位、首位 9），请留空由系统分配",
    ),
    "already_numbered": ("already has the number {number}; make a new draft", "已有号码 {number}，请新建草稿"),
    "buyer_tax_id_missing": (
        "a special invoice names the buyer's tax id; give it or issue an ordinary invoice",
        "专用发票须填写购买方税号，请填写或改开普通发票",
    ),
    # red documents
    "red_only": ("only a red invoice has this field; leave it out", "只有红字发票才有此字段，请删除"),
    "not_red": ("only a red invoice credits another; set colour to red", "只有红字发票才能冲减，请将颜色设为红字"),
    "red_of_red": (
        "a red invoice is never credited; name the blue invoice it credits",
        "红字发票不能再红冲，请注明对应的蓝字发票",
    ),
    "red_outside": (
        "only an invoice issued on this ledger is credited here; its own issuer credits it",
        "此处只能红冲本账本开具的发票，其他发票请由原开票方红冲",
    ),
    "red_other_blue": ("names invoice {given}, not {expected}; correct it", "注明的发票是 {given}，应为 {expected}"),
    "red_kind": ("a red invoice has the kind of its blue one, {expected}", "红字发票种类须与蓝字一致：{expected}"),
    "red_party": (
        "is not that of the blue invoice, {expected}; copy it",
        "与蓝字发票不一致，应为 {expected}，请照抄",
    ),
    "red_before_blue": (
        "lies before the blue invoice's day, {expected}; correct it",
        "早于蓝字发票的开票日期 {expected}，请更正",
    ),
    "red_error_partial": (
        "what was issued in error is credited as a whole, and before any other red; choose another reason or all lines",
        "开票有误只能全额红冲，且此前不得部分红冲，请改选原因或全额红冲",
    ),
    "red_nothing": ("credits no money; choose lines with an amount left", "没有冲减金额，请选择尚有余额的项目"),
    "red_line_unknown": (
        "the blue invoice has no line {given}; its last is {expected}",
        "蓝字发票没有第 {given} 行，最后一行是第 {expected} 行",
    ),
    "red_line_discount": (
        "line {given} of the blue invoice is a discount; credit line {expected}, from which it is taken off",
        "蓝字发票第 {given} 行是折扣行，请冲减第 {expected} 行（折扣已扣除）",
    ),
    "red_line_repeated": ("credits line {given} a second time; put both in one line", "重复冲减第 {given} 行，请合并"),
    "red_line_differs": ("is not that of blue line {given}; copy it", "与蓝字发票第 {given} 行不一致，请照抄"),
    "red_line_nature": (
        "a partial red has lines of nature 0 only: discounts are taken off already; set 0",
        "部分红冲的行性质只能为 0（折扣已扣除），请改为 0",
    ),
    "red_rate": ("rate and mark are those of blue line {given}; copy them", "税率和标记须与蓝字发票第 {given} 行一致"),
    "red_more_net": ("credits {given}, only {expected} is left", "冲减金额 {given}，只剩 {expected}"),
    "red_more_tax": ("credits {given}, only {expected} is left", "冲减税额 {given}，只剩 {expected}"),
    "red_more_quantity": ("credits quantity {given}, only {expected} is left", "冲减数量 {given}，只剩 {expected}"),
    "red_tax_share": (
        "tax {given} leaves a rest that no later red can credit; {expected} is its share",
        "税额 {given} 会使余额无法再冲减，按比例应为 {expected}",
    ),
    "red_allowance_quantity": (
        "an allowance takes off money, not goods; leave quantity and price out",
        "销售折让只减金额不减数量，请不要填写数量和单价",
    ),
    # deduction
    "valid_tax_unexpected": (
        "nothing is deducted for this purpose; set it to 0",
        "该用途不抵扣税额，请填 0",
    ),
    "deduction_reason_missing": ("say why it is not deducted: {choices}", "请选择不抵扣原因：{choices_zh}"),
    "deduction_reason_unexpected": (
        "only tax that is not deducted has a reason; leave it out",
        "只有不抵扣才填写原因，请删除",
    ),
    # month reports
    "report_totals": (
        "the documents give {given}, the ledger {expected}; find the missing or surplus invoice first",
        "发票合计 {given}，账本为 {expected}，请先查明缺少或多出的发票",
    ),
    "report_sum": (
        "is {given}, its parts add up to {expected}; correct one",
        "为 {given}，各项合计 {expected}，请更正",
    ),
    "report_month": (
        "lies outside the month {expected}; file it with its own month",
        "不在所属月份 {expected} 内，请在相应月份申报",
    ),
    "report_seller": ("is another seller's invoice; leave it out", "是其他销售方的发票，请移除"),
    "report_repeated": ("occurs twice; give it once", "重复出现，请只保留一次"),
    "report_too_long": (
        "has {count} entries, at most {limit}; add up those of one rate",
        "有 {count} 项，最多 {limit} 项，请按税率合并",
    ),
    "report_order": ("entries ascend and do not overlap; sort them", "各项须升序且不重叠，请排序"),
    "uninvoiced_tax": (
        "tax {given} is not net x rate = {expected} within 1.27; compute it on the sum",
        "税额 {given} 与 金额×税率 {expected} 相差超过 1.27，请按合计金额计算",
    ),
    "report_month_form": ("write a month as YYYY-MM, 2000 or later", "请按 YYYY-MM 填写 2000 年以后的月份"),
    "report_hash_form": ("write a report's hash as 64 small hex digits", "请填写 64 位小写十六进制报告哈希"),
}


def problem(path: str, code: str, **values: object) -> FieldProblem:
    """The problem `code` at `path`, its texts filled with `values`."""
    english, chinese = PROBLEM_TEXTS[code]
    return FieldProblem(path, code, english.format(**values), chinese.format(**values))
