"""Blocks that witnesses have in common, and checkpoints brought to the ledger without waiting for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.witness import SourceError, checkpoints_url, parse_checkpoint, parse_note, publishing
from ledger.witness.publishing import ATTEMPTS_MAX, WAITING_MAX, Publisher
from ledger.witness.running import roundest
from tests.witness.chains import Server, Town

STEPS = st.lists(st.integers(1, 60), min_size=40, max_size=60)
ANSWER_LIMIT_S = 20
Said = queue.Queue[tuple[int, str]]


@contextmanager
def publishing_to(url: str, retry_first_s: float = 0.001) -> Iterator[tuple[Publisher, Said]]:
    said: Said = queue.Queue()
    with Publisher(url, lambda height, wrong: said.put((height, wrong)), retry_first_s=retry_first_s) as publisher:
        yield publisher, said


def signed_by(steps: list[int]) -> set[int]:
    """Blocks that a witness signs who looks after so many new blocks each time."""
    found, height = set(), 0
    for step in steps:
        found |= {roundest(height, height + step), height + step}
        height += step
    return found


@settings(deadline=None)
@given(STEPS, STEPS)
def test_two_witnesses_have_blocks_in_common_whenever_they_look(one: list[int], two: list[int]) -> None:
    end = min(sum(one), sum(two))
    common = sorted(signed_by(one) & signed_by(two) & set(range(end + 1)))
    widest = max(*one, *two)
    ends = [0, *common, end]
    assert all(after - before <= 4 * widest for before, after in pairwise(ends))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_the_roundest_number_is_the_one_with_most_zeros(above: int, step: int) -> None:
    found = roundest(above, above + step)
    assert above < found <= above + step
    zeros = (found & -found).bit_length()
    assert all((one & -one).bit_length() <= zeros for one in range(above + 1, above + step + 1))


def test_the_roundest_block_on_the_way_is_signed_before_the_head(town: Town) -> None:
    home = town.home()
    town.look(home)
    before = town.ledger.reader.head().number
    town.grow(5)
    told = town.look(home)
    assert told.signed is not None
    assert told.passed is not None
    point = told.passed.checkpoint
    assert before < point.height == roundest(before, before + 5) < told.signed.checkpoint.height == before + 5
    assert point.block_hash == town.ledger.reader.block(point.height).head.hash
    note = parse_note(told.passed.note.encode())
    assert note.signed_by(home.key.verifier) is not None
    assert parse_checkpoint(note.text) == point
    assert home.signed() == told.signed
    town.grow(1)
    assert town.look(home).passed is None  # one block alone has nothing on the way


def test_a_note_is_brought_as_it_is_and_without_a_credential(server: Server) -> None:
    bodies = []

    def answer(body: bytes) -> tuple[int, bytes]:
        bodies.append(body)
        return 200, b"{}"

    server.answer = answer
    with publishing_to(server.url) as (publisher, said):
        publisher.put(7, "the note\n")
        assert said.get(timeout=ANSWER_LIMIT_S) == (7, "")
    assert bodies == [b"the note\n"]
    assert server.headers[0]["content-type"] == "text/plain; charset=utf-8"
    assert "authorization" not in server.headers[0]


def test_trouble_is_tried_again_and_a_refusal_is_not(server: Server) -> None:
    statuses = iter([500, 503, 429, 200, 409])

    def answer(_body: bytes) -> tuple[int, bytes]:
        return next(statuses), b'{"detail": "a witness \\u001b saw"}'

    server.answer = answer
    with publishing_to(server.url) as (publisher, said):
        publisher.put(7, "n")
        height, wrong = said.get(timeout=ANSWER_LIMIT_S)
        assert height == 7
        assert wrong.startswith("status 500")
        assert said.get(timeout=ANSWER_LIMIT_S) == (7, "")
        publisher.put(8, "n")
        height, wrong = said.get(timeout=ANSWER_LIMIT_S)
        assert (height, wrong) == (8, "status 409: a witness \\x1b saw")
    assert next(statuses, None) is None


def test_what_cannot_be_brought_is_given_up_and_the_newest_go_on(server: Server) -> None:
    tries = []
    first, go_on = threading.Event(), threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        tries.append(body)
        first.set()
        assert go_on.wait(ANSWER_LIMIT_S)
        return (500, b"") if body == b"0" else (200, b"{}")

    server.answer = answer
    with publishing_to(server.url) as (publisher, said):
        publisher.put(0, "0")
        assert first.wait(ANSWER_LIMIT_S)
        for height in range(1, WAITING_MAX + 4):  # returns at once although nothing is answered
            publisher.put(height, str(height))
        go_on.set()
        heights = [said.get(timeout=ANSWER_LIMIT_S) for _ in range(WAITING_MAX + 2)]
    assert [height for height, wrong in heights if wrong] == [0, 0]
    assert heights[1][1].endswith("the note stays in the witness's directory")
    assert tries.count(b"0") == ATTEMPTS_MAX
    assert [height for height, wrong in heights if not wrong] == list(range(4, WAITING_MAX + 4))


def test_the_end_of_a_witness_does_not_wait_for_a_ledger_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "CLOSING_LIMIT_S", 60.0)
    with publishing_to("http://127.0.0.1:1/v1/checkpoints", retry_first_s=600) as (publisher, said):
        publisher.put(3, "n")
        assert "does not answer" in said.get(timeout=ANSWER_LIMIT_S)[1]
    assert "given up" in said.get(timeout=ANSWER_LIMIT_S)[1]


def test_where_checkpoints_go_follows_from_the_json_rpc(server: Server) -> None:
    assert checkpoints_url("https://host.example:9/a/rpc") == "https://host.example:9/a/v1/checkpoints"
    assert checkpoints_url(server.url).endswith("/v1/checkpoints")
    for wrong in ("https://host.example/", "https://host.example/rpc?key=1", "ftp://host.example/rpc", "rpc", ""):
        with pytest.raises(SourceError):
            checkpoints_url(wrong)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 9999, b"[1]", b'{"detail": 3}'])
def test_a_senseless_answer_is_a_refusal_like_any(server: Server, data: bytes) -> None:
    server.says(data, 400)
    with publishing_to(server.url) as (publisher, said):
        publisher.put(1, "n")
        assert said.get(timeout=ANSWER_LIMIT_S)[1].startswith("status 400: ")
