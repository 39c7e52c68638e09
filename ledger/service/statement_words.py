"""What the report of a statement means, in a sentence that people read, in Chinese and English."""

from __future__ import annotations

from verifier.report import Report, Result
from verifier.statement import Says

INVALID = (
    "无效：该声明与账本不符，或已被改动，请勿采信。",
    "Invalid: the statement is not what the ledger holds, or it was altered. Do not rely on it.",
)
UNCHECKED = (
    "无法核对：原因见下列步骤。这不说明该号码的任何情况。",
    "Could not check: the steps below say why. This tells nothing about the number.",
)
NEVER_ISSUED = (
    "有效：截至区块 {block}，本账本从未开具号码 {number}。",
    "Valid: as of block {block} this ledger had never issued the number {number}.",
)
NEVER_REGISTERED = (
    "有效：截至区块 {block}，无人在本账本登记过号码 {number}。该号码不属于本账本，是否在别处开具须向原平台查询。",
    (
        "Valid: as of block {block} nobody had registered the number {number} here. It is no number of this ledger; "
        "ask its own platform whether it was issued there."
    ),
)
NOT_SETTLED = (
    "有效：截至区块 {block}，发票 {number} 未核销。",
    "Valid: as of block {block} the invoice {number} was not settled.",
)
AS_OF = (
    "声明只说明截至该区块的情况，此后可能已有变化；需要时请索取新的声明。",
    "A statement tells what was so up to its block and nothing of later ones: ask for a recent one where it matters.",
)


def statement_words(report: Report) -> tuple[str, str]:
    """What the report of a statement says to its reader."""
    if report.verdict is Result.INVALID:
        return INVALID
    if report.verdict is Result.UNCHECKED:
        return UNCHECKED
    words = NOT_SETTLED
    if report.says == Says.NOT_ISSUED:
        is_own = report.steps[-1].compared["number_space"] == "this_ledger"
        words = NEVER_ISSUED if is_own else NEVER_REGISTERED
    zh, en = (one.format(block=report.block, number=report.number) for one in words)
    return zh, en
