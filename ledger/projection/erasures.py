"""Erasing what a row says of people while the chain keeps its history, and the list of what was erased.

Sealed bytes hold their own wrapped keys: with them gone nothing opens, whatever the master key. SQLite overwrites the
pages (`secure_delete`); the write-ahead log is emptied by `truncate_log`, as it holds copies of pages.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, exists, or_, select, update

from ledger.projection import signing_drafts
from ledger.projection.columns import number_text
from ledger.projection.database import translated
from ledger.projection.derived import OPERATION_RECORD, PARTY
from ledger.projection.derived_rules import RED
from ledger.projection.enrolment_requests import addresses_of
from ledger.projection.ground import CLAIM_REQUEST, DOCUMENT, IN_VAIN, OPERATION, PARTY_NAME, REFERENCE
from ledger.projection.ground_enrolment import ENROLMENT_REQUEST
from ledger.projection.ground_privacy import ERASURE, ErasedKind
from ledger.projection.ground_providers import PROVIDER_LINK
from ledger.projection.ground_sign_in import INVITATION, PASSWORD, SESSION
from ledger.projection.ground_tills import BUYER_TITLE
from ledger.projection.ground_work import BULK_ROW, CLAIM_APPROVAL, OUTSIDE_DOCUMENT, WEBHOOK, WEBHOOK_DELIVERY
from ledger.projection.keystore import forget_document
from ledger.projection.outside_documents import forget_outside_document
from ledger.projection.reds_in_vain import forget_reds_in_vain

ERASURES_MAX = 1_000_000  # of one ledger, in one list


@dataclass(frozen=True)
class Erasure:
    """One erasure: `target` is an invoice number of 20 digits or a party id; `actor` who erased, 0 after a restore."""

    kind: ErasedKind
    target: str
    actor: int
    sealed_reason: bytes
    erased_at: int


def add_erasure(connection: Connection, new: Erasure) -> bool:
    """Puts an erasure on the list; False when the same thing stands there."""
    if erasure(connection, new.kind, new.target) is not None:
        return False
    connection.execute(
        ERASURE.insert(),
        {
            "kind": new.kind.value, "target": new.target, "actor": new.actor, "sealed_reason": new.sealed_reason,
            "erased_at": new.erased_at,
        },
    )  # fmt: skip
    return True


def erasure(connection: Connection, kind: ErasedKind, target: str) -> Erasure | None:
    """The erasure of one thing."""
    row = connection.execute(
        select(ERASURE).where(ERASURE.c.kind == kind.value, ERASURE.c.target == target)
    ).one_or_none()
    return None if row is None else _erasure(row)


def erasures(connection: Connection) -> tuple[Erasure, ...]:
    """Every erasure, oldest first."""
    rows = connection.execute(select(ERASURE).order_by(ERASURE.c.seq).limit(ERASURES_MAX))
    return tuple(_erasure(row) for row in rows)


def erased_among(connection: Connection, numbers: Collection[int]) -> frozenset[int]:
    """Those of at most 500 invoices that were erased, reds with their blues."""
    texts = [number_text(number) for number in numbers]
    of_blue = select(RED.c.number).where(RED.c.number.in_(texts), exists(_of_target(RED.c.blue)))
    rows = select(ERASURE.c.target).where(ERASURE.c.kind == ErasedKind.INVOICE.value, ERASURE.c.target.in_(texts))
    return frozenset(int(one) for one in (*connection.execute(rows).scalars(), *connection.execute(of_blue).scalars()))


def erased_since(connection: Connection, numbers: Collection[int], since_s: int) -> bool:
    """Whether one of at most 512 invoices, or its blue, was erased at that time (seconds since 1970) or later."""
    texts = [number_text(number) for number in numbers]
    blues = connection.execute(select(RED.c.blue).where(RED.c.number.in_(texts))).scalars().all()
    found = select(ERASURE.c.seq).where(
        ERASURE.c.kind == ErasedKind.INVOICE.value,
        ERASURE.c.target.in_([*texts, *blues]),
        ERASURE.c.erased_at >= since_s,
    )
    return connection.execute(found.limit(1)).one_or_none() is not None


def erased_people(connection: Connection) -> frozenset[bytes]:
    """Identity hashes of people that were erased."""
    targets = select(ERASURE.c.target).where(ERASURE.c.kind == ErasedKind.PERSON.value)
    ids = [int(one) for one in connection.execute(targets).scalars()]
    return frozenset(connection.execute(select(PARTY.c.identity).where(PARTY.c.id.in_(ids))).scalars())


def erase_invoice(connection: Connection, number: int) -> int:
    """Erases what is kept of an invoice and its reds beside the chain; how many documents.

    Documents with their seeds, of reds signed in vain too, originals of elsewhere, slips' drafts, the words behind its
    operations, approvers' notes on its line, rows of sheets.
    """
    named = number_text(number)
    numbers = [named, *connection.execute(select(RED.c.number).where(RED.c.blue == named)).scalars()]
    refs = select(OPERATION_RECORD.c.ref).where(OPERATION_RECORD.c.number.in_(numbers))
    connection.execute(update(REFERENCE).where(REFERENCE.c.ref.in_(refs)).values(sealed=None))
    connection.execute(update(CLAIM_APPROVAL).where(CLAIM_APPROVAL.c.number.in_(numbers)).values(sealed_note=None))
    of_rows = update(BULK_ROW).where(BULK_ROW.c.number.in_(numbers))
    connection.execute(of_rows.values(sealed_draft=None, problems=None))
    in_vain = forget_reds_in_vain(connection, number)
    return in_vain + forget_document(connection, named) + forget_outside_document(connection, number)


def erase_person(connection: Connection, party: int, identity: bytes, now_s: int) -> None:
    """Erases who a person is, how it signs in and what it wrote; on the chain `person N` goes on having acted."""
    connection.execute(
        update(PARTY_NAME)
        .where(PARTY_NAME.c.identity == identity)
        .values(display_name=None, tax_id=None, sealed=None, updated_at=now_s)
    )
    connection.execute(delete(BUYER_TITLE).where(BUYER_TITLE.c.party == party))
    connection.execute(update(REFERENCE).where(REFERENCE.c.party == party).values(sealed=None))
    connection.execute(update(CLAIM_REQUEST).where(CLAIM_REQUEST.c.claimant == party).values(sealed_reference=None))
    connection.execute(update(CLAIM_APPROVAL).where(CLAIM_APPROVAL.c.approver == party).values(sealed_note=None))
    for table in (PASSWORD, SESSION, INVITATION, PROVIDER_LINK):
        connection.execute(delete(table).where(table.c.identity == identity))
    addresses = addresses_of(connection, party, identity)
    connection.execute(delete(ENROLMENT_REQUEST).where(ENROLMENT_REQUEST.c.address.in_(addresses)))
    hooks = select(WEBHOOK.c.webhook_id).where(WEBHOOK.c.party == party)
    connection.execute(delete(WEBHOOK_DELIVERY).where(WEBHOOK_DELIVERY.c.webhook_id.in_(hooks)))
    connection.execute(delete(WEBHOOK).where(WEBHOOK.c.party == party))
    signing_drafts.remove_of(connection, party)


def unlisted_gap(connection: Connection) -> tuple[str, str, str] | None:
    """(table, key, column) of the first row that is empty as if erased, though no erasure on the list says so.

    Documents of groups that issued nothing end without one.
    """
    of_blue = select(RED.c.blue).where(RED.c.number == DOCUMENT.c.number).scalar_subquery()
    in_vain = exists().where(OPERATION.c.digest == DOCUMENT.c.digest, IN_VAIN)
    listed = or_(exists(_of_target(DOCUMENT.c.number)), exists(_of_target(of_blue)), in_vain)
    row = connection.execute(select(DOCUMENT).where(DOCUMENT.c.sealed_document.is_(None), ~listed).limit(1)).first()
    if row is not None:
        return "document", row.number, "sealed_document"
    listed = exists(_of_target(OUTSIDE_DOCUMENT.c.number))
    wanted = select(OUTSIDE_DOCUMENT).where(OUTSIDE_DOCUMENT.c.sealed_document.is_(None), ~listed)
    row = connection.execute(wanted.limit(1)).first()
    return None if row is None else ("outside_document", row.number, "sealed_document")


def truncate_log(engine: Engine) -> bool:
    """Empties SQLite's write-ahead log, which holds pages as they were; False while somebody reads from it.

    Raises: DatabaseUnavailableError.
    """
    if engine.dialect.name != "sqlite":
        return True
    with translated(), closing(engine.raw_connection()) as connection:
        busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _of_target(number: Any) -> Select[tuple[int]]:
    return select(ERASURE.c.seq).where(ERASURE.c.kind == ErasedKind.INVOICE.value, ERASURE.c.target == number)


def _erasure(row: Row[Any]) -> Erasure:
    values = row._mapping
    return Erasure(
        kind=ErasedKind(values["kind"]),
        target=values["target"],
        actor=values["actor"],
        sealed_reason=values["sealed_reason"],
        erased_at=values["erased_at"],
    )
