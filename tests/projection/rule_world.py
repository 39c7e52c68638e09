"""A ledger for tests of the projection: the plain model of the contract answers signed groups, block by block.

The model is that of the contract's own tests, where every event and every word of it is held against the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.domain.blocks import (
    BlockHead,
    ChainBlock,
    ChainEvent,
    ExceptionRaised,
    InvoiceWritten,
    MonthOpened,
    Outcome,
    PartyNamed,
    PartyWritten,
    Retired,
    SequencedGroup,
)
from ledger.domain.groups import Group, SignedGroup
from ledger.projection import Store
from ledger.projection.audit import audit
from ledger.projection.rebuild import follow
from tests.contract.drafts import Drafts
from tests.contract.model import Model, recovered_address
from tests.contract.wire import Event, Signed, address_int, key_of, sign_group
from verifier.hashing import keccak256
from verifier.operations import Code, Operation, domain_separator
from verifier.words import DeductedWord, PartyKind, PartyWord, StateWord, Table, TotalsWord, storage_key

START_S = 4_000_000_000
DAY_S = 86_400
MONTH = 96 * 12 + 9  # 2096-10
FIRST = 90_000_000_000_000_000_000
SEPARATOR = domain_separator(4403, b"\x22" * 20)


class RuleWorld(Drafts):
    """Named actors on one ledger; `do` signs a group into the block that is open, `seal` closes it."""

    def __init__(self) -> None:
        self.model = Model(SEPARATOR)
        self.model.words[Table.PARTY_COUNT, 0] = 1
        self.model.words.put_party(1, PartyWord(signer=address_int("authority"), kind=PartyKind.AUTHORITY))
        self.ids = {"authority": 1}
        self.time_s = START_S
        self.blocks: list[ChainBlock] = []
        self._pending: list[SequencedGroup] = []
        self.seal()

    # what drafting asks

    @property
    def now(self) -> int:
        return self.time_s

    def party(self, name: str) -> PartyWord:
        return self.model.words.party(self.ids[name])

    def state(self, number: int = FIRST) -> StateWord:
        return self.model.words.state(number)

    def totals(self, name: str, month: int = MONTH) -> TotalsWord:
        return self.model.words.totals(self.ids[name], month)

    def deducted(self, name: str, month: int = MONTH) -> DeductedWord:
        return self.model.words.deducted(self.ids[name], month)

    # what happens

    def do(self, actor: str, *operations: Operation, refused: bool = False) -> bytes:
        """One group by `actor` in the open block; its digest. The answer must be as expected."""
        signed = sign_group(SEPARATOR, self.ids[actor], self.time_s + 3_600, operations, key_of(actor))
        group = self.answered(signed)
        expected = Outcome.REFUSED if refused else Outcome.APPLIED
        assert group.outcome is expected, f"{operations}: {group.outcome} {group.reason}"
        return signed.digest

    def answered(self, signed: Signed) -> SequencedGroup:
        """The group with the model's answer, put into the open block."""
        events = self.model.apply_group(signed, self.time_s)
        group = sequenced(signed, events)
        self._pending.append(group)
        return group

    def seal(self, *, seconds_later: int = 1) -> ChainBlock:
        number = len(self.blocks)
        parent = self.blocks[-1].head.hash if self.blocks else bytes(32)
        digest = keccak256(parent + b"".join(group.digest for group in self._pending) + number.to_bytes(8, "big"))
        block = ChainBlock(BlockHead(number, digest, self.time_s), parent, tuple(self._pending))
        self.blocks.append(block)
        self._pending = []
        self.time_s += seconds_later
        return block

    # what a chain answers

    def head(self) -> BlockHead:
        return self.blocks[-1].head

    def block(self, number: int) -> ChainBlock:
        return self.blocks[number]

    def words(self, keys: Sequence[int]) -> list[int]:
        found = {storage_key(table, key): word for (table, key), word in self.model.words.items()}
        return [found.get(key, 0) for key in keys]

    # actors

    def enrol(self, name: str, kind: PartyKind, **fields: Any) -> None:
        officer = kind in (PartyKind.OFFICER, PartyKind.CALENDAR)
        operation = self.appoint_operation(name, kind) if officer else self.enrol_operation(name, kind, **fields)
        self.do("authority" if officer else "officer", operation)
        self.ids[name] = self.model.words.party_of(operation.who)[0]

    @classmethod
    def opened(cls) -> RuleWorld:
        """An officer, a seller with numbers, two employers, their people, six open months; sealed."""
        world = cls()
        world.enrol("officer", PartyKind.OFFICER)
        for name in ("seller", "employer", "rival"):
            world.enrol(name, PartyKind.ENTERPRISE, quota=10**9)
        for name in ("employee", "cashier", "courier"):
            world.enrol(name, PartyKind.PERSON)
        for month in range(MONTH, MONTH + 6):
            world.do("authority", world.open_month_operation("authority", month, closes=START_S + 900 * DAY_S))
        world.do("officer", world.allot_operation("seller", FIRST))
        world.do("employer", world.grant_operation("employer", "employee", 4))
        world.do("employer", world.grant_operation("employer", "cashier", 2))
        world.do("rival", world.grant_operation("rival", "courier", 6))
        world.seal()
        return world


