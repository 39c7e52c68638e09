"""Revoking certificates through the service, and what evidence says of operations before and after."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from ledger.identity import certificate_hash
from ledger.projection import keystore
from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted
from ledger.service.certificates import REVOCATION_REASONS, RevocationReason
from ledger.service.context import AUTHORITY_ROOT, Context
from ledger.service.errors import IdempotencyConflict
from tests.service.conftest import Cast
from tests.service.world import World, must, refused
from verifier import Result, parse_trust, verify
from verifier.canonical import dumps
from verifier.reasons import Reason
from verifier.report import Report


@dataclass(frozen=True)
class Thief:
    """A claimant whose certificate was revoked between two claims; the employer's finance settles neither."""

    person: Caller
    before: str
    after: str
    certificate: str


@pytest.fixture(scope="module")
def thief(world: World, cast: Cast) -> Thief:
    person = world.person("失窃人", (cast.employer, ["claim"]))
    before, after = (world.issued(cast.seller, person, cast.employer) for _ in range(2))
    world.claimed(person, cast.employer, before)
    certificate = current(world, person.party)
    time.sleep(1.1)  # what was signed in the second of a revocation counts as after it
    revoke(world, person.party, reason="key_compromise")
    world.claimed(person, cast.employer, after, reference="BX-2")
    return Thief(person, before, after, certificate)


def revoke(world: World, party: int, *, by: Caller | None = None, **fields: str) -> None:
    given = {"reason": "superseded", **fields}
    must(world.ledger.revoke_certificate(by or world.officer, party, idempotency_key=world.key(), **given))


def current(world: World, party: int) -> str:
    """Hash of the certificate that counts now."""
    (found,) = [one for one in world.ledger.certificates(world.officer, party) if one.state == "current"]
    return found.certificate_hash


def judged(world: World, number: str) -> Report:
    return verify(world.ledger.evidence(world.officer, number), parse_trust(dumps(world.ledger.trust())))


def root_of(world: World) -> str:
    with world.ledger.context.reading() as connection:
        return certificate_hash(bytes.fromhex(keystore.meta(connection)[AUTHORITY_ROOT])).hex()


@pytest.mark.slow
def test_evidence_of_what_was_signed_before_a_revocation_stays_valid_and_names_it(world: World, thief: Thief) -> None:
    report = judged(world, thief.before)
    assert report.verdict is Result.VALID, report.to_text("en")
    (step,) = [one for one in report.steps if one.name == "revocations"]
    assert step.compared["revoked"] == 1
    (named,) = [str(value) for key, value in step.compared.items() if key.startswith("revoked_")]
    assert named.endswith("reason 1")


@pytest.mark.slow
def test_evidence_of_what_was_signed_after_a_revocation_is_invalid_though_the_key_goes_on(
    world: World, thief: Thief
) -> None:
    assert world.ledger.invoice(world.officer, thief.after).claim_state == "locked"  # nothing stopped the key
    report = judged(world, thief.after)
    assert report.verdict is Result.INVALID
    (step,) = [one for one in report.steps if one.result is Result.INVALID]
    assert (step.name, step.reason) == ("revocations", Reason.CERTIFICATE_REVOKED)


@pytest.mark.slow
def test_a_person_suspended_and_revoked_claims_nothing_more(world: World, cast: Cast, thief: Thief) -> None:
    must(world.suspended(thief.person.party, reason="失窃"))
    number = world.issued(cast.seller, thief.person, cast.employer)
    attempt = world.ledger.open_claim(
        thief.person, [number], employer=cast.employer.party, reference="BX-3", idempotency_key=world.key()
    )
    refused(attempt, "suspended")


@pytest.mark.slow
def test_the_new_certificate_of_a_rotated_key_is_good_after_the_former_one_was_revoked(
    world: World, cast: Cast
) -> None:
    person = world.person("换钥人", (cast.employer, ["claim"]))
    former = current(world, person.party)
    must(world.ledger.rotate_key(person, idempotency_key=world.key()))
    revoke(world, person.party, certificate_hash=former)
    number = world.issued(cast.seller, person, cast.employer)
    world.claimed(person, cast.employer, number)
    report = judged(world, number)
    assert report.verdict is Result.VALID, report.to_text("en")
    listed = world.ledger.certificates(person, person.party)
    assert {(one.certificate_hash, one.state, one.reason) for one in listed} == {
        (current(world, person.party), "current", None),
        (former, "former", "superseded"),
    }


