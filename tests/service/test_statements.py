"""Statements of absence through the service: who gets which, that they verify, and whose words none of them shows."""

from __future__ import annotations

import itertools
import json

import pytest
import rlp

from ledger.service import Caller, InvalidRequest, NotFound
from ledger.service.errors import NotPermitted, StatementDiscloses, StatementFalse
from ledger.service.statements import shows_another
from tests.service.conftest import Cast
from tests.service.test_outside import claim, typed
from tests.service.world import World, must
from verifier import Report, Result, Trust, parse_trust, verify
from verifier.canonical import dumps, loads
from verifier.shape import based
from verifier.statement import Word
from verifier.statement_steps import parse_statement
from verifier.words import NUMBER_SPACE_FIRST, Table, storage_key

NEVER = itertools.count(NUMBER_SPACE_FIRST + 10**12)
SIZE_MAX = 1 << 16


@pytest.fixture(scope="module")
def trust(world: World) -> Trust:
    return parse_trust(dumps(world.ledger.trust()))


@pytest.fixture(scope="module")
def crowd(world: World, cast: Cast) -> list[int]:
    """Invoices of others, so that proofs of absence end among them."""
    return [int(world.issued(cast.seller)) for _ in range(12)]


def checked(world: World, caller: Caller, number: str, says: str, trust: Trust, *, disclosing: bool = False) -> Report:
    report = verify(world.ledger.statements.statement(caller, number, says, disclosing=disclosing), trust)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert (report.number, report.says) == (number, says)
    assert report.block == world.ledger.context.reader.head().number
    return report


def unissued(world: World, caller: Caller) -> str:
    """A number never issued that the caller gets a statement of."""
    for number in itertools.islice(NEVER, 1_000):
        try:
            world.ledger.statements.statement(caller, f"{number:020d}", "not_issued")
        except StatementDiscloses:
            continue
        return f"{number:020d}"
    raise AssertionError("no number in a thousand")


def false(world: World, caller: Caller, number: str, says: str) -> str:
    with pytest.raises(StatementFalse) as caught:
        world.ledger.statements.statement(caller, number, says)
    assert caught.value.message_zh
    return str(caught.value)


def test_a_suspected_fake_is_stated_as_never_issued_for_anyone(world: World, cast: Cast, trust: Trust) -> None:
    number = unissued(world, cast.stranger)
    for caller in (cast.cashier, cast.stranger, cast.claimant, world.officer):
        checked(world, caller, number, "not_issued", trust)


def test_a_number_that_was_issued_is_not_and_who_asks_learns_only_that(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant, buyer=cast.employer)
    answers = {false(world, caller, number, "not_issued") for caller in (cast.seller, cast.stranger, world.officer)}
    assert len(answers) == 1


def test_a_number_of_elsewhere_is_stated_until_somebody_registers_it(world: World, cast: Cast, trust: Trust) -> None:
    for _ in range(20):
        item = typed()
        try:
            report = checked(world, cast.stranger, item.read.number, "not_issued", trust)
        except StatementDiscloses:
            continue
        break
    assert report.steps[-1].compared["number_space"] == "elsewhere"
    must(claim(world, cast.claimant, cast.employer, item))
    false(world, cast.stranger, item.read.number, "not_issued")
    checked(world, cast.cashier, item.read.number, "not_settled", trust)


def test_an_invoice_is_stated_as_not_settled_until_it_is(world: World, cast: Cast, trust: Trust) -> None:
    number = world.issued(cast.seller, cast.claimant, buyer=cast.employer)
    callers = (cast.seller, cast.claimant, cast.employer, cast.cashier, world.officer)
    for caller in callers:
        assert checked(world, caller, number, "not_settled", trust).steps[-1].compared["claim"] == "free"
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    before = world.ledger.statements.statement(cast.cashier, number, "not_settled")
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P-9", idempotency_key=world.key()))
    for caller in callers:
        false(world, caller, number, "not_settled")
    assert verify(before, trust).verdict is Result.VALID, "as of its block"


