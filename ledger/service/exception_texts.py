"""Kinds of exceptions in words."""

from __future__ import annotations

from ledger.domain.terms import Term
from verifier.words import ExceptionKind

KIND_TEXTS = {
    ExceptionKind.REDDENED_AFTER_SETTLEMENT: Term(
        "red-lettered after it was reimbursed; take the money back or correct the claim",
        "报销后被红冲，请追回款项或更正报销",
    ),
    ExceptionKind.REDDENED_AFTER_DEDUCTION: Term(
        "red-lettered after its tax was deducted; transfer the input tax out",
        "抵扣后被红冲，请作进项税额转出",
    ),
    ExceptionKind.FLAGGED_AFTER_USE: Term(
        "put under a risk flag after it was reimbursed or deducted; check it with the tax authority",
        "报销或抵扣后被列为异常凭证，请与税务机关核对",
    ),
    ExceptionKind.CLAIM_DISPLACED: Term(
        "its claim gave way to a stronger proof of the same number; ask the claimant for the original",
        "报销锁定被更强的凭证取代，请向报销人索取原件",
    ),
    ExceptionKind.SETTLEMENT_DISPUTED: Term(
        "another company holds a stronger proof of an invoice already reimbursed; check with the claimant",
        "其他公司对已报销的发票持有更强的凭证，请与报销人核实",
    ),
}
KIND_NAMES = {kind: kind.name.lower() for kind in ExceptionKind}


def kind_texts(kinds: int) -> tuple[str, str]:
    """What the bits `kinds` say, in English and Chinese."""
    found = [text for kind, text in KIND_TEXTS.items() if kinds & kind]
    return "; ".join(one.en for one in found), "；".join(one.zh for one in found)
