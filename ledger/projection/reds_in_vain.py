"""Documents of red letters that were signed in vain: they repeat who bought what of a blue that may be erased."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select, update

from ledger.projection.columns import number_text
from ledger.projection.derived import INVOICE
from ledger.projection.ground import DOCUMENT, IN_VAIN, OPERATION
from ledger.projection.packing import unpack_signed
from verifier.operations import Code, numbers_written


def forget_reds_in_vain(connection: Connection, blue: int) -> int:
    """Empties documents of reds of an invoice whose groups were refused, malformed or expired; how many.

    Housekeeping ends such documents after days, so there are never many to look through.
    """
    seller = select(INVOICE.c.seller).where(INVOICE.c.number == number_text(blue)).scalar_subquery()
    held = exists().where(DOCUMENT.c.digest == OPERATION.c.digest, DOCUMENT.c.sealed_document.is_not(None))
    # a red letter stands alone in its group
    alone = (IN_VAIN, OPERATION.c.operation_count == 1, OPERATION.c.subject == seller, held)
    found = []
    for row in connection.execute(select(OPERATION.c.digest, OPERATION.c.signed).where(*alone)):
        (operation,) = unpack_signed(row.signed).group.operations
        if operation.code == Code.ISSUE_RED and blue in numbers_written(operation):
            found.append(row.digest)
    emptied = update(DOCUMENT).where(DOCUMENT.c.digest.in_(found)).values(sealed_document=None, sealed_seed=None)
    connection.execute(emptied)
    return len(found)
