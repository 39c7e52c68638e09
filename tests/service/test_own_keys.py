"""Parties that keep their key: drafts, their signatures, and that both kinds of key come to the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ledger.domain.groups import ChainDomain
from ledger.domain.key_proof import Purpose
from ledger.domain.typed_data import group_typed_data, read_group
from ledger.projection import number_pool, signing_drafts
from ledger.service import (
    Caller,
    DraftExpired,
    DraftsFull,
    DraftStale,
    IdempotencyConflict,
    InvalidRequest,
    NoSigningKey,
    NotFound,
    NotPermitted,
    Written,
)
from tests.service.conftest import Cast
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.world import World, must, refused
from verifier.operations import SECP256K1_ORDER


@pytest.fixture(scope="module")
def own(world: World, cast: Cast) -> tuple[Caller, Wallet]:
    """A seller that keeps its key."""
    return keeping_its_own(world, world.enterprise("自管密钥公司", segment=True))


@pytest.fixture
def draft(world: World, own: tuple[Caller, Wallet]) -> Iterator[SimpleNamespace]:
    """An invoice that waits for its seller's signature."""
    seller, _ = own
    key = world.key()
    digest = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=key))
    yield SimpleNamespace(digest=digest, key=key, view=world.ledger.drafts.draft(seller, digest))
    with world.ledger.context.store.writing_alone() as connection:
        signing_drafts.remove(connection, bytes.fromhex(digest))


def signed(world: World, party: Caller, wallet: Wallet, digest: str) -> Written:
    """What becomes of a draft that its party signs."""
    typed_data = world.ledger.drafts.draft(party, digest).typed_data
    return world.ledger.drafts.sign(party, digest, wallet.sign(typed_data))


def problem_of(call: object) -> str:
    with pytest.raises(InvalidRequest) as caught:
        call()  # type: ignore[operator]
    assert caught.value.problems[0].path == "signature"
    return caught.value.problems[0].code


def test_a_signed_draft_is_issued_like_any_other(
    world: World, own: tuple[Caller, Wallet], draft: SimpleNamespace
) -> None:
    seller, wallet = own
    written = must(world.ledger.drafts.sign(seller, draft.digest, wallet.sign(draft.view.typed_data)))
    assert written.digest == draft.digest
    assert written.numbers == draft.view.numbers
    assert world.ledger.invoice(seller, written.numbers[0]).document is not None
    assert world.ledger.history(seller, written.numbers[0])[0].actor == seller.party
    assert world.ledger.issue(seller, world.draft(), idempotency_key=draft.key) == written
    with pytest.raises(NotFound):
        world.ledger.drafts.draft(seller, draft.digest)


def test_history_is_that_of_a_kept_key(world: World, own: tuple[Caller, Wallet], cast: Cast) -> None:
    kept = must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=world.key()))
    seller, wallet = own
    digest = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    theirs = must(signed(world, seller, wallet, digest))
    lives = [
        [
            (one.operation, one.outcome, one.reason, one.version, one.actor == party.party, one.subject == party.party)
            for one in world.ledger.history(party, answer.numbers[0])
        ]
        for party, answer in ((cast.seller, kept), (seller, theirs))
    ]
    assert lives[0] == lives[1] != []


def test_words_tell_what_is_signed(draft: SimpleNamespace) -> None:
    assert "issue" in draft.view.says[0]
    assert draft.view.numbers[0] in draft.view.says[0]
    assert "gross 106.00 yuan" in draft.view.says[0]


def test_the_same_request_finds_its_draft_again(
    world: World, own: tuple[Caller, Wallet], draft: SimpleNamespace
) -> None:
    seller, _ = own
    assert drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=draft.key)) == draft.digest
    with pytest.raises(IdempotencyConflict):
        world.ledger.issue(seller, world.draft(net_fen=20_000), idempotency_key=draft.key)


def test_a_draft_is_its_partys_alone(
    world: World, cast: Cast, own: tuple[Caller, Wallet], draft: SimpleNamespace
) -> None:
    _, wallet = own
    for other in (cast.seller, world.officer, world.authority):
        with pytest.raises(NotFound):
            world.ledger.drafts.draft(other, draft.digest)
        with pytest.raises(NotFound):
            world.ledger.drafts.sign(other, draft.digest, wallet.sign(draft.view.typed_data))
        assert draft.digest not in {one.digest for one in world.ledger.drafts.drafts(other)}
    assert draft.digest in {one.digest for one in world.ledger.drafts.drafts(own[0])}


