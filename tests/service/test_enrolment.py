"""Enrolment by request: a stranger's key becomes a party's, once an officer says so."""

from __future__ import annotations

import secrets
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest

from ledger.domain.key_proof import Purpose
from ledger.identity import address_of_public_key, certificate_hash
from ledger.identity.certificates import read_certificate
from ledger.projection import enrolment_requests
from ledger.service import InvalidRequest, NotFound, NotPermitted
from ledger.service.context import Context
from ledger.service.enrolment import REFUSED_AT_ONCE_MAX, Enrolment
from ledger.service.enrolment_views import EnrolmentAsked
from ledger.service.errors import TooManyRequests
from tests.service.conftest import Cast
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.world import SERIALS, World, must, tax_id

NAME = "申请登记公司"


def asked(world: World, wallet: Wallet, *, code: str | None = None, name: str = NAME, **changes: Any) -> EnrolmentAsked:
    """A request of an enterprise."""
    code = tax_id(next(SERIALS)) if code is None else code
    own = wallet.proof(world.ledger, Purpose.ENROL, f"enterprise:{code}", name)
    return world.ledger.enrolment.ask(**{"kind": "enterprise", "name": name, "tax_id": code, "own": own, **changes})


def problem(call: Any) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        call()
    return caught.value.problems[0].path, caught.value.problems[0].code


def test_a_stranger_becomes_a_party_under_its_own_key(world: World) -> None:
    wallet, code = Wallet(), tax_id(next(SERIALS))
    made = asked(world, wallet, code=code)
    assert world.ledger.enrolment.status(made.request_id, made.token).state == "waiting"
    (first, *_) = world.ledger.enrolment.page(world.officer, state="waiting", limit=50).items
    assert (first.request_id, first.name, first.tax_id, first.address) == (
        made.request_id, NAME, code, wallet.address.lower(),
    )  # fmt: skip
    approved = world.ledger.enrolment.approve(
        world.officer, made.request_id, quota_fen=10**9, idempotency_key=world.key()
    )
    party = must(approved).party
    status = world.ledger.enrolment.status(made.request_id, made.token)
    assert (status.state, status.party) == ("enrolled", party)
    assert status.certificate is not None
    facts = read_certificate(b64decode(status.certificate))
    assert facts.identity_text == f"enterprise:{code}"
    assert facts.common_name == NAME
    assert "0x" + address_of_public_key(facts.public_key).hex() == wallet.address.lower()
    assert party is not None
    seller = world.ledger.caller(party)
    (kept,) = world.ledger.certificates(seller, party)
    assert kept.certificate_hash == certificate_hash(b64decode(status.certificate)).hex()
    must(world.ledger.allot_segment(world.officer, party, idempotency_key=world.key()))
    digest = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    typed_data = world.ledger.drafts.draft(seller, digest).typed_data
    number = must(world.ledger.drafts.sign(seller, digest, wallet.sign(typed_data))).numbers[0]
    assert world.ledger.evidence(seller, number)


def test_a_person_is_enrolled_at_its_employers_word(world: World, cast: Cast) -> None:
    wallet, code = Wallet(), world.tax_ids[cast.employer.party]
    own = wallet.proof(world.ledger, Purpose.ENROL, f"person@{code}", "申请员工")
    made = world.ledger.enrolment.ask(kind="person", name="申请员工", tax_id=code, own=own)
    view = world.ledger.enrolment.request(world.officer, made.request_id)
    assert (view.kind, view.employer) == ("person", cast.employer.party)
    party = must(world.ledger.enrolment.approve(world.officer, made.request_id, idempotency_key=world.key())).party
    assert party is not None
    person = world.ledger.caller(party)
    assert (person.kind, person.name, person.grants) == ("person", "申请员工", {})
    must(world.ledger.grant(cast.employer, party, ["claim"], idempotency_key=world.key()))


def test_a_refused_request_says_why_and_is_not_approved_any_more(world: World) -> None:
    made = asked(world, Wallet())
    refused = world.ledger.enrolment.refuse(
        world.officer, made.request_id, reason="执照未核实", idempotency_key=world.key()
    )
    assert (refused.state, refused.reason) == ("refused", "执照未核实")
    assert world.ledger.enrolment.status(made.request_id, made.token).reason == "执照未核实"
    approve = lambda: world.ledger.enrolment.approve(  # noqa: E731
        world.officer, made.request_id, idempotency_key=world.key()
    )
    assert problem(approve) == ("request_id", "request_decided")


