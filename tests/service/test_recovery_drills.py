"""The drill of docs/SECURITY.md for a clerk whose own key was stolen, with the thief trying after each step."""

from __future__ import annotations

from collections.abc import Callable

from ledger.domain.key_proof import Purpose
from ledger.service import Caller, Written
from tests.service.conftest import Cast
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.world import World, must, refused


def signed(world: World, caller: Caller, wallet: Wallet, write: Callable[[Caller], object]) -> Written:
    """What becomes of a write that is signed with the stolen key."""
    caller = world.again(caller)
    digest = drafted(lambda: write(caller))
    draft = world.ledger.drafts.draft(caller, digest)
    return world.ledger.drafts.sign(caller, digest, wallet.sign(draft.typed_data))


def test_a_thief_of_a_clerks_key_is_out_and_cannot_stop_the_recovery(world: World, cast: Cast) -> None:
    ledger, key = world.ledger, world.key
    clerk, stolen = keeping_its_own(world, world.person("被盗开票员", (cast.seller, ["issue"])))

    def issue(caller: Caller) -> object:
        return ledger.issue(caller, world.draft(), subject=cast.seller.party, idempotency_key=key())

    def rotate(caller: Caller) -> object:
        own = Wallet().proof(ledger, Purpose.REPLACE_KEY, f"party:{caller.party}", "")
        return ledger.rotate_key(caller, own=own, idempotency_key=key())

    must(signed(world, clerk, stolen, issue))

    must(ledger.remove_member(cast.seller, clerk.party, idempotency_key=key()))
    refused(signed(world, clerk, stolen, issue), "not_permitted")

    must(world.suspended(clerk.party))
    refused(signed(world, clerk, stolen, issue), "suspended")

    must(ledger.revoke_certificate(world.officer, clerk.party, reason="key_compromise", idempotency_key=key()))
    must(ledger.recover_key(world.authority, clerk.party, idempotency_key=key()))
    refused(signed(world, clerk, stolen, rotate), "suspended")

    states = {one.state: one for one in ledger.certificates(world.officer, clerk.party)}
    assert states["current"].reason == "key_compromise"
    assert states["recovering"].revoked_at is None
