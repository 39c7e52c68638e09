"""A small ledger for the chain's tests: keys by role, signed groups, a chain with one seller ready to issue."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from coincurve import PrivateKey

from ledger.chain import create_chain, open_reader, open_writer
from ledger.domain.blocks import BlockHead, SequencedGroup
from ledger.domain.groups import ChainDomain, Group, SignedGroup
from verifier.hashing import keccak256
from verifier.operations import Code, Operation
from verifier.words import NUMBER_SPACE_FIRST

SEALER_KEY = keccak256(b"test sealer")
AUTHORITY, OFFICER, CALENDAR, SELLER = 1, 2, 3, 4
TEST_MAP_SIZE = 1 << 40


class Actor:
    """One party's key."""

    def __init__(self, role: str) -> None:
        self.key = PrivateKey(keccak256(role.encode()))
        self.address = keccak256(self.key.public_key.format(compressed=False)[1:])[12:]
        self.identity = keccak256(f"enterprise:{role}".encode())

    def sign(self, domain: ChainDomain, party: int, valid_until: int, *operations: Operation) -> SignedGroup:
        group = Group(party, valid_until, operations)
        signature = self.key.sign_recoverable(group.digest(domain), hasher=None)
        return SignedGroup(
            group,
            v=27 + signature[64],
            r=int.from_bytes(signature[:32], "big"),
            s=int.from_bytes(signature[32:64], "big"),
        )


class Ledger:
    """A chain, its writer and a reader."""

    def __init__(self, directory: Path, *, now: Callable[[], int] | None = None, epoch_length: int = 30_000) -> None:
        self.directory = directory
        self.now = now or (lambda: int(time.time()))
        self.authority, self.officer = Actor("authority"), Actor("officer")
        self.calendar, self.seller = Actor("calendar"), Actor("seller")
        self.identity = create_chain(
            directory,
            sealer_key=SEALER_KEY,
            authority=self.authority.address,
            now_s=self.now(),
            epoch_length=epoch_length,
        )
        self.domain = self.identity.domain
        self.open()

    seller_certificate = b""  # keccak256 of a real one, for tests that show it

    def open(self) -> None:
        self.writer = open_writer(self.directory, sealer_key=SEALER_KEY, now=self.now)
        self.reader = open_reader(self.directory)

    def close(self) -> None:
        self.writer.close()
        self.reader.close()

    @property
    def month(self) -> int:
        moment = time.gmtime(self.now() + 8 * 3600)
        return (moment.tm_year - 2000) * 12 + moment.tm_mon - 1

    def signed(self, actor: Actor, party: int, *operations: Operation) -> SignedGroup:
        return actor.sign(self.domain, party, self.now() + 3600, *operations)

    def commit(self, *groups: SignedGroup) -> tuple[BlockHead, tuple[SequencedGroup, ...]]:
        head = self.writer.commit(groups)
        return head, self.reader.block(head.number).groups

    def do(self, actor: Actor, party: int, *operations: Operation) -> SequencedGroup:
        return self.commit(self.signed(actor, party, *operations))[1][0]

    def appoint(self, actor: Actor, kind: int) -> Operation:
        return Operation(
            code=Code.APPOINT_OFFICER,
            subject=AUTHORITY,
            number=int.from_bytes(actor.identity, "big") >> 176,
            option=kind,
            terms=int.from_bytes(actor.address, "big"),
            who=actor.identity,
            ref=keccak256(actor.identity),
        )

    def ready_to_issue(self) -> None:
        """Officer, calendar, an open month, and a seller with quota and numbers."""
        self.do(self.authority, AUTHORITY, self.appoint(self.officer, 2))
        self.do(self.authority, AUTHORITY, self.appoint(self.calendar, 5))
        month, now = self.month, self.now()
        hours = (now - 86_400) | (now + 40 * 86_400) << 64
        self.do(self.calendar, CALENDAR, Operation(Code.OPEN_MONTH, CALENDAR, month, month=month, terms=hours))
        self.do(
            self.officer,
            OFFICER,
            Operation(
                code=Code.ENROL,
                subject=OFFICER,
                number=int.from_bytes(self.seller.identity, "big") >> 176,
                month=month,
                option=3,
                terms=int.from_bytes(self.seller.address, "big") | (1 << 43) << 160,
                who=self.seller.identity,
                ref=self.seller_certificate or keccak256(self.seller.identity),
            ),
        )
        self.do(
            self.officer,
            OFFICER,
            Operation(Code.ALLOT_SEGMENT, OFFICER, NUMBER_SPACE_FIRST, version=1, party=SELLER, option=64),
        )

    def issue(self, index: int, *, buyer: bytes = bytes(32), gross: int = 10_000) -> Operation:
        return Operation(
            code=Code.ISSUE,
            subject=SELLER,
            number=NUMBER_SPACE_FIRST + index,
            month=self.month,
            terms=gross | (gross * 13 // 113) << 48,
            who=buyer,
            ref=keccak256(b"commitment %d" % index),
        )

    def issued(self, *indices: int) -> SignedGroup:
        return self.signed(self.seller, SELLER, *(self.issue(index) for index in indices))
