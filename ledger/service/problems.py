"""Problems of a request that are not the document's own: each code in English and Chinese."""

from __future__ import annotations

from ledger.domain.errors import FieldProblem
from ledger.service.errors import InvalidRequest

SERVICE_PROBLEMS: dict[str, tuple[str, str]] = {
    "number_in_use": (
        "the number {number} is waiting or recorded; take another",
        "号码 {number} 已在使用，请换一个号码",
    ),
    "number_not_reserved": (
        "{number} is not one of your free numbers; reserve numbers first or leave it out",
        "{number} 不是您可用的号码，请先领用号码或留空",
    ),
    "number_unknown": ("no invoice {number} that you may see", "没有您可查看的发票 {number}"),
    "number_twice": ("{number} is named twice; name each invoice once", "{number} 重复，每张发票只列一次"),
    "seller_differs": (
        "the seller's tax id is {given}, but you issue for {expected}; leave it out or correct it",
        "销售方税号为 {given}，而您为 {expected} 开票，请留空或更正",
    ),
    "subject_missing": (
        "name the enterprise you act for: one of {choices}",
        "请指明您代表的企业，可选 {choices}",
    ),
    "party_unknown": ("no party {party}", "没有参与方 {party}"),
    "party_kind": ("party {party} is {given}, not {expected}", "参与方 {party} 为 {given}，应为 {expected}"),
    "first_holder_personal": (
        "a personal buyer cannot hold an invoice here; name an enrolled person or the seller",
        "个人购买方不能直接持有，请指定已登记的人员或销售方",
    ),
    "count_range": ("give {low} to {high}, not {given}", "应为 {low} 至 {high}，不能是 {given}"),
    "month_form": ("write the month as YYYY-MM", "月份格式为 YYYY-MM"),
    "month_range": ("the ledger writes months from 2000-02 to 2341-04", "可用月份为 2000-02 至 2341-04"),
    "claim_lines_none": ("no invoice of this claim is locked any more", "该报销单已没有处于锁定状态的发票"),
    "claim_line_foreign": ("{number} is not a locked invoice of this claim", "{number} 不是该报销单中锁定的发票"),
    "tax_id_form": ("not a valid tax id: {reason}", "税号无效：{reason}"),
    "identity_enrolled": ("{identity} is enrolled already as party {party}", "{identity} 已登记为参与方 {party}"),
    "identity_waiting": (
        "{identity} is being enrolled by another request; wait for its outcome",
        "{identity} 正由另一请求登记，请等待其结果",
    ),
    "grant_unknown": (
        "{given} is no grant; choose issue, finance or claim",
        "没有授权 {given}，可选 issue、finance、claim",
    ),
    "area_form": ("an area is 4 digits, for example 4403", "地区为 4 位数字，例如 4403"),
    "kind_unknown": ("choose enterprise or person", "请选择 enterprise 或 person"),
    "red_reason_unknown": (
        "{given} is no reason; choose issued_in_error, return, service_ended or allowance",
        "没有红冲原因 {given}，可选 issued_in_error、return、service_ended、allowance",
    ),
    "red_reason_missing": (
        "no slip stands that would say it; choose issued_in_error, return, service_ended or allowance",
        "没有有效的红字确认单，请填写红冲原因：issued_in_error、return、service_ended 或 allowance",
    ),
    "red_parts_or_document": ("give parts or a document, not both", "parts 与 document 只能填写一个"),
    "red_document_form": ("give a red document as an object", "请以对象形式填写红字发票"),
    "red_differs_from_slip": (
        "the slip that stands says otherwise; leave it out, or end the slip and open another",
        "与有效的红字确认单不一致，请留空，或撤销后重新发起",
    ),
    "cursor_form": ("not a cursor of this list; leave it out to start again", "游标无效，请留空重新开始"),
    "state_unknown": (
        "{given} is no state; choose free, locked, settled or cancelled",
        "没有状态 {given}，可选 free、locked、settled、cancelled",
    ),
    "text_range": ("at most {high} characters, and no control characters", "最多 {high} 个字符，且不含控制字符"),
}


def service_problem(path: str, code: str, **values: object) -> FieldProblem:
    """The problem `code` at `path`, its texts filled with `values`."""
    english, chinese = SERVICE_PROBLEMS[code]
    return FieldProblem(path, code, english.format(**values), chinese.format(**values))


def invalid(path: str, code: str, **values: object) -> InvalidRequest:
    """An error of one problem, to raise."""
    return InvalidRequest((service_problem(path, code, **values),))
