"""Signing in with the party's chain key: which signature counts, once, for how long, and what a stranger learns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from threading import Thread

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.challenge import Challenge, read_challenge
from ledger.domain.groups import ChainDomain
from ledger.domain.typed_data import TypedDataError
from ledger.identity import Scope, address_of, new_key, sign_digest
from ledger.projection.audit_log import entries
from ledger.service import Caller, InvalidRequest, NotAuthenticated, NotFound
from ledger.service.challenges import (
    CHALLENGE_LIFETIME_S,
    SIGNED_IN_LIFETIME_S,
    SIGNED_IN_MAX,
    Challenges,
    ChallengeView,
)
from ledger.service.errors import ChallengeEnded, ChallengeRefused, KeyExpired, ScopeMissing
from ledger.service.people import need_scope
from ledger.service.request_notes import WINDOW_S, RequestNotes
from tests.service.conftest import Cast
from tests.service.test_api_keys import at  # noqa: F401 - a fixture
from tests.service.world import World, must
from verifier.operations import SECP256K1_ORDER


def own_key(world: World, party: int) -> bytes:
    """The private key the party signs with now."""
    with world.ledger.context.reading() as connection:
        return world.ledger.context.signing_key(connection, party)


def by_wallet(key: bytes, typed_data: object) -> str:
    """A signature of typed data as a wallet of others makes it, which computes the digest by itself."""
    return str(Account.from_key(key).sign_typed_data(full_message=json.loads(json.dumps(typed_data))).signature.hex())


def asked(world: World, caller: Caller, scopes: list[str] | None = None) -> ChallengeView:
    return world.ledger.challenges.ask(caller.party, scopes)


def test_a_wallets_signature_signs_in_for_an_hour(world: World, cast: Cast, at: Callable[[float], None]) -> None:  # noqa: F811
    asking = asked(world, cast.seller, ["issue", "read"])
    made = world.ledger.challenges.answer(
        asking.challenge_id, by_wallet(own_key(world, cast.seller.party), asking.typed_data)
    )
    caller = world.ledger.authenticate(made.secret)
    assert (caller.party, made.signed_in, made.scopes) == (cast.seller.party, True, ("read", "issue"))
    with pytest.raises(ScopeMissing):
        need_scope(caller, Scope.MANAGE)
    at(SIGNED_IN_LIFETIME_S + 1)
    with pytest.raises(KeyExpired):
        world.ledger.authenticate(made.secret)


def test_a_challenge_is_answered_once_in_every_process(world: World, cast: Cast) -> None:
    asking = asked(world, cast.seller)
    signature = by_wallet(own_key(world, cast.seller.party), asking.typed_data)
    elsewhere = world.opened()
    elsewhere.challenges.answer(asking.challenge_id, signature)  # asked of one process, answered to another
    for ledger in (world.ledger, elsewhere):
        with pytest.raises(ChallengeEnded, match="answered before"):
            ledger.challenges.answer(asking.challenge_id, signature)


def test_strangers_who_fail_at_many_parties_are_one_entry_a_minute(world: World) -> None:
    seconds = [0.0]
    notes = RequestNotes(world.ledger.context, lambda: seconds[0])
    challenges = Challenges(world.ledger.context, notes)
    strangers_key = new_key()

    def fail_at_many() -> None:
        for party in range(1, 9):
            asking = challenges.ask(party)
            with pytest.raises(ChallengeRefused):
                challenges.answer(asking.challenge_id, by_wallet(strangers_key, asking.typed_data))

    def failures() -> list[dict[str, object]]:
        world.ledger.context.store.write(lambda _: None)
        with world.ledger.context.reading() as connection:
            found = entries(connection, kind="sign_in_failed", limit=500).items
        said = [json.loads(one.detail) for one in reversed(found)]
        return [one for one in said if one.get("reason") == "challenge"]

    before = len(failures())
    fail_at_many()
    assert len(failures()) == before + 1
    fail_at_many()
    assert len(failures()) == before + 1
    seconds[0] += WINDOW_S
    fail_at_many()
    notes.close()
    assert [one.get("count") for one in failures()[before:]] == [None, 15, None, 7]


def test_of_two_answers_at_once_one_counts(world: World, cast: Cast) -> None:
    asking = asked(world, cast.stranger)
    signature = by_wallet(own_key(world, cast.stranger.party), asking.typed_data)
    ledgers, done, refused = [world.ledger, world.opened()] * 3, [], []

    def answer(index: int) -> None:
        try:
            done.append(ledgers[index].challenges.answer(asking.challenge_id, signature))
        except ChallengeEnded as err:
            refused.append(err)

    threads = [Thread(target=answer, args=(index,)) for index in range(len(ledgers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(refused)) == (1, len(ledgers) - 1)


def test_a_challenge_ends_after_two_minutes(world: World, cast: Cast, at: Callable[[float], None]) -> None:  # noqa: F811
    asking = asked(world, cast.seller)
    signature = by_wallet(own_key(world, cast.seller.party), asking.typed_data)
    at(CHALLENGE_LIFETIME_S + 2)
    with pytest.raises(ChallengeEnded, match="two minutes"):
        world.ledger.challenges.answer(asking.challenge_id, signature)
    at(0)
    world.ledger.challenges.answer(asking.challenge_id, signature)


@pytest.mark.parametrize(
    ("field", "value"),
    [("chainId", 1), ("verifyingContract", "0x" + "11" * 20), ("name", "Another Ledger"), ("version", "2")],
)
def test_a_signature_for_another_ledger_is_refused(world: World, cast: Cast, field: str, value: object) -> None:
    asking = asked(world, cast.seller)
    typed = json.loads(json.dumps(asking.typed_data))
    key = own_key(world, cast.seller.party)
    typed["domain"][field] = value
    with pytest.raises(ChallengeRefused):
        world.ledger.challenges.answer(asking.challenge_id, by_wallet(key, typed))
    world.ledger.challenges.answer(asking.challenge_id, by_wallet(key, asking.typed_data))


def test_a_signature_of_other_words_or_by_another_key_is_refused(world: World, cast: Cast) -> None:
    asking, other = asked(world, cast.seller, ["read"]), asked(world, cast.employer, ["read"])
    wider = json.loads(json.dumps(asking.typed_data))
    wider["message"]["scopes"] = "all"
    key = own_key(world, cast.seller.party)
    for signature in (
        by_wallet(key, wider),
        by_wallet(key, other.typed_data),
        by_wallet(own_key(world, cast.employer.party), asking.typed_data),
        by_wallet(new_key(), asking.typed_data),
    ):
        with pytest.raises(ChallengeRefused):
            world.ledger.challenges.answer(asking.challenge_id, signature)
    world.ledger.challenges.answer(asking.challenge_id, by_wallet(key, asking.typed_data))


def test_signatures_that_no_wallet_makes_are_refused_by_form(world: World, cast: Cast) -> None:
    asking = asked(world, cast.seller)
    key = own_key(world, cast.seller.party)
    challenge, _ = read_challenge(asking.typed_data)
    v, r, s = sign_digest(key, challenge.digest(world.ledger.context.domain))
    good = f"0x{r:064x}{s:064x}{v:02x}"
    high_s = f"0x{r:064x}{SECP256K1_ORDER - s:064x}{55 - v:02x}"
    for signature in (high_s, good[:-2], good + "00", "0x" + "00" * 65, "zz" * 65, good[:-2] + "1d", ""):
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.challenges.answer(asking.challenge_id, signature)
        assert [(one.path, one.code) for one in caught.value.problems] == [("signature", "signature_form")]
    world.ledger.challenges.answer(asking.challenge_id, good)


def test_a_rotated_key_signs_nobody_in_and_ends_what_it_signed_in(world: World, cast: Cast) -> None:
    party = cast.other_employer.party
    old = own_key(world, party)
    asking, later = asked(world, cast.other_employer), asked(world, cast.other_employer)
    before = world.ledger.challenges.answer(asking.challenge_id, by_wallet(old, asking.typed_data))
    assert world.ledger.authenticate(before.secret).party == party
    must(world.ledger.rotate_key(world.again(cast.other_employer), idempotency_key=world.key()))
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(before.secret)
    assert world.ledger.api_keys.keys(cast.other_employer)[0].state == "rotated"
    with pytest.raises(ChallengeRefused):
        world.ledger.challenges.answer(later.challenge_id, by_wallet(old, later.typed_data))
    world.ledger.challenges.answer(later.challenge_id, by_wallet(own_key(world, party), later.typed_data))


def test_a_dismissed_officer_signs_in_no_more(world: World) -> None:
    written, _ = world.ledger.appoint_officer(world.authority, name="离任者", idempotency_key=world.key())
    party = must(written).party
    assert party is not None
    officer = world.ledger.caller(party)
    asking, later, key = asked(world, officer), asked(world, officer), own_key(world, party)
    world.ledger.challenges.answer(asking.challenge_id, by_wallet(key, asking.typed_data))
    must(world.ledger.dismiss_officer(world.authority, party, reason="离任", idempotency_key=world.key()))
    with pytest.raises(ChallengeRefused):
        world.ledger.challenges.answer(later.challenge_id, by_wallet(key, later.typed_data))


def test_an_unknown_party_looks_like_a_known_one(world: World, cast: Cast) -> None:
    known, unknown = asked(world, cast.seller), world.ledger.challenges.ask(4_000_000_000)
    assert len(known.challenge_id) == len(unknown.challenge_id)
    assert {*known.typed_data["message"]} == {*unknown.typed_data["message"]}  # type: ignore[misc]
    guess, said = new_key(), []
    for asking in (known, unknown):
        with pytest.raises(ChallengeRefused) as caught:
            world.ledger.challenges.answer(asking.challenge_id, by_wallet(guess, asking.typed_data))
        said.append(caught.value.message)
    assert said[0] == said[1]


def test_asking_stores_nothing_and_an_invented_challenge_is_none(world: World, cast: Cast) -> None:
    def rows() -> int:
        with closing(sqlite3.connect(world.settings.data_dir / "ledger.sqlite")) as connection:
            return int(connection.execute("SELECT count(*) FROM api_key").fetchone()[0])

    before = rows()
    asking = asked(world, cast.seller)
    assert rows() == before
    facts, nonce = bytes.fromhex(asking.challenge_id)[:29], asking.challenge_id[58:]
    later = bytearray(facts)
    later[10] ^= 1  # another end
    for forged in (later.hex() + nonce, asking.challenge_id[:-2] + "00", "00" * 61, "", "x" * 122):
        with pytest.raises(NotFound):
            world.ledger.challenges.answer(forged, "0x" + "1c" * 65)


def test_scopes_of_a_challenge_are_known_ones(world: World, cast: Cast) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(world, cast.seller, ["read", "write"])
    assert caught.value.problems[0].path == "scopes.1"


def test_a_party_has_so_many_keys_of_answers(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SIGNED_IN_MAX > 10
    key = own_key(world, cast.bookkeeper.party)
    monkeypatch.setattr("ledger.service.challenges.SIGNED_IN_MAX", 2)
    for _ in range(2):
        asking = asked(world, cast.bookkeeper)
        world.ledger.challenges.answer(asking.challenge_id, by_wallet(key, asking.typed_data))
    asking = asked(world, cast.bookkeeper)
    with pytest.raises(InvalidRequest, match="2 keys"):
        world.ledger.challenges.answer(asking.challenge_id, by_wallet(key, asking.typed_data))


@given(
    st.builds(
        Challenge,
        st.integers(0, 2**32 - 1),
        st.text(st.characters(max_codepoint=127), max_size=128),
        st.binary(min_size=32, max_size=32),
        st.integers(0, 2**64 - 1),
    ),
    st.builds(ChainDomain, st.integers(1, 2**53), st.binary(min_size=20, max_size=20)),
)
def test_typed_data_of_a_challenge_reads_back(challenge: Challenge, domain: ChainDomain) -> None:
    typed = json.loads(json.dumps(challenge.typed_data(domain)))
    assert read_challenge(typed) == (challenge, domain)
    key = b"\x01" * 32
    v, r, s = sign_digest(key, challenge.digest(domain))
    by_others = Account.recover_message(encode_typed_data(full_message=typed), vrs=(v, r, s))
    assert by_others.lower() == f"0x{address_of(key).hex()}"  # eth-account computes the digest by itself
    assert challenge.digest(domain) != replace(challenge, party=challenge.party ^ 1).digest(domain)
    for path, value in (("nonce", "0x00"), ("party", -1), ("party", True), ("scopes", "é"), ("expires", 2**64)):
        with pytest.raises(TypedDataError):
            read_challenge({**typed, "message": {**typed["message"], path: value}})
