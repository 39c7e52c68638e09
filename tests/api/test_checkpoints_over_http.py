"""Checkpoints over HTTP: anybody brings and reads them; what carries no admitted signature tells and keeps nothing."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

import pytest

from api.notes import NOTE_SIZE_MAX
from api.pools import NOTE_THREADS_MAX, WAITING_PER_THREAD_MAX
from ledger.witness import parse_note
from tests.api import recording as recordings
from tests.api.conftest import Answer, Client, Installation
from tests.api.recording import TAKEN, RecordingLedger
from tests.api.test_life_of_an_invoice import draft, enrolled
from tests.api.test_problem_shapes import assert_problem
from tests.service.signers import checkpoint, note, signer
from verifier.words import AUTHORITY_PARTY

ONE, STRANGER = signer("http.example/1"), signer("http.example/stranger")
WAIT_S = 20


@pytest.fixture(scope="module")
def witnessed(installation: Installation) -> Installation:
    """The real ledger with one witness admitted and none needed."""
    ledger = installation.ledger
    ledger.witnessing.admit(ledger.caller(AUTHORITY_PARTY), ONE.verifier.to_text())
    return installation


def brought(client: Client, data: bytes, media_type: str = "text/plain; charset=utf-8", **headers: str) -> Answer:
    return client.request("POST", "/v1/checkpoints", data, {"content-type": media_type, **headers})


def test_anybody_brings_a_signed_checkpoint_and_anybody_reads_it(
    public_door: Client, officer: Client, witnessed: Installation
) -> None:
    point = checkpoint(witnessed.ledger)
    for client in (public_door, officer, public_door):
        answer = brought(client, note(point, ONE, STRANGER))
        assert answer.status == 200, answer.text
        assert answer.json() == {
            "block": point.height, "block_hash": point.block_hash.hex(), "taken": ["http.example/1"],
            "unknown_count": 1, "signature_count": 1,
        }  # fmt: skip
    read = public_door.get("/v1/checkpoints/latest")
    assert read.status == 200
    assert read.headers["content-type"].startswith("text/plain")
    found = parse_note(read.body)
    assert found.text == point.to_text()
    assert found.signed_by(ONE.verifier) is not None
    assert_problem(public_door.get("/v1/checkpoints/latest?signatures=2"), "not-found")
    for wrong in ("0", "17", "x"):
        assert_problem(public_door.get(f"/v1/checkpoints/latest?signatures={wrong}"), "invalid-parameter")


def test_what_no_admitted_witness_signed_tells_nothing_of_the_chain(
    public_door: Client, witnessed: Installation
) -> None:
    point = checkpoint(witnessed.ledger)
    other = replace(point, block_hash=b"\x01" * 32)
    answers = [brought(public_door, note(one, STRANGER)) for one in (point, other, replace(point, size=10**9))]
    problems = [answer.json() for answer in answers]
    for problem in problems:
        problem.pop("instance")
    assert problems[0] == problems[1] == problems[2]
    assert problems[0]["errors"][0]["code"] == "note_witness_unknown"
    assert witnessed.ledger.witnessing.listed(witnessed.ledger.caller(AUTHORITY_PARTY)).alarms == ()


def test_another_history_is_a_conflict(public_door: Client, witnessed: Installation) -> None:
    other = replace(checkpoint(witnessed.ledger, 2), block_hash=b"\x01" * 32)
    assert_problem(brought(public_door, note(other, ONE)), "history-differs")


def test_only_small_plain_text_is_taken(public_door: Client, witnessed: Installation) -> None:
    data = note(checkpoint(witnessed.ledger), ONE)
    for media_type in ("application/json", "text/html", "", "text/plain; charset=gbk", "application/octet-stream"):
        assert_problem(brought(public_door, data, media_type), "unsupported-media-type")
    assert_problem(brought(public_door, data, **{"content-encoding": "gzip"}), "unsupported-media-type")
    assert_problem(brought(public_door, b"x" * (NOTE_SIZE_MAX + 1)), "body-too-large")
    chunks: Any = [b"x" * NOTE_SIZE_MAX, b"x"]
    assert_problem(
        public_door.request("POST", "/v1/checkpoints", chunks, {"content-type": "text/plain"}), "body-too-large"
    )
    assert_problem(brought(public_door, b""), "invalid-request")
    assert brought(public_door, data, "Text/Plain").status == 200


def test_notes_beyond_the_limit_are_turned_away_and_reads_go_on(
    anyone: Client, caller: Client, recording: RecordingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, gate = threading.Semaphore(0), threading.Event()

    def slowly(_ledger: RecordingLedger, _args: Any) -> Any:
        entered.release()
        assert gate.wait(WAIT_S)
        return TAKEN

    monkeypatch.setitem(recordings.ANSWERS, "witnessing.take", slowly)
    count = 10 * NOTE_THREADS_MAX * WAITING_PER_THREAD_MAX  # many more than may be under way or wait
    with ThreadPoolExecutor(count) as senders:
        sent = [senders.submit(brought, anyone, b"a note") for _ in range(count)]
        try:
            for _ in range(NOTE_THREADS_MAX):
                assert entered.acquire(timeout=WAIT_S)
            assert caller.get("/v1/invoices").status == 200
            assert next(as_completed(sent, WAIT_S)).result().status == 503
            assert not entered.acquire(blocking=False)  # no more at once
        finally:
            gate.set()
        statuses = [one.result(WAIT_S).status for one in sent]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= NOTE_THREADS_MAX * (1 + WAITING_PER_THREAD_MAX)


def test_evidence_says_with_which_signatures(caller: Client, recording: RecordingLedger) -> None:
    address = f"/v1/invoices/{recordings.NUMBER}/evidence"
    for query, wanted in (("", "preferred"), ("?witnessed=required", "required"), ("?witnessed=none", "none")):
        assert caller.get(address + query).status == 200
        assert recording.calls[-1][2] == {"witnessed": wanted}
    assert_problem(caller.get(f"{address}?witnessed=all"), "invalid-parameter")


def test_required_signatures_that_are_not_there_are_a_conflict(officer: Client, witnessed: Installation) -> None:
    seller = enrolled(officer, "enterprise", "见证测试商行")
    officer.post(f"/v1/parties/{seller.party}/segments", {"blocks": 1}, key="witnessed-segment")
    number = seller.client.post("/v1/invoices", {"document": draft({"name": "个人", "tax_id": ""})}, key="w-1").json()[
        "numbers"
    ][0]
    address = f"/v1/invoices/{number}/evidence"
    assert_problem(seller.client.get(f"{address}?witnessed=required"), "not-witnessed")
    assert json.loads(seller.client.get(address).body)["witnesses"] == []
    brought(officer, note(checkpoint(witnessed.ledger), ONE))
    assert len(json.loads(seller.client.get(f"{address}?witnessed=required").body)["witnesses"]) == 1