def sequenced(signed: Signed, events: list[Event]) -> SequencedGroup:
    """A group as the chain layer reads it."""
    group = Group(signed.actor, signed.head[0] >> 160 & (1 << 64) - 1, signed.operations)
    outcome, reason, number = Outcome.APPLIED, 0, 0
    found: tuple[ChainEvent, ...] = ()
    if events[0].name == "Malformed":
        outcome = Outcome.MALFORMED
    elif events[0].name == "Refused":
        outcome, reason, number = Outcome.REFUSED, events[0].words[0], events[0].topics[0]
    else:
        found = tuple(_chain_event(event) for event in events)
    return SequencedGroup(
        digest=signed.digest,
        signed=SignedGroup(group, signed.v, signed.head[1], signed.head[2]),
        signer=recovered_address(signed.digest, signed) or b"",
        outcome=outcome,
        reason=reason,
        refused_number=number,
        events=found,
    )


def _chain_event(event: Event) -> ChainEvent:
    topics, words = event.topics, event.words
    if event.name == "Recorded":
        return InvoiceWritten(topics[0], words[0], words[1], words[2].to_bytes(32, "big"))
    if event.name == "PartyChanged":
        return PartyWritten(topics[0], words[0], words[1])
    if event.name == "PartyNamed":
        return PartyNamed(topics[0], words[0].to_bytes(32, "big"))
    if event.name == "ExceptionRaised":
        return ExceptionRaised(topics[0], topics[1], words[0])
    if event.name == "MonthOpened":
        return MonthOpened(topics[0], words[0] & (1 << 64) - 1, words[0] >> 64)
    return Retired(words[0].to_bytes(20, "big"))


def settle(world: RuleWorld, number: int = FIRST, special: int = 0) -> None:
    """An invoice for the employer, held by its employee, claimed and paid out."""
    world.do("seller", world.issue_operation(number=number, first_holder="employee", special=special))
    world.do("employee", world.operation(Code.LOCK, "employee", number, party=world.ids["employer"], terms=1))
    world.do("cashier", world.operation(Code.SETTLE, "employer", number, terms=1))


def agree(world: RuleWorld, number: int = FIRST, **terms: Any) -> None:
    world.do("seller", world.slip_operation(number=number, **terms))
    world.do("cashier", world.operation(Code.CONFIRM_SLIP, "employer", number))


def project(store: Store, world: RuleWorld) -> None:
    world.seal()
    follow(store.engine, world)
    report = audit(store.engine, world)
    assert report.difference is None, report.difference
