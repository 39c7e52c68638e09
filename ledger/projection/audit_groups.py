"""Every group in the queue, and all that was stored with it, held against what its party signed.

The queue keeps the signed bytes, so each column beside them, each document, reference, claim and payment of the same
transaction has something to be held against that no row can change: the digest that the signature is of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, select

from ledger.domain.groups import ChainDomain, Group
from ledger.projection.audit_words import Difference
from ledger.projection.columns import number_text, seconds
from ledger.projection.derived import BLOCK
from ledger.projection.errors import StorageError
from ledger.projection.ground import CERTIFICATE, CLAIM_REQUEST, DOCUMENT, OPERATION, REFERENCE, QueueState
from ledger.projection.ground_claims import CLAIM_PAYMENT
from ledger.projection.ground_work import MONTH_REPORT, OUTSIDE_DOCUMENT
from ledger.projection.packing import unpack_signed
from verifier.operations import GROUP_LIFETIME_MAX_S, OUTSIDE_TERMS_LAYOUT, Code, Operation, unpack_bits

ROWS_AT_A_TIME = 200  # a row holds 33 KB at most
CLOCK_TOLERANCE_S = 2  # accepting and sequencing read one machine's clock, which may be set back by so much

Opened = Callable[[str, str, Any], bytes]
"""(table, sealed column, row): what was sealed, without its salt. Raises: ValueError when it is not what was."""

CERTIFYING = frozenset({Code.ENROL, Code.APPOINT_OFFICER, Code.RECOVER_KEY, Code.ROTATE_KEY})
COMMITTING = frozenset({Code.ISSUE, Code.ISSUE_RED, Code.REGISTER_OUTSIDE})
REPORTING = frozenset({Code.FILE, Code.REFILE})
_CLAIMING = frozenset({Code.LOCK, Code.REGISTER_OUTSIDE})
_DECIDED = frozenset({QueueState.RECORDED.value, QueueState.REFUSED.value, QueueState.MALFORMED.value})
_NO_ROW, _ROW = "no row", "a row"


def check_groups(connection: Connection, domains: Sequence[ChainDomain], opened: Opened) -> Iterator[Difference | None]:
    """One item a group: None when the queue and what was stored with the group are as its party signed them."""
    statement = select(OPERATION, BLOCK.c.time_s).outerjoin(BLOCK, BLOCK.c.number == OPERATION.c.block)
    rows = connection.execute(statement.order_by(OPERATION.c.seq).execution_options(yield_per=ROWS_AT_A_TIME))
    for row in rows:
        yield _group_difference(connection, row, domains, opened)


def _group_difference(
    connection: Connection, row: Row[Any], domains: Sequence[ChainDomain], opened: Opened
) -> Difference | None:
    try:
        group = unpack_signed(row.signed).group
    except StorageError as err:
        return _of_group(row, "signed", str(err), "a signed group")
    if not any(group.digest(domain) == row.digest for domain in domains):
        return _of_group(row, "signed", group.digest(domains[-1]).hex(), row.digest.hex())
    for check in (_columns, _times):
        found = check(row, group)
        if found is not None:
            return found
    return (
        _documents(connection, row, group)
        or _references(connection, row, group, opened)
        or _claims(connection, row, group, opened)
        or _certificates(connection, group, opened)
    )


def _columns(row: Row[Any], group: Group) -> Difference | None:
    signed = {
        "actor": group.actor,
        "subject": group.operations[0].subject,
        "valid_until": seconds(group.valid_until),
        "operation_count": len(group.operations),
    }
    return _first(OPERATION, row.digest.hex(), row._mapping, signed)


def _times(row: Row[Any], group: Group) -> Difference | None:
    """When it was accepted and settled, as far as the chain's times and the signature bound them."""
    state, accepted, settled = row.state, row.accepted_at, row.settled_at
    if state in _DECIDED:
        if settled != row.time_s:
            return _of_group(row, "settled_at", str(settled), str(row.time_s))
        if accepted > settled + CLOCK_TOLERANCE_S:
            return _of_group(row, "accepted_at", str(accepted), f"at most {settled}, its block's time")
    elif row.block is not None or row.reason or row.refused_number is not None:
        return _of_group(row, "block", str(row.block), "nothing: it is not on the chain")
    elif state == QueueState.EXPIRED.value:
        if settled is None or settled <= row.valid_until:
            return _of_group(row, "settled_at", str(settled), f"after {row.valid_until}")
    elif state != QueueState.ACCEPTED.value:
        return _of_group(row, "state", state, "a state")
    elif settled is not None:
        return _of_group(row, "settled_at", str(settled), "nothing: it waits")
    earliest = group.valid_until - GROUP_LIFETIME_MAX_S - CLOCK_TOLERANCE_S
    if state == QueueState.RECORDED.value and accepted < earliest:
        return _of_group(row, "accepted_at", str(accepted), f"at least {earliest}: its signature is a day long at most")
    return None


