"""Holding the projection against the chain: replays every block elsewhere and compares every derived row.

Three comparisons, each independent of the one before: the stored tables with a replay of the blocks; every word that
the replayed rows imply with the contract's own; every invoice's commitment with its stored document.
The first difference is named and ends the audit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Label, Table, and_, select
from sqlalchemy.sql.elements import ColumnElement

from ledger.domain.blocks import Outcome
from ledger.projection.apply import projected_head
from ledger.projection.audit_words import Difference, compare_words
from ledger.projection.database import open_engine, reading, upgrade
from ledger.projection.derived import GROUP, INVOICE, derived_tables
from ledger.projection.errors import ChainDivergedError
from ledger.projection.ground import DOCUMENT, OPERATION, QueueState
from ledger.projection.ground_work import OUTSIDE_DOCUMENT
from ledger.projection.invoices import InvoiceRecord, record_of
from ledger.projection.keystore import StoredDocument
from ledger.projection.rebuild import Progress, follow
from ledger.projection.source import BlockSource

ROWS_AT_A_TIME = 1_000  # rows held in memory of each side
WORD_TRIES = 5  # a running sequencer moves the head between replay and question; then replay what came and ask again

CatchUp = Callable[[int], object]
"""Brings the replay up to that block of the chain."""

DocumentCheck = Callable[[InvoiceRecord, StoredDocument | None], str | None]
"""Opens and recomputes one document: None when it fits the invoice's commitment, else what is wrong, in words."""

_OUTCOMES = {
    QueueState.RECORDED: Outcome.APPLIED,
    QueueState.REFUSED: Outcome.REFUSED,
    QueueState.MALFORMED: Outcome.MALFORMED,
}
_STATES = {outcome.value: state.value for state, outcome in _OUTCOMES.items()}
_DECIDED = ("reason", "refused_number", "block")  # what the queue repeats of a group on chain


@dataclass(frozen=True)
class AuditReport:
    """What was compared; `difference` is None when all of it agrees. `entries` are those of the audit log.

    `documents` were held against their commitments; `erased` are not there any more, so nothing of them was.
    """

    block: int
    rows: int
    invoices: int
    documents: int
    difference: Difference | None
    entries: int = 0
    erased: int = 0


def audit(
    engine: Engine, source: BlockSource, check_document: DocumentCheck | None = None, progress: Progress | None = None
) -> AuditReport:
    """Compares the projection at `engine` with `source`, as of the projection's last block.

    Raises: ChainDivergedError when the projection is of another chain; DatabaseUnavailableError; what `source` raises.
    """
    with tempfile.TemporaryDirectory(prefix="einvoice-audit-") as directory, reading(engine) as stored:
        replayed_engine = open_engine(f"sqlite:///{Path(directory) / 'replay.sqlite'}")
        try:
            upgrade(replayed_engine)
            known = projected_head(stored)
            if known is None:
                return AuditReport(block=-1, rows=0, invoices=0, documents=0, difference=None)
            if known.number > source.head().number or source.block(known.number).head.hash != known.hash:
                raise ChainDivergedError(
                    f"block {known.number} was projected, but is not on the chain: run `einvoice rebuild`",
                    block=known.number,
                )
            follow(replayed_engine, source, progress, until=known.number)
            return compare(
                stored,
                replayed_engine,
                source,
                known.number,
                check_document,
                lambda until: follow(replayed_engine, source, until=until),
            )
        finally:
            replayed_engine.dispose()


def compare(
    stored: Connection, replayed_engine: Engine, source: BlockSource, block: int, check_document: DocumentCheck | None,
    catch_up: CatchUp,
) -> AuditReport:  # fmt: skip
    """Holds what is `stored` as of `block` against a replay of the same blocks, then the replay against the chain."""
    rows, difference = _compare_tables(stored, replayed_engine)
    difference = difference or _compare_queue(stored)
    invoices = documents = erased = 0
    if difference is None:
        invoices, difference = _compare_words(replayed_engine, source, catch_up)
    if difference is None and check_document is not None:
        documents, erased, difference = _check_documents(stored, check_document)
    return AuditReport(block, rows, invoices, documents, difference, erased=erased)


def _compare_tables(stored: Connection, replayed_engine: Engine) -> tuple[int, Difference | None]:
    count = 0
    with reading(replayed_engine) as replayed:
        for table in derived_tables():
            for difference in _differences(table, stored, replayed):
                if difference is not None:
                    return count, difference
                count += 1
    return count, None


def _differences(table: Table, stored: Connection, replayed: Connection) -> Iterator[Difference | None]:
    """One item a row: None when both sides have it alike. Both sides come in the order of the key."""
    ours, theirs = _rows(table, stored), _rows(table, replayed)
    our, their = next(ours, None), next(theirs, None)
    while our is not None or their is not None:
        if their is None or (our is not None and our[0] < their[0]):
            yield Difference(table.name, _text(our[0] if our else ()), "", "a row", "no row")
            our = next(ours, None)
        elif our is None or their[0] < our[0]:
            yield Difference(table.name, _text(their[0]), "", "no row", "a row")
            their = next(theirs, None)
        else:
            yield _first_column(table, our, their)
            our, their = next(ours, None), next(theirs, None)


