"""Why the ledger refused, for people: each reason code of the contract in English and Chinese.

Every text has two parts: what happened, and what to do next. The codes are `verifier.operations.Reason`.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.operations import Reason


@dataclass(frozen=True, slots=True)
class ReasonText:
    """What happened and what to do next, in English and Chinese."""

    what_en: str
    next_en: str
    what_zh: str
    next_zh: str


REASON_TEXTS: dict[Reason, ReasonText] = {
    Reason.UNKNOWN_OPERATION: ReasonText(
        "This ledger does not know the operation.",
        "Use a current version of the program; the operation may come with a later ledger.",
        "账本不支持该操作。",
        "请使用最新版本的程序；该操作可能要等账本升级后才能使用。",
    ),
    Reason.OUT_OF_ORDER: ReasonText(
        "The operations of the group are not in ascending order of number, or one number occurs twice.",
        "Sort them by number, each once, and sign again.",
        "同一组内的操作没有按号码升序排列，或号码重复。",
        "请按号码升序排列、每个号码只出现一次，然后重新签名。",
    ),
    Reason.NOT_PERMITTED: ReasonText(
        "The signer has no role or grant for this.",
        "Ask the enterprise for the grant (issue, finance or claim), or the tax authority for the role.",
        "签名人没有相应的角色或授权。",
        "请向企业申请授权（开票、财务或报销），或向税务机关申请角色。",
    ),
    Reason.SUSPENDED: ReasonText(
        "The signer or the seller is suspended.",
        "Ask the tax authority why, and to reinstate it.",
        "签名人或销售方已被停用。",
        "请向税务机关了解原因并申请恢复。",
    ),
    Reason.STALE_VERSION: ReasonText(
        "Somebody changed the invoice or the party in the meantime.",
        "Load it again, check what changed, and repeat the step if it is still right.",
        "发票或主体在此期间已被他人更改。",
        "请重新载入，核对变化，确认仍需操作后再试。",
    ),
    Reason.BAD_TERMS: ReasonText(
        "An amount, label, kind, address or id is outside its range.",
        "Correct the value; nothing was recorded.",
        "金额、标签、类别、地址或编号超出允许范围。",
        "请更正后重试；本次没有任何记录。",
    ),
    Reason.UNKNOWN_PARTY: ReasonText(
        "A named party does not exist or is of another kind.",
        "Check the party; a person must be enrolled before being named.",
        "所指主体不存在或类别不符。",
        "请核对主体；个人须先登记才能被指定。",
    ),
    Reason.UNKNOWN_INVOICE: ReasonText(
        "The ledger has no invoice with this number.",
        "Check the 20 digits. A genuine invoice of this ledger is found by its number at once.",
        "账本中没有该号码的发票。",
        "请核对 20 位号码；本账本的真实发票凭号码可立即查到。",
    ),
    Reason.ALREADY_SO: ReasonText(
        "It is so already: enrolled, granted, allotted, opened, suspended, held, booked or acknowledged.",
        "Nothing needs to be done; to book it otherwise, withdraw its booking first.",
        "已是该状态：已登记、已授权、已领用、已开放、已停用、已持有、已入账或已确认知悉。",
        "无需再操作；如需改变入账方式，请先撤销入账。",
    ),
    Reason.MIXED_GROUP: ReasonText(
        "The group mixes what is signed apart: sellers, months, or a red letter, confirmation or filing with others.",
        "Make one group for each seller and month; sign a red letter, a confirmation and a filing each alone.",
        "同一组内混合了须分开签名的操作：多个销售方或月份，或红字开票、抵扣确认、申报与其他操作同组。",
        "请按销售方和月份分组；红字开票、抵扣确认和申报须单独签名。",
    ),
    Reason.NOT_IN_SEGMENT: ReasonText(
        "The number is not in the seller's segment.",
        "Use a number allotted to the seller, or ask the tax authority for a new segment.",
        "号码不在销售方领用的号段内。",
        "请使用已领用的号码，或向税务机关申领新号段。",
    ),
    Reason.NUMBER_TAKEN: ReasonText(
        "An invoice with this number exists already.",
        "Look it up before issuing again: it may be the same invoice, recorded by an earlier try.",
        "该号码已开具发票。",
        "请先查询该发票：可能前一次提交已经成功，不要重复开具。",
    ),
    Reason.MONTH_NOT_OPEN: ReasonText(
        "The month is not open now, for issuing or for selecting.",
        "Take a month that is open, or wait until this one is opened.",
        "该月份当前未开放（开票或勾选抵扣）。",
        "请使用已开放的月份，或等待该月份开放。",
    ),
    Reason.MONTHS_UNFILED: ReasonText(
        "The month before last is not filed, so no invoice can be issued.",
        "File the missing months, then issue.",
        "上上个月尚未申报，暂不能开票。",
        "请先完成欠缺月份的申报，再开票。",
    ),
    Reason.MONTH_FILED: ReasonText(
        "The month is filed and frozen.",
        "Use a later month; what was declared is changed by a correction of the filing.",
        "该月份已申报并冻结。",
        "请使用之后的月份；已申报的内容可办理更正申报。",
    ),
    Reason.QUOTA_EXCEEDED: ReasonText(
        "The amount is above what is left of the month's quota.",
        "Issue less, wait for the next month, or ask the tax authority for a higher quota.",
        "金额超过本月剩余授信额度。",
        "请减少金额、等待下月，或向税务机关申请调增额度。",
    ),
    Reason.NOT_HOLDER: ReasonText(
        "The invoice is held by another party.",
        "Ask the holder to transfer it; the history shows who holds it.",
        "发票由其他主体持有。",
        "请联系持有人转交；历史记录中可查到当前持有人。",
    ),
    Reason.LOCKED: ReasonText(
        "The invoice is in a claim already and cannot be claimed again or handed on.",
        "See in its history which claim holds it, whose and since when; it is free again when that claim is withdrawn.",
        "发票已在报销中，不能重复报销或转交。",
        "请在历史记录中查看由谁、何时、在哪张报销单中锁定；该报销撤回后即可使用。",
    ),
    Reason.SETTLED: ReasonText(
        "The invoice has been reimbursed; that cannot be undone.",
        "Take it off the claim; its history names the claim that was paid.",
        "发票已核销，不可撤销。",
        "请从报销单中移除；历史记录中可查到已支付的报销单。",
    ),
    Reason.REDDENED: ReasonText(
        "The invoice has been red-lettered.",
        "Ask the seller for a new invoice.",
        "发票已被红冲。",
        "请向销售方索取新发票。",
    ),
    Reason.FLAGGED: ReasonText(
        "The invoice is under a risk flag of the tax authority.",
        "Ask the seller or the tax authority; it can be used again when the flag is cleared.",
        "发票已被税务机关标记为异常凭证。",
        "请联系销售方或税务机关；解除标记后可继续使用。",
    ),
    Reason.OWN_INVOICE: ReasonText(
        "The holder or the employer is the seller itself.",
        "An enterprise cannot reimburse, book or deduct its own sale; take the invoice off.",
        "持有人或报销单位就是销售方自己。",
        "企业不能报销、入账或抵扣自己开具的发票，请移除。",
    ),
    Reason.WRONG_BUYER: ReasonText(
        "The invoice names another buyer than this employer.",
        "Claim it from the buyer it names, or ask the seller for a new invoice in the employer's name.",
        "发票购买方不是该报销单位。",
        "请向发票所载购买方报销，或请销售方以本单位名义重新开具。",
    ),
    Reason.NOT_LOCKED: ReasonText(
        "The invoice is not locked under this claim.",
        "Load the claim again: it was withdrawn or lapsed, or the claim id is another one.",
        "发票未在该报销单下锁定。",
        "请重新载入报销单：可能已撤回、已过期，或报销单编号不符。",
    ),
    Reason.OWN_CLAIM: ReasonText(
        "The claimant cannot settle their own claim.",
        "Let another person with the finance grant settle it.",
        "报销人不能核销自己的报销单。",
        "请由另一位有财务授权的人员核销。",
    ),
    Reason.NOT_BOOKED: ReasonText(
        "There is no booking to withdraw.",
        "Nothing needs to be done.",
        "没有可撤销的入账。",
        "无需操作。",
    ),
    Reason.TOTALS_DIFFER: ReasonText(
        "The sums or the count of the return differ from the ledger's.",
        "Load the month's totals again and file those; the ledger counts every recorded invoice.",
        "申报的合计或份数与账本不一致。",
        "请重新载入该月合计后申报；账本统计全部已登记发票。",
    ),
    Reason.MONTH_NOT_NEXT: ReasonText(
        "Months are filed in order, and this is not the next one.",
        "File the earliest month that is not filed yet.",
        "须按月份顺序申报，该月份不是下一个待申报月份。",
        "请先申报最早的未申报月份。",
    ),
    Reason.NOT_BUYER: ReasonText(
        "The subject is not the buyer of the invoice.",
        "Only the buyer the invoice names can select it for deduction.",
        "操作方不是发票的购买方。",
        "只有发票所载购买方可以勾选抵扣。",
    ),
    Reason.EXCEEDS: ReasonText(
        "The amount is more than what is left of the invoice.",
        "Give at most what is left; load the invoice again: earlier red letters may have used part of it.",
        "金额超过发票的剩余可用额。",
        "金额不得超过剩余可用额；请重新载入发票：此前的红字发票可能已冲减一部分。",
    ),
    Reason.SLIP_NEEDED: ReasonText(
        "The other side has not agreed to this red letter.",
        "Open a red slip with these amounts and let the other side confirm it, then issue the red.",
        "对方尚未确认本次红冲。",
        "请先开具金额一致的红字信息确认单并由对方确认，再开具红字发票。",
    ),
    Reason.SLIP_OPEN: ReasonText(
        "A red slip of this invoice stands already.",
        "Answer, use or withdraw that slip first; the history shows who opened it and when.",
        "该发票已有一张有效的红字信息确认单。",
        "请先处理、使用或撤回该确认单；历史记录中可查到开具方和时间。",
    ),
    Reason.NO_SLIP: ReasonText(
        "The invoice has no red slip that waits for this.",
        "Load the invoice again: the slip was answered, used or withdrawn.",
        "该发票没有处于相应状态的红字信息确认单。",
        "请重新载入发票：确认单可能已答复、已使用或已撤回。",
    ),
    Reason.SLIP_LAPSED: ReasonText(
        "Nobody answered the red slip within 72 hours, so it is void.",
        "Open a new slip.",
        "红字信息确认单超过 72 小时未确认，已作废。",
        "请重新开具确认单。",
    ),
    Reason.IS_RED: ReasonText(
        "A red invoice cannot be claimed, handed on, booked, deducted or reddened.",
        "Work with the blue invoice it names.",
        "红字发票不能报销、转交、入账、抵扣或再次红冲。",
        "请对其对应的蓝字发票进行操作。",
    ),
    Reason.OUTSIDE: ReasonText(
        "The invoice was not issued on this ledger.",
        "Redden or deduct it on the platform that issued it.",
        "该发票不是在本账本开具的。",
        "请在原开票平台办理红冲或抵扣。",
    ),
    Reason.OF_LEDGER: ReasonText(
        "The number belongs to this ledger, so the invoice is here and not outside.",
        "Claim the invoice itself, by its number; if it is not found, it was never issued.",
        "该号码属于本账本，不是外部发票。",
        "请直接凭号码报销该发票；如查无此票，则从未开具。",
    ),
    Reason.NOT_DEDUCTIBLE: ReasonText(
        "An ordinary invoice gives no input tax to deduct.",
        "Book it without deduction, or ask the seller for a special invoice.",
        "普通发票不能抵扣进项税额。",
        "请按不抵扣入账，或请销售方开具专用发票。",
    ),
    Reason.NOT_SELECTED: ReasonText(
        "The invoice is not selected for deduction.",
        "Nothing needs to be done.",
        "该发票未勾选抵扣。",
        "无需操作。",
    ),
    Reason.PERIOD_CONFIRMED: ReasonText(
        "The deduction of the period is confirmed and frozen.",
        "Select it in a later period.",
        "该所属期的抵扣已确认并冻结。",
        "请在之后的所属期勾选。",
    ),
    Reason.NO_EXCEPTION: ReasonText(
        "The invoice has no exception to acknowledge.",
        "Nothing needs to be done.",
        "该发票没有待确认的异常。",
        "无需操作。",
    ),
    Reason.REPORT_DIFFERS: ReasonText(
        "The report named as replaced is not the one filed.",
        "Load the month's filing again and correct that one.",
        "所更正的申报表不是已申报的那一份。",
        "请重新载入该月申报后再更正。",
    ),
    Reason.MONTH_NOT_FILED: ReasonText(
        "The month is not filed yet, so there is nothing to correct.",
        "File it first.",
        "该月份尚未申报，无法更正。",
        "请先申报。",
    ),
}


def reason_text(code: int) -> ReasonText:
    """Texts of a reason code.

    Raises: KeyError for a code that no reason has.
    """
    try:
        return REASON_TEXTS[Reason(code)]
    except ValueError as err:
        raise KeyError(code) from err
