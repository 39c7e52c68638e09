"""A real chain and a real database, small enough for a test: who is who, and a clock that can be set."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger.chain import create_chain, open_reader, open_writer
from ledger.domain.blocks import BlockHead
from ledger.domain.groups import Group, SignedGroup
from ledger.identity import address_of, new_key, sign_group
from ledger.projection import Acceptance, NewGroup, Store, queued
from ledger.projection.queued import GroupStatus
from ledger.sequencer import Pace, Sequencer
from verifier.hashing import keccak256
from verifier.operations import Code, Operation

START_S = 1_790_000_000
MONTH = 321
FIRST_NUMBER = 90_440_326_091_100_000_000 // 10_000 * 10_000
QUOTA_FEN = 10**10


@dataclass
class Clock:
    now_s: int = START_S

    def __call__(self) -> int:
        return self.now_s


@dataclass
class FailingWriter:
    """The real writer, with errors to raise before or after a block is sealed. Each is raised once."""

    writer: Any
    before: list[Exception] = field(default_factory=list)
    after: list[Exception] = field(default_factory=list)
    refuses: Any = None  # (groups) -> Exception | None, asked every time
    batches: list[int] = field(default_factory=list)

    def commit(self, groups: Sequence[SignedGroup]) -> BlockHead:
        if self.before:
            raise self.before.pop(0)
        refusal = self.refuses(groups) if self.refuses else None
        if refusal is not None:
            raise refusal
        head: BlockHead = self.writer.commit(groups)
        self.batches.append(len(groups))
        if self.after:
            raise self.after.pop(0)
        return head


class World:
    """One ledger in a directory: chain, store, keys of its parties, and a sequencer made anew at will."""

    def __init__(self, directory: Path) -> None:
        self.clock = Clock()
        self.directory = directory
        self.sealer, self.keys = new_key(), {1: new_key()}
        self.identity = create_chain(
            directory / "chain", sealer_key=self.sealer, authority=address_of(self.keys[1]), now_s=START_S
        )
        self.store = Store.create(self.database)
        self.reader = open_reader(directory / "chain")
        self.real_writer = open_writer(directory / "chain", sealer_key=self.sealer, now=self.clock)
        self.writer = FailingWriter(self.real_writer)

    @property
    def database(self) -> str:
        return f"sqlite:///{self.directory / 'ledger.sqlite'}"

    def sequencer(self, **pace: int) -> Sequencer:
        return Sequencer(self.store, self.writer, self.reader, pace=Pace(**{"interval_ms": 5, **pace}), now=self.clock)

    def signed(
        self, actor: int, *operations: Operation, lifetime_s: int = 3600, key: bytes | None = None
    ) -> SignedGroup:
        group = Group(actor, self.clock() + lifetime_s, tuple(operations))
        return sign_group(key or self.keys[actor], group, self.identity.domain)

    def accept(self, signed: SignedGroup) -> bytes:
        digest = signed.group.digest(self.identity.domain)
        self.store.accept(Acceptance((NewGroup(digest, signed),)), queue_limit=10_000, now_s=self.clock())
        return digest

    def status(self, digest: bytes) -> GroupStatus:
        with self.store.reading() as connection:
            status = queued.status(connection, digest)
        assert status is not None
        return status

    def issue(self, *indexes: int, gross_fen: int = 113, **signing: Any) -> bytes:
        """An accepted group that issues the seller's numbers of those indexes."""
        return self.accept(self.signed(3, *(self.issue_operation(i, gross_fen) for i in indexes), **signing))

    def issue_operation(self, index: int, gross_fen: int = 113) -> Operation:
        return Operation(
            code=Code.ISSUE,
            subject=3,
            number=FIRST_NUMBER + index,
            month=MONTH,
            terms=gross_fen + (13 << 48),
            ref=secrets.token_bytes(32),
        )

    def enrol_seller(self) -> None:
        """Officer 2, seller 3 with a segment, the month open: four blocks straight through the writer."""
        self.keys[2], self.keys[3] = new_key(), new_key()
        officer, seller = keccak256(b"officer:1"), keccak256(b"enterprise:seller")
        steps = [
            self.signed(1, self._made(Code.APPOINT_OFFICER, 1, officer, 2, address_of(self.keys[2]))),
            self.signed(
                2,
                self._made(Code.ENROL, 2, seller, 3, address_of(self.keys[3]), quota=QUOTA_FEN, month=MONTH),
            ),
            self.signed(
                2,
                Operation(
                    code=Code.ALLOT_SEGMENT,
                    subject=2,
                    number=FIRST_NUMBER,
                    version=1,
                    party=3,
                    option=1,
                    ref=secrets.token_bytes(32),
                ),
            ),
            self.signed(
                1,
                Operation(
                    code=Code.OPEN_MONTH,
                    subject=1,
                    number=MONTH,
                    month=MONTH,
                    terms=START_S - 10 + ((START_S + 10**7) << 64),
                    ref=secrets.token_bytes(32),
                ),
            ),
        ]
        for signed in steps:
            self.real_writer.commit([signed])

    def close(self) -> None:
        self.real_writer.close()
        self.reader.close()
        self.store.close()

    @staticmethod
    def _made(
        code: Code, actor: int, identity: bytes, kind: int, signer: bytes, *, quota: int = 0, month: int = 0
    ) -> Operation:
        return Operation(
            code=code,
            subject=actor,
            number=int.from_bytes(identity, "big") >> 176,
            month=month,
            option=kind,
            terms=int.from_bytes(signer, "big") + (quota << 160),
            who=identity,
            ref=secrets.token_bytes(32),
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.enrol_seller()
    yield made
    made.close()
