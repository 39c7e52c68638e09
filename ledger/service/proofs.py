"""Evidence files, the trust file, and the public check."""

from __future__ import annotations

import hmac
from contextlib import suppress
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ledger.domain.document import parse_document
from ledger.domain.errors import NumberError
from ledger.domain.invoice import InvoiceDocument
from ledger.domain.numbers import format_number, parse_number
from ledger.domain.times import utc_time
from ledger.evidence import EvidenceChangedError, EvidenceUnavailableError, assemble
from ledger.identity import public_key_of
from ledger.projection import Connection, invoices, keystore, witnesses
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.keystore import StoredDocument
from ledger.service import checkpoints
from ledger.service.absent import absent
from ledger.service.attesting import erasure_of
from ledger.service.certifying import root_certificate
from ledger.service.context import SEALED_DOCUMENT, SEALED_SEED, Context
from ledger.service.errors import Busy, Erased, NotFound, NotWitnessed
from ledger.service.forms import checked_number
from ledger.service.outside_papers import opened_outside
from ledger.service.people import seen_invoice
from ledger.service.reading import CLAIMS, COLOURS, KINDS, operation_name
from ledger.service.views import Caller, PublicInvoice
from ledger.service.witness_views import Witnessed
from ledger.service.witnessing import trusted_witnesses
from verifier.bundle import Bundle
from verifier.canonical import Json, loads
from verifier.commitment import disclose
from verifier.words import Claim, Colour

DOCUMENT_SIZE_MAX = 4 << 20
PUBLIC_FIELDS = (  # what the public check may show: no buyer tax id, no lines
    "number", "kind", "colour", "issued_on", "seller.name", "seller.tax_id", "buyer.name", "net_fen", "tax_fen",
    "gross_fen", "original.number", "red_reason",
)  # fmt: skip


def evidence(context: Context, caller: Caller, number: str, *, witnessed: Witnessed = Witnessed.PREFERRED) -> bytes:
    """The whole evidence file of an invoice the caller may see: blue, red, or registered from elsewhere.

    Of an erased one without its document, with the authority's signature that it erased it.

    Raises: NotFound; Erased where nobody signed that; Busy while the projection lags; NotWitnessed.
    """
    key = checked_number(number)
    with context.reading() as connection:
        record = seen_invoice(connection, caller, key)
    return _bundle(context, record, witnessed).to_bytes()


def public_check(context: Context, number: str, gross_fen: int, commitment: str) -> PublicInvoice | None:
    """What the public may know of the invoice that matches all three; None on any mismatch, which says no more.

    A red's gross is compared without its sign, as its QR code carries it. An invoice of elsewhere matches nothing.

    Raises: Erased for one that matches and was erased.
    """
    with context.reading() as connection:
        record = _matching(connection, number, gross_fen, commitment)
        if record is None:
            return None
        document = opened_document(context, connection, record)
        steps = invoices.history(connection, record.number)
    if document is None:
        missing = absent(context, record.number)
        if isinstance(missing, Erased):
            raise missing
        return None
    assert document.issued_on is not None
    return PublicInvoice(
        number=format_number(record.number),
        kind=KINDS[record.kind],
        colour=COLOURS[Colour(record.colour)],
        claim_state=CLAIMS[Claim(record.claim)],
        seller_name=document.seller.name,
        seller_tax_id=document.seller.tax_id,
        buyer_name=document.buyer.name,
        net_fen=document.net_fen,
        tax_fen=document.tax_fen,
        gross_fen=document.gross_fen,
        issued_on=document.issued_on.isoformat(),
        commitment=record.commitment.hex(),
        block=record.issued_block,
        timeline=tuple((utc_time(s.time_s), operation_name(s.operation.code)) for s in steps),
    )


def public_evidence(context: Context, number: str, gross_fen: int, commitment: str) -> bytes | None:
    """Evidence redacted to what the public check shows; None on any mismatch. Raises: Erased."""
    with context.reading() as connection:
        record = _matching(connection, number, gross_fen, commitment)
    if record is None:
        return None
    try:
        return _bundle(context, record).redacted(PUBLIC_FIELDS).to_bytes()
    except NotFound:
        return None


