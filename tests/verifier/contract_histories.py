"""Evidence from the histories that a contract on eth-tester wrote: its own state trie, under a header of ours.

eth-tester seals no Clique headers, so the state root it reached is put into a header of `bundle_factory`. What the
operations commit to is no document there: steps `document` and `fields` are not these histories' to pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import rlp
from cryptography.hazmat.primitives.asymmetric import ec
from trie import HexaryTrie

from ledger.domain.blocks import ChainBlock, InvoiceWritten, Outcome, SequencedGroup
from tests.contract.machine_world import KINDS, NAMES
from tests.contract.twin import SPARE_KEYS
from tests.contract.wire import address_of, key_of
from tests.contract.world import World, identity_of
from tests.verifier.bundle_factory import (
    CURVE,
    GENESIS,
    ROOT_KEY,
    SEALER_KEY,
    START,
    certificate,
    point,
    proof_nodes,
    sealed_header,
    word_nodes,
)
from verifier.bundle import Bundle, SignedEvent, build, parties_of, proof_slots
from verifier.commitment import disclose
from verifier.hashing import ZERO_HASH, keccak256
from verifier.operations import Operation, numbers_written
from verifier.report import Report
from verifier.steps import examine
from verifier.trust import Trust, TrustedContract
from verifier.words import Table

FAR = START.replace(year=2200)  # the tester's clock runs ahead of every real one
ROOT = certificate("authority", ROOT_KEY, "authority", ROOT_KEY, is_authority=True, path_length=1, end=FAR)


@dataclass(frozen=True)
class Written:
    """One operation as the contract applied it to one invoice: its group, its place in it, block time, state after."""

    time_s: int
    group: SequencedGroup
    index: int
    state: int
    contract: int = 0

    @property
    def operation(self) -> Operation:
        return self.group.signed.group.operations[self.index]


def histories_of(blocks: Iterable[ChainBlock]) -> dict[int, list[Written]]:
    """What was done to each invoice, in order, by its number."""
    found: dict[int, list[Written]] = {}
    for block in blocks:
        for group in block.groups:
            if group.outcome is not Outcome.APPLIED:
                continue
            states = {event.number: event.state for event in group.events if isinstance(event, InvoiceWritten)}
            for index, operation in enumerate(group.signed.group.operations):
                for number in numbers_written(operation):
                    found.setdefault(number, []).append(Written(block.head.time_s, group, index, states[number]))
    return found


@dataclass(frozen=True)
class ContractEvidence:
    """The latest state of a contract, and certificates for the keys that signed for it.

    `retired` are the ledger's earlier contracts, first to last.
    """

    world: World
    retired: tuple[World, ...] = ()

    @property
    def addresses(self) -> tuple[bytes, ...]:
        return tuple(world.address for world in (*self.retired, self.world))

    @cached_property
    def names(self) -> dict[bytes, str]:
        """Identity texts by identity hash."""
        named = {identity_of(name, kind): f"{kind.name.lower()}:{name}" for name, kind in KINDS.items()}
        return named | {ZERO_HASH: "authority:authority"}  # the contract keeps no identity of party 1

    @cached_property
    def trust(self) -> Trust:
        contracts = tuple(map(TrustedContract, self.addresses, (account[3] for account in self._contracts)))
        return Trust(self.world.chain_id, GENESIS, contracts, (point(SEALER_KEY),), ROOT)

    def report(self, number: int, written: list[Written]) -> Report:
        return examine(self.bundle(number, written).to_bytes(), self.trust)

    def bundle(self, number: int, written: list[Written]) -> Bundle:
        identities = self._identities(written)
        events = [self._event(one, identities) for one in written]
        named = parties_of((event.actor, event.operation, event.state) for event in events)
        storages = [HexaryTrie(self._nodes, account[2]) for account in self._contracts]
        slots = proof_slots(number, named, {event.certificate for event in events})
        time_s = int(self._block["timestamp"])
        return build(
            chain_id=self.world.chain_id,
            contracts=self.addresses,
            genesis=GENESIS,
            number=number,
            document=disclose({"number": f"{number:020d}"}, bytes(32)),
            events=events,
            parties={party: (identities[party], self._text(identities[party])) for party in named},
            header=sealed_header(self._state_root, time_s, SEALER_KEY),
            account_nodes=[
                node for address in self.addresses for node in proof_nodes(self._accounts, keccak256(address))
            ],
            storage_nodes=word_nodes(storages, slots),
        )

    def _text(self, identity: bytes) -> str | None:
        return self.names.get(identity) if identity != ZERO_HASH else None

    def _event(self, written: Written, identities: dict[int, bytes]) -> SignedEvent:
        signed = written.group.signed
        hashes = tuple(operation.hash() for operation in signed.group.operations)
        actor = signed.group.actor
        return SignedEvent(
            time_s=written.time_s,
            operation=written.operation,
            state=written.state,
            actor=actor,
            valid_until=signed.group.valid_until,
            before=hashes[: written.index],
            after=hashes[written.index + 1 :],
            r=signed.r,
            s=signed.s,
            certificate=certificate_of(written.group.signer, self.names[identities[actor]]),
            contract=written.contract,
        )

    def _identities(self, written: list[Written]) -> dict[int, bytes]:
        parties = parties_of((one.group.signed.group.actor, one.operation, one.state) for one in written)
        return {party: self.world.word(Table.IDENTITY, party).to_bytes(32, "big") for party in parties}

    @cached_property
    def _block(self) -> dict[str, Any]:
        return dict(self.world.tester.get_block_by_number("latest"))

    @cached_property
    def _state_root(self) -> bytes:
        return bytes(self._chain.get_canonical_head().state_root)

    @property
    def _chain(self) -> Any:
        return self.world.tester.backend.chain

    @property
    def _nodes(self) -> Any:
        return self._chain.chaindb.db

    @cached_property
    def _accounts(self) -> HexaryTrie:
        return HexaryTrie(self._nodes, self._state_root)

    @cached_property
    def _contracts(self) -> list[list[bytes]]:
        """Fields of each contract's account."""
        return [list(rlp.decode(self._accounts[keccak256(address)])) for address in self.addresses]


@cache
def _keys() -> dict[bytes, bytes]:
    """Secret keys by the address they sign with."""
    return {address_of(key_of(name)): key_of(name) for name in (*NAMES, *SPARE_KEYS)}


@cache
def certificate_of(signer: bytes, identity: str) -> bytes:
    """What the authority certifies of the key with that address."""
    key = ec.derive_private_key(int.from_bytes(_keys()[signer], "big"), CURVE)
    return certificate(identity, key, "authority", ROOT_KEY, identity=identity, end=FAR)
