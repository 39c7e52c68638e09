"""Rows of a sheet and the drafts they become."""

from __future__ import annotations

import pytest

from ledger.domain.document import parse_issuable
from tests.formats.sheet_making import BUYER_ID, LINE, SELLER, line, problems, read

# drafts


def test_rows_with_one_reference_are_one_invoice_that_can_be_issued() -> None:
    sheet = read(
        {**LINE, "单据编号": "A1", "外部单号": "ERP-7", "发票种类": "专用", "购买方税号": BUYER_ID, "备注": "合同 7"},
        {"单据编号": "A1", "项目名称": "*餐饮服务*茶", "金额": "50", "税率": "0.06"},
        {**LINE, "单据编号": "A2"},
        LINE,
        LINE,
    )
    first = sheet.invoices[0]
    assert (first.row, first.row_count, first.reference, first.external_id) == (2, 2, "A1", "ERP-7")
    assert first.draft is not None
    document = parse_issuable(first.draft)
    assert (document.net_fen, document.tax_fen, document.gross_fen) == (15000, 900, 15900)
    assert (document.kind, document.note, document.buyer.tax_id) == ("special", "合同 7", BUYER_ID)
    assert document.seller == SELLER
    assert [invoice.row for invoice in sheet.invoices] == [2, 4, 5, 6]
    assert (sheet.accepted_count, sheet.refused_count, sheet.total_fen("gross_fen")) == (4, 0, 15900 + 3 * 10600)


def test_wrong_row_spoils_its_own_invoice_only() -> None:
    sheet = read(LINE, {**LINE, "金额": "x"}, LINE)
    assert [invoice.draft is None for invoice in sheet.invoices] == [False, True, False]
    assert (sheet.accepted_count, sheet.refused_count, sheet.total_fen("net_fen")) == (2, 1, 20000)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"税率": "6%"}, {"rate_bp": 600, "net_fen": 10000, "tax_fen": 600}),
        ({"税率": "0.06"}, {"rate_bp": 600, "tax_fen": 600}),
        ({"税率": "6"}, {"rate_bp": 600, "tax_fen": 600}),
        ({"税率": "1.5%"}, {"rate_bp": 150, "tax_fen": 150}),
        ({"税率": "免税"}, {"rate_bp": 0, "tax_fen": 0, "rate_mark": "exempt"}),
        ({"税率": "不征税"}, {"rate_bp": 0, "tax_fen": 0, "rate_mark": "not_taxable"}),
        ({"税率": "0", "税率标识": "零税率", "税额": "***"}, {"rate_bp": 0, "tax_fen": 0, "rate_mark": "zero"}),
        ({"税率": "", "税率标识": "exempt"}, {"rate_bp": 0, "tax_fen": 0, "rate_mark": "exempt"}),
        (
            {"税率": "***", "税率标识": "差额", "税额": "2.00"},
            {"rate_bp": 0, "tax_fen": 200, "rate_mark": "difference"},
        ),
        (
            {"税率": "5%", "税率标识": "差额征税", "税额": "2"},
            {"rate_bp": 500, "tax_fen": 200, "rate_mark": "difference"},
        ),
        ({"税额": "6.05"}, {"tax_fen": 605}),
        ({"金额": "", "含税金额": "106.00"}, {"net_fen": 10000, "tax_fen": 600}),
        ({"金额": "", "含税金额": "0.01"}, {"net_fen": 1, "tax_fen": 0}),
        ({"金额": "", "税额": "5.99", "含税金额": "106"}, {"net_fen": 10001, "tax_fen": 599}),
        ({"金额": "100.00", "含税金额": "106.01"}, {"net_fen": 10000, "tax_fen": 601}),
        ({"金额": "", "数量": "3", "单价": "33.3333333333333"}, {"net_fen": 10000, "price": "33.3333333333333"}),
        ({"金额": "￥1234.50"}, {"net_fen": 123450, "tax_fen": 7407}),
    ],
)
def test_line_is_read_with_what_is_missing_computed(cells: dict[str, str], expected: dict[str, object]) -> None:
    found = line(read({**LINE, **cells}).invoices[0])
    assert {key: found.get(key) for key in expected} == expected


