"""Red and flagged invoices in every state, and words at their limits: a small predecessor presets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_abi.abi import encode

from tests.contract.wire import as_int, checksum, deploy, send_transaction
from tests.contract.world import GROSS, MONTH, NUMBER, World, opened_world
from verifier.hashing import keccak256
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    Claim,
    ClaimWord,
    Colour,
    Entry,
    Kind,
    StateWord,
    Table,
    TotalsWord,
    storage_key,
)

CLAIM_ID = 9

# answers preset words, else what the ledger before it holds
PREDECESSOR = """
# pragma version 0.4.3
interface Ledger:
    def words(key: uint256) -> uint256: view

preset: HashMap[uint256, uint256]
before: address
successor: public(address)

@deploy
def __init__(before: address):
    self.before = before

@external
def hand_over(to: address):
    self.successor = to

@external
def put(key: uint256, word: uint256):
    self.preset[key] = word

@view
@external
def words(key: uint256) -> uint256:
    if self.preset[key] != 0:
        return self.preset[key]
    return staticcall Ledger(self.before).words(key)
"""


@dataclass
class Preset:
    """A ledger under test whose predecessor holds whatever words a test wants."""

    ledger: World
    predecessor: bytes

    def put(self, table: Table, key: int, word: int) -> None:
        self.call("put(uint256,uint256)", storage_key(table, key), word)

    def call(self, signature: str, *words: int) -> None:
        data = keccak256(signature.encode())[:4] + b"".join(word.to_bytes(32, "big") for word in words)
        send_transaction(self.ledger.tester, checksum(self.predecessor), data, 1_000_000)

    def invoice(self, **fields: Any) -> StateWord:
        """Presets one invoice, held by the employee unless `fields` say otherwise."""
        ids = self.ledger.ids
        values: dict[str, Any] = {
            "colour": Colour.NORMAL,
            "seller": ids["seller"],
            "holder": ids["employee"],
            "gross": GROSS,
            "month": MONTH,
            "version": 3,
        }
        word = StateWord(**(values | fields))
        self.put(Table.STATE, NUMBER, word.pack())
        if word.claim == Claim.LOCKED:
            claim = ClaimWord(
                claimant=ids["employee"], employer=ids["employer"], time=self.ledger.now, claim_id=CLAIM_ID
            )
            self.put(Table.CLAIM, NUMBER, claim.pack())
        return word


@pytest.fixture(scope="module")
def built() -> Preset:
    from vyper import compile_code

    parties = opened_world()
    code = bytes.fromhex(compile_code(PREDECESSOR, output_formats=["bytecode"])["bytecode"][2:])
    predecessor = deploy(parties.tester, code + encode(["address"], [parties.address]))
    ledger = replace(World.create(parties.tester, predecessor), ids=parties.ids)
    preset = Preset(ledger, predecessor)
    preset.call("hand_over(address)", as_int(ledger.address))
    return preset


@pytest.fixture
def preset(built: Preset) -> Iterator[Preset]:
    with built.ledger.scratch() as ledger:
        yield Preset(ledger, built.predecessor)


def transfer(world: World) -> Operation:
    return world.operation(Code.TRANSFER, "employee", party=world.ids["intruder"])


def lock(world: World) -> Operation:
    return world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=CLAIM_ID)


def settle(world: World) -> Operation:
    return world.operation(Code.SETTLE, "employer", terms=CLAIM_ID)


def book(world: World) -> Operation:
    return world.operation(Code.BOOK, "employer", option=1)


@pytest.mark.parametrize("draft", [transfer, lock])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"colour": Colour.FULLY_RED}, Reason.REDDENED),
        ({"risk": 1}, Reason.FLAGGED),
        ({"colour": Colour.FULLY_RED, "risk": 1}, Reason.REDDENED),
        ({"colour": Colour.FULLY_RED, "claim": Claim.CANCELLED}, Reason.REDDENED),
        ({"colour": Colour.FULLY_RED, "claim": Claim.LOCKED}, Reason.LOCKED),
        ({"risk": 1, "claim": Claim.SETTLED}, Reason.SETTLED),
    ],
)
def test_red_and_flagged_invoices_are_not_handed_on_or_claimed(
    preset: Preset, draft: Any, fields: dict[str, int], reason: Reason
) -> None:
    preset.invoice(**fields)
    assert preset.ledger.refusal("employee", draft(preset.ledger)) == (reason, NUMBER)


@pytest.mark.parametrize("draft", [transfer, lock])
@pytest.mark.parametrize("colour", [Colour.NORMAL, Colour.PARTLY_RED])
@pytest.mark.parametrize("claim", [Claim.FREE, Claim.CANCELLED])
def test_a_partly_red_invoice_is_handed_on_and_claimed(preset: Preset, draft: Any, colour: int, claim: int) -> None:
    before = preset.invoice(colour=colour, claim=claim)
    operation = draft(preset.ledger)
    preset.ledger.do("employee", operation)
    locked = operation.code == Code.LOCK
    assert preset.ledger.state() == replace(
        before,
        claim=Claim.LOCKED if locked else Claim.FREE,
        holder=preset.ledger.ids["employee" if locked else "intruder"],
        version=4,
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"colour": Colour.PARTLY_RED, "reddened_since": 1}, Reason.REDDENED),
        ({"risk": 1}, Reason.FLAGGED),
        ({"colour": Colour.PARTLY_RED, "reddened_since": 1, "risk": 1}, Reason.REDDENED),
        ({"colour": Colour.PARTLY_RED, "risk": 1}, Reason.FLAGGED),
    ],
)
def test_what_was_reddened_or_flagged_is_not_settled(preset: Preset, fields: dict[str, int], reason: Reason) -> None:
    preset.invoice(claim=Claim.LOCKED, **fields)
    assert preset.ledger.refusal("cashier", settle(preset.ledger)) == (reason, NUMBER)
    unlock = preset.ledger.operation(Code.UNLOCK, "employee", terms=CLAIM_ID)
    preset.ledger.do("employee", unlock)


@pytest.mark.parametrize("colour", [Colour.NORMAL, Colour.PARTLY_RED])
def test_what_was_not_since_it_was_claimed_is_settled(preset: Preset, colour: int) -> None:
    before = preset.invoice(claim=Claim.LOCKED, colour=colour)
    preset.ledger.do("cashier", settle(preset.ledger))
    holder = preset.ledger.ids["employer"]
    assert preset.ledger.state() == replace(before, claim=Claim.SETTLED, holder=holder, version=4)


@pytest.mark.parametrize("code", [Code.SETTLE, Code.UNLOCK])
@pytest.mark.parametrize("claim", [Claim.LOCKED, Claim.CANCELLED])
def test_nothing_of_a_fully_red_invoice_is_settled_or_given_back(preset: Preset, code: Code, claim: int) -> None:
    preset.invoice(claim=Claim.LOCKED)
    preset.invoice(claim=claim, colour=Colour.FULLY_RED)
    operation = preset.ledger.operation(code, "employer", terms=CLAIM_ID)
    assert preset.ledger.refusal("cashier", operation) == (Reason.REDDENED, NUMBER)


@pytest.mark.parametrize("code", [Code.SETTLE, Code.UNLOCK])
def test_a_cancelled_claim_is_over(preset: Preset, code: Code) -> None:
    preset.invoice(claim=Claim.LOCKED)
    preset.invoice(claim=Claim.CANCELLED)
    operation = preset.ledger.operation(code, "employer", terms=CLAIM_ID)
    assert preset.ledger.refusal("cashier", operation) == (Reason.NOT_LOCKED, NUMBER)


@pytest.mark.parametrize("colour", [Colour.NORMAL, Colour.PARTLY_RED])
@pytest.mark.parametrize("risk", [0, 1])
def test_a_flag_or_a_part_in_red_does_not_stop_booking(preset: Preset, colour: int, risk: int) -> None:
    ledger = preset.ledger
    before = preset.invoice(holder=ledger.ids["employer"], colour=colour, risk=risk)
    ledger.do("cashier", book(ledger))
    assert ledger.state() == replace(before, entry=Entry.DEDUCTIBLE, version=4)
    ledger.do("cashier", ledger.operation(Code.WITHDRAW_BOOKING, "employer"))
    assert ledger.state() == replace(before, entry=Entry.WITHDRAWN, version=5)


def test_a_fully_red_invoice_is_neither_booked_nor_its_booking_withdrawn(preset: Preset) -> None:
    ledger = preset.ledger
    preset.invoice(holder=ledger.ids["employer"], colour=Colour.FULLY_RED)
    assert ledger.refusal("cashier", book(ledger)) == (Reason.REDDENED, NUMBER)
    preset.invoice(holder=ledger.ids["employer"], colour=Colour.FULLY_RED, entry=Entry.DEDUCTIBLE)
    withdrawal = ledger.operation(Code.WITHDRAW_BOOKING, "employer")
    assert ledger.refusal("cashier", withdrawal) == (Reason.REDDENED, NUMBER)


@pytest.mark.parametrize("draft", [transfer, lock])
def test_fields_of_later_versions_are_kept(preset: Preset, draft: Any) -> None:
    before = preset.invoice(
        colour=Colour.PARTLY_RED,
        entry=Entry.WITHDRAWN,
        use=2,
        kind=1,
        strength=5,
        credited=2**48 - 1,
        gross=2**48 - 1,
        month=4095,
        reserved=2**13 - 1,
    )
    preset.ledger.do("employee", draft(preset.ledger))
    after = preset.ledger.state()
    assert replace(after, claim=0, holder=before.holder, version=3) == before


def test_the_next_claim_is_for_what_is_left(preset: Preset) -> None:
    before = preset.invoice(colour=Colour.PARTLY_RED, reddened_since=1)
    preset.ledger.do("employee", lock(preset.ledger))
    assert preset.ledger.state() == replace(before, claim=Claim.LOCKED, reddened_since=0, version=4)


@pytest.mark.parametrize("draft", [transfer, lock])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [({}, Reason.IS_RED), ({"risk": 1}, Reason.IS_RED), ({"colour": Colour.FULLY_RED}, Reason.REDDENED)],
)
def test_a_red_is_not_handed_on_or_claimed(preset: Preset, draft: Any, fields: dict[str, int], reason: Reason) -> None:
    preset.invoice(kind=Kind.RED, **fields)
    assert preset.ledger.refusal("employee", draft(preset.ledger)) == (reason, NUMBER)


def test_red_sums_and_their_quota_are_kept(preset: Preset) -> None:
    ledger = preset.ledger
    before = TotalsWord(blue_gross=500, red_gross=200, blue_tax=50, red_tax=20, quota_used=300, count=7)
    preset.put(Table.TOTALS, ledger.ids["seller"] << 12 | MONTH, before.pack())
    ledger.do("clerk", ledger.issue_operation(number=NUMBER + 1, gross=10, tax=1))
    assert ledger.totals("seller") == replace(before, blue_gross=510, blue_tax=51, quota_used=310, count=8)
    ledger.do("seller", ledger.file_operation("seller"))


def test_a_version_at_its_end_is_not_forged_by_the_next(preset: Preset) -> None:
    before = preset.invoice(version=2**24 - 2)
    preset.ledger.do("employee", lock(preset.ledger))
    assert preset.ledger.state() == replace(before, claim=Claim.LOCKED, version=2**24 - 1)


def test_a_seller_does_not_claim_its_own_invoice_even_with_a_grant(preset: Preset) -> None:
    # no enterprise can be granted anything in this version; were it so, the seller still gets nothing reimbursed
    ids = preset.ledger.ids
    preset.put(Table.GRANT, ids["employer"] << 32 | ids["seller"], 7)
    preset.invoice(holder=ids["seller"])
    operation = replace(lock(preset.ledger), subject=ids["seller"])
    assert preset.ledger.refusal("seller", operation) == (Reason.OWN_INVOICE, NUMBER)
    preset.invoice(holder=ids["seller"], seller=ids["other employer"])
    preset.ledger.do("seller", operation, valid_until=preset.ledger.now + 99)
