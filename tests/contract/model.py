"""The ledger in plain Python, from docs/OPERATIONS.md: what a batch of groups does, and why one is refused.

It shares the packing of words with the verifier and nothing with the contract. Where a group breaks several rules at
once, tests/contract/model_rules.py has the order in which they are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import coincurve

from tests.contract import model_invoices as invoices
from tests.contract import model_rules as rules
from tests.contract import model_writes as writes
from tests.contract.model_words import Words
from tests.contract.wire import Event, Signed, as_int
from verifier.hashing import keccak256
from verifier.operations import (
    GROUP_LIFETIME_MAX_S,
    INVOICE_CODES,
    SECP256K1_ORDER,
    Code,
    Operation,
    Reason,
    group_digest,
)
from verifier.words import (
    SEGMENT_BLOCK_SIZE,
    PartyKind,
    Table,
    hash_key,
    head_after,
)

APPLIED, REFUSED = 1, 2


def refused_operation(words: Words, actor: int, operations: Sequence[Operation], now: int) -> tuple[Reason, int] | None:
    """(reason, number) of the first operation that breaks a rule, or None; nothing is written."""
    actor_word = words.party(actor)
    if actor_word.suspended and actor_word.kind != PartyKind.ENTERPRISE:
        return Reason.SUSPENDED, operations[0].number
    last = -1
    issues: list[Operation] = []
    for index, operation in enumerate(operations):
        try:
            rules.require(operation.number > last, Reason.OUT_OF_ORDER)
            if operation.code == Code.ISSUE:
                rules.require(bool(issues) or index == 0, Reason.MIXED_GROUP)
                invoices.issue(words, operation, actor, now, issues)
                issues.append(operation)
            else:
                rules.check(words, operation, actor, now, len(operations) == 1)
        except rules.Refusal as refusal:
            return refusal.reason, operation.number
        last = operation.number
        if operation.code == Code.ALLOT_SEGMENT:
            last += operation.option * SEGMENT_BLOCK_SIZE - 1
    return None


def recovered_address(digest: bytes, group: Signed) -> bytes | None:
    """The 20-byte address that signed, or None for bytes nobody could have signed."""
    _, r, s = group.head
    if group.v not in (27, 28) or not 0 < r < SECP256K1_ORDER or not 0 < s <= SECP256K1_ORDER // 2:
        return None
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([group.v - 27])
    try:
        key = coincurve.PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except Exception:  # noqa: BLE001 the library raises a bare Exception when no point fits
        return None
    return keccak256(key.format(compressed=False)[1:])[12:]


@dataclass
class Model:
    """One contract's words and whether it retired."""

    separator: bytes
    words: Words = field(default_factory=Words)
    successor: int = 0

    def apply(self, groups: Sequence[Signed], now: int) -> list[Event]:
        """Events of one transaction in a block of time `now`, seconds; the words change with it."""
        events: list[Event] = []
        for group in groups:
            events += self.apply_group(group, now)
        return events

    def apply_group(self, group: Signed, now: int) -> list[Event]:
        valid_until = group.head[0] >> 160 & (1 << 64) - 1
        hashes = [operation.hash() for operation in group.operations]
        digest = group_digest(self.separator, group.actor, valid_until, hashes)
        address = recovered_address(digest, group)
        spent = (Table.SPENT, hash_key(digest))
        timely = valid_until - GROUP_LIFETIME_MAX_S <= now <= valid_until
        if self.successor or not timely or self.words[spent] or not self.is_signer(group.actor, address, now):
            return [Event("Malformed", (as_int(digest),), ())]
        assert address is not None
        before = self.words.copy()
        self.take_recovery(group.actor, now)
        refusal = refused_operation(self.words, group.actor, group.operations, now)
        if refusal:
            self.words = before
            self.words[spent] = REFUSED
            return [Event("Refused", (refusal[1], group.actor), (refusal[0], as_int(digest)))]
        self.words[spent] = APPLIED
        events: list[Event] = []
        for operation, operation_hash in zip(group.operations, hashes, strict=True):
            events += self.write(operation, group.actor, digest, operation_hash, address, now)
        return events

    def is_signer(self, actor: int, address: bytes | None, now: int) -> bool:
        word = self.words.party(actor)
        signer = self.words[Table.RECOVERY, actor] & (1 << 160) - 1 if self.is_due(actor, now) else word.signer
        return bool(signer) and address is not None and as_int(address) == signer

    def is_due(self, party: int, now: int) -> bool:
        return bool(self.words.party(party).recovery) and now >= self.words[Table.RECOVERY, party] >> 160

    def take_recovery(self, party: int, now: int) -> None:
        if self.is_due(party, now):
            signer = self.words[Table.RECOVERY, party] & (1 << 160) - 1
            self.words.put_party(party, replace(self.words.party(party), signer=signer, recovery=0))
            self.words[Table.CERTIFICATE, party] = self.words[Table.RECOVERY_CERTIFICATE, party]

    def write(
        self, operation: Operation, actor: int, digest: bytes, operation_hash: bytes, signer: bytes, now: int
    ) -> list[Event]:
        if operation.code in INVOICE_CODES:
            events: list[Event] = []
            for step in writes.invoice_steps(self.words, operation, actor, now, digest):
                if isinstance(step, Event):
                    events.append(step)
                    continue
                number, state = step
                head = self.words[Table.HEAD, number].to_bytes(32, "big")
                after = as_int(head_after(head, digest, operation_hash, signer, now, state.pack()))
                self.words[Table.STATE, number] = state.pack()
                self.words[Table.HEAD, number] = after
                events.append(Event("Recorded", (number, as_int(digest)), (operation.what, state.pack(), after)))
            return events
        if operation.code == Code.OPEN_MONTH:
            self.words[Table.MONTH, operation.number] = operation.terms
            return [Event("MonthOpened", (operation.number, as_int(digest)), (operation.terms,))]
        if operation.code == Code.RETIRE:
            self.successor = operation.terms
            return [Event("Retired", (), (operation.terms, as_int(digest)))]
        party = writes.write_party(self.words, operation, now)
        word = self.words.party(party)
        self.words.put_party(party, replace(word, version=word.version + 1))
        return [Event("PartyChanged", (party, as_int(digest)), (operation.what, self.words[Table.PARTY, party]))]
