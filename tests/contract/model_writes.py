"""What each operation writes in the model, once its group broke no rule: docs/OPERATIONS.md, "Storage"."""

from __future__ import annotations

from dataclasses import replace

from tests.contract import model_deduction as deduction
from tests.contract import model_exceptions as exceptions
from tests.contract import model_outside as outside
from tests.contract import model_reds as reds
from tests.contract import model_rules as rules
from tests.contract.model_words import Words
from tests.contract.wire import Event, as_int
from verifier.hashing import ZERO_HASH
from verifier.operations import Code, Operation
from verifier.words import (
    RECOVERY_DELAY_S,
    SEGMENT_BLOCK_SIZE,
    WRITTEN,
    Claim,
    ClaimWord,
    Colour,
    DeductionWord,
    Entry,
    Kind,
    PartyKind,
    PartyWord,
    StateWord,
    Table,
    hash_key,
)

ONCE_GRANTED = WRITTEN
SLIP_CODES = (Code.OPEN_SLIP, Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP, Code.VOID_SLIP)


def invoice_steps(
    words: Words, op: Operation, actor: int, now: int, digest: bytes
) -> list[Event | tuple[int, StateWord]]:
    """Events, and states to be recorded, in the order of the log."""
    if op.code == Code.ISSUE:
        named, state = write_issue(words, op)
        return [*named, (op.number, state)]
    if op.code == Code.ISSUE_RED:
        red, blue, events = reds.write_red(words, op, now, digest)
        return [(op.number, red), *events, (op.terms >> 96 & (1 << 80) - 1, blue)]
    if op.code == Code.REGISTER_OUTSIDE:
        state, events = outside.registered(words, op, actor, now, digest)
        return [*events, (op.number, state)]
    state = words.current(op.number)
    state = replace(state, version=state.version + 1)
    if op.code == Code.SET_RISK_FLAG:
        state, events = exceptions.flagged(words, op.number, state, now, digest)
        return [*events, (op.number, state)]
    if op.code in SLIP_CODES:
        reds.write_slip(words, op, actor, now)
    elif op.code == Code.ACKNOWLEDGE_EXCEPTION:
        exceptions.write_acknowledgement(words, op, actor)
    else:
        state = changed_invoice(words, op, actor, now, state)
    return [(op.number, state)]


def write_issue(words: Words, operation: Operation) -> tuple[list[Event], StateWord]:
    events: list[Event] = []
    buyer = 0
    if operation.who != ZERO_HASH:
        buyer, _ = words.party_of(operation.who)
        if buyer == 0:
            buyer = words.make_party(operation.who, PartyKind.ENTERPRISE)
            words.put_party(buyer, PartyWord(kind=PartyKind.ENTERPRISE))
            events.append(Event("PartyNamed", (buyer,), (as_int(operation.who),)))
    gross, tax = operation.terms & (1 << 48) - 1, operation.terms >> 48
    totals = words.totals(operation.subject, operation.month)
    words[Table.TOTALS, operation.subject << 12 | operation.month] = replace(
        totals,
        blue_gross=totals.blue_gross + gross,
        blue_tax=totals.blue_tax + tax,
        quota_used=totals.quota_used + gross,
        count=totals.count + 1,
    ).pack()
    if operation.option & 3 == Kind.SPECIAL:
        words[Table.DEDUCTION, operation.number] = DeductionWord(tax_left=tax).pack()
    state = StateWord(
        colour=Colour.NORMAL,
        kind=operation.option & 3,
        seller=operation.subject,
        buyer=buyer,
        holder=(operation.subject, buyer, operation.party)[operation.option >> 2],
        gross=gross,
        month=operation.month,
        version=1,
    )
    return events, state