def trust(context: Context) -> dict[str, Json]:
    """The trust file of this ledger: what a verifier pins."""
    identity = context.reader.identity
    with context.reading() as connection:
        root = root_certificate(connection).der
        trusted = trusted_witnesses(connection)
    pem = x509.load_der_x509_certificate(root).public_bytes(serialization.Encoding.PEM).decode()
    return {
        "format": "einvoice-trust",
        "version": 1,
        "chain_id": identity.chain_id,
        "genesis": identity.genesis_hash.hex(),
        "contracts": [
            {"address": address.hex(), "code_hash": code_hash.hex()}
            for address, code_hash in zip(identity.contracts, identity.code_hashes, strict=True)
        ],
        "sealers": [public_key_of(context.operator_key)[1:].hex()],
        "authority_root": pem,
        "witnesses": trusted,
    }


def opened_document(context: Context, connection: Connection, record: InvoiceRecord) -> InvoiceDocument | None:
    """An invoice's document, None once it was erased."""
    plain = _opened(context, connection, record)
    return None if plain is None else parse_document(plain[0])


def _opened(context: Context, connection: Connection, record: InvoiceRecord) -> tuple[dict[str, Json], bytes] | None:
    """Plain document and seed of an invoice on chain, None once erased or if it was issued elsewhere."""
    stored = keystore.document(connection, format_number(record.number), record.digest)
    if stored is None or stored.sealed_document is None or stored.sealed_seed is None:
        return None
    return opened_stored(context, stored)


def _disclosable(
    context: Context, connection: Connection, record: InvoiceRecord
) -> tuple[dict[str, Json], bytes] | None:
    """Plain content and seed of an invoice on chain, also of one issued elsewhere; None once erased."""
    if not record.is_outside:
        return _opened(context, connection, record)
    outside = opened_outside(context, connection, record)
    if outside is None or outside.document is None or outside.seed is None:
        return None
    return outside.document, outside.seed


def opened_stored(context: Context, stored: StoredDocument) -> tuple[dict[str, Json], bytes]:
    """Plain document and seed of a stored one that was not erased. Raises: SealError."""
    text = format_number(stored.number)
    value = loads(context.opened(stored.sealed_document or b"", SEALED_DOCUMENT, text), DOCUMENT_SIZE_MAX)
    assert isinstance(value, dict)
    return value, context.opened(stored.sealed_seed or b"", SEALED_SEED, text)


def _bundle(context: Context, record: InvoiceRecord, witnessed: Witnessed = Witnessed.PREFERRED) -> Bundle:
    with context.reading() as connection:
        opened = _disclosable(context, connection, record)
        erased = erasure_of(context, connection, record) if opened is None else None
        needed = witnesses.needed_witnesses(connection)
        count = 0 if witnessed is Witnessed.NONE else max(needed, int(witnessed is Witnessed.REQUIRED))
        point = checkpoints.witnessed_block(context, connection, count) if count else None
        root = root_certificate(connection).der
    content = erased if opened is None else disclose(*opened)
    if content is None:
        raise absent(context, record.number)
    made = partial(
        assemble, context.reading, context.reader, record.number, content, root,
        countersigned=partial(_countersigned, context, count),
    )  # fmt: skip
    try:
        if point is not None:
            with suppress(EvidenceChangedError):
                return made(at=point.block)
        if witnessed is Witnessed.REQUIRED:
            raise NotWitnessed(format_number(record.number), count)
        return made()
    except EvidenceUnavailableError as err:
        raise Busy from err


def _countersigned(context: Context, count: int, block: int) -> tuple[str, tuple[str, ...]] | None:
    with context.reading() as connection:
        found = checkpoints.witnessed_at(context, connection, block, count)
    return None if found is None else (found.text, found.lines)


def _matching(connection: Connection, number: str, gross_fen: int, commitment: str) -> InvoiceRecord | None:
    """The invoice that all three agree on. Compared without telling by time which one differs."""
    try:
        key = int(parse_number(number))
    except NumberError:
        key = 0
    record = invoices.invoice(connection, key)
    known = record.commitment.hex() if record is not None else "0" * 64
    same_commitment = hmac.compare_digest(known.encode(), commitment.encode(errors="replace"))
    same_gross = record is not None and not record.is_outside and record.gross_fen == abs(gross_fen)
    return record if same_commitment and same_gross else None