def test_certificates_of_one_second_are_listed_newest_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person, moment = world.person("急换人"), world.ledger.context.now_s()
    monkeypatch.setattr(Context, "now_s", lambda _self: moment)
    made = [current(world, person.party)]
    for _ in range(3):
        must(world.ledger.renew_certificate(person, idempotency_key=world.key()))
        made.append(current(world, person.party))
    listed = world.ledger.certificates(person, person.party)
    assert len({one.made_at for one in listed[:3]}) == 1
    assert [one.certificate_hash for one in listed] == made[::-1]
    assert [one.state for one in listed] == ["current", "former", "former", "former"]


def test_a_revoked_certificate_is_listed_with_time_reason_and_officer(world: World) -> None:
    person = world.person("离职人")
    (before,) = world.ledger.certificates(person, person.party)
    assert (before.state, before.revoked_at, before.revoked_by, before.reason) == ("current", None, None, None)
    revoke(world, person.party, reason="cessation_of_operation")
    (after,) = world.ledger.certificates(person, person.party)
    assert after.certificate_hash == before.certificate_hash
    assert after.revoked_at is not None
    assert after.revoked_at >= after.made_at
    assert (after.revoked_by, after.reason) == (world.officer.party, "cessation_of_operation")


def test_the_certificate_of_a_recovery_waits_beside_the_current_one(world: World) -> None:
    person = world.person("遗失人")
    must(world.ledger.recover_key(world.authority, person.party, idempotency_key=world.key()))
    listed = {one.state: one.certificate_hash for one in world.ledger.certificates(world.officer, person.party)}
    assert set(listed) == {"current", "recovering"}
    revoke(world, person.party)
    revoked = {one.state for one in world.ledger.certificates(world.officer, person.party) if one.revoked_at}
    assert revoked == {"current"}


def test_a_certificate_is_revoked_once(world: World) -> None:
    person = world.person("两次人")
    revoke(world, person.party)
    again = world.ledger.revoke_certificate(
        world.officer, person.party, reason="superseded", idempotency_key=world.key()
    )
    refused(again, "already_so")


def test_the_same_key_revokes_once_and_another_certificate_under_it_is_a_conflict(world: World) -> None:
    person, key = world.person("重放人"), world.key()
    first = must(world.ledger.revoke_certificate(world.officer, person.party, reason="superseded", idempotency_key=key))
    again = world.ledger.revoke_certificate(world.officer, person.party, reason="superseded", idempotency_key=key)
    assert (again.status, again.digest) == (first.status, first.digest)
    with pytest.raises(IdempotencyConflict):
        world.ledger.revoke_certificate(world.officer, person.party, reason="key_compromise", idempotency_key=key)


def test_an_officers_certificate_is_revoked_by_the_authority_alone(world: World) -> None:
    written, _ = world.ledger.appoint_officer(world.authority, name="调离税官", idempotency_key=world.key())
    party = must(written).party
    assert party is not None
    attempt = world.ledger.revoke_certificate(world.officer, party, reason="superseded", idempotency_key=world.key())
    refused(attempt, "not_permitted")
    refused(
        world.ledger.revoke_certificate(
            world.officer, world.calendar.party, reason="superseded", idempotency_key=world.key()
        ),
        "not_permitted",
    )
    revoke(world, party, by=world.authority)
    (listed,) = world.ledger.certificates(world.authority, party)
    assert listed.revoked_by == 1


@pytest.mark.parametrize("role", ["seller", "claimant", "calendar"])
def test_only_officers_revoke_certificates(world: World, cast: Cast, role: str) -> None:
    caller = world.calendar if role == "calendar" else getattr(cast, role)
    for party in (caller.party, cast.stranger.party):
        with pytest.raises(NotPermitted):
            world.ledger.revoke_certificate(caller, party, reason="superseded", idempotency_key=world.key())
    assert all(one.revoked_at is None for one in world.ledger.certificates(world.officer, cast.stranger.party))