def test_signatures_that_do_not_count_leave_nothing_behind(
    world: World, own: tuple[Caller, Wallet], draft: SimpleNamespace
) -> None:
    seller, wallet = own
    typed, context = draft.view.typed_data, world.ledger.context
    group, domain = read_group(typed)
    good = wallet.sign(typed)
    r, s, v = int(good[2:66], 16), int(good[66:130], 16), int(good[130:], 16)
    high_s = f"{r:064x}{SECP256K1_ORDER - s:064x}{55 - v:02x}"
    other_draft = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    tried = {
        "signature_form": [high_s, good[:-2], good + "00", "0x" + "00" * 65, "zz" * 65, good[:-2] + "1d", ""],
        "signature_of_another": [
            Wallet().sign(typed),
            wallet.sign(group_typed_data(group, ChainDomain(domain.chain_id + 1, domain.contract))),
            wallet.sign(group_typed_data(group, ChainDomain(domain.chain_id, b"\1" * 20))),
            wallet.sign(group_typed_data(replace(group, valid_until=group.valid_until + 1), domain)),
            wallet.sign(world.ledger.drafts.draft(seller, other_draft).typed_data),  # replayed from another draft
        ],
    }
    before = world.ledger.health().waiting_groups
    for code, signatures in tried.items():
        for signature in signatures:
            assert problem_of(lambda given=signature: world.ledger.drafts.sign(seller, draft.digest, given)) == code
    with context.reading() as connection:
        assert signing_drafts.draft(connection, bytes.fromhex(draft.digest)) is not None
    with pytest.raises(NotFound):
        world.ledger.operation(seller, draft.digest)
    assert world.ledger.health().waiting_groups == before
    must(world.ledger.drafts.sign(seller, draft.digest, good))


def test_a_signature_sent_again_is_answered_and_not_done_again(
    world: World, own: tuple[Caller, Wallet], draft: SimpleNamespace
) -> None:
    seller, wallet = own
    good = wallet.sign(draft.view.typed_data)
    first = must(world.ledger.drafts.sign(seller, draft.digest, good))
    assert world.ledger.drafts.sign(seller, draft.digest, good) == first


