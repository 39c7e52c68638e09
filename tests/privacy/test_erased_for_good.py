"""What was erased does not come back: not by a draft of before, an older key, a webhook or a request."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Table, func, select, update

from ledger.domain.key_proof import Purpose
from ledger.projection.ground import DOCUMENT, REFERENCE
from ledger.projection.ground_enrolment import ENROLMENT_REQUEST
from ledger.projection.ground_work import WEBHOOK
from ledger.service import Caller, DraftStale, NotFound
from ledger.service.context import Context
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.world import World, must
from verifier.canonical import dumps


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("erased"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def seller(world: World) -> tuple[Caller, Wallet]:
    """A seller that keeps its key."""
    return keeping_its_own(world, world.enterprise("自管卖家", segment=True))


def signed(world: World, party: Caller, wallet: Wallet, digest: str) -> str:
    """First number of what was drafted."""
    typed_data = world.ledger.drafts.draft(party, digest).typed_data
    return must(world.ledger.drafts.sign(party, digest, wallet.sign(typed_data))).numbers[0]


def issued(world: World, seller: tuple[Caller, Wallet]) -> str:
    issue = lambda: world.ledger.issue(seller[0], world.draft(), first_holder="seller", idempotency_key=world.key())  # noqa: E731
    return signed(world, *seller, drafted(issue))


def red_drafted(world: World, seller: tuple[Caller, Wallet], number: str) -> str:
    red = lambda: world.ledger.red_letters.issue_red(  # noqa: E731
        seller[0], number, reason="issued_in_error", idempotency_key=world.key()
    )
    return drafted(red)


def erased(world: World, number: str) -> None:
    world.ledger.erasing.invoice(world.authority, number, reason="申请删除", idempotency_key=world.key())


def rows(world: World, table: Table) -> int:
    with world.ledger.context.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_red_drafted_before_the_erasure_is_signed_no_more(world: World, seller: tuple[Caller, Wallet]) -> None:
    number = issued(world, seller)
    digest = red_drafted(world, seller, number)
    typed_data = world.ledger.drafts.draft(seller[0], digest).typed_data
    erased(world, number)
    held = rows(world, DOCUMENT)
    with pytest.raises(DraftStale):
        world.ledger.drafts.sign(seller[0], digest, seller[1].sign(typed_data))
    assert rows(world, DOCUMENT) == held
    with pytest.raises(NotFound):
        world.ledger.drafts.draft(seller[0], digest)


def test_a_red_of_an_invoice_that_stands_is_signed(world: World, seller: tuple[Caller, Wallet]) -> None:
    number, other = issued(world, seller), issued(world, seller)
    digest = red_drafted(world, seller, number)
    erased(world, other)
    assert signed(world, *seller, digest)


def test_what_is_drafted_after_the_erasure_is_signed(
    world: World, seller: tuple[Caller, Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other = issued(world, seller), world.person("受让人")
    erased(world, number)
    monkeypatch.setattr(Context, "now_s", lambda _: int(time.time()) + 2)
    transfer = lambda: world.ledger.transfer(seller[0], number, to=other.party, idempotency_key=world.key())  # noqa: E731
    assert signed(world, *seller, drafted(transfer)) == number


def test_a_slip_drafted_before_the_erasure_is_signed_no_more(world: World) -> None:
    other, employer = world.enterprise("另一卖家", segment=True), world.enterprise("购方公司")
    cashier = world.person("出纳", (employer, ["finance"]))
    number, standing = (world.issued(other, buyer=employer) for _ in range(2))
    for one in (number, standing):
        must(world.ledger.book(cashier, one, deductible=True, idempotency_key=world.key()))
    cashier, wallet = keeping_its_own(world, cashier)

    def slip_drafted(number: str) -> str:
        open_slip = world.ledger.red_letters.open_slip
        return drafted(lambda: open_slip(cashier, number, reason="return", idempotency_key=world.key()))

    digest, kept = slip_drafted(number), slip_drafted(standing)
    typed_data = world.ledger.drafts.draft(cashier, digest).typed_data
    erased(world, number)
    held = rows(world, REFERENCE)
    with pytest.raises(DraftStale):
        world.ledger.drafts.sign(cashier, digest, wallet.sign(typed_data))
    assert rows(world, REFERENCE) == held
    must(world.ledger.drafts.sign(cashier, kept, wallet.sign(world.ledger.drafts.draft(cashier, kept).typed_data)))
    assert rows(world, REFERENCE) == held + 1


def asked_for(world: World, employer: Caller, name: str) -> tuple[str, Caller, Wallet]:
    """A person enrolled by request who has another key since: id of its request, the person, its key."""
    code, wallet = world.tax_ids[employer.party], Wallet()
    own = wallet.proof(world.ledger, Purpose.ENROL, f"person@{code}", name)
    request_id = world.ledger.enrolment.ask(kind="person", name=name, tax_id=code, own=own).request_id
    party = must(world.ledger.enrolment.approve(world.officer, request_id, idempotency_key=world.key())).party
    assert party is not None
    person, newer = world.ledger.caller(party), Wallet()
    changed = newer.proof(world.ledger, Purpose.REPLACE_KEY, f"party:{party}", "")
    digest = drafted(lambda: world.ledger.rotate_key(person, own=changed, idempotency_key=world.key()))
    must(world.ledger.drafts.sign(person, digest, wallet.sign(world.ledger.drafts.draft(person, digest).typed_data)))
    return request_id, person, newer


def test_a_request_under_an_older_key_is_exported_and_goes_with_its_person(world: World) -> None:
    employer = world.enterprise("雇主公司")
    (gone, person, _), (stays, *_) = (asked_for(world, employer, name) for name in ("孙八独特", "周九独特"))
    said = dumps(world.ledger.personal_export(person, person.party)["tables"]).decode()
    assert gone in said
    assert stays not in said
    assert "孙八独特" in said
    world.ledger.erasing.person(world.authority, person.party, reason="申请删除", idempotency_key=world.key())
    with pytest.raises(NotFound):
        world.ledger.enrolment.request(world.officer, gone)
    assert world.ledger.enrolment.request(world.officer, stays).name == "周九独特"


def test_a_webhook_goes_with_its_person(world: World) -> None:
    gone, stays = world.person("删除之人"), world.person("留下之人")
    for one in (gone, stays):
        world.ledger.webhooks.register(one, url=f"https://example.com/{one.party}", idempotency_key=world.key())
    world.ledger.erasing.person(world.authority, gone.party, reason="申请删除", idempotency_key=world.key())
    with world.ledger.context.reading() as connection:
        hooks = connection.execute(select(WEBHOOK.c.party, WEBHOOK.c.url)).all()
    assert [tuple(one) for one in hooks] == [(stays.party, f"https://example.com/{stays.party}")]


def test_a_decided_request_outlives_what_strangers_ask(world: World) -> None:
    employer = world.enterprise("问事公司")
    code = world.tax_ids[employer.party]

    def ask(name: str) -> str:
        own = Wallet().proof(world.ledger, Purpose.ENROL, f"person@{code}", name)
        return world.ledger.enrolment.ask(kind="person", name=name, tax_id=code, own=own).request_id

    old, asked_days = ask("早先之人"), 400
    world.ledger.enrolment.refuse(world.officer, old, reason="未核实", idempotency_key=world.key())
    with world.ledger.context.store.writing_alone() as connection:
        row = ENROLMENT_REQUEST.c.request_id == old
        made_at = world.ledger.context.now_s() - asked_days * 86_400
        connection.execute(update(ENROLMENT_REQUEST).where(row).values(created_at=made_at))
    ask("后来之人")
    assert world.ledger.enrolment.request(world.officer, old).state == "refused"
