"""Evidence of reds, of blues with reds, of invoices of elsewhere, and of what officers and the authority signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from ledger.projection import invoices, outside_documents
from ledger.service import Caller, NotFound, instructions
from ledger.service.outside_facts import OutsideItem, item_of_fields, item_of_qr
from tests.evidence.leaks import Traces, found, traces_of
from tests.service.conftest import Cast
from tests.service.red_acts import confirmed, opened, reddened, settled
from tests.service.test_supervising import signed
from tests.service.world import World, must, tax_id
from verifier.canonical import dumps
from verifier.certificates import read_certificate
from verifier.hashing import keccak256
from verifier.operations import Code
from verifier.report import Report, Result
from verifier.steps import verify
from verifier.trust import Trust, parse_trust

FOREIGN = "24442000000087654321"
SELLER_NAME, HOTEL = "广州某酒店有限公司", tax_id(999_999)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("reds"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def parties(world: World) -> Cast:
    seller = world.enterprise("深圳红冲有限公司", segment=True)
    employer, other = world.enterprise("雇主公司"), world.enterprise("另一雇主公司")
    return Cast(
        seller=seller,
        employer=employer,
        other_employer=other,
        stranger=world.enterprise("陌生公司", segment=True, quota_fen=2**44 - 1),
        claimant=world.person("张三", (employer, ["claim"]), (other, ["claim"])),
        cashier=world.person("李财务", (employer, ["finance"])),
        other_cashier=world.person("赵财务", (other, ["finance"])),
        clerk=world.person("周开票", (seller, ["issue"])),
        bookkeeper=world.person("吴会计", (seller, ["finance"])),
    )


@pytest.fixture(scope="module")
def trust(world: World) -> Trust:
    return parse_trust(dumps(world.ledger.trust()))


def judged(world: World, trust: Trust, caller: Caller, number: str) -> tuple[Report, bytes]:
    evidence = world.ledger.evidence(caller, number)
    return verify(evidence, trust), evidence


def operations(report: Report) -> list[str]:
    (rules,) = [step for step in report.steps if step.name == "rules"]
    return [str(text).split(" ")[0] for name, text in rules.compared.items() if name.startswith("operation_")]


def compared(report: Report) -> dict[str, str | int]:
    return dict(report.steps[-1].compared)


def signers(evidence: bytes) -> set[str]:
    return {read_certificate(base64.b64decode(der)).identity for der in json.loads(evidence)["certificates"]}


# --- reds --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reddened_claim(world: World, parties: Cast) -> tuple[str, str]:
    """(blue, red): claimed, settled, then agreed upon and reddened in part."""
    blue = settled(world, parties)
    must(opened(world, parties.clerk, blue, reason="return"))
    must(confirmed(world, parties.cashier, blue))
    (red,) = must(reddened(world, parties.clerk, blue)).numbers
    return blue, red


def test_evidence_of_a_red_and_of_its_blue_verify_for_both_sides(
    world: World, parties: Cast, trust: Trust, reddened_claim: tuple[str, str]
) -> None:
    blue, red = reddened_claim
    for caller in (parties.seller, parties.cashier, parties.employer, world.officer):
        report, _ = judged(world, trust, caller, blue)
        assert report.verdict is Result.VALID, report.to_text("en")
        assert operations(report) == ["issue", "lock", "settle", "open_slip", "confirm_slip", "issue_red"]
        report, _ = judged(world, trust, caller, red)
        assert report.verdict is Result.VALID, report.to_text("en")
        assert operations(report) == ["issue_red"]
        fields = compared(report)
        assert (fields["colour"], fields["original.number"], fields["red_reason"]) == ("red", blue, 2)
        assert fields["gross_fen"] == -10_600


def test_evidence_of_a_red_is_not_given_to_a_stranger(
    world: World, parties: Cast, reddened_claim: tuple[str, str]
) -> None:
    for number in reddened_claim:
        with pytest.raises(NotFound):
            world.ledger.evidence(parties.stranger, number)


def test_public_check_of_a_red_takes_its_gross_with_and_without_sign(
    world: World, parties: Cast, trust: Trust, reddened_claim: tuple[str, str]
) -> None:
    blue, red = reddened_claim
    commitment = world.ledger.invoice(parties.seller, red).commitment
    for gross_fen in (10_600, -10_600):
        checked = world.ledger.public_check(red, gross_fen, commitment)
        assert checked is not None
        assert (checked.kind, checked.gross_fen) == ("red", -10_600)
    assert world.ledger.public_check(red, 10_601, commitment) is None
    public = world.ledger.public_evidence(red, 10_600, commitment)
    assert public is not None
    report = verify(public, trust)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert compared(report)["original.number"] == blue


def test_red_and_blue_name_each_other_and_nothing_of_a_third(
    world: World, parties: Cast, reddened_claim: tuple[str, str]
) -> None:
    """The red's operation names its blue, the blue's history holds that operation; another red pair leaves no trace."""
    blue, red = reddened_claim
    other = world.issued(parties.stranger, net_fen=12_345_678_901)
    (other_red,) = must(reddened(world, parties.stranger, other)).numbers
    blocks = [world.ledger.context.reader.block(at) for at in range(1, world.ledger.health().chain_block + 1)]
    traces = {number: traces_of(blocks, int(number)) for number in (blue, red)}
    own = Traces()
    for caller in (parties.seller, parties.clerk, parties.employer, parties.claimant, parties.cashier):
        own.add(256, int.from_bytes(keccak256(caller.identity_text.encode()), "big"))
    for number, named in ((blue, red), (red, blue)):
        evidence = world.ledger.evidence(parties.seller, number)
        strangers = traces[number][1].without(traces[blue][0]).without(traces[red][0]).without(own)
        assert f"{int(other):020d}" in strangers.texts
        assert found(evidence, strangers) == []
        assert f"80 bits {int(named):x}" in found(evidence, traces[number][0])
    for number, named in ((other, other_red), (other_red, other)):
        own, _ = traces_of(blocks, int(number))
        hits = found(world.ledger.evidence(parties.stranger, number), own)
        assert f"80 bits {int(named):x}" in hits


# --- officers and the authority ----------------------------------------------------------------------------


def test_evidence_holds_the_certificates_of_officers_and_of_the_authority(
    world: World, parties: Cast, trust: Trust
) -> None:
    number = world.issued(parties.seller, buyer=parties.employer)
    for caller, code in ((world.officer, Code.SET_RISK_FLAG), (world.authority, Code.CLEAR_RISK_FLAG)):
        version = len(world.ledger.history(parties.seller, number))
        operation = instructions.on_invoice(
            code, subject=caller.party, number=int(number), version=version, ref=b"\1" * 32
        )
        must(signed(world, caller, operation))
    report, evidence = judged(world, trust, parties.seller, number)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert operations(report) == ["issue", "set_risk_flag", "clear_risk_flag"]
    kinds = {identity.partition(":")[0] for identity in signers(evidence)}
    assert kinds == {"enterprise", "officer", "authority"}


# --- invoices of elsewhere ---------------------------------------------------------------------------------


def typed(number: str = FOREIGN, **changes: object) -> dict[str, object]:
    return {
        "number": number,
        "issued_on": "2026-11-02",
        "kind": "ordinary",
        "seller_name": SELLER_NAME,
        "seller_tax_id": HOTEL,
        "buyer_name": "雇主公司",
        "net": "100.00",
        "tax": "6.00",
        "gross": "106.00",
    } | changes


def claimed(world: World, claimant: Caller, employer: Caller, source: dict[str, object] | OutsideItem) -> str:
    item = source if isinstance(source, OutsideItem) else item_of_fields(source, "outside.0")
    opened = world.ledger.open_claim(claimant, [], employer=employer.party, outside=[item], idempotency_key=world.key())
    assert opened.written is not None
    written = must(opened.written)
    assert written.claim_id is not None
    return written.claim_id


def test_evidence_of_an_outside_invoice_verifies_over_its_claims(world: World, parties: Cast, trust: Trust) -> None:
    buyer = world.tax_ids[parties.employer.party]
    claim_id = claimed(world, parties.claimant, parties.employer, typed(buyer_tax_id=buyer))
    report, evidence = judged(world, trust, parties.claimant, FOREIGN)
    assert report.verdict is Result.VALID, report.to_text("en")
    fields = compared(report)
    assert (fields["gross_fen"], fields["net_fen"], fields["tax_fen"]) == (10_600, 10_000, 600)
    assert (fields["seller.tax_id"], fields["buyer.tax_id"]) == (HOTEL, buyer)
    must(world.ledger.withdraw_claim(parties.claimant, claim_id, idempotency_key=world.key()))
    second = claimed(world, parties.claimant, parties.employer, typed(buyer_tax_id=buyer, seller_name="广州某酒店"))
    must(world.ledger.approve_claim(parties.cashier, second, payment_reference="P", idempotency_key=world.key()))
    report, evidence = judged(world, trust, parties.cashier, FOREIGN)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert operations(report) == ["register_outside", "unlock", "register_outside", "settle"]
    assert "广州某酒店" in evidence.decode()
    assert SELLER_NAME not in evidence.decode()  # what was read the first time counts no more
    assert {one.partition(":")[0] for one in signers(evidence)} == {"person"}


def test_evidence_of_an_outside_invoice_without_a_named_buyer_verifies(
    world: World, parties: Cast, trust: Trust
) -> None:
    number = "24442000000087654322"
    claimed(world, parties.claimant, parties.employer, typed(number, buyer_name="个人"))
    report, _ = judged(world, trust, parties.employer, number)
    assert report.verdict is Result.VALID, report.to_text("en")


def test_outside_evidence_is_not_public_and_not_given_to_strangers(world: World, parties: Cast) -> None:
    number = "24442000000087654323"
    claimed(world, parties.claimant, parties.employer, typed(number, buyer_name="个人"))
    with pytest.raises(NotFound):
        world.ledger.evidence(parties.stranger, number)
    with world.ledger.context.reading() as connection:
        record = invoices.invoice(connection, int(number))
    assert record is not None
    assert world.ledger.public_check(number, 10_600, record.commitment.hex()) is None
    assert world.ledger.public_evidence(number, 10_600, record.commitment.hex()) is None


def test_evidence_of_a_forgotten_outside_invoice_is_not_found(world: World, parties: Cast) -> None:
    number = "24442000000087654324"
    claimed(world, parties.claimant, parties.employer, typed(number, buyer_name="个人"))
    assert world.ledger.evidence(parties.claimant, number)
    world.ledger.context.store.write(
        lambda connection: outside_documents.forget_outside_document(connection, int(number))
    )
    with pytest.raises(NotFound):
        world.ledger.evidence(parties.claimant, number)


def test_evidence_of_a_displaced_claim_holds_both_companies_people(world: World, parties: Cast, trust: Trust) -> None:
    """A code displaces what was typed; who was displaced has no part any more and is not given what the other read."""
    number = "24442000000087654325"
    typist = world.person("钱录入", (parties.employer, ["claim"]))
    claimed(world, typist, parties.employer, typed(number, buyer_name="个人"))
    assert judged(world, trust, typist, number)[0].verdict is Result.VALID
    claimed(
        world, parties.claimant, parties.other_employer, item_of_qr(f"01,32,,{number},106.00,20261102,,", "outside.0")
    )
    report, evidence = judged(world, trust, parties.other_cashier, number)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert operations(report) == ["register_outside", "register_outside"]
    assert signers(evidence) == {typist.identity_text, parties.claimant.identity_text}
    assert SELLER_NAME not in evidence.decode()
    for caller in (typist, parties.cashier):
        with pytest.raises(NotFound):
            world.ledger.evidence(caller, number)
    assert judged(world, trust, world.officer, number)[0].verdict is Result.VALID


def test_evidence_keeps_the_certificate_of_a_key_that_was_changed(world: World, parties: Cast, trust: Trust) -> None:
    number = world.issued(parties.seller, buyer=parties.employer)
    officer = world.officer
    for code in (Code.SET_RISK_FLAG, Code.CLEAR_RISK_FLAG):
        version = len(world.ledger.history(parties.seller, number))
        operation = instructions.on_invoice(
            code, subject=officer.party, number=int(number), version=version, ref=b"\1" * 32
        )
        must(signed(world, officer, operation))
        must(world.ledger.rotate_key(officer, idempotency_key=world.key()))
    report, evidence = judged(world, trust, parties.seller, number)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert len(json.loads(evidence)["certificates"]) == 3  # the seller's, and one for each key of the officer
