"""A ledger to measure on: founded as any other, with twenty sellers, a buyer, an employee and a cashier."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stdnum.cn import uscc

from ledger.domain.identities import enterprise_identity
from ledger.projection import parties
from ledger.sequencer import Sequencer
from ledger.service import Caller, Ledger, WriteStatus, Written, found, open_sequencer
from ledger.settings import Settings

SELLERS = 20
SEGMENT_BLOCKS = 8  # 80,000 numbers a seller
QUOTA_FEN = 10**13
QUEUE_LIMIT = 100_000  # filling is to wait for the chain, not for the limit of one party


@dataclass(frozen=True)
class Seller:
    """An enterprise that issues: party id, API key, first number of its own, its 32-byte private key."""

    party: int
    api_key: str
    first_number: int
    signing_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Town:
    """Who is on the ledger in `settings.data_dir`."""

    settings: Settings
    officer: int
    sellers: tuple[Seller, ...]
    buyer: int
    buyer_tax_id: str
    person: int
    cashier: int

    @property
    def buyer_identity(self) -> bytes:
        """32-byte identity hash of the buyer."""
        return enterprise_identity(self.buyer_tax_id).hash

    def document(self, index: int) -> dict[str, Any]:
        """Draft of a receipt of one line, as a restaurant issues it, to the buyer."""
        net_fen = 1_000 + index % 50_000
        tax_fen = (net_fen * 600 + 5_000) // 10_000
        line = {"name": "*餐饮服务*餐费", "net_fen": net_fen, "rate_bp": 600, "tax_fen": tax_fen}
        return {
            "kind": "ordinary",
            "buyer": {"name": "雇主公司", "tax_id": self.buyer_tax_id},
            "lines": [line],
            "net_fen": net_fen,
            "tax_fen": tax_fen,
            "gross_fen": net_fen + tax_fen,
        }


class Workshop:
    """A ledger whose sequencer this process turns by hand: what is accepted between two turns shares a block."""

    def __init__(self, ledger: Ledger, sequencer: Sequencer) -> None:
        self.ledger = ledger
        self.sequencer = sequencer

    def recorded(self, caller: Caller, written: Written) -> Written:
        """The write after one more block. Raises: RuntimeError unless it is recorded."""
        if written.status is WriteStatus.ACCEPTED:
            self.sequencer.round()
            written = self.ledger.operation(caller, written.digest)
        if written.status is not WriteStatus.RECORDED:
            raise RuntimeError(f"not recorded: {written}")
        return written


@contextmanager
def workshop(settings: Settings) -> Iterator[Workshop]:
    """Opens the ledger in `settings` for this process alone."""
    with Ledger.open(settings.model_copy(update={"post_wait_ms": 0})) as ledger:
        sequencer, writer = open_sequencer(ledger.context)
        with writer:
            sequencer.project()
            yield Workshop(ledger, sequencer)


def found_town(directory: Path, advance: Callable[[int], None] = lambda _: None) -> Town:
    """A new ledger at `directory` with its parties enrolled and their numbers allotted."""
    settings = Settings(data_dir=directory, queue_limit_per_party=QUEUE_LIMIT)
    founded = found(settings, authority_name="深圳市税务局", officer_name="王税官")
    with workshop(settings) as shop:
        ledger, officer = shop.ledger, shop.ledger.caller(founded.officer)

        def enterprise(name: str) -> tuple[int, str, str]:
            tax_id = new_tax_id()
            written, api_key = ledger.enrol(
                officer, kind="enterprise", name=name, tax_id=tax_id, quota_fen=QUOTA_FEN, idempotency_key=new_key()
            )
            party = shop.recorded(officer, written).party
            assert party is not None
            advance(1)
            return party, api_key, tax_id

        def person(name: str) -> int:
            written, _ = ledger.enrol(officer, kind="person", name=name, idempotency_key=new_key())
            party = shop.recorded(officer, written).party
            assert party is not None
            return party

        sellers = []
        for index in range(SELLERS):
            party, api_key, _ = enterprise(f"餐饮公司{index}")
            allotted = ledger.allot_segment(officer, party, blocks=SEGMENT_BLOCKS, idempotency_key=new_key())
            shop.recorded(officer, allotted)
            sellers.append(_seller(ledger, party, api_key))
        buyer, _, buyer_tax_id = enterprise("雇主公司")
        claimant, cashier = person("张三"), person("李财务")
        boss = ledger.caller(buyer)
        for party, grants in ((claimant, ["claim"]), (cashier, ["finance"])):
            shop.recorded(boss, ledger.grant(boss, party, grants, idempotency_key=new_key()))
    return Town(settings, founded.officer, tuple(sellers), buyer, buyer_tax_id, claimant, cashier)


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return secrets.token_hex(16)


def _seller(ledger: Ledger, party: int, api_key: str) -> Seller:
    with ledger.context.store.reading() as connection:
        record = parties.party(connection, party)
        key = ledger.context.private_key(connection, record.signer) if record is not None else None
        first_number = parties.segments(connection, party)[0].first_number
    assert key is not None
    return Seller(party, api_key, first_number, key)


def new_tax_id() -> str:
    """A random unified social credit code with its check character."""
    body = "91440300MA" + f"{secrets.randbelow(10**7):07d}"
    return body + str(uscc.calc_check_digit(body))
