"""Evidence, the trust file and the public check."""

from __future__ import annotations

import json

import pytest

from ledger.projection import keystore
from ledger.service import NotFound
from tests.service.conftest import Cast
from tests.service.world import World, must
from verifier import Result, Trust, parse_trust, verify
from verifier.canonical import dumps
from verifier.trust import TrustedContract


@pytest.fixture(scope="module")
def trust(world: World) -> Trust:
    return parse_trust(dumps(world.ledger.trust()))


@pytest.fixture(scope="module")
def lived(world: World, cast: Cast) -> str:
    """Number of an invoice that was issued, claimed, settled and booked."""
    number = world.issued(cast.seller, cast.claimant, buyer=cast.employer, net_fen=123_400)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P-9", idempotency_key=world.key()))
    must(world.ledger.book(cast.cashier, number, deductible=True, idempotency_key=world.key()))
    return number


def test_the_trust_file_pins_this_chain_and_is_the_same_every_time(world: World, trust: Trust) -> None:
    identity = world.ledger.context.reader.identity
    assert (trust.chain_id, trust.genesis, trust.contracts) == (
        identity.chain_id,
        identity.genesis_hash,
        (TrustedContract(identity.contract, identity.code_hash),),
    )
    assert (trust.witnesses, trust.witnesses_needed) == ((), 0)
    assert world.ledger.trust() == world.ledger.trust()


def test_evidence_verifies_offline_for_everyone_who_may_see_the_invoice(
    world: World, cast: Cast, trust: Trust, lived: str
) -> None:
    for caller in (cast.seller, cast.claimant, cast.employer, cast.cashier, world.officer):
        report = verify(world.ledger.evidence(caller, lived), trust)
        assert report.verdict is Result.VALID, report
        assert {step.result for step in report.steps} == {Result.VALID}


def test_evidence_under_another_ledgers_trust_does_not_verify(world: World, cast: Cast, lived: str) -> None:
    other = {**world.ledger.trust(), "chain_id": world.ledger.context.reader.identity.chain_id + 1}
    report = verify(world.ledger.evidence(cast.seller, lived), parse_trust(dumps(other)))
    assert report.verdict is not Result.VALID


def test_evidence_of_what_one_may_not_see_is_not_found(world: World, cast: Cast, lived: str) -> None:
    for number in (lived, "99999999999999999999", "x"):
        with pytest.raises(NotFound):
            world.ledger.evidence(cast.stranger, number)


def test_the_public_check_answers_when_all_three_agree(world: World, cast: Cast, lived: str) -> None:
    view = world.ledger.invoice(cast.seller, lived)
    found = world.ledger.public_check(lived, view.gross_fen, view.commitment)
    assert found is not None
    assert (found.seller_name, found.seller_tax_id) == ("深圳咖啡有限公司", world.tax_ids[cast.seller.party])
    assert (found.buyer_name, found.gross_fen, found.net_fen, found.tax_fen) == ("雇主公司", 130_804, 123_400, 7_404)
    assert (found.claim_state, found.colour, found.block) == ("settled", "normal", view.issued_block)
    assert [operation for _, operation in found.timeline] == ["issue", "lock", "settle", "book"]
    shown = repr(found)
    assert world.tax_ids[cast.employer.party] not in shown
    for name in ("张三", "李财务", "餐饮服务"):
        assert name not in shown


@pytest.mark.parametrize("wrong", ["number", "gross", "commitment", "case", "empty", "surrogate", "unissued", "text"])
def test_the_public_check_discloses_nothing_on_a_mismatch(world: World, cast: Cast, lived: str, wrong: str) -> None:
    view = world.ledger.invoice(cast.seller, lived)
    other = world.issued(cast.seller)
    number, gross_fen, commitment = {
        "number": (other, view.gross_fen, view.commitment),
        "gross": (lived, view.gross_fen + 1, view.commitment),
        "commitment": (lived, view.gross_fen, "0" * 64),
        "case": (lived, view.gross_fen, view.commitment.upper()),
        "empty": (lived, view.gross_fen, ""),
        "surrogate": (lived, view.gross_fen, "\ud800" * 64),
        "unissued": ("99999999999999999999", 0, "0" * 64),
        "text": ("1" * 19, view.gross_fen, view.commitment),
    }[wrong]
    assert world.ledger.public_check(number, gross_fen, commitment) is None
    assert world.ledger.public_evidence(number, gross_fen, commitment) is None


def test_public_evidence_shows_public_fields_only_and_verifies(
    world: World, cast: Cast, trust: Trust, lived: str
) -> None:
    view = world.ledger.invoice(cast.seller, lived)
    redacted = world.ledger.public_evidence(lived, view.gross_fen, view.commitment)
    assert redacted is not None
    report = verify(redacted, trust)
    assert report.verdict is Result.VALID, report
    shown = {path for _, path, _, _ in json.loads(redacted)["document"]["shown"]}
    assert "lines.0.name" not in shown
    assert "buyer.tax_id" not in shown
    text = redacted.decode()
    assert world.tax_ids[cast.employer.party] not in text
    for name in ("张三", "李财务", "餐饮服务"):
        assert name not in text


def test_evidence_and_check_of_an_erased_document(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller)
    view = world.ledger.invoice(cast.seller, number)
    world.ledger.context.store.write(lambda connection: keystore.forget_document(connection, number))
    assert world.ledger.invoice(cast.seller, number).document is None
    assert len(world.ledger.history(cast.seller, number)) == 1
    with pytest.raises(NotFound):
        world.ledger.evidence(cast.seller, number)
    assert world.ledger.public_check(number, view.gross_fen, view.commitment) is None
    assert world.ledger.public_evidence(number, view.gross_fen, view.commitment) is None
