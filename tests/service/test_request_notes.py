"""Refusals and officers' queries in the audit log: noted at once, counted when repeated, bounded whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from ledger.projection import DatabaseUnavailableError
from ledger.projection.audit_log import AuditEntry, entries, log_head
from ledger.service import Busy, Caller, NotFound
from ledger.service.errors import NotPermitted
from ledger.service.request_notes import OTHERS, ROUTES_PER_CREDENTIAL_MAX, WINDOW_S, RequestNotes
from tests.service.conftest import Cast
from tests.service.world import World

MISSING = NotFound("invoice", "0" * 20)
FORBIDDEN = NotPermitted("no", "不可")


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Notes:
    """Notes of requests with their own clock, and what they left in the log since."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = Clock()
        self.notes = RequestNotes(world.ledger.context, self.clock)
        self._from = self._newest()

    def _newest(self) -> int:
        with self.world.ledger.context.reading() as connection:
            head = log_head(connection)
        return head.seq if head is not None else 0

    def left(self) -> list[AuditEntry]:
        """Entries since the beginning, oldest first; writes that wait are on disk before."""
        self.world.ledger.context.store.write(lambda _: None)
        with self.world.ledger.context.reading() as connection:
            found = [one for one in entries(connection, limit=500).items if one.seq > self._from]
        return [one for one in reversed(found) if one.kind != "key_used"]

    def minute_later(self) -> None:
        self.clock.now += WINDOW_S


@pytest.fixture
def noting(world: World) -> Iterator[Notes]:
    made = Notes(world)
    yield made
    made.notes.close()


@pytest.fixture
def officer(world: World) -> Caller:
    return replace(world.officer, credential="0123456789abcdef")


def _detail(entry: AuditEntry) -> dict[str, Any]:
    said = json.loads(entry.detail)
    assert isinstance(said, dict)
    return said


def test_a_query_is_on_disk_when_the_note_returns(noting: Notes, officer: Caller) -> None:
    noting.notes.asked(officer, "read_invoice", "9" * 20, {"party": "7"})
    (noted,) = noting.left()
    assert (noted.kind, noted.actor, noted.about) == ("officer_query", officer.party, "9" * 20)
    assert _detail(noted) == {"route": "read_invoice", "credential": officer.credential, "party": "7"}


def test_each_record_that_is_looked_at_is_an_entry_of_its_own(noting: Notes, officer: Caller) -> None:
    for about in ("1", "2", "3"):
        noting.notes.asked(officer, "read_party", about, {})
    assert [one.about for one in noting.left()] == ["1", "2", "3"]


def test_the_same_query_again_within_a_minute_is_counted_and_told_at_its_end(noting: Notes, officer: Caller) -> None:
    for _ in range(5):
        noting.notes.asked(officer, "read_party", "7", {})
    assert len(noting.left()) == 1
    noting.minute_later()
    noting.notes.asked(officer, "read_party", "7", {})
    first, counted, again = noting.left()
    assert (_detail(counted)["count"], counted.about) == (4, "7")
    assert "count" not in _detail(first)
    assert "count" not in _detail(again)


def test_a_query_that_cannot_be_noted_is_refused(
    noting: Notes, officer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise DatabaseUnavailableError("full", cause="full")

    with monkeypatch.context() as patch:
        patch.setattr(noting.world.ledger.context.store, "write", full)
        with pytest.raises(Busy):
            noting.notes.asked(officer, "read_party", "7", {})
    noting.notes.asked(officer, "read_party", "7", {})  # and was not taken for noted
    assert len(noting.left()) == 1


def test_a_query_that_a_trigger_keeps_out_of_the_log_is_refused(noting: Notes, officer: Caller) -> None:
    store = noting.world.ledger.context.store
    swallow = "WHEN NEW.kind = 'officer_query' BEGIN SELECT RAISE(IGNORE); END"
    store.write(lambda connection: connection.execute(text(f"CREATE TRIGGER t BEFORE INSERT ON audit_entry {swallow}")))
    with pytest.raises(Busy):
        noting.notes.asked(officer, "read_party", "7", {})
    store.write(lambda connection: connection.execute(text("DROP TRIGGER t")))
    noting.notes.asked(officer, "read_party", "7", {})
    assert len(noting.left()) == 1


def test_a_refusal_names_credential_route_and_what_was_asked_for(noting: Notes, cast: Cast) -> None:
    stranger = replace(cast.stranger, credential="feedfeedfeedfeed")
    noting.notes.refused(stranger, "read_invoice", MISSING, "9" * 20)
    noting.notes.refused(stranger, "set_quota", FORBIDDEN, "7")
    missing, forbidden = noting.left()
    assert (missing.actor, missing.about) == (stranger.party, "9" * 20)
    assert _detail(missing) == {"route": "read_invoice", "credential": "feedfeedfeedfeed", "reason": "not_found"}
    assert _detail(forbidden)["reason"] == "not_permitted"


def test_a_caller_who_tries_all_numbers_leaves_two_entries_a_minute(noting: Notes, cast: Cast) -> None:
    for number in range(500):
        noting.notes.refused(cast.stranger, "read_invoice", MISSING, f"{number:020d}")
    noting.minute_later()
    noting.notes.refused(cast.employer, "read_claim", MISSING, "")
    first, counted, _ = noting.left()
    assert (first.about, _detail(counted)["count"]) == ("0" * 20, 499)


def test_a_caller_who_tries_all_routes_leaves_a_bounded_number(noting: Notes, cast: Cast) -> None:
    for route in range(200):
        noting.notes.refused(cast.stranger, f"route_{route}", FORBIDDEN, "")
    left = noting.left()
    assert len(left) == ROUTES_PER_CREDENTIAL_MAX + 1
    assert _detail(left[-1])["route"] == OTHERS
    noting.notes.refused(cast.employer, "route_199", FORBIDDEN, "")  # another caller has room of its own
    assert _detail(noting.left()[-1])["route"] == "route_199"
    noting.minute_later()
    noting.notes.close()
    counts = [_detail(one).get("count") for one in noting.left()]
    assert counts[-1] == 200 - ROUTES_PER_CREDENTIAL_MAX - 1


def test_strangers_with_invented_credentials_are_one_entry(noting: Notes) -> None:
    for secret in range(300):
        noting.notes.not_admitted("api_key", f"einv_{secret:016x}_{secret:064x}")
    noting.notes.not_admitted("api_key", "no key at all")
    noting.notes.close()
    first, counted = noting.left()
    assert (first.kind, first.actor, first.about) == ("sign_in_failed", None, "")
    assert (_detail(first), _detail(counted)["count"]) == ({"reason": "api_key"}, 300)


def test_a_wrong_secret_of_a_key_that_exists_names_the_key_and_its_party(noting: Notes, cast: Cast) -> None:
    text = noting.world.ledger.new_api_key(cast.employer.party, "erp")
    key_id = text.split("_")[1]
    noting.notes.not_admitted("api_key", f"einv_{key_id}_{'0' * 64}")
    failed = [one for one in noting.left() if one.kind == "sign_in_failed"]
    assert [(one.actor, one.about) for one in failed] == [(cast.employer.party, key_id)]


def test_what_was_counted_is_noted_when_the_process_ends(noting: Notes, cast: Cast) -> None:
    for _ in range(3):
        noting.notes.refused(cast.stranger, "read_invoice", MISSING, "")
    noting.notes.close()
    assert [_detail(one).get("count") for one in noting.left()] == [None, 2]
    noting.notes.close()
    assert len(noting.left()) == 2
