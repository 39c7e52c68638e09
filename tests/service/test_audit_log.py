"""What the audit log holds after somebody acted: the use of kept keys and the rights that changed, by digest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.projection import Connection
from ledger.projection.audit_log import AuditEntry, entries
from ledger.service.audit_log import AuditKind, note, note_alone
from tests.service.conftest import Cast
from tests.service.world import World, must


def _newest(world: World, count: int = 1, **wanted: Any) -> list[AuditEntry]:
    with world.ledger.context.reading() as connection:
        return list(entries(connection, limit=count, **wanted).items)


def _detail(entry: AuditEntry) -> dict[str, Any]:
    said = json.loads(entry.detail)
    assert isinstance(said, dict)
    return said


def test_each_signed_group_is_noted_with_actor_digest_and_invoice(world: World, cast: Cast) -> None:
    written = must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=world.key()))
    (used,) = _newest(world, kind="key_used", actor=cast.seller.party)
    assert used.about == written.numbers[0]
    assert _detail(used) == {"digest": written.digest, "operation": "issue", "count": 1}


def test_a_repeated_request_uses_no_key_again(world: World, cast: Cast) -> None:
    draft, key = world.draft(), world.key()
    must(world.ledger.issue(cast.seller, draft, idempotency_key=key))
    before = _newest(world)
    must(world.ledger.issue(cast.seller, draft, idempotency_key=key))
    assert _newest(world) == before


def test_a_changed_right_is_noted_about_the_party_it_is_of(world: World, cast: Cast) -> None:
    written = must(world.ledger.grant(cast.seller, cast.cashier.party, ["issue"], idempotency_key=world.key()))
    (changed,) = _newest(world, kind="permission_changed")
    assert (changed.actor, changed.about) == (cast.seller.party, str(cast.cashier.party))
    assert _detail(changed) == {"digest": written.digest, "operation": "grant"}
    must(world.ledger.revoke(cast.seller, cast.cashier.party, ["issue"], idempotency_key=world.key()))
    assert _detail(_newest(world, kind="permission_changed")[0])["operation"] == "revoke"


def test_an_ordinary_operation_changes_no_right(world: World, cast: Cast) -> None:
    before = _newest(world, kind="permission_changed")
    must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=world.key()))
    assert _newest(world, kind="permission_changed") == before


def test_an_enrolment_names_the_identity_hash_and_no_name(world: World) -> None:
    world.person("郑不露名")
    entries_made = _newest(world, 4)
    (enrolled,) = [one for one in entries_made if _detail(one).get("operation") == "enrol" and one.kind != "key_used"]
    assert (enrolled.about, len(_detail(enrolled)["identity"])) == ("", 64)
    assert "郑不露名" not in "".join(one.detail + one.about for one in entries_made)


def test_the_credential_a_group_was_asked_for_with_is_noted(world: World, cast: Cast) -> None:
    text = world.ledger.new_api_key(cast.seller.party, "till")
    caller = world.ledger.authenticate(text)
    must(world.ledger.issue(caller, world.draft(), idempotency_key=world.key()))
    (used,) = _newest(world, kind="key_used", actor=cast.seller.party)
    assert _detail(used)["credential"] == text.split("_")[1]
    assert text.split("_")[2] not in used.detail


def test_a_note_is_there_only_if_what_it_tells_is(world: World) -> None:
    context = world.ledger.context
    before = _newest(world)

    def fails(connection: Connection) -> None:
        note(context, connection, AuditKind.ERASED, actor=1, about="x")
        raise LookupError

    with pytest.raises(LookupError):
        context.store.write(fails)
    assert _newest(world) == before
    note_alone(context, AuditKind.ERASED, actor=None, about="x" * 500, detail={"why": "y" * 500})
    (noted,) = _newest(world)
    assert (noted.seq, noted.kind, noted.actor) == (before[0].seq + 1, "erased", None)
    assert (len(noted.about), len(_detail(noted)["why"])) == (128, 128)


def test_rights_that_stand_beside_the_chain_are_noted_with_who_gave_them(world: World, cast: Cast) -> None:
    ledger, key = world.ledger, world.key
    ledger.approvals.set_policy(
        cast.employer, cast.employer.party, approval_required=True, from_fen=1, approvers=[cast.cashier.party],
        idempotency_key=key(),
    )  # fmt: skip
    (policy,) = _newest(world)
    office = ledger.offices.appoint(world.authority, "witness", cast.clerk.party, idempotency_key=key())
    (appointed,) = _newest(world)
    ledger.offices.end(world.authority, office.office, idempotency_key=key())
    (ended,) = _newest(world)
    assert [(one.kind, one.actor, one.about, _detail(one)["change"]) for one in (policy, appointed, ended)] == [
        ("permission_changed", cast.employer.party, str(cast.employer.party), "claim policy"),
        ("permission_changed", 1, str(cast.clerk.party), "appointed as witness"),
        ("permission_changed", 1, str(cast.clerk.party), "ended as witness"),
    ]
    ledger.approvals.set_policy(
        cast.employer, cast.employer.party, approval_required=False, approvers=[], idempotency_key=key()
    )


def test_a_right_asked_for_again_with_the_same_key_is_not_noted_again(world: World, cast: Cast) -> None:
    asked = {"kind": "witness", "party": cast.bookkeeper.party, "idempotency_key": world.key()}
    made = world.ledger.offices.appoint(world.authority, **asked)
    before = _newest(world)
    assert world.ledger.offices.appoint(world.authority, **asked) == made
    assert _newest(world) == before
