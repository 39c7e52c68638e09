"""A target invoice among crowds: every event of it lies in a block full of other parties' operations."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.blocks import ChainBlock
from ledger.projection import parties, queued
from ledger.service import Caller, Ledger, Written
from tests.evidence.leaks import Traces, traces_of
from tests.service.world import SERIALS, World, tax_id

NAMES = ("目标销售公司", "目标雇主公司", "目标员工", "目标会计")


class Crowd:
    """A ledger whose blocks are sealed on demand, each with one event of the target and many of others."""

    def __init__(self, directory: Path, *, sellers: int, rows: int) -> None:
        self.world = World(directory, batch_operations_max=256, queue_limit_per_party=10_000)
        self.world.sequencing.stop()
        self.rows = rows
        self.ledger: Ledger = self.world.opened(post_wait_ms=0, batch_operations_max=256)
        self.others = self._enrolled([("enterprise", f"旁观公司{index}") for index in range(sellers)])
        self.other_employer, self.other_claimant, self.other_cashier = self._enrolled(
            [("enterprise", "旁观雇主公司"), ("person", "旁观员工"), ("person", "旁观会计")]
        )
        self.seller, self.employer, self.claimant, self.cashier = self._enrolled(
            [("enterprise", NAMES[0]), ("enterprise", NAMES[1]), ("person", NAMES[2]), ("person", NAMES[3])]
        )
        for seller in (*self.others, self.seller):
            self.ledger.allot_segment(self.world.officer, seller.party, idempotency_key=self.world.key())
            self.seal()  # the next segment begins where this one ends
        for employer, claimant, cashier in (
            (self.employer, self.claimant, self.cashier),
            (self.other_employer, self.other_claimant, self.other_cashier),
        ):
            for person, bits in ((claimant, ["claim"]), (cashier, ["finance"])):
                self.ledger.grant(employer, person.party, bits, idempotency_key=self.world.key())
                self.seal()
        self.claimant, self.cashier, self.other_claimant = map(
            self.world.again, (self.claimant, self.cashier, self.other_claimant)
        )
        self.held: list[str] = []  # invoices of the other claimant, not claimed yet
        self.blocks: list[int] = []
        self.number = ""
        self._live()

    def close(self) -> None:
        self.world.close()

    def seal(self) -> int:
        """Sequences all that waits; the last block."""
        while self.world.sequencing.sequencer.round().taken:
            pass
        return self.ledger.health().chain_block

    def block(self, number: int) -> ChainBlock:
        return self.ledger.context.reader.block(number)

    def evidence(self) -> bytes:
        return self.ledger.evidence(self.claimant, self.number)

    def traces(self) -> tuple[Traces, Traces]:
        """(of the target, of everybody else) over the whole chain, names, identities and addresses included."""
        blocks = [self.block(number) for number in range(1, self.ledger.health().chain_block + 1)]
        own, others = traces_of(blocks, int(self.number))
        for caller in (*self.others, self.other_employer, self.other_claimant, self.other_cashier):
            self._add_party(others, caller)
        for caller in (self.seller, self.employer, self.claimant, self.cashier):
            self._add_party(own, caller)
        return own, others.without(own)

    def _add_party(self, traces: Traces, caller: Caller) -> None:
        with self.ledger.context.store.reading() as connection:
            record = parties.party(connection, caller.party)
        assert record is not None
        traces.add(256, int.from_bytes(record.identity, "big"), record.word)
        traces.add(256, int.from_bytes(record.certificate_hash, "big"))
        traces.add(160, int.from_bytes(record.signer, "big"))
        traces.texts |= {caller.identity_text, caller.identity_text.partition(":")[2], caller.name}

    def _enrolled(self, wanted: list[tuple[str, str]]) -> list[Caller]:
        made = []
        for kind, name in wanted:
            code = tax_id(next(SERIALS)) if kind == "enterprise" else None
            written, _ = self.ledger.enrol(
                self.world.officer, kind=kind, name=name, tax_id=code, quota_fen=2**44 - 1 if code else 0,
                idempotency_key=self.world.key(),
            )  # fmt: skip
            made.append((written.digest, name, code))
        self.seal()
        callers = []
        for digest, name, code in made:
            party = self.ledger.operation(self.world.officer, digest).party
            assert party is not None
            self.world.names[party] = name
            if code:
                self.world.tax_ids[party] = code
            callers.append(self.ledger.caller(party))
        return callers

    def _live(self) -> None:
        """The target's life: issue, then claimed, withdrawn and rejected in turn, settled, booked back and forth."""
        document = self.world.draft(self.employer, net_fen=self._net_fen())
        siblings = [self.world.draft(self.employer, net_fen=self._net_fen()) for _ in range(3)]
        listed = self.ledger.issue_list(
            self.seller, [siblings[0], document, *siblings[1:]], first_holder=self.claimant.party,
            idempotency_key=self.world.key(),
        )  # fmt: skip
        number = listed.rows[1].number
        assert number is not None
        self.number = number
        siblings_numbers = [row.number for row in listed.rows if row.number not in (None, number)]
        self._crowd_and_seal(4)
        claim_id = self._claim([number, *map(str, siblings_numbers[:2])], 3)
        self._step(self.ledger.withdraw_claim(self.claimant, claim_id, idempotency_key=self.world.key()), 3)
        claim_id = self._claim([number], 1)
        self._step(
            self.ledger.reject_claim(self.cashier, claim_id, numbers=None, reason="", idempotency_key=self.world.key())
        )
        claim_id = self._claim([number], 1)
        self._step(
            self.ledger.approve_claim(self.cashier, claim_id, payment_reference="P", idempotency_key=self.world.key())
        )
        key = self.world.key
        self._step(self.ledger.book(self.cashier, number, deductible=True, idempotency_key=key()))
        self._step(self.ledger.withdraw_booking(self.cashier, number, reason="", idempotency_key=key()))
        self._step(self.ledger.book(self.cashier, number, deductible=False, idempotency_key=key()))

    def _claim(self, numbers: list[str], count: int) -> str:
        written = self.ledger.open_claim(
            self.claimant, numbers, employer=self.employer.party, reference="BX", idempotency_key=self.world.key()
        ).written
        self._step(written, count)
        assert written.claim_id is not None
        return written.claim_id

    def _step(self, written: Written, count: int = 1) -> None:
        self._crowd_and_seal(count)
        status = self.ledger.operation(self.ledger.caller(self._actor(written)), written.digest).status
        assert status.value == "recorded"

    def _actor(self, written: Written) -> int:
        with self.ledger.context.store.reading() as connection:
            signed = queued.signed_group(connection, bytes.fromhex(written.digest))
        assert signed is not None
        return signed.group.actor

    def _crowd_and_seal(self, own_count: int) -> None:
        """Fills the block with other parties' issues and claims, seals it and notes it."""
        room = len(self.others) * self.rows - own_count
        if self.held:
            numbers, self.held = self.held[:20], []
            self.ledger.open_claim(
                self.other_claimant, numbers, employer=self.other_employer.party, reference="旁观",
                idempotency_key=self.world.key(),
            )  # fmt: skip
            room -= len(numbers)
        for index, seller in enumerate(self.others):
            count = min(self.rows, max(1, room - (len(self.others) - 1 - index)))
            drafts: list[object] = [
                self.world.draft(self.other_employer, net_fen=self._net_fen()) for _ in range(count)
            ]
            listed = self.ledger.issue_list(
                seller, drafts, first_holder=self.other_claimant.party, idempotency_key=self.world.key()
            )
            room -= count
            self.held += [row.number for row in listed.rows if row.number is not None]
        self.blocks.append(self.seal())

    @staticmethod
    def _net_fen() -> int:
        return 10**10 + secrets.randbelow(10**10)


@pytest.fixture(scope="session")
def small_crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Blocks of 15 operations."""
    crowd = Crowd(tmp_path_factory.mktemp("crowd"), sellers=5, rows=3)
    yield crowd
    crowd.close()


@pytest.fixture(scope="session")
def full_crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Ten blocks of 256 operations by over 20 parties."""
    crowd = Crowd(tmp_path_factory.mktemp("crowd"), sellers=32, rows=8)
    yield crowd
    crowd.close()