def _documents(connection: Connection, row: Row[Any], group: Group) -> Difference | None:
    """Each invoice's document and each registration's fields, by what the group commits to."""
    wanted = {number_text(one.number): one for one in group.operations if one.code in COMMITTING}
    if not wanted:
        return None
    found = {
        (table, one.number): one
        for table in (DOCUMENT, OUTSIDE_DOCUMENT)
        for one in connection.execute(_of_digest(table), {"digest": row.digest})
    }
    for number, operation in wanted.items():
        outside = operation.code == Code.REGISTER_OUTSIDE
        table = OUTSIDE_DOCUMENT if outside else DOCUMENT
        document = found.pop((table, number), None)
        if document is None:
            return Difference(table.name, number, "", _NO_ROW, _ROW)
        signed: dict[str, object] = {"commitment": operation.ref}
        signed |= {"party": group.actor} if outside else {"seller": operation.subject, "stored_at": row.accepted_at}
        difference = _first(table, number, document._mapping, signed)
        if difference is not None:
            return difference
    for table, number in found:
        return Difference(table.name, number, "", _ROW, _NO_ROW)
    return None


def _references(connection: Connection, row: Row[Any], group: Group, opened: Opened) -> Difference | None:
    """The text behind each salted reference is there, and is the one that was hashed."""
    refs = [one.ref for one in group.operations if _is_salted(one)]
    stored = {one.ref: one for one in connection.execute(_REFERENCES, {"given": refs})} if refs else {}
    for ref in refs:
        one = stored.get(ref)
        if one is None:
            return Difference(REFERENCE.name, ref.hex(), "", _NO_ROW, _ROW)
        signed = {"party": group.actor, "created_at": row.accepted_at}
        difference = _first(REFERENCE, ref.hex(), one._mapping, signed)
        if difference is not None:
            return difference
        if one.sealed is None:
            continue  # forgotten on purpose
        try:
            opened(REFERENCE.name, "sealed", one)
        except ValueError as err:
            return Difference(REFERENCE.name, ref.hex(), "sealed", str(err), "the text that was hashed")
    return None


def _claims(connection: Connection, row: Row[Any], group: Group, opened: Opened) -> Difference | None:
    """The claim a group opens and the payment it settles with, and the words that people put to each."""
    for operation in group.operations:
        if operation.code in _CLAIMING:
            claim_id = _claim_id(operation)
            request = connection.execute(_CLAIM_REQUEST, {"claim_id": claim_id}).one_or_none()
            if request is None:
                return Difference(CLAIM_REQUEST.name, claim_id, "", _NO_ROW, _ROW)
            signed: dict[str, object] = {
                "claimant": group.actor, "employer": operation.party, "created_at": row.accepted_at,
            }  # fmt: skip
            difference = _first(CLAIM_REQUEST, claim_id, request._mapping, signed)
            if difference is None and operation.code == Code.LOCK:
                difference = _reference_difference(connection, operation, request, opened)
        elif operation.code == Code.SETTLE:
            payment = connection.execute(_of_digest(CLAIM_PAYMENT), {"digest": row.digest}).one_or_none()
            if payment is None:
                return Difference(CLAIM_PAYMENT.name, row.digest.hex(), "", _NO_ROW, _ROW)
            signed = {"claim_id": _claim_id(operation), "employer": operation.subject}
            signed |= _indexed(connection, operation, opened)
            difference = _first(CLAIM_PAYMENT, row.digest.hex(), payment._mapping, signed)
        else:
            continue
        if difference is not None or operation.code == Code.SETTLE:
            return difference
    return None


