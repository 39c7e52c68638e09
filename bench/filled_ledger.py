"""A ledger filled with invoices and their documents: how fast a history is read, how large and quick evidence is."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from bench.http_client import Connection, share
from bench.processes import Running
from bench.town import Seller, Town, Workshop, new_key
from ledger.service import Caller, WriteStatus, Written
from verifier import parse_trust, verify
from verifier.canonical import dumps
from verifier.certificates import is_signed_by, read_certificate
from verifier.header import sealer_of
from verifier.report import Result

LIST_ROWS = 256
LISTS_TOGETHER = 2  # two groups of 256 fill one batch of the sequencer
EVENT_INVOICES = 13  # invoices that share the ten events: 13 operations of the actor and 243 of 19 sellers a block
EVENT_BLOCK_OPERATIONS = 256
EVENT_BLOCK_PARTIES = 20
VERIFY_RUNS = 60

Advance = Callable[[int], None]


def fill(shop: Workshop, town: Town, count: int, advance: Advance) -> tuple[list[str], float]:
    """Numbers of `count` invoices issued by the sellers in turn in groups of 256, and the seconds it took.

    Nothing is skipped: documents are checked, committed, sealed and stored, groups signed, blocks sealed and projected.
    """
    ledger = shop.ledger
    callers = [ledger.caller(seller.party) for seller in town.sellers]
    numbers: list[str] = []
    waiting: list[tuple[Caller, Written]] = []
    begun = time.perf_counter()
    while len(numbers) < count:
        rows = min(LIST_ROWS, count - len(numbers))
        caller = callers[len(numbers) // LIST_ROWS % len(callers)]
        drafts: list[object] = [town.document(len(numbers) + row) for row in range(rows)]
        written = ledger.issue_list(caller, drafts, idempotency_key=new_key()).written
        assert written is not None
        waiting.append((caller, written))
        numbers += written.numbers
        if len(waiting) == LISTS_TOGETHER or len(numbers) >= count:
            shop.sequencer.round()
            for waiter, accepted in waiting:
                _require_recorded(ledger.operation(waiter, accepted.digest))
            waiting.clear()
        advance(rows)
    return numbers, time.perf_counter() - begun


def history_seconds(running: Running, town: Town, numbers: list[str], count: int, advance: Advance) -> list[float]:
    """Latencies in seconds of `count` histories of random invoices, asked over HTTP one after the other."""
    chosen = random.Random(1).choices(numbers, k=count)
    by_first = sorted(town.sellers, key=lambda seller: seller.first_number)
    latencies: list[float] = []

    def work() -> Iterator[Callable[[Connection], Awaitable[None]]]:
        for number in chosen:

            async def piece(connection: Connection, number: str = number) -> None:
                api_key = _seller_of(by_first, number).api_key
                answer = await connection.get(f"/v1/invoices/{number}/history", api_key)
                if answer.status != 200 or len(answer.json()["items"]) < 1:
                    raise RuntimeError(f"history answered {answer.status}: {answer.body[:300].decode()}")
                latencies.append(answer.seconds)
                advance(1)

            yield piece

    asyncio.run(share(running, 1, work()))
    return latencies


@dataclass(frozen=True)
class EvidenceFacts:
    """Evidence of ten events: its size, and seconds that making and verifying it took, each run."""

    size: int
    events: int
    make_seconds: list[float]
    verify_seconds: list[float]


def evidence(shop: Workshop, town: Town, advance: Advance) -> EvidenceFacts:
    """Evidence of one invoice whose ten events lie in ten blocks, each of 256 operations by at least 20 parties."""
    ledger = shop.ledger
    seller, person = ledger.caller(town.sellers[0].party), ledger.caller(town.person)
    drafts: list[object] = [town.document(row) for row in range(EVENT_INVOICES)]
    issued = ledger.issue_list(seller, drafts, first_holder=town.person, idempotency_key=new_key()).written
    assert issued is not None
    _crowded_block(shop, town, seller, issued)
    numbers = list(issued.numbers)
    advance(1)
    for _ in range(3):  # claimed and withdrawn three times: six events
        claim_id = _claim(shop, town, person, numbers)
        advance(1)
        _crowded_block(shop, town, person, ledger.withdraw_claim(person, claim_id, idempotency_key=new_key()))
        advance(1)
    claim_id = _claim(shop, town, person, numbers)
    advance(1)
    cashier = ledger.caller(town.cashier)
    approved = ledger.approve_claim(cashier, claim_id, payment_reference="PAY-1", idempotency_key=new_key())
    _crowded_block(shop, town, cashier, approved)
    advance(1)
    number = numbers[EVENT_INVOICES // 2]
    booked = ledger.book(cashier, number, deductible=True, subject=town.buyer, idempotency_key=new_key())
    _crowded_block(shop, town, cashier, booked, EVENT_BLOCK_OPERATIONS - 1)
    advance(1)
    return _examined(shop, person, number)


def _claim(shop: Workshop, town: Town, person: Caller, numbers: list[str]) -> str:
    opened = shop.ledger.open_claim(person, numbers, employer=town.buyer, reference="BX", idempotency_key=new_key())
    _crowded_block(shop, town, person, opened.written)
    assert opened.written.claim_id is not None
    return opened.written.claim_id


def _crowded_block(
    shop: Workshop,
    town: Town,
    caller: Caller,
    event: Written,
    others: int = EVENT_BLOCK_OPERATIONS - EVENT_INVOICES,
) -> None:
    """One block with the event and as many issues of the other sellers as make 256 operations."""
    crowd = town.sellers[1:]
    share_size, more = divmod(others, len(crowd))
    for index, seller in enumerate(crowd):
        drafts: list[object] = [town.document(row) for row in range(share_size + (index < more))]
        shop.ledger.issue_list(shop.ledger.caller(seller.party), drafts, idempotency_key=new_key())
    shop.sequencer.round()
    recorded = shop.ledger.operation(caller, event.digest)
    _require_recorded(recorded)
    assert recorded.block is not None
    groups = [sequenced.signed.group for sequenced in shop.ledger.context.reader.block(recorded.block).groups]
    operations = sum(len(group.operations) for group in groups)
    parties = len({group.actor for group in groups})
    if operations != EVENT_BLOCK_OPERATIONS or parties < EVENT_BLOCK_PARTIES:
        raise RuntimeError(f"block {recorded.block} holds {operations} operations of {parties} parties")


def _examined(shop: Workshop, caller: Caller, number: str) -> EvidenceFacts:
    trust_bytes = dumps(shop.ledger.trust())
    making, verifying = [], []
    content = b""
    for _ in range(VERIFY_RUNS):
        begun = time.perf_counter()
        content = shop.ledger.evidence(caller, number)
        making.append(time.perf_counter() - begun)
        forget()
        begun = time.perf_counter()
        report = verify(content, parse_trust(trust_bytes))
        verifying.append(time.perf_counter() - begun)
        if any(step.result is not Result.VALID for step in report.steps):
            raise RuntimeError(f"the evidence is not valid: {report}")
    return EvidenceFacts(len(content), len(shop.ledger.history(caller, number)), making, verifying)


def forget() -> None:
    """Makes the verifier check seals and certificates again, as in a process that has seen none."""
    for checked in (read_certificate, is_signed_by, sealer_of):
        checked.cache_clear()


def _seller_of(by_first: list[Seller], number: str) -> Seller:
    return next(seller for seller in reversed(by_first) if seller.first_number <= int(number))


def _require_recorded(written: Written) -> None:
    if written.status is not WriteStatus.RECORDED:
        raise RuntimeError(f"not recorded: {written}")