def changed_invoice(words: Words, operation: Operation, actor: int, now: int, state: StateWord) -> StateWord:
    if operation.code == Code.TRANSFER:
        return replace(state, holder=operation.party, claim=Claim.FREE)
    if operation.code == Code.LOCK:
        claim = ClaimWord(claimant=actor, employer=operation.party, time=now, claim_id=operation.terms)
        words[Table.CLAIM, operation.number] = claim.pack()
        return replace(state, claim=Claim.LOCKED, reddened_since=0)
    if operation.code in (Code.UNLOCK, Code.FORCE_UNLOCK):
        return replace(state, claim=Claim.FREE)
    if operation.code == Code.SETTLE:
        return replace(state, claim=Claim.SETTLED, holder=operation.subject)
    if operation.code == Code.BOOK:
        return replace(state, entry=operation.option)
    if operation.code == Code.WITHDRAW_BOOKING:
        return replace(state, entry=Entry.WITHDRAWN)
    if operation.code == Code.CLEAR_RISK_FLAG:
        return replace(state, risk=0)
    if operation.code == Code.SELECT:
        return deduction.selected(words, operation, state)
    return deduction.unselected(words, operation.number, state)


def write_party(words: Words, operation: Operation, now: int) -> int:
    """The party whose word changes; its version is raised by the caller."""
    code, terms = operation.code, operation.terms
    if code in (Code.ENROL, Code.APPOINT_OFFICER):
        return write_made(words, operation)
    party = rules.changed_party(operation)
    word = words.party(party)
    if code in (Code.SUSPEND, Code.DISMISS_OFFICER):
        word = replace(word, suspended=1)
    elif code == Code.REINSTATE:
        word = replace(word, suspended=0)
    elif code == Code.SET_QUOTA:
        word = replace(word, quota=terms)
    elif code == Code.ALLOT_SEGMENT:
        for index in range(operation.option):
            words[Table.SEGMENT, operation.number // SEGMENT_BLOCK_SIZE + index] = party
    elif code == Code.RECOVER_KEY:
        word = replace(word, recovery=1)
        words[Table.RECOVERY, party] = terms | now + RECOVERY_DELAY_S << 160
        certify(words, Table.RECOVERY_CERTIFICATE, party, operation.ref)
    elif code == Code.ROTATE_KEY:
        word = replace(word, signer=terms, recovery=0)
        certify(words, Table.CERTIFICATE, party, operation.ref)
    elif code in (Code.FILE, Code.REFILE):
        word = replace(word, filed_through=max(word.filed_through, operation.month))
        words[Table.FILING, party << 12 | operation.month] = as_int(operation.ref)
    elif code == Code.GRANT:
        words[Table.GRANT, party << 32 | operation.party] |= operation.option | ONCE_GRANTED
    elif code == Code.REVOKE:
        words[Table.GRANT, party << 32 | operation.party] &= ~operation.option
    else:
        write_beside(words, operation, party, now)
    words.put_party(party, word)
    return party


def certify(words: Words, table: Table, party: int, certificate: bytes) -> None:
    """The party's certificate, and the word that says whether it is revoked."""
    words[table, party] = as_int(certificate)
    words[Table.REVOKED, hash_key(certificate)] = words[Table.REVOKED, hash_key(certificate)] or WRITTEN


def write_beside(words: Words, operation: Operation, party: int, now: int) -> None:
    """What is kept beside the party's own word."""
    if operation.code == Code.LIFT_BLOCK:
        words[Table.LIFT, party << 12 | operation.month] = 1
    elif operation.code == Code.CONFIRM_MONTH:
        deduction.confirm_month(words, operation)
    elif operation.code == Code.ANCHOR:
        words[Table.ANCHOR, party] = as_int(operation.who)
    else:
        words[Table.REVOKED, hash_key(operation.who)] = now | operation.terms << 40 | party << 48


def write_made(words: Words, operation: Operation) -> int:
    party, _ = words.party_of(operation.who)
    if party == 0:
        party = words.make_party(operation.who, operation.option)
    words[Table.IDENTITY, party] = as_int(operation.who)
    certify(words, Table.CERTIFICATE, party, operation.ref)
    word = PartyWord(
        signer=operation.terms & (1 << 160) - 1,
        kind=operation.option,
        quota=operation.terms >> 160,
        filed_through=operation.month - 1 if operation.option == PartyKind.ENTERPRISE else 0,
        version=words.party(party).version,
    )
    words.put_party(party, word)
    return party