def _certificates(connection: Connection, group: Group, opened: Opened) -> Difference | None:
    """The certificate of a key that a group brings, and the report of a month that it files."""
    for operation in group.operations:
        for codes, table in ((CERTIFYING, CERTIFICATE), (REPORTING, MONTH_REPORT)):
            if operation.code not in codes:
                continue
            (key,) = table.primary_key
            stored = connection.execute(select(table).where(key == operation.ref)).one_or_none()
            if stored is None:
                return Difference(table.name, operation.ref.hex(), "", _NO_ROW, _ROW)
            if table is CERTIFICATE:
                continue  # its content is checked with all certificates
            filed = {"party": operation.subject, "month": operation.month, "stored_by": group.actor}
            difference = _first(table, operation.ref.hex(), stored._mapping, filed)
            if difference is not None:
                return difference
            try:
                opened(table.name, "report", stored)
            except ValueError as err:
                return Difference(table.name, operation.ref.hex(), "report", str(err), "the report that was hashed")
    return None


def _reference_difference(
    connection: Connection, operation: Operation, request: Row[Any], opened: Opened
) -> Difference | None:
    """A claim shows the words that its claimant signed; nothing is held once either was erased."""
    said = _said(connection, operation)
    if said is None:
        return None
    words, shown = opened(REFERENCE.name, "sealed", said), b""
    try:
        if request.sealed_reference is not None:
            shown = opened(CLAIM_REQUEST.name, "sealed_reference", request)
    except ValueError as err:
        return Difference(CLAIM_REQUEST.name, request.claim_id, "sealed_reference", str(err), "what was signed")
    if shown == words:
        return None
    return Difference(CLAIM_REQUEST.name, request.claim_id, "sealed_reference", "other words", "what was signed")


def _indexed(connection: Connection, operation: Operation, opened: Opened) -> dict[str, object]:
    """The keyed hash of the text behind a settling's reference; nothing once that was erased."""
    said = _said(connection, operation)
    return {} if said is None else {"reference_index": opened(CLAIM_PAYMENT.name, "reference_index", said)}


def _said(connection: Connection, operation: Operation) -> Row[Any] | None:
    """The text behind an operation's reference, sealed; None once it was erased."""
    stored = connection.execute(_REFERENCES, {"given": [operation.ref]}).one_or_none()
    return None if stored is None or stored.sealed is None else stored


def _claim_id(operation: Operation) -> str:
    if operation.code == Code.REGISTER_OUTSIDE:
        return f"{unpack_bits(OUTSIDE_TERMS_LAYOUT, operation.terms)['claim_id']:032x}"
    return f"{operation.terms:032x}"


def _is_salted(operation: Operation) -> bool:
    return operation.code not in CERTIFYING | COMMITTING | REPORTING and any(operation.ref)


def _of_group(row: Row[Any], column: str, stored: str, recomputed: str) -> Difference:
    return Difference(OPERATION.name, row.digest.hex(), column, stored, recomputed)


def _first(table: Table, key: str, stored: Mapping[Any, Any], signed: Mapping[str, object]) -> Difference | None:
    """The first column that is not what was signed."""
    for name, value in signed.items():
        if stored[name] != value:
            return Difference(table.name, key, name, _text(stored[name]), _text(value))
    return None


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


_REFERENCES = select(REFERENCE).where(REFERENCE.c.ref.in_(bindparam("given", expanding=True)))
_CLAIM_REQUEST = select(CLAIM_REQUEST).where(CLAIM_REQUEST.c.claim_id == bindparam("claim_id"))
_STATEMENTS = {
    table.name: select(table).where(table.c.digest == bindparam("digest"))
    for table in (DOCUMENT, OUTSIDE_DOCUMENT, CLAIM_PAYMENT)
}


def _of_digest(table: Table) -> Any:
    return _STATEMENTS[table.name]
