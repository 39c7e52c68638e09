"""Words of the public page in Chinese and English, and which of the two a reader wants."""

from __future__ import annotations

import re

LANGUAGES = ("zh", "en")
ACCEPTED_RANGES_MAX = 20  # languages of one Accept-Language header looked at

WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "title": "发票查验",
        "intro": "请输入发票上的三项内容。三项均相符才会显示发票信息。",
        "number": "发票号码（20 位数字）",
        "amount": "价税合计（元）",
        "hash": "校验哈希（64 位十六进制）",
        "submit": "查验",
        "other_language": "English",
        "match": "有一张发票三项均相符。",
        "no_match": "没有三项均相符的发票。",
        "erased": "有一张发票三项均相符，其票面信息已依法删除。链上历史保留，其证据核验结果为“已删除”；"
        "此前出具的证据仍然有效。",
        "outage": "现在无法查验，请稍后再试。这不说明发票的真伪。",
        "errors": "请更正以下内容：",
        "number_error": "发票号码为 20 位数字（0 到 9）。",
        "amount_error": "请填写金额，例如 1234.50。",
        "hash_error": "校验哈希为 64 位十六进制数字。",
        "invoice": "发票信息",
        "kind": "发票种类",
        "status": "发票状态",
        "claim": "报销状态",
        "seller": "销售方",
        "seller_tax_id": "销售方税号",
        "buyer": "购买方",
        "net": "金额",
        "tax": "税额",
        "gross": "价税合计",
        "issued_on": "开票日期",
        "commitment": "校验哈希",
        "block": "登记区块",
        "timeline": "流转记录",
        "time": "时间（北京时间）",
        "event": "事项",
        "evidence": "离线验证",
        "evidence_text": "下载本发票的公开证据文件，在自己的电脑上离线验证，无需信任本网站：",
        "download": "下载证据文件",
        "trust": "下载信任文件",
    },
    "en": {
        "title": "Check an invoice",
        "intro": "Enter three things printed on the invoice. Details are shown only when all three agree.",
        "number": "Invoice number (20 digits)",
        "amount": "Total including tax (yuan)",
        "hash": "Check hash (64 hex digits)",
        "submit": "Check",
        "other_language": "中文",
        "match": "An invoice matches all three.",
        "no_match": "No invoice matches all three.",
        "erased": "One invoice matches all three; what it said was erased. Its history stays, evidence of it is judged "
        "erased, and evidence handed out before stays valid.",
        "outage": "The check cannot be made now; try again later. This says nothing about the invoice.",
        "errors": "Please correct:",
        "number_error": "An invoice number is 20 digits, 0 to 9.",
        "amount_error": "Write the amount like 1234.50.",
        "hash_error": "The check hash is 64 hex digits.",
        "invoice": "The invoice",
        "kind": "Kind",
        "status": "State",
        "claim": "Reimbursement",
        "seller": "Seller",
        "seller_tax_id": "Seller's tax id",
        "buyer": "Buyer",
        "net": "Net",
        "tax": "Tax",
        "gross": "Total",
        "issued_on": "Issued on",
        "commitment": "Check hash",
        "block": "Recorded in block",
        "timeline": "What happened to it",
        "time": "Time (Beijing)",
        "event": "Event",
        "evidence": "Verify offline",
        "evidence_text": "Download this invoice's public evidence and verify it on your own computer, without trusting "
        "this website:",
        "download": "Download evidence",
        "trust": "Download trust file",
    },
}

TERMS: dict[str, dict[str, str]] = {
    "zh": {
        "ordinary": "普通发票", "special": "专用发票",
        "normal": "正常", "partly_red": "部分红冲", "fully_red": "全额红冲",
        "free": "未报销", "locked": "报销中", "settled": "已核销", "cancelled": "已取消",
        "issue": "开具", "transfer": "转交", "lock": "报销锁定", "unlock": "解除锁定", "settle": "核销",
        "book": "入账", "withdraw_booking": "撤销入账",
    },
    "en": {
        "ordinary": "Ordinary invoice", "special": "Special VAT invoice",
        "normal": "Normal", "partly_red": "Partly red-lettered", "fully_red": "Fully red-lettered",
        "free": "Not claimed", "locked": "Claimed", "settled": "Reimbursed", "cancelled": "Cancelled",
        "issue": "Issued", "transfer": "Handed on", "lock": "Locked by a claim", "unlock": "Released by its claim",
        "settle": "Reimbursed", "book": "Booked", "withdraw_booking": "Booking withdrawn",
    },
}  # fmt: skip
"""State and operation names as readers see them; one that is missing is shown as it is."""

_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,30})?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*", re.ASCII)


def choose_language(asked: str | None, accept_language: str) -> str:
    """`zh` or `en`: what was asked for by name, else the first the browser prefers, else Chinese."""
    if asked in LANGUAGES:
        return asked
    best, best_weight = "zh", -1
    for part in accept_language.split(",")[:ACCEPTED_RANGES_MAX]:
        match = _RANGE.fullmatch(part)
        if match is None or match.group(1).lower() not in LANGUAGES:
            continue
        weight = _thousandths(match.group(2) or "1")
        if weight > best_weight:
            best, best_weight = match.group(1).lower(), weight
    return best


def _thousandths(quality: str) -> int:
    whole, _, fraction = quality.partition(".")
    return int(whole) * 1000 + int(fraction.ljust(3, "0"))
