"""What a holder does with an invoice: hand it on, book it, take the booking back."""

from __future__ import annotations

from ledger.projection import Connection, invoices
from ledger.projection.invoices import InvoiceRecord
from ledger.service import instructions
from ledger.service.context import Context
from ledger.service.external_ids import BOOKING_ID, TRANSFER_ID, checked_id, new_id
from ledger.service.forms import checked_number, checked_party, checked_text, salted
from ledger.service.people import need_party
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code
from verifier.words import Entry

REASON_LENGTH_MAX = 200


def transfer(
    context: Context, caller: Caller, number: str, to: int, *, subject: int | None, idempotency_key: str,
    external_id: str | None = None,
) -> Written:  # fmt: skip
    """Hands an invoice to another party, which holds it from then on."""
    with context.reading() as connection:
        need_party(connection, to, path="to")
    return _on_invoice(
        context, caller, Code.TRANSFER, number, subject, idempotency_key, {"to": to}, party=to, kind="transfer",
        external_id=external_id,
    )  # fmt: skip


def book(
    context: Context, caller: Caller, number: str, *, deductible: bool, subject: int | None, idempotency_key: str,
    external_id: str | None = None,
) -> Written:  # fmt: skip
    """Enters an invoice into the holder's accounts, income-tax deductible or not."""
    label = Entry.DEDUCTIBLE if deductible else Entry.NOT_DEDUCTIBLE
    return _on_invoice(
        context,
        caller,
        Code.BOOK,
        number,
        subject,
        idempotency_key,
        {"deductible": deductible},
        option=label,
        kind="book",
        external_id=external_id,
    )


def withdraw_booking(
    context: Context, caller: Caller, number: str, *, subject: int | None, reason: str, idempotency_key: str
) -> Written:
    """Takes the booking back; history keeps both."""
    text = checked_text("reason", reason, REASON_LENGTH_MAX)
    return _on_invoice(
        context, caller, Code.WITHDRAW_BOOKING, number, subject, idempotency_key, {"reason": text},
        kind="withdraw booking", text=text,
    )  # fmt: skip


def _on_invoice(
    context: Context, caller: Caller, code: Code, number: str, subject: int | None, idempotency_key: str,
    request: dict[str, Json], *, kind: str, party: int = 0, option: int = 0, text: str = "",
    external_id: str | None = None,
) -> Written:  # fmt: skip
    key = checked_number(number)
    if subject is not None:
        checked_party("subject", subject)
    own_id = checked_id(external_id)

    def prepare(connection: Connection) -> Draft:
        record = invoices.invoice(connection, key)
        acted = _subject(caller, record, subject)
        own_ids = new_id(connection, caller, acted, BOOKING_ID if code == Code.BOOK else TRANSFER_ID, own_id)
        reference = salted(context, caller, kind, text)
        operation = instructions.on_invoice(
            code,
            subject=acted,
            number=key,
            version=record.version if record is not None else 0,
            ref=reference.ref,
            party=party,
            option=option,
        )
        return Draft((operation,), references=(reference,), external_ids=own_ids)

    asked: dict[str, Json] = {**request, "number": number, "subject": subject}
    if own_id is not None:
        asked["external_id"] = own_id
    hashed = request_hash(kind, asked)
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def _subject(caller: Caller, record: InvoiceRecord | None, subject: int | None) -> int:
    """Whom the caller acts for: as named, else the holder if that granted it anything, else itself."""
    if subject is not None:
        return subject
    if record is not None and record.holder in caller.grants:
        return record.holder
    return caller.party
