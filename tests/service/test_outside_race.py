"""Whoever registers one number, in whatever order and form, at once or in turn: one lock stands, the strongest's."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.formats import Source, Strength
from ledger.service import Caller, ClaimWritten, WriteStatus
from ledger.service.outside_facts import OutsideItem, item_of_fields
from tests.service.conftest import Cast
from tests.service.world import World

SERIALS = itertools.count(1)
SOURCES = {Strength.ORIGINAL: Source.NATIONAL_XML, Strength.QR: Source.QR_CODED, Strength.TYPED: Source.TYPED}
AT_ONCE_MAX = 4

attempts = st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(SOURCES))), min_size=2, max_size=6)


def item(number: str, strength: Strength) -> OutsideItem:
    """The same invoice as each kind of source gives it."""
    fields = {"code": "033002100411", "number": number, "gross": "318.00", "tax": "18.00", "issued_on": "2026-10-05"}
    typed = item_of_fields(fields, "typed")
    return OutsideItem(replace(typed.read, source=SOURCES[strength]), b"a file" if strength < Strength.TYPED else None)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries=attempts, at_once=st.booleans())
def test_one_lock_stands_and_it_is_the_strongest_proofs(
    world: World, cast: Cast, tries: list[tuple[bool, Strength]], at_once: bool
) -> None:
    serial = f"{next(SERIALS):08d}"

    def register(attempt: tuple[bool, Strength]) -> tuple[Caller, Strength, ClaimWritten]:
        first, strength = attempt
        employer = cast.employer if first else cast.other_employer
        written = world.ledger.open_claim(
            cast.claimant, [], employer=employer.party, reference="R", outside=[item(serial, strength)],
            idempotency_key=world.key(),
        )  # fmt: skip
        return employer, strength, written

    if at_once:
        with ThreadPoolExecutor(AT_ONCE_MAX) as pool:
            answers = list(pool.map(register, tries))
    else:
        answers = [register(one) for one in tries]
    taken = [one for one in answers if one[2].written.status is WriteStatus.RECORDED]
    refused = [one[2].written for one in answers if one[2].written.status is WriteStatus.REFUSED]
    assert len(taken) + len(refused) == len(tries)
    # a version that another registration overtook is refused like a lock that is as strong
    assert {one.refusal.reason for one in refused if one.refusal} <= {"locked", "stale_version"}

    locked = []
    for employer, strength, answer in taken:
        claim_id = answer.written.claim_id
        assert claim_id is not None
        view = world.ledger.claim(cast.claimant, claim_id)
        assert (view.locked_count, view.released_count) in {(1, 0), (0, 1)}
        if view.locked_count:
            locked.append((employer.party, strength))
    assert len(locked) == 1
    standing = world.ledger.invoice(cast.claimant, f"033002100411{serial}")
    assert standing.hold is not None
    assert (standing.hold.employer, standing.strength) == (locked[0][0], locked[0][1].name.lower())
    history = world.ledger.history(cast.claimant, standing.number)
    assert len([one for one in history if one.outcome == "applied"]) == len(taken)
    # in turn each that was taken proved more than all before it
    if not at_once:
        strengths = [strength for _, strength, _ in taken]
        assert strengths == sorted(set(strengths), reverse=True)
        assert strengths[-1] == min(strength for _, strength in tries)
