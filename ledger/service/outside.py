"""Invoices of elsewhere: what a file says and what would become of it, and what registering one signs.

Registering is part of opening a claim (ledger/service/claims.py): one operation registers and locks. How much the
source proves is signed and stands on chain; the contract lets a stronger proof of the same number take the lock over.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date

from ledger.domain.months import cst_date
from ledger.domain.numbers import format_number, is_ledger_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, OutsideDocument, invoices, keystore
from ledger.projection.invoices import InvoiceRecord
from ledger.service import instructions
from ledger.service.context import Context
from ledger.service.outside_facts import Claiming, OutsideFacts, OutsideItem, facts_of, problems_of
from ledger.service.outside_papers import (
    SEALED_OUTSIDE_DOCUMENT,
    SEALED_OUTSIDE_ORIGINAL,
    SEALED_OUTSIDE_SEED,
)
from ledger.service.outside_titles import Employer
from ledger.service.people import need_party
from ledger.service.problems import invalid
from ledger.service.refusals import refusal_of
from ledger.service.views import Caller, Refusal
from verifier.canonical import dumps
from verifier.commitment import commit
from verifier.operations import Operation, Reason
from verifier.words import LOCK_LIFETIME_S, Claim, Entry, Grant, PartyKind

SEED_SIZE = 32


@dataclass(frozen=True)
class OutsideReading:
    """What was read of an invoice of elsewhere, and what keeps it from being claimed; amounts in fen.

    `strength` is signed_original, original, qr or typed, None for a file that must not be registered; `problems` are
    (path, code, English, Chinese); `refusal` is what the ledger would say now, None when it would take it.
    """

    number: str
    code: str
    printed_number: str
    source: str
    strength: str | None
    signature: str | None
    signer: str
    kind: str | None
    colour: str
    issued_on: date | None
    net_fen: int | None
    tax_fen: int | None
    gross_fen: int | None
    seller_name: str
    seller_tax_id: str
    buyer_name: str
    buyer_tax_id: str
    file_sha256: str | None
    problems: tuple[tuple[str, str, str, str], ...]
    warnings: tuple[tuple[str, str, str, str], ...]
    refusal: Refusal | None


@dataclass(frozen=True)
class Registered:
    """What registering one item signs and keeps."""

    facts: OutsideFacts
    operation: Operation
    document: OutsideDocument


class Outside:
    """Reads invoices of elsewhere for people; signs nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def read(self, caller: Caller, item: OutsideItem, *, employer: int | None = None) -> OutsideReading:
        """What the item says and what would become of it at `employer`. Raises: InvalidRequest for no enterprise."""
        with self._context.reading() as connection:
            named = employer_of(connection, employer) if employer is not None else None
            claiming = claiming_of(self._context, caller, named)
            refusal = None
            read = item.read
            if read.number and read.strength is not None:
                reason = registration_reason(
                    invoices.invoice(connection, int(read.number)),
                    int(read.number),
                    read.strength,
                    self._context.now_s(),
                )
                if reason is not None:
                    refusal = refusal_of(self._context, connection, caller, reason, int(read.number))
        return OutsideReading(
            number=read.number,
            code=read.code,
            printed_number=read.printed_number,
            source=read.source.value,
            strength=read.strength.name.lower() if read.strength is not None else None,
            signature=read.signature.verdict.value if read.signature is not None else None,
            signer=read.signature.signer if read.signature is not None else "",
            kind=read.kind.value if read.kind is not None else None,
            colour=read.colour.value,
            issued_on=read.issued_on,
            net_fen=read.net_fen,
            tax_fen=read.tax_fen,
            gross_fen=read.gross_fen,
            seller_name=read.seller.name,
            seller_tax_id=read.seller.tax_id,
            buyer_name=read.buyer.name,
            buyer_tax_id=read.buyer.tax_id,
            file_sha256=hashlib.sha256(item.original).hexdigest() if item.original is not None else None,
            problems=tuple((p.path, p.code, p.message_en, p.message_zh) for p in problems_of(item, claiming)),
            warnings=tuple((p.path, p.code, p.message_en, p.message_zh) for p in read.warnings),
            refusal=refusal,
        )


