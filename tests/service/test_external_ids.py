"""The callers' own ids: found by them, never twice for different things, free again after a failure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.service import Caller, InvalidRequest, NotFound, WriteStatus
from ledger.service.external_ids import EXTERNAL_ID_LENGTH_MAX, ExternalIdView
from tests.service.conftest import Cast
from tests.service.world import World, must, refused


def found(world: World, caller: Caller, external_id: str, kind: str | None = None) -> ExternalIdView:
    (view,) = world.ledger.external_ids.find(caller, external_id, kind=kind)
    return view


def issued_as(world: World, cast: Cast, external_id: str, key: str | None = None, net_fen: int = 10_000) -> str:
    written = must(
        world.ledger.issue(
            cast.seller, world.draft(net_fen=net_fen), first_holder=cast.claimant.party, external_id=external_id,
            idempotency_key=key or world.key(),
        )
    )  # fmt: skip
    return written.numbers[0]


def taken(act: Callable[[], object], path: str = "external_id") -> str:
    with pytest.raises(InvalidRequest) as caught:
        act()
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == (path, "external_id_taken")
    return problem.message_en


def test_an_invoice_is_found_by_the_sellers_own_id(world: World, cast: Cast) -> None:
    number = issued_as(world, cast, "SO/2026/0001")
    for reader in (cast.seller, cast.clerk):
        view = found(world, reader, "SO/2026/0001")
        assert (view.kind, view.number, view.party, view.status) == ("invoice", number, cast.seller.party, "recorded")
    for other in (cast.claimant, cast.stranger, cast.employer, cast.bookkeeper):
        with pytest.raises(NotFound):
            world.ledger.external_ids.find(other, "SO/2026/0001")
    with pytest.raises(NotFound):
        world.ledger.external_ids.find(cast.stranger, "SO/2026/0001", party=cast.seller.party)
    assert world.ledger.external_ids.find(world.officer, "SO/2026/0001", party=cast.seller.party)


def test_the_same_id_never_issues_twice_and_names_what_it_stands_for(world: World, cast: Cast) -> None:
    key = world.key()
    number = issued_as(world, cast, "SO-2", key)
    assert issued_as(world, cast, "SO-2", key) == number
    assert number in taken(lambda: issued_as(world, cast, "SO-2"))
    assert number in taken(lambda: issued_as(world, cast, "SO-2", net_fen=500))
    assert issued_as(world, cast, "SO-2b") != number


def test_each_party_has_ids_of_its_own(world: World, cast: Cast) -> None:
    mine = issued_as(world, cast, "SO-3")
    other = must(
        world.ledger.issue(cast.stranger, world.draft(), external_id="SO-3", idempotency_key=world.key())
    ).numbers[0]
    assert found(world, cast.seller, "SO-3").number == mine
    assert found(world, cast.stranger, "SO-3").number == other


def test_a_stranger_learns_nothing_of_an_enterprises_ids_and_takes_none(world: World, cast: Cast) -> None:
    issued_as(world, cast, "SO-4")
    for external_id in ("SO-4", "SO-4-free"):
        refused(
            world.ledger.issue(
                cast.stranger, world.draft(), subject=cast.seller.party, external_id=external_id,
                idempotency_key=world.key(),
            ),
            "not_permitted",
        )  # fmt: skip
    assert issued_as(world, cast, "SO-4-free")


def test_after_a_refusal_the_id_is_free_again(world: World, cast: Cast) -> None:
    poor = world.enterprise("额度不足公司", quota_fen=100, segment=True)
    answer = world.ledger.issue(poor, world.draft(), external_id="SO-5", idempotency_key=world.key())
    assert answer.status is WriteStatus.REFUSED
    assert found(world, poor, "SO-5").status == "refused"
    must(world.ledger.set_quota(world.officer, poor.party, 10**9, idempotency_key=world.key()))
    number = must(world.ledger.issue(poor, world.draft(), external_id="SO-5", idempotency_key=world.key())).numbers[0]
    assert (found(world, poor, "SO-5").number, found(world, poor, "SO-5").status) == (number, "recorded")


def test_rows_of_a_list_carry_their_own_ids(world: World, cast: Cast) -> None:
    drafts: list[object] = [world.draft(), {"kind": "ordinary"}, world.draft(net_fen=2_000)]
    listed = world.ledger.issue_list(
        cast.seller, drafts, external_ids=["L-1", "L-2", None], idempotency_key=world.key()
    )
    assert listed.written is not None
    must(listed.written)
    assert found(world, cast.seller, "L-1").number == listed.rows[0].number
    with pytest.raises(NotFound):
        world.ledger.external_ids.find(cast.seller, "L-2")
    message = taken(
        lambda: world.ledger.issue_list(
            cast.seller, [world.draft(), world.draft()], external_ids=["L-3", "L-1"], idempotency_key=world.key()
        ),
        "external_ids.1",
    )
    assert str(listed.rows[0].number) in message
    with pytest.raises(NotFound):
        world.ledger.external_ids.find(cast.seller, "L-3")


@pytest.mark.parametrize(
    ("ids", "path", "code"),
    [
        (["A"], "external_ids", "external_ids_count"),
        (["A", "A"], "external_ids.1", "external_id_twice"),
        (["A", " "], "external_ids.1", "external_id_empty"),
        (["A", "x" * (EXTERNAL_ID_LENGTH_MAX + 1)], "external_ids.1", "text_range"),
    ],
)
def test_wrong_ids_of_a_list_name_their_row(world: World, cast: Cast, ids: list[str], path: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue_list(
            cast.seller, [world.draft(), world.draft()], external_ids=[*ids], idempotency_key=world.key()
        )
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == (path, code)


def test_a_red_is_found_by_the_sellers_own_id(world: World, cast: Cast) -> None:
    blues = [world.issued(cast.seller) for _ in range(2)]

    def reds(blue: str) -> str:
        written = world.ledger.red_letters.issue_red(
            cast.seller, blue, reason="issued_in_error", external_id="CN-1", idempotency_key=world.key()
        )
        return must(written).numbers[0]

    red = reds(blues[0])
    assert found(world, cast.seller, "CN-1").number == red
    assert red in taken(lambda: reds(blues[1]))
    assert world.ledger.invoice(cast.seller, blues[1]).colour == "normal"


def test_a_claim_is_found_by_its_claimants_own_id(world: World, cast: Cast) -> None:
    numbers = [world.issued(cast.seller, cast.claimant) for _ in range(2)]

    def claims(number: str) -> str:
        written = must(
            world.ledger.open_claim(
                cast.claimant, [number], employer=cast.employer.party, external_id="EXP-1", idempotency_key=world.key()
            )
        )
        assert written.claim_id is not None
        return written.claim_id

    claim_id = claims(numbers[0])
    view = found(world, cast.claimant, "EXP-1")
    assert (view.kind, view.claim_id, view.numbers) == ("claim", claim_id, (numbers[0],))
    assert claim_id in taken(lambda: claims(numbers[1]))
    assert world.ledger.invoice(cast.claimant, numbers[1]).claim_state == "free"
    with pytest.raises(NotFound):
        world.ledger.external_ids.find(cast.cashier, "EXP-1")


def test_settling_booking_and_handing_on_are_found_by_own_ids(world: World, cast: Cast) -> None:
    number, other, handed = (world.issued(cast.seller, cast.claimant) for _ in range(3))
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    other_claim = world.claimed(cast.claimant, cast.employer, other)

    def settles(which: str) -> None:
        must(
            world.ledger.approve_claim(
                cast.cashier, which, payment_reference="P", external_id="PAY-1", idempotency_key=world.key()
            )
        )

    settles(claim_id)
    assert found(world, cast.employer, "PAY-1").claim_id == claim_id
    taken(lambda: settles(other_claim))
    must(world.ledger.book(cast.cashier, number, deductible=True, external_id="GL-1", idempotency_key=world.key()))
    view = found(world, cast.cashier, "GL-1")
    assert (view.kind, view.numbers, view.party) == ("booking", (number,), cast.employer.party)
    must(
        world.ledger.transfer(
            cast.claimant, handed, cast.cashier.party, external_id="TR-1", idempotency_key=world.key()
        )
    )
    assert found(world, cast.claimant, "TR-1").kind == "transfer"
    for stranger in (cast.stranger, cast.other_cashier):
        for external_id in ("PAY-1", "GL-1", "TR-1"):
            with pytest.raises(NotFound):
                world.ledger.external_ids.find(stranger, external_id)


def test_one_id_may_name_things_of_several_kinds(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = must(
        world.ledger.open_claim(
            cast.claimant, [number], employer=cast.employer.party, external_id="X-1", idempotency_key=world.key()
        )
    ).claim_id
    assert claim_id is not None
    must(world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=world.key()))
    must(
        world.ledger.transfer(cast.claimant, number, cast.cashier.party, external_id="X-1", idempotency_key=world.key())
    )
    assert [one.kind for one in world.ledger.external_ids.find(cast.claimant, "X-1")] == ["claim", "transfer"]
    assert found(world, cast.claimant, "X-1", "transfer").numbers == (number,)
    with pytest.raises(InvalidRequest):
        world.ledger.external_ids.find(cast.claimant, "X-1", kind="other")


@pytest.mark.parametrize("external_id", ["", " ", "unknown", "a\x00b", "x" * (EXTERNAL_ID_LENGTH_MAX + 1)])
def test_an_id_that_stands_for_nothing_is_not_found(world: World, cast: Cast, external_id: str) -> None:
    with pytest.raises(NotFound):
        world.ledger.external_ids.find(cast.seller, external_id)


def test_settlings_of_one_claim_each_need_an_id_of_their_own(world: World, cast: Cast) -> None:
    numbers = sorted(world.issued(cast.seller, cast.claimant) for _ in range(2))
    claim_id = world.claimed(cast.claimant, cast.employer, *numbers)

    def settles(number: str, external_id: str) -> None:
        must(
            world.ledger.approve_claim(
                cast.cashier, claim_id, numbers=[number], payment_reference="P", external_id=external_id,
                idempotency_key=world.key(),
            )
        )  # fmt: skip

    settles(numbers[0], "PAY-2")
    taken(lambda: settles(numbers[1], "PAY-2"))
    settles(numbers[1], "PAY-3")
