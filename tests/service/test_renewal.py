"""A new certificate for the same key: what was signed before and after both verify, and an audit agrees."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from pathlib import Path

import pytest

from ledger.identity import certificate_hash
from ledger.service import InvalidRequest
from ledger.service.full_audit import full_audit
from tests.service.own_keys import drafted, keeping_its_own
from tests.service.world import World, must
from verifier.canonical import dumps
from verifier.report import Result
from verifier.steps import verify
from verifier.trust import parse_trust


def verdict(world: World, file: bytes) -> Result:
    return verify(file, parse_trust(dumps(world.ledger.trust()))).verdict


def test_a_kept_keys_certificate_is_renewed(world: World) -> None:
    seller = world.enterprise("续期公司", segment=True)
    before = world.issued(seller)
    first = world.ledger.certificates(seller, seller.party)[0]
    must(world.ledger.renew_certificate(seller, idempotency_key=world.key()))
    seller = world.again(seller)
    listed = {one.state: one for one in world.ledger.certificates(seller, seller.party)}  # both of one second, perhaps
    assert listed.keys() == {"current", "former"}
    newest, former = listed["current"], listed["former"]
    assert former.certificate_hash == first.certificate_hash
    assert newest.ends_at >= former.ends_at
    after = world.issued(seller)
    for number, expected in ((before, former), (after, newest)):
        evidence = world.ledger.evidence(seller, number)
        assert verdict(world, evidence) is Result.VALID
        (der,) = json.loads(evidence)["certificates"]
        assert certificate_hash(b64decode(der)).hex() == expected.certificate_hash
    context = world.ledger.context
    with context.reading() as connection:
        assert context.kept_key(connection, seller.party) is not None  # the same, still kept here


def test_an_own_keys_certificate_is_renewed_by_its_own_signature(world: World) -> None:
    seller, wallet = keeping_its_own(world, world.enterprise("自管续期公司", segment=True))
    digest = drafted(lambda: world.ledger.renew_certificate(seller, idempotency_key=world.key()))
    must(world.ledger.drafts.sign(seller, digest, wallet.sign(world.ledger.drafts.draft(seller, digest).typed_data)))
    with world.ledger.context.reading() as connection:
        assert "0x" + world.ledger.context.signer_of(connection, seller.party).hex() == wallet.address.lower()
    digest = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    signature = wallet.sign(world.ledger.drafts.draft(seller, digest).typed_data)
    number = must(world.ledger.drafts.sign(seller, digest, signature)).numbers[0]
    assert verdict(world, world.ledger.evidence(seller, number)) is Result.VALID


def test_what_was_signed_before_a_renewed_certificate_is_revoked_stays_valid(world: World) -> None:
    seller = world.enterprise("续期后吊销公司", segment=True)
    number = world.issued(seller)
    old = world.ledger.certificates(seller, seller.party)[0].certificate_hash
    must(world.ledger.renew_certificate(seller, idempotency_key=world.key()))
    time.sleep(1.1)  # what was signed in the second of a revocation counts as after it
    must(
        world.ledger.revoke_certificate(
            world.officer, seller.party, reason="superseded", certificate_hash=old, idempotency_key=world.key()
        )
    )
    later = world.issued(world.again(seller))
    for one in (number, later):
        assert verdict(world, world.ledger.evidence(seller, one)) is Result.VALID


def test_the_root_is_not_renewed(world: World) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.renew_certificate(world.authority, idempotency_key=world.key())
    assert caught.value.problems[0].code == "certificate_root"


@pytest.mark.slow
def test_an_audit_agrees_with_renewals_and_own_keys(tmp_path: Path) -> None:
    world = World(tmp_path)
    try:
        seller, wallet = keeping_its_own(world, world.enterprise("审计公司", segment=True))
        digest = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
        must(
            world.ledger.drafts.sign(seller, digest, wallet.sign(world.ledger.drafts.draft(seller, digest).typed_data))
        )
        must(world.ledger.renew_certificate(world.officer, idempotency_key=world.key()))
        world.issued(world.enterprise("另一公司", segment=True))
        drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
        world.sequencing.stop()
        assert full_audit(world.ledger.context, state_path=tmp_path / "state").difference is None
    finally:
        world.close()