def employer_of(connection: Connection, party: int) -> Employer:
    """The enterprise that is to reimburse. Raises: InvalidRequest at `employer`."""
    record = need_party(connection, party, path="employer", kind=PartyKind.ENTERPRISE)
    known = keystore.party_name(connection, record.identity)
    if known is None or known.tax_id is None:
        raise invalid("employer", "party_unknown", party=party)
    return Employer(party, known.display_name or known.tax_id, known.tax_id)


def claiming_of(context: Context, caller: Caller, employer: Employer | None) -> Claiming:
    """Circumstances of a claim that `caller` makes now."""
    today = cst_date(utc_time(context.now_s()))
    return Claiming(employer, caller.name if caller.kind == "person" else "", today)


def registrations(
    context: Context, connection: Connection, caller: Caller, items: list[OutsideItem], employer: int, claim_id: int
) -> list[Registered]:
    """Operations and sealed papers of items claimed from `employer`; their group is not known yet.

    Raises: InvalidRequest at `outside.N...` for what cannot be registered.
    """
    claiming = claiming_of(context, caller, employer_of(connection, employer))
    return [
        _registered(context, connection, caller, facts_of(item, claiming, f"outside.{index}"), item, employer, claim_id)
        for index, item in enumerate(items)
    ]


def registration_reason(record: InvoiceRecord | None, number: int, strength: int, now_s: int) -> Reason | None:
    """Why the contract would refuse a registration of that strength, None if it would take it; for telling people."""
    if is_ledger_number(number):
        return Reason.OF_LEDGER
    if record is None:
        return None
    if strength >= record.strength:
        lapsed = record.claimed_at is not None and now_s >= record.claimed_at + LOCK_LIFETIME_S
        if record.claim == Claim.SETTLED:
            return Reason.SETTLED
        if record.entry in (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE):
            return Reason.ALREADY_SO
        if record.claim == Claim.LOCKED and not lapsed:
            return Reason.LOCKED
    return Reason.FLAGGED if record.risk else None


def _registered(
    context: Context, connection: Connection, caller: Caller, facts: OutsideFacts, item: OutsideItem, employer: int,
    claim_id: int,
) -> Registered:  # fmt: skip
    record = invoices.invoice(connection, facts.number)
    number, seed = format_number(facts.number), secrets.token_bytes(SEED_SIZE)
    commitment = commit(facts.document, seed)
    operation = instructions.register_outside(
        subject=_subject(caller, employer),
        number=facts.number,
        version=record.version if record is not None else 0,
        employer=employer,
        month=facts.month,
        strength=facts.strength,
        special=facts.special,
        gross_fen=facts.gross_fen,
        tax_fen=facts.tax_fen,
        claim_id=claim_id,
        buyer_identity=facts.buyer_identity,
        commitment=commitment,
    )
    original = item.original
    document = OutsideDocument(
        number=facts.number,
        digest=b"",
        party=caller.party,
        kind=_KINDS.get(item.read.source.value.split("_")[0], "xml"),
        original_hash=hashlib.sha256(original).digest() if original is not None else None,
        sealed_original=context.seal(original, SEALED_OUTSIDE_ORIGINAL, number) if original is not None else None,
        sealed_document=context.seal(dumps(facts.document), SEALED_OUTSIDE_DOCUMENT, number),
        sealed_seed=context.seal(seed, SEALED_OUTSIDE_SEED, number),
        commitment=commitment,
        stored_at=context.now_s(),
    )
    return Registered(facts, operation, document)


_KINDS = {"ofd": "ofd", "pdf": "pdf", "image": "image", "qr": "qr", "typed": "typed"}


def _subject(caller: Caller, employer: int) -> int:
    """Whom the registrant acts for: itself with the claim grant, the employer with finance alone."""
    bits = caller.grants.get(employer, 0)
    return employer if bits & Grant.FINANCE and not bits & Grant.CLAIM else caller.party
