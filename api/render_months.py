"""Views of filing and deduction as plain JSON values."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from api.render import time_text
from ledger.service.deduction_views import DeductionView, PeriodView, PurposeSumView
from ledger.service.filing_views import FilingView, ReportView
from verifier.canonical import Json


def report_json(view: ReportView) -> dict[str, Json]:
    """A report with its filing."""
    return {
        "filed": view.filing is not None,
        "report": view.report.to_json(),
        "uninvoiced_net_fen": view.report.uninvoiced_net_fen,
        "uninvoiced_tax_fen": view.report.uninvoiced_tax_fen,
        "tax_due_fen": view.report.tax_due_fen,
        "filing": filing_json(view.filing) if view.filing is not None else None,
        "salt": view.salt,
    }


def filing_json(view: FilingView) -> dict[str, Json]:
    """One filing."""
    return {**asdict(view), "filed_at": time_text(view.filed_at)}


def deduction_json(view: DeductionView) -> dict[str, Json]:
    """The input tax of one invoice."""
    return {
        **asdict(view),
        "issued_at": time_text(view.issued_at),
        "purpose": view.purpose or None,
        "reason": view.reason or None,
        "selected_at": _optional_time(view.selected_at),
    }


def period_json(view: PeriodView) -> dict[str, Json]:
    """Statistics of a period."""
    return {
        **asdict(view),
        "by_purpose": [_purpose_json(one) for one in view.by_purpose],
        "confirmed_at": _optional_time(view.confirmed_at),
    }


def _purpose_json(view: PurposeSumView) -> dict[str, Json]:
    return {**asdict(view), "reason": view.reason or None}


def _optional_time(moment: datetime | None) -> Json:
    return None if moment is None else time_text(moment)
