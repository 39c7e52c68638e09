"""Fixed answers of the recording double: filing, deduction, officers' lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ledger.domain.invoice import RateMark
from ledger.domain.month_report import InputTax, MonthReport, NumberGap, RateSum
from ledger.domain.months import parse_month
from ledger.service.deduction_views import DeductionPage, DeductionView, PeriodView, PurposeSumView
from ledger.service.filing_views import FilingView, ReportView
from ledger.service.month_reporting import Declared
from ledger.service.supervision_views import (
    DuplicateView,
    NonfilerView,
    SupervisedException,
    SupervisedRefusal,
    SupervisionPage,
)

NUMBERS = [f"9440326091100000000{at}" for at in range(1, 4)]
NOW = datetime(2026, 12, 5, 2, 30, tzinfo=UTC)
HASH, DIGEST, CLAIM_ID = "d4" * 32, "5b" * 32, "7f" * 16

REPORT = MonthReport(
    party=5, seller="91440300MA5E0000AB", month=parse_month("2026-11"), blue_gross_fen=21_200, blue_net_fen=20_000,
    blue_tax_fen=1_200, blue_count=2, red_gross_fen=0, red_net_fen=0, red_tax_fen=0, red_count=0,
    quota_used_fen=21_200, by_rate=(RateSum(600, RateMark.RATE, 20_000, 1_200),), first_number=NUMBERS[0],
    last_number=NUMBERS[2], gaps=(NumberGap(NUMBERS[1], NUMBERS[1]),), gap_count=1, gap_numbers=1,
    input_tax=InputTax(600, 1, 0), uninvoiced=(), correction_of=HASH, note="零星收入",
)  # fmt: skip
FILING = FilingView(1, True, HASH, HASH, NOW, 14, "吴会计", 512, DIGEST)
DEDUCTION = DeductionView(
    NUMBERS[0], "special", 5, "卖方", 7, "买方", "2026-11", NOW, 10_600, 600, True, 600, "selected", False,
    "2026-11", "not_deduct", "not deducted", "不抵扣", 0, "exempt", "used for what is exempt", "用于免税项目", NOW, 0,
)  # fmt: skip
PERIOD = PeriodView(
    party=7, period="2026-11", state="confirmed", frozen=True, count=1, valid_tax_fen=600, deducted_tax_fen=600,
    by_purpose=(PurposeSumView("deduct", "deduct", "抵扣", "", "", "", 1, 600),), confirmed_at=NOW, confirmed_by=14,
    digest=DIGEST,
)  # fmt: skip
NONFILER = NonfilerView(
    5, "卖方", "91440300MA5E0000AB", "4403", "2026-09", 2, False, True, 2, 21_200, 0, 21_200
)  # fmt: skip
EXCEPTION = SupervisedException(
    NUMBERS[0], ("flagged_after_use",), "flagged", "异常凭证", "set_risk_flag", 7, "买方", "4403", None, "", None,
    10_600, NOW, 512, None, NOW,
)  # fmt: skip
REFUSAL = SupervisedRefusal(
    "already_so", "Already so.", "已是如此。", "open_month", None, 1, "税务局", "", 1, "税务局", None, NOW, DIGEST
)
DUPLICATE = DuplicateView(
    NUMBERS[0],
    "displaced",
    10_600,
    None,
    "",
    None,
    "",
    None,
    None,
    15,
    "王芳",
    8,
    "另一公司",
    "4403",
    CLAIM_ID,
    NOW,
    DIGEST,
)

TABLE = ("\ufeff企业\r\n".encode(), "1f3")

MONTH_WRITES = (
    "filing.file", "filing.refile", "deductions.select", "deductions.unselect", "deductions.confirm",
)  # fmt: skip
MONTH_ANSWERS: dict[str, Any] = {
    **dict.fromkeys(MONTH_WRITES, lambda ledger, _: ledger.written),
    "filing.report": lambda *_: ReportView(REPORT, FILING, "0f" * 16),
    "filing.declared": lambda *_: Declared((RateSum(600, RateMark.RATE, 250_000, 15_000),), (), "零星收入"),
    "filing.declare": lambda *_: None,
    "filing.filings": lambda *_: (FILING,),
    "deductions.deduction": lambda *_: DEDUCTION,
    "deductions.selectable": lambda *_: DeductionPage((DEDUCTION,), "1f3"),
    "deductions.selected": lambda *_: DeductionPage((DEDUCTION,), None),
    "deductions.period": lambda *_: PERIOD,
    "supervision.nonfilers": lambda *_: SupervisionPage((NONFILER,), "1f3"),
    "supervision.exceptions": lambda *_: SupervisionPage((EXCEPTION,), None),
    "supervision.refusals": lambda *_: SupervisionPage((REFUSAL,), None),
    "supervision.duplicates": lambda *_: SupervisionPage((DUPLICATE,), None),
    "supervision.nonfilers_table": lambda *_: TABLE,
    "supervision.exceptions_table": lambda *_: TABLE,
    "supervision.refusals_table": lambda *_: TABLE,
    "supervision.duplicates_table": lambda *_: TABLE,
}
