"""Noting in the audit log: who signed in, was refused, used a key, changed a right, looked at somebody's record.

An entry is appended in the transaction of what it tells, so neither is there without the other. It names parties,
invoices, claims, routes and digests, never people, texts or secrets: the log is not sealed and never erased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from ledger.domain.numbers import format_number
from ledger.projection import Connection, DatabaseUnavailableError, StoreClosedError, WriteQueueFullError
from ledger.projection.audit_entries import check_entries
from ledger.projection.audit_log import append_entry, origin_of
from ledger.projection.audit_words import Difference
from ledger.projection.ground_audit import ABOUT_LENGTH_MAX, DETAIL_LENGTH_MAX
from ledger.service.context import Context, busy
from ledger.service.errors import Busy
from ledger.service.views import Caller
from verifier.canonical import dumps
from verifier.operations import INVOICE_CODES, Code, Operation

MAC_KIND: Final = "audit entry"  # keeps these MACs apart from the vault's other keyed hashes
VALUE_LENGTH_MAX: Final = 128  # characters of one text in `detail`; longer ones are cut

_MAKES_PARTY = frozenset({Code.ENROL, Code.APPOINT_OFFICER})
_BY_PARTY = frozenset({
    Code.SUSPEND, Code.REINSTATE, Code.SET_QUOTA, Code.LIFT_BLOCK, Code.DISMISS_OFFICER, Code.RECOVER_KEY,
    Code.ROTATE_KEY, Code.GRANT, Code.REVOKE, Code.REVOKE_CERTIFICATE, Code.ANCHOR,
})  # fmt: skip
"""Operations whose number is a party's."""


class AuditKind(StrEnum):
    """What an entry tells."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    REFUSED = "refused"  # known, but not allowed, or told that there is no such thing
    KEY_USED = "key_used"  # a group was signed with a key that is kept here
    PERMISSION_CHANGED = "permission_changed"  # asked for; the digest tells whether the contract took it
    OFFICER_QUERY = "officer_query"  # an officer or auditor asked for somebody's record
    ERASED = "erased"
    EXPORTED = "exported"


PERMISSION_CODES: Final = frozenset({
    Code.ENROL, Code.APPOINT_OFFICER, Code.DISMISS_OFFICER, Code.GRANT, Code.REVOKE, Code.SUSPEND, Code.REINSTATE,
    Code.SET_QUOTA, Code.ALLOT_SEGMENT, Code.ROTATE_KEY, Code.RECOVER_KEY, Code.REVOKE_CERTIFICATE, Code.LIFT_BLOCK,
    Code.RETIRE,
})  # fmt: skip


def note(
    context: Context, connection: Connection, kind: AuditKind, *, actor: int | None, about: str = "",
    detail: Mapping[str, str | int] | None = None,
) -> None:  # fmt: skip
    """Appends an entry inside a SQL write transaction; it is there if and only if that commits.

    `actor` is the party that acts, None where nobody is known. `about` is one thing's id: an invoice number, a claim,
    a party, at most ABOUT_LENGTH_MAX characters, `detail` what else is to be known, both without personal data.
    """
    said = dumps({name: _short(value) for name, value in (detail or {}).items()}).decode()
    assert len(said) <= DETAIL_LENGTH_MAX, f"detail of {kind}: {len(said)} characters"
    append_entry(
        connection,
        origin=origin_of(context.reader.identity.founding_domain.separator),
        mac=mac_of(context),
        now_s=context.now_s(),
        kind=kind.value,
        actor=actor,
        about=about[:ABOUT_LENGTH_MAX],
        detail=said,
    )


def note_alone(
    context: Context, kind: AuditKind, *, actor: int | None, about: str = "",
    detail: Mapping[str, str | int] | None = None,
) -> None:  # fmt: skip
    """Appends an entry in a transaction of its own; durable when this returns. Raises: Busy when it cannot be."""
    try:
        context.store.write(lambda connection: note(context, connection, kind, actor=actor, about=about, detail=detail))
    except DatabaseUnavailableError as err:
        raise busy(err) from err
    except (WriteQueueFullError, StoreClosedError) as err:
        raise Busy from err


def note_group(
    context: Context, connection: Connection, *, actor: int, digest: bytes, operations: Iterable[Operation],
    credential: str = "", kept: bool = True,
) -> None:  # fmt: skip
    """Notes a signed group in the transaction that stores it: the use of a kept key, and each right it changes.

    `credential` is the public part of what the caller signed in with, "" for the command line and the node itself;
    `kept` is False for a group that its party signed with a key of its own.
    """
    signed = tuple(operations)
    by: dict[str, str | int] = {"digest": digest.hex()}
    if credential:
        by["credential"] = credential
    if kept:
        detail = {**by, "operation": _name(signed[0]), "count": len(signed)}
        note(context, connection, AuditKind.KEY_USED, actor=actor, about=_about(signed[0]), detail=detail)
    for one in signed:
        if one.code in PERMISSION_CODES:
            detail = {**by, "operation": _name(one), **_identity(one)}
            note(context, connection, AuditKind.PERMISSION_CHANGED, actor=actor, about=_about(one), detail=detail)


def note_change(
    context: Context, connection: Connection, caller: Caller, change: str, *, about: str, **detail: str | int
) -> None:
    """Notes a right that changes here and not on the chain: what `change` says, about one party, till or witness."""
    said: dict[str, str | int] = {"change": change, **detail}
    if caller.credential:
        said["credential"] = caller.credential
    note(context, connection, AuditKind.PERMISSION_CHANGED, actor=caller.party, about=about, detail=said)


def check_log(context: Context, connection: Connection) -> Iterator[Difference | None]:
    """One item an entry: None when it follows from the one before and agrees with the heads on the chain."""
    identity = context.reader.identity
    return check_entries(
        connection, origin=origin_of(identity.founding_domain.separator), mac=mac_of(context), domains=identity.domains
    )


def mac_of(context: Context) -> Callable[[bytes], bytes]:
    """What makes the MAC of an entry's hash."""
    return lambda entry_hash: context.vault.index(entry_hash.hex(), MAC_KIND)


def _short(value: str | int) -> str | int:
    return value[:VALUE_LENGTH_MAX] if isinstance(value, str) else value


def _name(operation: Operation) -> str:
    return Code(operation.code).name.lower()


def _about(operation: Operation) -> str:
    """The invoice an operation is about, else the party; nothing for a party that has no number yet."""
    if operation.code in INVOICE_CODES:
        return format_number(operation.number)
    if operation.code in _MAKES_PARTY:
        return ""
    if operation.code in _BY_PARTY:
        return str(operation.number)
    return str(operation.party or operation.subject)


def _identity(operation: Operation) -> dict[str, str]:
    """The 32-byte identity hash of a party that is made here, as it stands on the chain."""
    return {"identity": operation.who.hex()} if operation.code in _MAKES_PARTY else {}