_KeyedRow = tuple[tuple[int | str | bytes, ...], dict[str, object]]


def _rows(table: Table, connection: Connection) -> Iterator[_KeyedRow]:
    keys = list(table.primary_key)
    statement = select(table).order_by(*keys).execution_options(yield_per=ROWS_AT_A_TIME)
    for row in connection.execute(statement):
        values = dict(row._mapping)
        yield tuple(values[key.name] for key in keys), values


def _first_column(table: Table, ours: _KeyedRow, theirs: _KeyedRow) -> Difference | None:
    for name, stored in ours[1].items():
        recomputed = theirs[1][name]
        if stored != recomputed:
            return Difference(table.name, _text(ours[0]), name, _text((stored,)), _text((recomputed,)))
    return None


def _compare_queue(stored: Connection) -> Difference | None:
    """Every outcome in the queue is one that the chain gave, and what the chain decided is told as it did."""
    # of one digest the chain applies or refuses one group at most; replays of it are malformed
    decided = select(OPERATION, GROUP.c.outcome, *(GROUP.c[name].label(f"chain_{name}") for name in _DECIDED)).join(
        GROUP, and_(GROUP.c.digest == OPERATION.c.digest, GROUP.c.outcome != Outcome.MALFORMED.value)
    )
    for one in stored.execute(decided.order_by(OPERATION.c.seq).execution_options(yield_per=ROWS_AT_A_TIME)):
        said = {"state": _STATES[one.outcome], **{name: one._mapping[f"chain_{name}"] for name in _DECIDED}}
        for name, value in said.items():
            if one._mapping[name] != value:
                return Difference("operation", one.digest.hex(), name, str(one._mapping[name]), str(value))
    for state, outcome in _OUTCOMES.items():
        on_chain = and_(
            GROUP.c.digest == OPERATION.c.digest, GROUP.c.block == OPERATION.c.block, GROUP.c.outcome == outcome.value
        )
        row = stored.execute(
            select(OPERATION.c.digest)
            .outerjoin(GROUP, on_chain)
            .where(OPERATION.c.state == state.value, GROUP.c.digest.is_(None))
            .limit(1)
        ).one_or_none()
        if row is not None:
            return Difference("operation", row.digest.hex(), "state", state.value, "not on the chain")
    return None


def _compare_words(replayed_engine: Engine, source: BlockSource, catch_up: CatchUp) -> tuple[int, Difference | None]:
    count, difference = 0, None
    for _ in range(WORD_TRIES):
        at = source.head()
        catch_up(at.number)
        with reading(replayed_engine) as replayed:
            count, difference = compare_words(replayed, source)
        if difference is None or source.head() == at:
            break
    return count, difference


def _check_documents(stored: Connection, check: DocumentCheck) -> tuple[int, int, Difference | None]:
    """Each invoice with the document of the group that issued it, or what was read for the registration that counts.

    How many fit, how many were erased, and the first that does not fit.
    """
    count = erased = 0
    statement = (
        select(INVOICE, *_labelled(DOCUMENT), *_labelled(OUTSIDE_DOCUMENT))
        .outerjoin(DOCUMENT, _same(DOCUMENT))
        .outerjoin(OUTSIDE_DOCUMENT, _same(OUTSIDE_DOCUMENT))
        .order_by(INVOICE.c.number)
    )
    for row in stored.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        values = dict(row._mapping)
        issued, read = _taken(values, DOCUMENT), _taken(values, OUTSIDE_DOCUMENT)
        record = record_of(values)
        document = _document(read if record.is_outside else issued, record)
        name = OUTSIDE_DOCUMENT.name if record.is_outside else DOCUMENT.name
        if document is not None and document.commitment != record.commitment:
            differing = Difference(
                name, values["number"], "commitment", document.commitment.hex(), record.commitment.hex()
            )
            return count, erased, differing
        if document is not None and document.sealed_document is None and document.sealed_seed is None:
            erased += 1
            continue
        wrong = check(record, document)
        if wrong is not None:
            differing = Difference(name, values["number"], "sealed_document", wrong, "fits its commitment")
            return count, erased, differing
        count += 1
    return count, erased, None


def _same(table: Table) -> ColumnElement[bool]:
    return and_(table.c.number == INVOICE.c.number, table.c.digest == INVOICE.c.digest)


def _labelled(table: Table) -> list[Label[object]]:
    return [column.label(f"{table.name}.{column.name}") for column in table.c]


def _taken(values: dict[str, object], table: Table) -> dict[str, Any]:
    return {column.name: values.pop(f"{table.name}.{column.name}") for column in table.c}


def _document(found: dict[str, Any], record: InvoiceRecord) -> StoredDocument | None:
    """What is stored of an invoice; of an outside one what was read, as its registrant's document."""
    if found["number"] is None:
        return None
    names = StoredDocument.__dataclass_fields__
    seller = {"seller": found.get("seller", record.seller)}
    return StoredDocument(
        **{**{name: found[name] for name in names if name in found}, "number": record.number, **seller}
    )


def _text(values: tuple[object, ...]) -> str:
    return " ".join(value.hex() if isinstance(value, bytes) else str(value) for value in values)
