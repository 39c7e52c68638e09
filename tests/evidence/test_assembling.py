"""Assembling: what is handed out fits together, or it is said that it cannot be had now."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from ledger.evidence import EvidenceUnavailableError, assemble
from ledger.service import Busy
from tests.evidence.conftest import Crowd
from verifier import Result, parse_trust, verify
from verifier.canonical import dumps
from verifier.commitment import disclose


def test_an_unknown_number_has_no_evidence(small_crowd: Crowd) -> None:
    context = small_crowd.ledger.context
    with pytest.raises(EvidenceUnavailableError):
        assemble(context.store.reading, context.reader, 10**20 - 1, disclose({"a": 1}, bytes(32)), b"")


def test_evidence_waits_for_a_projection_that_lags(small_crowd: Crowd) -> None:
    """Between commit and apply the chain knows an operation that the projection does not: nothing half is given."""
    crowd = small_crowd
    number = crowd.held[0]
    crowd.ledger.open_claim(
        crowd.other_claimant, [number], employer=crowd.other_employer.party, idempotency_key=crowd.world.key()
    )
    sequencing = crowd.world.sequencing
    waiting = sequencing.sequencer._take()
    sequencing.writer.commit([group.signed for group in waiting])
    with pytest.raises(Busy):
        crowd.ledger.evidence(crowd.other_claimant, number)
    trust = parse_trust(dumps(crowd.ledger.trust()))
    # another invoice's evidence is right as of the newest block all the same
    assert verify(crowd.evidence(), trust).verdict is Result.VALID
    sequencing.sequencer.project()
    report = verify(crowd.ledger.evidence(crowd.other_claimant, number), trust)
    assert report.verdict is Result.VALID
    crowd.held.remove(number)


def test_evidence_without_the_signers_certificate_is_not_given(small_crowd: Crowd) -> None:
    context = small_crowd.ledger.context
    identity = small_crowd.cashier.identity_text

    def hide(connection: Connection) -> None:
        hidden = "UPDATE certificate SET identity_text = 'x' || identity_text WHERE identity_text = :i"
        connection.execute(text(hidden), {"i": identity})

    def show(connection: Connection) -> None:
        shown = "UPDATE certificate SET identity_text = :i WHERE identity_text = 'x' || :i"
        connection.execute(text(shown), {"i": identity})

    context.store.write(hide)
    try:
        with pytest.raises(Busy):
            small_crowd.evidence()
    finally:
        context.store.write(show)
    assert small_crowd.evidence()