def test_not_settled_of_what_one_may_not_see_looks_like_what_never_was(world: World, cast: Cast) -> None:
    number, never = world.issued(cast.seller), "99999999999999999999"
    texts = set()
    for asked in (number, never):
        for caller in (cast.stranger, cast.other_cashier):
            with pytest.raises(NotFound) as caught:
                world.ledger.statements.statement(caller, asked, "not_settled")
            texts.add(str(caught.value).replace(asked, "N"))
    assert len(texts) == 1
    with pytest.raises(NotFound):
        world.ledger.statements.statement(world.officer, never, "not_settled")


@pytest.mark.parametrize("number", ["", "x", "1" * 19, "1" * 21, "９" * 20])
@pytest.mark.parametrize("says", ["not_issued", "not_settled"])
def test_what_is_no_number_is_not_found(world: World, cast: Cast, number: str, says: str) -> None:
    with pytest.raises(NotFound):
        world.ledger.statements.statement(cast.stranger, number, says)


@pytest.mark.parametrize("says", ["", "issued", "NOT_ISSUED", "x" * 5_000])
def test_what_cannot_be_stated_is_refused_by_name(world: World, cast: Cast, says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.statements.statement(cast.seller, "9" * 20, says)
    assert [(one.path, one.code) for one in caught.value.problems] == [("says", "says_unknown")]


def shown_words(data: bytes) -> set[int]:
    """Every word that stands in a leaf of the file's storage nodes."""
    value = loads(data, SIZE_MAX)
    found = set()
    for node in json.loads(dumps(value))["proof"]["storage"]:
        items = rlp.decode(based(node, SIZE_MAX, "node"))
        if len(items) == 2 and items[0][0] >> 4 in {2, 3}:
            found.add(int.from_bytes(rlp.decode(items[1]), "big"))
    return found


def aimed_at(world: World, target: int) -> int:
    """A number never issued whose proof by the state ends at the state of the invoice `target`."""
    context = world.ledger.context
    (state,) = context.reader.words([storage_key(Table.STATE, target)])
    for number in range(NUMBER_SPACE_FIRST + 2 * 10**12, NUMBER_SPACE_FIRST + 2 * 10**12 + 200_000):
        proof = context.reader.proof([storage_key(Table.STATE, number)])
        if any(state.to_bytes(32, "big").lstrip(b"\0") in node for node in proof.storage_nodes):
            return number
    raise AssertionError("no such number")


def test_a_number_aimed_at_anothers_invoice_shows_its_words_to_officers_alone(
    world: World, cast: Cast, crowd: list[int], trust: Trust
) -> None:
    states = set(world.ledger.context.reader.words([storage_key(Table.STATE, number) for number in crowd]))
    number = f"{aimed_at(world, crowd[0]):020d}"
    try:
        data = world.ledger.statements.statement(cast.stranger, number, "not_issued")
    except StatementDiscloses as err:
        assert number in err.message  # noqa: PT017 - both answers are right: which depends on the other word
    else:
        assert parse_statement(loads(data, SIZE_MAX)).word is Word.HEAD
        assert verify(data, trust).verdict is Result.VALID
        assert not states & shown_words(data)
    checked(world, world.officer, number, "not_issued", trust, disclosing=True)
    with pytest.raises(NotPermitted):
        world.ledger.statements.statement(cast.stranger, number, "not_issued", disclosing=True)


def test_no_statement_for_a_stranger_shows_a_word_of_others(world: World, cast: Cast, crowd: list[int]) -> None:
    """Of 200 numbers: what is handed out shows nobody's words, and at least half of all are."""
    tables = (Table.STATE, Table.HEAD, Table.CLAIM)
    keys = [storage_key(table, number) for number in crowd for table in tables]
    words = set(world.ledger.context.reader.words(keys)) - {0}
    given, to_officers = 0, 0
    for number in itertools.islice(NEVER, 200):
        asked = f"{number:020d}"
        try:
            data = world.ledger.statements.statement(cast.stranger, asked, "not_issued")
        except StatementDiscloses:
            with pytest.raises(StatementDiscloses):
                world.ledger.statements.statement(world.officer, asked, "not_issued")
            data = world.ledger.statements.statement(world.officer, asked, "not_issued", disclosing=True)
            assert shows_another(parse_statement(loads(data, SIZE_MAX)))
            to_officers += 1
            continue
        given += 1
        assert not words & shown_words(data)
    assert given > to_officers > 0