def test_an_officers_certificate_does_not_pass_as_an_enterprises(world: World, cast: Cast) -> None:
    """The contract takes any hash under any party: whose certificate it is, the service holds."""
    for party in (world.officer.party, world.calendar.party, cast.seller.party):
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.revoke_certificate(
                world.officer, cast.stranger.party, reason="superseded", certificate_hash=current(world, party),
                idempotency_key=world.key(),
            )  # fmt: skip
        assert where(caught) == ("certificate_hash", "certificate_unknown")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reason": ""}, ("reason", "revocation_reason_unknown")),
        ({"reason": "certificate_hold"}, ("reason", "revocation_reason_unknown")),
        ({"reason": "remove_from_crl"}, ("reason", "revocation_reason_unknown")),
        ({"reason": "KEY_COMPROMISE"}, ("reason", "revocation_reason_unknown")),
        ({"certificate_hash": ""}, ("certificate_hash", "hash_form")),
        ({"certificate_hash": "0x" + "1" * 62}, ("certificate_hash", "hash_form")),
        ({"certificate_hash": "A" * 64}, ("certificate_hash", "hash_form")),
        ({"certificate_hash": "1" * 64 + "\n"}, ("certificate_hash", "hash_form")),
        ({"certificate_hash": "0" * 64}, ("certificate_hash", "certificate_unknown")),
        ({"certificate_hash": "1" * 64}, ("certificate_hash", "certificate_unknown")),
    ],
)
def test_a_revocation_is_checked_field_by_field(
    world: World, cast: Cast, fields: dict[str, str], expected: tuple[str, str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        revoke(world, cast.stranger.party, **fields)
    assert where(caught) == expected


@pytest.mark.parametrize("party", [0, -1, 999_999, 2**70])
def test_no_certificate_is_revoked_or_listed_of_a_party_that_does_not_exist(world: World, party: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        revoke(world, party)
    assert where(caught) == ("party", "party_unknown")
    with pytest.raises(NotFound):
        world.ledger.certificates(world.officer, party)


def test_the_root_is_not_revoked(world: World, cast: Cast) -> None:
    for party, fields in ((1, {}), (1, {"certificate_hash": root_of(world)})):
        with pytest.raises(InvalidRequest) as caught:
            revoke(world, party, by=world.authority, **fields)
        assert where(caught) == ("certificate_hash", "certificate_root")
    with pytest.raises(InvalidRequest) as caught:
        revoke(world, cast.stranger.party, certificate_hash=root_of(world))
    assert where(caught) == ("certificate_hash", "certificate_root")
    assert current(world, 1) == root_of(world)


def test_a_party_that_was_only_named_has_no_certificate(world: World, cast: Cast) -> None:
    named = world.issued(cast.seller, buyer=None)
    seen = world.ledger.invoice(world.officer, named)
    assert seen.buyer in (None, 0)  # a personal buyer is no party
    number = must(
        world.ledger.issue(
            cast.seller,
            world.draft({"name": "未登记公司", "tax_id": "91310112703255042R"}),
            idempotency_key=world.key(),
        )
    ).numbers[0]
    party = world.ledger.invoice(world.officer, number).buyer
    assert party
    assert world.ledger.certificates(world.officer, party) == ()
    with pytest.raises(InvalidRequest) as caught:
        revoke(world, party)
    assert where(caught) == ("certificate_hash", "certificate_unknown")


def test_a_party_sees_its_own_certificates_only(world: World, cast: Cast) -> None:
    assert len(world.ledger.certificates(cast.seller, cast.seller.party)) == 1
    with pytest.raises(NotPermitted):
        world.ledger.certificates(cast.seller, cast.stranger.party)
    with pytest.raises(NotPermitted):
        world.ledger.certificates(cast.clerk, cast.seller.party)


def test_reasons_are_those_of_the_standard_without_a_hold_and_its_end() -> None:
    assert sorted(RevocationReason) == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert sorted(REVOCATION_REASONS.values()) == [0, 1, 2, 3, 4, 5, 9, 10]


def where(caught: pytest.ExceptionInfo[InvalidRequest]) -> tuple[str, str]:
    problem = caught.value.problems[0]
    return problem.path, problem.code
