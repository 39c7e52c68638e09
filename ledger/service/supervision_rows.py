"""Rows of officers' lists, from what the projection found."""

from __future__ import annotations

from ledger.domain.months import format_month
from ledger.domain.numbers import format_number
from ledger.domain.reasons import REASON_TEXTS
from ledger.domain.times import utc_time
from ledger.projection.exceptions import ExceptionRecord
from ledger.projection.supervision import DuplicateRecord, NonfilerRecord, RefusalRecord
from ledger.service.exception_texts import KIND_NAMES, kind_texts
from ledger.service.reading import operation_name
from ledger.service.supervision_views import DuplicateView, NonfilerView, SupervisedException, SupervisedRefusal
from verifier.operations import Reason

AREA = slice(2, 6)  # of a unified social credit code: the area that registered it, without its district
USCC_LENGTH = 18


def area_of(tax_id: str) -> str:
    """4 digits of the area in a unified social credit code, "" of any other tax id."""
    area = tax_id[AREA]
    return area if len(tax_id) == USCC_LENGTH and area.isdecimal() else ""


def nonfiler_view(record: NonfilerRecord, month: int, names: dict[int, str], codes: dict[int, str]) -> NonfilerView:
    """An enterprise that has not filed `month`; names and tax ids by party id."""
    tax_id = codes.get(record.party, "")
    return NonfilerView(
        party=record.party,
        name=names.get(record.party, ""),
        tax_id=tax_id,
        area=area_of(tax_id),
        filed_through=format_month(record.filed_through),
        months_behind=month - record.filed_through,
        suspended=record.suspended,
        lifted=record.lifted,
        count=record.count,
        blue_gross_fen=record.blue_gross_fen,
        red_gross_fen=record.red_gross_fen,
        gross_fen=record.blue_gross_fen - record.red_gross_fen,
    )


def exception_view(record: ExceptionRecord, names: dict[int, str], codes: dict[int, str]) -> SupervisedException:
    """An exception; names and tax ids by party id."""
    english, chinese = kind_texts(record.kinds)
    return SupervisedException(
        number=format_number(record.number),
        kinds=tuple(name for kind, name in KIND_NAMES.items() if record.kinds & kind),
        text=english,
        text_zh=chinese,
        operation=operation_name(record.code),
        party=record.party or None,
        party_name=names.get(record.party, ""),
        area=area_of(codes.get(record.party, "")),
        claimant=record.claimant,
        claimant_name=names.get(record.claimant or 0, ""),
        claim_id=record.claim_id,
        gross_fen=record.gross_fen,
        raised_at=utc_time(record.raised_at),
        block=record.block,
        officer_at=utc_time(record.officer_at) if record.officer_at is not None else None,
        party_at=utc_time(record.party_at) if record.party_at is not None else None,
    )


def refusal_view(record: RefusalRecord, names: dict[int, str], codes: dict[int, str]) -> SupervisedRefusal:
    """A refused group; names and tax ids by party id."""
    reason = Reason(record.reason)
    return SupervisedRefusal(
        reason=reason.name.lower(),
        reason_text=REASON_TEXTS[reason].what_en,
        reason_text_zh=REASON_TEXTS[reason].what_zh,
        operation=operation_name(record.code),
        number=format_number(record.number) if record.number is not None else None,
        party=record.subject,
        party_name=names.get(record.subject, ""),
        area=area_of(codes.get(record.subject, "")),
        actor=record.actor,
        actor_name=names.get(record.actor, ""),
        gross_fen=record.gross_fen,
        refused_at=utc_time(record.refused_at),
        digest=record.digest.hex(),
    )


def duplicate_view(record: DuplicateRecord, names: dict[int, str], codes: dict[int, str]) -> DuplicateView:
    """A second claim; names and tax ids by party id."""
    return DuplicateView(
        number=format_number(record.number),
        kind=record.kind,
        gross_fen=record.gross_fen,
        first_claimant=record.first_claimant,
        first_claimant_name=names.get(record.first_claimant or 0, ""),
        first_employer=record.first_employer,
        first_employer_name=names.get(record.first_employer or 0, ""),
        first_claim_id=record.first_claim_id,
        first_at=utc_time(record.first_at) if record.first_at is not None else None,
        second_claimant=record.second_claimant,
        second_claimant_name=names.get(record.second_claimant, ""),
        second_employer=record.second_employer,
        second_employer_name=names.get(record.second_employer, ""),
        area=area_of(codes.get(record.second_employer, "")),
        second_claim_id=record.second_claim_id,
        happened_at=utc_time(record.happened_at),
        digest=record.digest.hex(),
    )
