"""Who may make parties, and that one identity is one party."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.wire import address_int, as_int, key_of
from tests.contract.world import MONTH, NUMBER, World, identity_of
from verifier.hashing import keccak256
from verifier.operations import Code, Reason
from verifier.words import Grant, PartyKind, PartyWord, Table, hash_key

ENTERPRISE, PERSON, OFFICER, CALENDAR = (
    PartyKind.ENTERPRISE,
    PartyKind.PERSON,
    PartyKind.OFFICER,
    PartyKind.CALENDAR,
)


def test_enrolled_enterprise_has_its_words(world: World) -> None:
    operation = world.enrol_operation("shop", ENTERPRISE, quota=2**44 - 1)
    (event,) = world.do("officer", operation)
    party = world.word(Table.PARTY_COUNT, 0)
    assert party == max(world.ids.values()) + 1
    word = PartyWord(signer=address_int("shop"), kind=ENTERPRISE, filed_through=MONTH - 1, quota=2**44 - 1, version=1)
    assert world.word(Table.PARTY, party) == word.pack()
    assert (event.name, event.topics[0], event.words) == ("PartyChanged", party, (operation.what, word.pack()))
    assert world.word(Table.IDENTITY, party) == as_int(identity_of("shop"))
    assert world.word(Table.CERTIFICATE, party) == as_int(operation.ref)
    assert world.word(Table.PARTY_OF, hash_key(keccak256(identity_of("shop")))) == party | ENTERPRISE << 32


def test_enrolled_person_files_nothing(world: World) -> None:
    party = world.enrol("newcomer", PERSON)
    word = PartyWord(signer=address_int("newcomer"), kind=PERSON, version=1)
    assert world.party("newcomer") == word
    assert world.word(Table.PARTY_OF, hash_key(keccak256(identity_of("newcomer", PERSON)))) == party | PERSON << 32


def test_appointed_officer_and_calendar_have_their_words(world: World) -> None:
    for name, kind in (("second officer", OFFICER), ("second calendar", CALENDAR)):
        world.appoint(name, kind)
        assert world.party(name) == PartyWord(signer=address_int(name), kind=kind, version=1)


def test_the_authority_may_enrol_as_an_officer_does(world: World) -> None:
    world.do("authority", world.enrol_operation("shop", ENTERPRISE, by="authority"))


@pytest.mark.parametrize("actor", ["calendar", "seller", "clerk"])
def test_only_an_officer_enrols(world: World, actor: str) -> None:
    operation = world.enrol_operation("shop", ENTERPRISE, by=actor)
    assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, operation.number)


def test_an_officer_enrols_in_its_own_name_only(world: World) -> None:
    operation = world.enrol_operation("shop", ENTERPRISE, by="authority")
    assert world.refusal("officer", operation) == (Reason.NOT_PERMITTED, operation.number)


@pytest.mark.parametrize("actor", ["officer", "calendar", "seller", "clerk"])
def test_only_the_authority_appoints(world: World, actor: str) -> None:
    operation = world.appoint_operation("second officer", by=actor)
    assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, operation.number)


def test_the_authority_appoints_in_its_own_name_only(world: World) -> None:
    operation = world.appoint_operation("second officer", by="officer")
    assert world.refusal("authority", operation) == (Reason.NOT_PERMITTED, operation.number)


SHOP = as_int(identity_of("shop")) >> 176

BAD_ENROLMENTS: dict[str, dict[str, Any]] = {
    "no identity": {"who": bytes(32), "number": 0},
    "number of another identity": {"number": SHOP + 1},
    "no signer": {"terms": 5 << 160},
    "quota over 44 bits": {"terms": address_int("shop") | 1 << 204},
    "kind authority": {"option": 1},
    "kind officer": {"option": 2},
    "kind calendar": {"option": 5},
    "kind unknown": {"option": 3 + 16},
    "no first month": {"month": 0},
}


@pytest.mark.parametrize("fields", BAD_ENROLMENTS.values(), ids=BAD_ENROLMENTS)
def test_enrolment_terms_are_checked(world: World, fields: dict[str, Any]) -> None:
    operation = world.enrol_operation("shop", ENTERPRISE, **fields)
    assert world.refusal("officer", operation) == (Reason.BAD_TERMS, operation.number)


@pytest.mark.parametrize(
    "fields",
    [{"option": 3}, {"option": 4}, {"option": 1}, {"terms": 0}, {"terms": address_int("x") | 1 << 160}, {"number": 7}],
    ids=["enterprise", "person", "authority", "no signer", "terms over an address", "number of another identity"],
)
def test_appointment_terms_are_checked(world: World, fields: dict[str, Any]) -> None:
    operation = world.appoint_operation("second officer", **fields)
    assert world.refusal("authority", operation) == (Reason.BAD_TERMS, operation.number)


def test_a_new_party_has_version_0(world: World) -> None:
    operation = world.enrol_operation("shop", ENTERPRISE, version=1)
    assert world.refusal("officer", operation) == (Reason.STALE_VERSION, SHOP)
    world.do("officer", world.enrol_operation("shop", ENTERPRISE, version=0))


@pytest.mark.parametrize(("name", "kind"), [("seller", ENTERPRISE), ("clerk", PERSON)])
def test_one_identity_is_enrolled_once(world: World, name: str, kind: PartyKind) -> None:
    operation = world.enrol_operation(name, kind, version=world.party(name).version)
    assert world.refusal("officer", operation) == (Reason.ALREADY_SO, operation.number)


def test_one_identity_is_of_one_kind(world: World) -> None:
    number = as_int(identity_of("clerk", PERSON)) >> 176
    as_enterprise = world.enrol_operation(
        "clerk", ENTERPRISE, version=1, who=identity_of("clerk", PERSON), number=number
    )
    assert world.refusal("officer", as_enterprise) == (Reason.UNKNOWN_PARTY, number)
    as_officer = world.appoint_operation("clerk", version=1, who=identity_of("clerk", PERSON), number=number)
    assert world.refusal("authority", as_officer) == (Reason.UNKNOWN_PARTY, number)


def test_an_officers_identity_cannot_be_enrolled(world: World) -> None:
    operation = world.appoint_operation("officer", by="officer", version=1)
    enrolment = world.enrol_operation("officer", OFFICER, version=1)
    assert world.refusal("officer", enrolment) == (Reason.ALREADY_SO, operation.number)


def test_an_officer_is_appointed_once(world: World) -> None:
    operation = world.appoint_operation("officer", version=1)
    assert world.refusal("authority", operation) == (Reason.ALREADY_SO, operation.number)


def test_a_dismissed_officer_does_nothing_until_appointed_again(world: World) -> None:
    world.do("authority", world.on_party("authority", Code.DISMISS_OFFICER, "officer"))
    assert world.party("officer").suspended == 1
    assert world.refusal("officer", world.enrol_operation("shop", ENTERPRISE)) == (Reason.SUSPENDED, SHOP)
    stale = world.appoint_operation("officer", version=1)
    assert world.refusal("authority", stale) == (Reason.STALE_VERSION, stale.number)
    again = world.appoint_operation("officer", version=2, terms=address_int("new key"))
    world.do("authority", again)
    assert world.party("officer") == PartyWord(signer=address_int("new key"), kind=OFFICER, version=3)
    world.malformed(world.sign("officer", world.enrol_operation("shop", ENTERPRISE)))
    world.do("officer", world.enrol_operation("shop", ENTERPRISE), key=key_of("new key"))


def test_a_dismissed_calendar_opens_nothing(world: World) -> None:
    world.do("authority", world.on_party("authority", Code.DISMISS_OFFICER, "calendar"))
    operation = world.open_month_operation("calendar", MONTH + 1)
    assert world.refusal("calendar", operation) == (Reason.SUSPENDED, MONTH + 1)
    world.do("authority", world.open_month_operation("authority", MONTH + 1))


@pytest.mark.parametrize("actor", ["officer", "calendar", "seller", "clerk"])
def test_only_the_authority_dismisses(world: World, actor: str) -> None:
    world.appoint("second officer")
    operation = world.on_party(actor, Code.DISMISS_OFFICER, "second officer")
    assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, operation.number)


def test_the_authority_dismisses_in_its_own_name_only(world: World) -> None:
    operation = world.on_party("officer", Code.DISMISS_OFFICER, "officer")
    assert world.refusal("authority", operation) == (Reason.NOT_PERMITTED, operation.number)


@pytest.mark.parametrize("name", ["authority", "seller", "clerk"])
def test_only_officers_and_calendars_are_dismissed(world: World, name: str) -> None:
    operation = world.on_party("authority", Code.DISMISS_OFFICER, name)
    assert world.refusal("authority", operation) == (Reason.UNKNOWN_PARTY, operation.number)


@pytest.mark.parametrize("number", [99, 2**32 + 2, 0], ids=["never made", "beyond 32 bits", "zero"])
def test_a_party_that_does_not_exist_is_not_dismissed(world: World, number: int) -> None:
    operation = world.by("authority", Code.DISMISS_OFFICER, number, version=1)
    assert world.refusal("authority", operation) == (Reason.UNKNOWN_PARTY, number)


def test_an_officer_is_dismissed_once(world: World) -> None:
    world.do("authority", world.on_party("authority", Code.DISMISS_OFFICER, "officer"))
    operation = world.on_party("authority", Code.DISMISS_OFFICER, "officer")
    assert world.refusal("authority", operation) == (Reason.ALREADY_SO, operation.number)


def test_dismissal_names_the_version(world: World) -> None:
    operation = world.on_party("authority", Code.DISMISS_OFFICER, "officer", version=0)
    assert world.refusal("authority", operation) == (Reason.STALE_VERSION, operation.number)


def test_an_officer_never_acts_as_a_party(world: World) -> None:
    grant = world.grant_operation("seller", "clerk", Grant.FINANCE, subject=world.ids["officer"], version=1)
    assert world.refusal("officer", grant) == (Reason.NOT_PERMITTED, grant.number)
    issue = world.issue_operation()
    assert world.refusal("officer", issue) == (Reason.NOT_PERMITTED, issue.number)
    own = world.issue_operation("officer")
    assert world.refusal("officer", own) == (Reason.NOT_PERMITTED, own.number)


def test_a_named_buyer_is_a_party_and_enrolment_gives_it_its_signer(world: World) -> None:
    events = world.do("clerk", world.issue_operation(buyer="newcomer"))
    party = world.word(Table.PARTY_COUNT, 0)
    assert [event.name for event in events] == ["PartyNamed", "Recorded"]
    assert (events[0].topics, events[0].words) == ((party,), (as_int(identity_of("newcomer")),))
    assert world.word(Table.PARTY, party) == PartyWord(kind=ENTERPRISE).pack()
    assert world.state().buyer == world.state().holder == party

    assert world.enrol("newcomer", ENTERPRISE, quota=7) == party
    assert world.word(Table.PARTY_COUNT, 0) == party
    assert world.party("newcomer") == PartyWord(
        signer=address_int("newcomer"), kind=ENTERPRISE, filed_through=MONTH - 1, quota=7, version=1
    )
    world.do("newcomer", world.operation(Code.BOOK, "newcomer", option=1))
    again = world.enrol_operation("newcomer", ENTERPRISE, version=1)
    assert world.refusal("officer", again) == (Reason.ALREADY_SO, again.number)


def test_a_named_buyer_is_not_enrolled_as_a_person(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer="newcomer"))
    operation = world.enrol_operation(
        "newcomer", PERSON, who=identity_of("newcomer"), number=as_int(identity_of("newcomer")) >> 176
    )
    assert world.refusal("officer", operation) == (Reason.UNKNOWN_PARTY, operation.number)


def test_a_name_bent_in_its_last_byte_is_another_party(world: World) -> None:
    bent = identity_of("newcomer")[:31] + bytes([identity_of("newcomer")[31] ^ 1])
    world.do("clerk", world.issue_operation(who=bent))
    squatter = world.state().buyer
    world.do("clerk", world.issue_operation(number=NUMBER + 1, who=identity_of("newcomer")))
    honest = world.state(NUMBER + 1).buyer
    assert squatter != honest
    assert world.word(Table.IDENTITY, squatter) == as_int(bent)
    assert world.word(Table.IDENTITY, honest) == as_int(identity_of("newcomer"))
    assert world.enrol("newcomer", ENTERPRISE, version=0) == honest


def test_several_parties_are_made_in_one_group(world: World) -> None:
    names = [f"person {index}" for index in range(5)]
    operations = sorted((world.enrol_operation(name, PERSON) for name in names), key=lambda one: one.number)
    first = world.word(Table.PARTY_COUNT, 0) + 1
    events = world.do("officer", *operations)
    assert [event.topics[0] for event in events] == list(range(first, first + 5))
    assert [world.word(Table.IDENTITY, first + index) for index in range(5)] == [
        as_int(operation.who) for operation in operations
    ]
    assert keccak256(b"") not in [operation.who for operation in operations]