def test_many_are_refused_at_once_or_none_of_them(world: World) -> None:
    ledger = world.ledger.enrolment
    made = [asked(world, Wallet()) for _ in range(4)]
    ids, key = [one.request_id for one in made], world.key()
    assert ledger.refuse_many(world.officer, ids[:3], reason="冒名", idempotency_key=key) == tuple(ids[:3])
    assert ledger.refuse_many(world.officer, ids[:3], reason="冒名", idempotency_key=key) == tuple(ids[:3])
    assert {ledger.status(one.request_id, one.token).reason for one in made[:3]} == {"冒名"}
    again = lambda: ledger.refuse_many(  # noqa: E731
        world.officer, [ids[3], ids[0]], reason="冒名", idempotency_key=world.key()
    )
    assert problem(again) == ("request_id", "request_decided")
    assert ledger.request(world.officer, ids[3]).state == "waiting"
    for count in (0, REFUSED_AT_ONCE_MAX + 1):
        many = [f"{one:032x}" for one in range(count)]
        refuse = lambda many=many: ledger.refuse_many(  # noqa: E731
            world.officer, many, reason="x", idempotency_key=world.key()
        )
        assert problem(refuse) == ("request_ids", "count_range")
    with pytest.raises(NotPermitted):
        ledger.refuse_many(world.calendar, ids[3:], reason="x", idempotency_key=world.key())


def test_a_request_is_approved_once(world: World) -> None:
    made, key = asked(world, Wallet()), world.key()
    first = must(world.ledger.enrolment.approve(world.officer, made.request_id, idempotency_key=key))
    assert world.ledger.enrolment.approve(world.officer, made.request_id, idempotency_key=key) == first
    again = lambda: world.ledger.enrolment.approve(  # noqa: E731
        world.officer, made.request_id, idempotency_key=world.key()
    )
    assert problem(again) == ("request_id", "request_decided")