def test_negative_row_is_a_discount_of_the_one_before() -> None:
    discount = {"项目名称": "*餐饮服务*餐费", "金额": "-10.00", "税率": "6%", "单据编号": "A"}
    draft = read({**LINE, "单据编号": "A"}, discount).invoices[0]
    assert [line(draft, index).get("nature") for index in (0, 1)] == [2, 1]
    stated = read({**LINE, "单据编号": "A", "行性质": "被折扣"}, {**discount, "行性质": "discount"}).invoices[0]
    assert stated.draft == draft.draft
    larger = problems({**LINE, "单据编号": "A"}, {**discount, "金额": "-100.01"})
    assert (3, "金额", "discount_too_large") in larger
    assert problems({**LINE, "单据编号": "A", "行性质": "正常"}, discount)[0][2] == "line_sign"


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"购买方名称": ""}, "购买方名称", "text_empty"),
        ({"购买方税号": "91310112703255042X"}, "购买方税号", "uscc_check"),
        ({"发票种类": "专用"}, "购买方税号", "buyer_tax_id_missing"),
        ({"发票种类": "红字"}, "发票种类", "cell_choice"),
        ({"项目名称": ""}, "项目名称", "missing"),
        ({"税率": ""}, "税率", "text_empty"),
        ({"税率": "***"}, "税率", "cell_rate"),
        ({"税率": "14"}, "税率", "cell_rate"),
        ({"税率": "7%"}, "税率", "rate_unknown"),
        ({"税率": "0%"}, "税率", "rate_needs_mark"),
        ({"税率标识": "免费"}, "税率标识", "cell_choice"),
        ({"税率标识": "免税"}, "税率标识", "row_rate_differs"),
        ({"税率": "免税", "税率标识": "不征税"}, "税率标识", "row_rate_differs"),
        ({"税率标识": "差额"}, "税额", "text_empty"),
        ({"税率标识": "差额", "税额": "7"}, "税额", "difference_tax"),
        ({"税率": "免税", "税额": "1"}, "税率", "mark_forbids_rate"),
        ({"金额": "12.345"}, "金额", "cell_amount"),
        ({"金额": "1e3"}, "金额", "cell_amount"),
        ({"金额": "999999999999999"}, "金额", "cell_amount"),
        ({"金额": ""}, "金额", "row_amount_missing"),
        ({"金额": "", "数量": "3"}, "金额", "row_amount_missing"),
        ({"金额": "0"}, "", "gross_zero"),
        ({"税额": "6.07"}, "税额", "line_tax"),
        ({"税额": "6", "含税金额": "107"}, "含税金额", "row_gross_differs"),
        ({"金额": "", "含税金额": "-106"}, "含税金额", "line_sign"),
        ({"数量": "x"}, "数量", "cell_decimal"),
        ({"单价": "1.12345678901234"}, "单价", "cell_decimal"),
        ({"数量": "2", "单价": "49"}, "金额", "line_product"),
        ({"行性质": "3"}, "行性质", "cell_choice"),
        ({"备注": "a\u202eb"}, "备注", "text_character"),
        ({"单据编号": "a\u200bb"}, "单据编号", "text_character"),
        ({"单据编号": "a" * 65}, "单据编号", "text_too_long"),
        ({"备注": "a" * 1001}, "备注", "text_too_long"),
        ({"备注": "a" * 2001}, "备注", "cell_too_long"),
        ({"项目名称": "=1+1"}, "项目名称", "cell_formula"),
        ({"税率": "=A1"}, "税率", "cell_formula"),
        ({"单据编号": "@SUM(A1)"}, "单据编号", "cell_formula"),
    ],
)
def test_wrong_cell_is_named_by_row_and_column(cells: dict[str, str], column: str, code: str) -> None:
    assert (3, column, code) in problems(LINE, {**LINE, **cells})
    assert problems(LINE, LINE) == []


def test_every_wrong_field_is_named_in_one_pass() -> None:
    wrong = {**LINE, "购买方税号": "12", "金额": "x", "税率": "y", "发票种类": "z", "备注": "=1"}
    assert {(column, code) for _, column, code in problems(wrong)} == {
        ("购买方税号", "tax_id_length"),
        ("金额", "cell_amount"),
        ("税率", "cell_rate"),
        ("发票种类", "cell_choice"),
        ("备注", "cell_formula"),
    }


def test_later_rows_of_an_invoice_repeat_its_head_or_leave_it_blank() -> None:
    first = {**LINE, "单据编号": "A", "备注": "一"}
    assert problems(first, {**first}) == []
    assert problems(first, {**first, "备注": "二"}) == [(3, "备注", "row_head_differs")]
    assert problems({**first, "备注": ""}, first) == [(3, "备注", "row_head_differs")]


def test_reference_and_external_id_name_one_invoice_of_a_sheet() -> None:
    first, other = {**LINE, "单据编号": "A"}, {**LINE, "单据编号": "B"}
    assert problems(first, other, first) == [(4, "单据编号", "row_reference_again")]
    external = {**LINE, "外部单号": "E"}
    assert problems(external, {**external, "外部单号": "F"}) == []
    assert problems(external, external) == [(3, "外部单号", "row_external_again")]
