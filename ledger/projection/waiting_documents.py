"""Documents that an erasure does not reach yet, or did not: of writes that wait in the queue, and of reds left over."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select, update

from ledger.projection.columns import number_text
from ledger.projection.derived_rules import RED
from ledger.projection.erasures import Erasure
from ledger.projection.ground import DOCUMENT, OPERATION, WAITING
from ledger.projection.ground_privacy import ERASURE, ErasedKind
from ledger.projection.ground_work import OUTSIDE_DOCUMENT
from ledger.projection.packing import unpack_signed
from verifier.operations import Code, numbers_written

LEFT_MAX = 500  # reds found at a time


def waiting_document(connection: Connection, number: int, seller: int) -> bytes | None:
    """Digest of a group that waits and brings a document of the invoice: a red of it by `seller`, a registration."""
    read = select(OUTSIDE_DOCUMENT.c.digest).where(OUTSIDE_DOCUMENT.c.number == number_text(number))
    registrations = select(OPERATION.c.digest).where(WAITING, OPERATION.c.digest.in_(read))
    found = connection.execute(registrations.limit(1)).scalar_one_or_none()
    if found is not None:
        return bytes(found)
    # a red letter stands alone in its group
    alone = WAITING & (OPERATION.c.operation_count == 1) & (OPERATION.c.subject == seller)
    for row in connection.execute(select(OPERATION.c.digest, OPERATION.c.signed).where(alone)):
        (operation,) = unpack_signed(row.signed).group.operations
        if operation.code == Code.ISSUE_RED and number in numbers_written(operation):
            return bytes(row.digest)
    return None


def reds_left(connection: Connection) -> tuple[int, ...]:
    """Reds whose document is here still though their blue was erased, at most LEFT_MAX: a restored queue lands some."""
    kept = exists().where(DOCUMENT.c.number == RED.c.number, DOCUMENT.c.sealed_document.is_not(None))
    found = (  # from the few erasures to their reds by index, not through all reds
        select(RED.c.number)
        .select_from(ERASURE)
        .join(RED, RED.c.blue == ERASURE.c.target)
        .where(ERASURE.c.kind == ErasedKind.INVOICE.value, kept)
    )
    return tuple(int(number) for number in connection.execute(found.limit(LEFT_MAX)).scalars())


def replace_erasure(connection: Connection, new: Erasure) -> None:
    """Puts what is sealed now in the place of an erasure on the list."""
    same = (ERASURE.c.kind == new.kind.value) & (ERASURE.c.target == new.target)
    values = {"actor": new.actor, "sealed_reason": new.sealed_reason, "erased_at": new.erased_at}
    connection.execute(update(ERASURE).where(same).values(values))
