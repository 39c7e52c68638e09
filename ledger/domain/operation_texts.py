"""Operations in words, for whoever is to sign them: from the signed bytes alone, so that nobody can tell otherwise."""

from __future__ import annotations

from ledger.domain.groups import Group
from ledger.domain.months import format_month
from ledger.domain.times import utc_time
from verifier.operations import (
    AMOUNT_TERMS_LAYOUT,
    INVOICE_CODES,
    OUTSIDE_TERMS_LAYOUT,
    RED_TERMS_LAYOUT,
    Code,
    Operation,
    unpack_bits,
)

_AMOUNTS = {
    Code.ISSUE: AMOUNT_TERMS_LAYOUT,
    Code.OPEN_SLIP: AMOUNT_TERMS_LAYOUT,
    Code.ISSUE_RED: RED_TERMS_LAYOUT,
    Code.REGISTER_OUTSIDE: OUTSIDE_TERMS_LAYOUT,
}
_NAMES_KEY = frozenset({Code.ENROL, Code.APPOINT_OFFICER, Code.ROTATE_KEY, Code.RECOVER_KEY})
_OF_PARTY = frozenset({
    Code.SUSPEND, Code.REINSTATE, Code.SET_QUOTA, Code.LIFT_BLOCK, Code.DISMISS_OFFICER, Code.RECOVER_KEY,
    Code.ROTATE_KEY, Code.REVOKE_CERTIFICATE,
})  # fmt: skip
_ADDRESS_MASK = (1 << 160) - 1


def group_texts(group: Group) -> tuple[str, ...]:
    """One line an operation, then who signs and until when it counts."""
    until = min(group.valid_until, 253_402_300_799)  # the last second that a calendar has a name for
    ends = utc_time(until).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (*map(operation_text, group.operations), f"signed by party {group.actor}, counts until {ends}")


def operation_text(operation: Operation) -> str:
    """An operation in one line: its name, the invoice or party, and the amount where it has one."""
    try:
        code = Code(operation.code)
    except ValueError:
        return f"UNKNOWN OPERATION {operation.code}: do not sign"
    parts = [code.name.lower().replace("_", " ")]
    if code in INVOICE_CODES:
        parts.append(f"invoice {operation.number:020d}")
    elif code in _OF_PARTY:
        parts.append(f"party {operation.number}")
    elif code is Code.ALLOT_SEGMENT:
        parts.append(f"{operation.option} blocks from {operation.number:020d}")
    elif code is Code.RETIRE:
        parts.append(f"this contract in favour of 0x{operation.terms & _ADDRESS_MASK:040x}")
    if operation.subject:
        parts.append(f"for party {operation.subject}")
    if operation.party:
        parts.append(f"naming party {operation.party}")
    if operation.month:
        parts.append(f"month {format_month(operation.month)}")
    parts.extend(_amounts(code, operation))
    if code in _NAMES_KEY:
        parts.append(f"key 0x{operation.terms & _ADDRESS_MASK:040x}")
    return ", ".join(parts)


def _amounts(code: Code, operation: Operation) -> list[str]:
    """The sums of an operation's terms, in yuan."""
    if code is Code.SET_QUOTA:
        return [f"quota {_yuan(operation.terms)} yuan a month"]
    if code is Code.SELECT:
        return [f"valid tax {_yuan(operation.terms)} yuan"]
    if code not in _AMOUNTS:
        return []
    terms = unpack_bits(_AMOUNTS[code], operation.terms)
    found = [f"gross {_yuan(terms['gross'])} yuan", f"tax {_yuan(terms['tax'])} yuan"]
    if code is Code.ISSUE_RED:
        found.append(f"of the blue {terms['blue']:020d}")
    return found


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