def test_only_its_token_reads_a_request(world: World) -> None:
    made, other = asked(world, Wallet()), asked(world, Wallet())
    for request_id, token in (
        (made.request_id, other.token), (made.request_id, ""), (made.request_id, made.token.upper()),
        (other.request_id, made.token), ("0" * 32, made.token), ("", ""), ("x" * 500, "y" * 500),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            world.ledger.enrolment.status(request_id, token)


def test_officers_alone_see_and_decide(world: World, cast: Cast) -> None:
    made = asked(world, Wallet())
    for caller in (cast.seller, cast.claimant, world.calendar):
        with pytest.raises(NotPermitted):
            world.ledger.enrolment.page(caller, limit=5)
        with pytest.raises(NotPermitted):
            world.ledger.enrolment.request(caller, made.request_id)
        with pytest.raises(NotPermitted):
            world.ledger.enrolment.approve(caller, made.request_id, idempotency_key=world.key())
        with pytest.raises(NotPermitted):
            world.ledger.enrolment.refuse(caller, made.request_id, reason="x", idempotency_key=world.key())


def test_an_officer_of_another_district_sees_nothing_of_it(world: World) -> None:
    made = asked(world, Wallet())
    elsewhere, here = map(world.officer_of, ("31", "4403"))
    with pytest.raises(NotFound):
        world.ledger.enrolment.request(elsewhere, made.request_id)
    with pytest.raises(NotFound):
        world.ledger.enrolment.approve(elsewhere, made.request_id, idempotency_key=world.key())
    assert world.ledger.enrolment.page(elsewhere, limit=5).items == ()
    assert world.ledger.enrolment.page(here, limit=5).items[0].request_id == made.request_id


def test_proofs_that_do_not_hold_ask_for_nothing(world: World) -> None:
    wallet, code, other = Wallet(), tax_id(next(SERIALS)), tax_id(next(SERIALS))
    proof = lambda *said, **more: wallet.proof(world.ledger, *said, **more)  # noqa: E731
    now_s = world.ledger.context.now_s()
    good = proof(Purpose.ENROL, f"enterprise:{code}", NAME)
    tried = [
        (proof(Purpose.ENROL, f"enterprise:{other}", NAME), "proof_of_another"),
        (proof(Purpose.ENROL, f"person@{code}", NAME), "proof_of_another"),
        (proof(Purpose.ENROL, f"enterprise:{code}", "另一名称"), "proof_of_another"),
        (proof(Purpose.REPLACE_KEY, f"enterprise:{code}", NAME), "proof_of_another"),
        (replace(good, address=Wallet().address), "proof_of_another"),
        (proof(Purpose.ENROL, f"enterprise:{code}", NAME, time=now_s - 100_000), "proof_time"),
        (replace(good, signature="0x" + "00" * 65), "signature_form"),
    ]
    for own, expected in tried:
        assert problem(lambda given=own: asked(world, wallet, code=code, own=given))[1] == expected
    assert problem(lambda: asked(world, wallet, code="91440300MA5F0000XX"))[0] == "tax_id"
    assert problem(lambda: asked(world, wallet, name=" "))[0] == "name"
    assert problem(lambda: asked(world, wallet, kind="officer"))[0] == "kind"
    asked(world, wallet, code=code, own=good)


def test_a_key_asks_once_and_no_partys_key_asks(world: World) -> None:
    wallet = Wallet()
    made = asked(world, wallet)
    assert problem(lambda: asked(world, wallet)) == ("address", "address_asked")
    world.ledger.enrolment.refuse(world.officer, made.request_id, reason="x", idempotency_key=world.key())
    asked(world, wallet)  # another proof, after the first was refused
    _, taken = keeping_its_own(world, world.person("有钥匙"))
    assert problem(lambda: asked(world, taken)) == ("address", "address_known")


def test_the_same_request_again_is_answered_as_the_first_time(world: World) -> None:
    """Also when the first answer never arrived: the token comes again to who has the proof, and to nobody else."""
    wallet, code = Wallet(), tax_id(next(SERIALS))
    own = wallet.proof(world.ledger, Purpose.ENROL, f"enterprise:{code}", NAME)
    made = asked(world, wallet, code=code, own=own)
    waiting = world.ledger.enrolment.page(world.officer, state="waiting", limit=50).items
    assert asked(world, wallet, code=code, own=own) == made
    assert world.ledger.enrolment.page(world.officer, state="waiting", limit=50).items == waiting
    approved = must(world.ledger.enrolment.approve(world.officer, made.request_id, idempotency_key=world.key()))
    assert asked(world, wallet, code=code, own=own) == made
    status = world.ledger.enrolment.status(made.request_id, made.token)
    assert (status.state, status.party) == ("enrolled", approved.party)
    assert problem(lambda: asked(world, wallet, name="另一公司")) == ("address", "address_known")


def test_a_proof_whose_token_was_drawn_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet, code = Wallet(), tax_id(next(SERIALS))
    own = wallet.proof(world.ledger, Purpose.ENROL, f"enterprise:{code}", NAME)
    with monkeypatch.context() as older:
        older.setattr(Enrolment, "_token", lambda _self, _request_id: secrets.token_bytes(32))
        made = asked(world, wallet, code=code, own=own)
    assert world.ledger.enrolment.status(made.request_id, made.token).state == "waiting"
    assert problem(lambda: asked(world, wallet, code=code, own=own)) == ("own", "proof_used")


def test_a_refusal_is_in_the_audit_log(world: World) -> None:
    made, other = asked(world, Wallet()), asked(world, Wallet())
    world.ledger.enrolment.refuse(world.officer, made.request_id, reason="秘密理由", idempotency_key=world.key())
    refused = world.ledger.audit_log.entries(world.authority, about=made.request_id, limit=5).items
    assert [(one.kind, one.actor, one.detail["change"]) for one in refused] == [
        ("permission_changed", world.officer.party, "enrolment_refused")
    ]
    assert world.ledger.audit_log.entries(world.authority, about=other.request_id, limit=5).items == ()


def test_a_proof_sent_again_after_a_refusal_asks_for_nothing(world: World) -> None:
    wallet, code = Wallet(), tax_id(next(SERIALS))
    own = wallet.proof(world.ledger, Purpose.ENROL, f"enterprise:{code}", NAME)
    made = asked(world, wallet, code=code, own=own)
    world.ledger.enrolment.refuse(world.officer, made.request_id, reason="x", idempotency_key=world.key())
    assert asked(world, wallet, code=code, own=own) == made
    assert world.ledger.enrolment.status(made.request_id, made.token).state == "refused"


def test_an_enrolled_enterprise_is_not_asked_for_again(world: World, cast: Cast) -> None:
    code = world.tax_ids[cast.seller.party]
    assert problem(lambda: asked(world, Wallet(), code=code)) == ("tax_id", "identity_enrolled")


def test_only_so_many_requests_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = len(world.ledger.enrolment.page(world.officer, state="waiting", limit=50).items)
    monkeypatch.setattr("ledger.service.enrolment.REQUESTS_WAITING_MAX", waiting + 1)
    asked(world, Wallet())
    with pytest.raises(TooManyRequests):
        asked(world, Wallet())


def test_a_network_asks_so_often_a_day_and_others_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.service.enrolment.ASKED_OF_NETWORK_MAX", 3)
    for index in range(3):
        asked(world, Wallet(), address=f"2001:db8:7:{index}::1")
    with pytest.raises(TooManyRequests, match="your network today"):
        asked(world, Wallet(), address="2001:db8:7:ffff::1")
    asked(world, Wallet(), address="2001:db8:8::1")
    later = world.ledger.context.now_s() + 86_401
    monkeypatch.setattr(Context, "now_s", lambda _: later)
    asked(world, Wallet(), address="2001:db8:7::1")


def test_who_asks_in_a_tax_ids_name_leaves_its_owner_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.service.enrolment.WAITING_OF_TAX_ID_MAX", 2)
    code = tax_id(next(SERIALS))
    for _ in range(2):
        asked(world, Wallet(), code=code, address="198.51.100.9")
    with pytest.raises(TooManyRequests, match="this tax id"):
        asked(world, Wallet(), code=code, address="198.51.100.9")
    asked(world, Wallet(), address="198.51.100.9")
    asked(world, Wallet(), code=code, address="198.51.100.10")


def test_a_full_list_makes_room_for_who_holds_less_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = enrolment_requests.waiting_count
    crowd = [asked(world, Wallet(), address="203.0.113.66") for _ in range(40)]
    with world.ledger.context.reading() as connection:
        monkeypatch.setattr("ledger.service.enrolment.REQUESTS_WAITING_MAX", waiting(connection))
    asked(world, Wallet(), address="203.0.113.67")
    status = world.ledger.enrolment.status
    assert [status(one.request_id, one.token).state for one in crowd] == ["waiting"] * 39 + ["refused"]
    assert "ask again" in str(status(crowd[-1].request_id, crowd[-1].token).reason)
    with pytest.raises(TooManyRequests):
        asked(world, Wallet(), address="203.0.113.66")


def test_an_enrolment_that_failed_waits_again(world: World) -> None:
    """Two requests for one enterprise: the second officer's approval comes to nothing, and its request waits on."""
    code = tax_id(next(SERIALS))
    one, two = asked(world, Wallet(), code=code), asked(world, Wallet(), code=code)
    must(world.ledger.enrolment.approve(world.officer, one.request_id, idempotency_key=world.key()))
    late = lambda: world.ledger.enrolment.approve(  # noqa: E731
        world.officer, two.request_id, idempotency_key=world.key()
    )
    assert problem(late) == ("tax_id", "identity_enrolled")
    assert world.ledger.enrolment.status(two.request_id, two.token).state == "waiting"


def test_requests_and_their_reasons_are_sealed(world: World) -> None:
    made = asked(world, Wallet(), name="密封的名称公司")
    world.ledger.enrolment.refuse(world.officer, made.request_id, reason="密封的理由", idempotency_key=world.key())
    files = [path.read_bytes() for path in world.settings.data_dir.glob("ledger.sqlite*")]
    for word in ("密封的名称公司", "密封的理由", made.token):
        assert not any(word.encode() in content for content in files)