def test_an_expired_draft_frees_its_number(
    world: World, own: tuple[Caller, Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, wallet = own
    context = world.ledger.context
    digest = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    view = world.ledger.drafts.draft(seller, digest)
    now_s = context.now_s()

    def is_free(at_s: int) -> bool:
        with context.reading() as connection:
            return int(view.numbers[0]) not in number_pool.reserved(connection, seller.party, at_s)

    assert not is_free(now_s + 600)
    later = now_s + context.settings.group_lifetime_s + 1
    monkeypatch.setattr(type(context), "now_s", lambda _self: later)
    with pytest.raises(NotFound):
        world.ledger.drafts.draft(seller, digest)
    with pytest.raises(DraftExpired):
        world.ledger.drafts.sign(seller, digest, wallet.sign(view.typed_data))
    with context.reading() as connection:
        assert signing_drafts.draft(connection, bytes.fromhex(digest)) is None
    assert is_free(later)


def test_a_draft_whose_invoice_changed_is_stale(world: World, own: tuple[Caller, Wallet], cast: Cast) -> None:
    seller, wallet = own
    first = drafted(
        lambda: world.ledger.issue(seller, world.draft(), first_holder="seller", idempotency_key=world.key())
    )
    number = must(signed(world, seller, wallet, first)).numbers[0]
    one, two = (
        drafted(lambda to=to: world.ledger.transfer(seller, number, to, idempotency_key=world.key()))
        for to in (cast.claimant.party, cast.employer.party)
    )
    typed = {digest: world.ledger.drafts.draft(seller, digest).typed_data for digest in (one, two)}
    must(world.ledger.drafts.sign(seller, one, wallet.sign(typed[one])))
    with pytest.raises(DraftStale):
        world.ledger.drafts.sign(seller, two, wallet.sign(typed[two]))
    with pytest.raises(NotFound):
        world.ledger.operation(seller, two)
    with pytest.raises(NotFound):
        world.ledger.drafts.draft(seller, two)


def test_the_contract_still_refuses_what_was_signed_rightly(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    digest = drafted(lambda: world.ledger.issue(seller, world.draft(net_fen=2 * 10**9), idempotency_key=world.key()))
    answer = signed(world, seller, wallet, digest)
    refused(answer, "quota_exceeded")


def test_a_party_has_only_so_many_drafts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.service.drafts.DRAFTS_OF_PARTY_MAX", 2)
    seller, _ = keeping_its_own(world, world.enterprise("草稿很多公司", segment=True))
    for _ in range(2):
        drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    with pytest.raises(DraftsFull):
        world.ledger.issue(seller, world.draft(), idempotency_key=world.key())


def test_a_whole_claim_with_own_keys(world: World, cast: Cast) -> None:
    """Claimant and cashier keep their keys; the payment is found by its reference as with kept ones."""
    claimant, claimants = keeping_its_own(world, world.person("自管员工", (cast.employer, ["claim"])))
    cashier, cashiers = keeping_its_own(world, world.person("自管财务", (cast.employer, ["finance"])))
    number = world.issued(cast.seller, claimant, net_fen=45_600)
    key = world.key()

    def claim() -> object:
        return world.ledger.open_claim(
            claimant, [number], employer=cast.employer.party, reference="BX-OWN", idempotency_key=key
        )

    digest = drafted(claim)
    must(signed(world, claimant, claimants, digest))
    claim_id = must(claim()).claim_id  # type: ignore[arg-type]
    assert claim_id is not None
    assert world.ledger.claim(claimant, claim_id).reference == "BX-OWN"
    digest = drafted(
        lambda: world.ledger.approve_claim(cashier, claim_id, payment_reference="PAY-OWN", idempotency_key=world.key())
    )
    must(signed(world, cashier, cashiers, digest))
    paid = world.ledger.claims(cashier, payment_reference="PAY-OWN").items
    assert [one.claim_id for one in paid] == [claim_id]


def test_own_key_to_own_key_and_back_to_a_kept_one(world: World) -> None:
    party, old = keeping_its_own(world, world.person("换钥匙"))
    new = Wallet()
    proof = new.proof(world.ledger, Purpose.REPLACE_KEY, f"party:{party.party}", "")
    digest = drafted(lambda: world.ledger.rotate_key(party, own=proof, idempotency_key=world.key()))
    typed = world.ledger.drafts.draft(party, digest).typed_data
    assert problem_of(lambda: world.ledger.drafts.sign(party, digest, new.sign(typed))) == "signature_of_another"
    must(world.ledger.drafts.sign(party, digest, old.sign(typed)))
    digest = drafted(lambda: world.ledger.rotate_key(party, idempotency_key=world.key()))
    must(signed(world, party, new, digest))
    must(world.ledger.rotate_key(party, idempotency_key=world.key()))  # its key is kept here again


def test_a_proof_of_another_key_purpose_party_or_time_is_refused(world: World) -> None:
    party, wallet, ledger = world.person("证明"), Wallet(), world.ledger
    now_s = ledger.context.now_s()
    good = wallet.proof(ledger, Purpose.REPLACE_KEY, f"party:{party.party}", "")
    tried = {
        "signature": [
            Wallet().proof(ledger, Purpose.REPLACE_KEY, f"party:{party.party}", "").signature,
            wallet.proof(ledger, Purpose.ENROL, f"party:{party.party}", "").signature,
            wallet.proof(ledger, Purpose.REPLACE_KEY, "party:1", "").signature,
            wallet.proof(ledger, Purpose.REPLACE_KEY, f"party:{party.party}", "", now_s - 5).signature,
        ],
        "time": [
            wallet.proof(ledger, Purpose.REPLACE_KEY, f"party:{party.party}", "", at)
            for at in (0, now_s - 86_500, now_s + 3_600, 2**63)
        ],
        "address": [
            replace(good, address=text) for text in ("", "0x", good.address[2:], good.address + "0", "0x" + "g" * 40)
        ],
    }
    for path, cases in tried.items():
        for case in cases:
            own = replace(good, signature=case) if isinstance(case, str) else case
            with pytest.raises(InvalidRequest) as caught:
                ledger.rotate_key(party, own=own, idempotency_key=world.key())
            assert caught.value.problems[0].path == path
    must(ledger.rotate_key(party, own=good, idempotency_key=world.key()))


def test_a_party_without_any_key_is_asked_for_no_signature(world: World, cast: Cast) -> None:
    nobody = replace(cast.stranger, party=2**32 - 1)
    with pytest.raises(NoSigningKey):
        world.ledger.transfer(nobody, world.issued(cast.stranger), cast.seller.party, idempotency_key=world.key())


def test_an_enterprise_with_its_own_key_grants(world: World) -> None:
    employer, wallet = keeping_its_own(world, world.enterprise("自管雇主"))
    person = world.person("被授权")
    digest = drafted(lambda: world.ledger.grant(employer, person.party, ["claim"], idempotency_key=world.key()))
    must(signed(world, employer, wallet, digest))
    assert world.again(person).grants == {employer.party: 4}


def test_an_officers_drafts_end_with_its_district(world: World) -> None:
    officer, wallet = keeping_its_own(world, world.officer_of(""))
    firm, other = world.enterprise("受害公司"), world.enterprise("另一受害公司")
    proposal = world.ledger.proposals.suspension(world.officer, firm.party, reason="核查", idempotency_key=world.key())

    def two(by: Caller) -> tuple[str, str]:
        return (
            drafted(lambda: world.ledger.set_quota(by, other.party, 1, idempotency_key=world.key())),
            drafted(lambda: world.ledger.proposals.confirm(by, proposal.proposal_id, idempotency_key=world.key())),
        )

    made = [(digest, wallet.sign(world.ledger.drafts.draft(officer, digest).typed_data)) for digest in two(officer)]
    world.ledger.change_district(world.authority, officer.party, "110000", idempotency_key=world.key())
    moved = world.again(officer)
    for digest, signature in made:
        with pytest.raises(NotFound):
            world.ledger.drafts.sign(moved, digest, signature)
    assert not world.again(firm).suspended
    for stale in (officer, moved):  # who asked before it was moved reaches no further than who asks now
        with pytest.raises((NotPermitted, InvalidRequest)):
            world.ledger.set_quota(stale, firm.party, 1, idempotency_key=world.key())
    world.ledger.change_district(world.authority, officer.party, "4403", idempotency_key=world.key())
    for digest in two(world.again(officer)):
        must(signed(world, officer, wallet, digest))
    assert world.again(firm).suspended


def test_a_dismissed_officer_has_no_drafts_left(world: World) -> None:
    officer, wallet = keeping_its_own(world, world.officer_of("4403"))
    firm = world.enterprise("留任公司")
    digest = drafted(lambda: world.ledger.set_quota(officer, firm.party, 1, idempotency_key=world.key()))
    signature = wallet.sign(world.ledger.drafts.draft(officer, digest).typed_data)
    must(world.ledger.dismiss_officer(world.authority, officer.party, reason="离任", idempotency_key=world.key()))
    with pytest.raises(NotFound):
        world.ledger.drafts.sign(world.again(officer), digest, signature)


def test_a_member_of_an_enterprise_with_its_own_key_leaves_with_its_office(world: World) -> None:
    firm = world.enterprise("自管公司")
    head = world.person("管理员", (firm, ["claim", "finance"]))
    member = world.person("员工", (firm, ["claim"]))
    world.ledger.offices.appoint(firm, "administrator", head.party, idempotency_key=world.key())
    firm, wallet = keeping_its_own(world, firm)
    plain = drafted(lambda: world.ledger.revoke(firm, head.party, ["claim"], idempotency_key=world.key()))
    must(signed(world, firm, wallet, plain))
    assert world.again(head).administers == {firm.party}  # that was a grant, not the office
    world.ledger.invitations.invite(world.again(head), [member.party])
    leaving = drafted(lambda: world.ledger.remove_member(firm, head.party, idempotency_key=world.key()))
    assert world.again(head).administers == {firm.party}  # nothing is done before it is signed
    must(signed(world, firm, wallet, leaving))
    left = world.again(head)
    assert (left.grants, left.administers) == ({}, frozenset())
    with pytest.raises(NotPermitted):
        world.ledger.invitations.invite(left, [member.party])
