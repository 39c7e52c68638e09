"""The authority rotates the key it signs with: certificates go on under the root that every trust file pins."""

from __future__ import annotations

from ledger.service.proofs import evidence, trust
from tests.service.conftest import Cast
from tests.service.world import World, must
from verifier.canonical import dumps
from verifier.report import Result
from verifier.steps import verify
from verifier.trust import parse_trust


def test_people_are_enrolled_and_evidence_verifies_after_the_authority_rotated_its_key(
    world: World, cast: Cast
) -> None:
    before = world.ledger.party(world.authority, world.authority.party).certificate_hash
    must(world.ledger.rotate_key(world.authority, idempotency_key=world.key()))
    assert world.ledger.party(world.authority, world.authority.party).certificate_hash != before
    clerk = world.person("后来的开票员", (cast.seller, ["issue"]))
    written, _ = world.ledger.appoint_officer(world.authority, name="后来的税官", idempotency_key=world.key())
    must(written)
    issued = world.ledger.issue(clerk, world.draft(), subject=cast.seller.party, idempotency_key=world.key())
    file = evidence(world.ledger.context, cast.seller, must(issued).numbers[0])
    report = verify(file, parse_trust(dumps(trust(world.ledger.context))))
    assert report.verdict is Result.VALID, report
