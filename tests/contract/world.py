"""A contract on eth-tester with named actors; every step sends signed groups straight to `apply`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from eth.constants import GENESIS_PARENT_HASH
from eth_abi.abi import encode
from eth_tester import EthereumTester

from tests.contract.drafts import DAY_S, GROSS, MONTH, NUMBER, OUTSIDE, QUOTA, RED, Drafts, identity_of
from tests.contract.wire import (
    GAS,
    Event,
    Signed,
    address_of,
    as_int,
    bytecode,
    calldata,
    checksum,
    decode_event,
    deploy,
    key_of,
    new_tester,
    send_transaction,
    sign_group,
    word32,
)
from verifier.hashing import keccak256
from verifier.operations import Operation, Reason, domain_separator
from verifier.words import (
    ClaimWord,
    DeductedWord,
    DeductionWord,
    ExceptionWord,
    PartyKind,
    PartyWord,
    SlipWord,
    StateWord,
    Table,
    TotalsWord,
    hash_key,
    storage_key,
    storage_slot,
)

__all__ = [
    "DAY_S",
    "GROSS",
    "MONTH",
    "NUMBER",
    "OUTSIDE",
    "QUOTA",
    "RED",
    "World",
    "identity_of",
    "new_tester",
    "opened_world",
]

CHAIN_ID = 131277322940537  # eth-tester's own


@dataclass
class World(Drafts):
    """One deployed contract. `ids` are party numbers by actor name; the authority is party 1."""

    tester: EthereumTester
    address: bytes
    chain_id: int = CHAIN_ID
    ids: dict[str, int] = field(default_factory=lambda: {"authority": 1})
    receipt: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, tester: EthereumTester | None = None, predecessor: bytes = bytes(20)) -> World:
        tester = tester or new_tester()
        arguments = encode(["address", "address"], [address_of(key_of("authority")), predecessor])
        return cls(tester, deploy(tester, bytecode() + arguments))

    @contextmanager
    def scratch(self) -> Iterator[World]:
        """This world for a while: what happens inside is undone afterwards.

        By going back to the block that was the newest: the tester's own way also executes that block again.
        """
        head = self.tester.backend.chain.get_canonical_head()
        try:
            yield replace(self, ids=dict(self.ids))
        finally:
            chain = self.tester.backend.chain
            chain.chaindb._set_as_canonical_chain_head(chain.chaindb.db, head, GENESIS_PARENT_HASH)
            chain.header = chain.create_header_from_parent(head)

    # -- time and words -----------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Time of the block the next transaction gets into, in seconds.

        From its header: the tester's own answer writes out and hashes the whole block, and this is asked for often.
        """
        return int(self.tester.backend.chain.header.timestamp)

    def travel(self, time_s: int) -> None:
        """The next transaction's block has exactly that time."""
        self.tester.time_travel(time_s)

    @property
    def separator(self) -> bytes:
        return domain_separator(self.chain_id, self.address)

    def word(self, table: Table, key: int) -> int:
        """A word as the contract's own `words(key)` answers it."""
        return self.call(keccak256(b"words(uint256)")[:4] + word32(storage_key(table, key)))

    def successor(self) -> int:
        return self.call(keccak256(b"successor()")[:4])

    def call(self, data: bytes) -> int:
        sender = self.tester.get_accounts()[0]
        return int(self.tester.call({"from": sender, "to": checksum(self.address), "data": "0x" + data.hex()}), 16)

    def stored(self, table: Table, key: int) -> int:
        """A word read from the node's storage at the slot `verifier.words` names, past the contract's code."""
        slot = as_int(storage_slot(storage_key(table, key)))
        return int(self.tester.backend.get_storage(self.address, slot))

    def state(self, number: int = NUMBER) -> StateWord:
        return StateWord.unpack(self.word(Table.STATE, number))

    def party(self, name: str) -> PartyWord:
        return PartyWord.unpack(self.word(Table.PARTY, self.ids[name]))

    def claim(self, number: int = NUMBER) -> ClaimWord:
        return ClaimWord.unpack(self.word(Table.CLAIM, number))

    def totals(self, name: str, month: int = MONTH) -> TotalsWord:
        return TotalsWord.unpack(self.word(Table.TOTALS, self.ids[name] << 12 | month))

    def deducted(self, name: str, month: int = MONTH) -> DeductedWord:
        return DeductedWord.unpack(self.word(Table.DEDUCTED, self.ids[name] << 12 | month))

    def deduction(self, number: int = NUMBER) -> DeductionWord:
        return DeductionWord.unpack(self.word(Table.DEDUCTION, number))

    def slip(self, number: int = NUMBER) -> SlipWord:
        return SlipWord.unpack(self.word(Table.SLIP, number))

    def exception(self, number: int = NUMBER) -> ExceptionWord:
        return ExceptionWord.unpack(self.word(Table.EXCEPTION, number))

    def grants(self, enterprise: str, person: str) -> int:
        return self.word(Table.GRANT, self.ids[enterprise] << 32 | self.ids[person])

    def spent(self, digest: bytes) -> int:
        return self.word(Table.SPENT, hash_key(digest))

    def storage_root(self, *without_spent: Signed) -> bytes:
        """Root of the contract's whole storage, with the spent marks of those groups taken out of it."""
        state = self.tester.backend.chain.get_vm().state
        for group in without_spent:
            key = storage_key(Table.SPENT, hash_key(group.digest))
            state.set_storage(self.address, as_int(storage_slot(key)), 0)
        state._account_db.make_state_root()
        return bytes(state._account_db._get_storage_root(self.address))

    # -- sending ------------------------------------------------------------------------------

    def sign(
        self,
        actor: str,
        *operations: Operation,
        key: bytes | None = None,
        actor_id: int | None = None,
        valid_until: int | None = None,
        separator: bytes | None = None,
    ) -> Signed:
        return sign_group(
            separator or self.separator,
            self.ids[actor] if actor_id is None else actor_id,
            self.now + 3600 if valid_until is None else valid_until,
            operations,
            key or key_of(actor),
        )

    def send(self, *groups: Signed, gas: int = GAS, sender: int = 0) -> list[Event]:
        """Events of one transaction with those groups.

        Raises: RevertedError.
        """
        self.receipt = send_transaction(self.tester, checksum(self.address), calldata(groups), gas, sender)
        return [decode_event(log) for log in self.receipt["logs"]]

    def do(self, actor: str, *operations: Operation, **signing: Any) -> list[Event]:
        """Applies one group and requires that the contract took it."""
        group = self.sign(actor, *operations, **signing)
        events = self.send(group)
        refused = [(Reason(event.words[0]).name, event.topics) for event in events if event.name == "Refused"]
        assert not refused, refused
        assert events
        assert all(event.name != "Malformed" for event in events)
        assert self.spent(group.digest) == 1
        return events

    def refusal(self, actor: str, *operations: Operation, **signing: Any) -> tuple[Reason, int]:
        """(reason, number) of a group the contract must refuse: only its digest is spent, and its bytes are dead."""
        group = self.sign(actor, *operations, **signing)
        before = self.storage_root()
        (event,) = self.send(group)
        assert event.name == "Refused", event
        assert event.topics[1] == group.actor
        assert event.words[1] == as_int(group.digest)
        assert self.spent(group.digest) == 2
        assert self.storage_root(group) == before
        self.malformed(group)
        return Reason(event.words[0]), event.topics[0]

    def malformed(self, *groups: Signed) -> None:
        """Requires that each of those groups names nobody and changes nothing."""
        before = self.storage_root()
        events = self.send(*groups)
        assert [(event.name, event.topics, event.words) for event in events] == [
            ("Malformed", (as_int(group.digest),), ()) for group in groups
        ]
        assert self.storage_root() == before

    # -- setting the scene --------------------------------------------------------------------

    def enrol(self, name: str, kind: PartyKind, **fields: Any) -> int:
        events = self.do("officer", self.enrol_operation(name, kind, **fields))
        self.ids[name] = events[0].topics[0]
        return self.ids[name]

    def appoint(self, name: str, kind: PartyKind = PartyKind.OFFICER) -> int:
        events = self.do("authority", self.appoint_operation(name, kind))
        self.ids[name] = events[0].topics[0]
        return self.ids[name]

    def grant(self, enterprise: str, person: str, bits: int) -> None:
        self.do(enterprise, self.grant_operation(enterprise, person, bits))


def opened_world() -> World:
    """Officer, calendar, seller (quota, segment), employers, clerk (issue), employee (claim), cashier (finance)."""
    world = World.create()
    world.appoint("officer")
    world.appoint("calendar", PartyKind.CALENDAR)
    world.do("calendar", world.open_month_operation("calendar"))
    world.enrol("seller", PartyKind.ENTERPRISE, quota=QUOTA)
    for enterprise in ("employer", "other employer"):
        world.enrol(enterprise, PartyKind.ENTERPRISE)
    for person in ("clerk", "employee", "cashier", "intruder"):
        world.enrol(person, PartyKind.PERSON)
    world.do("officer", world.allot_operation("seller", NUMBER))
    world.grant("seller", "clerk", 1)
    world.grant("employer", "employee", 4)
    world.grant("other employer", "employee", 4)
    world.grant("employer", "cashier", 6)
    return world
