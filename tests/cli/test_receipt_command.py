"""`einvoice receipt` on a real ledger: kept promises, waiting ones, the broken one, and what is no receipt."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api.render import written_json
from ledger.identity import new_key, sign_digest
from ledger.service import Caller, Ledger, WriteStatus, Written
from tests.chain.test_chain_rpc import Node
from tests.cli.town import Answer, Shell
from tests.e2e.running import API, Process
from tests.service.world import World, must
from verifier.canonical import Json, dumps

Change = Callable[[dict[str, Any]], object]


class Office(World):
    """A ledger whose receipts are checked: by the command beside it, or by a stranger with its trust file."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.directory = directory
        self.shell = Shell(self.settings.data_dir)
        self.seller = self.enterprise("深圳咖啡有限公司", segment=True)
        self.trust = directory / "trust.json"
        self.trust.write_bytes(dumps(self.ledger.trust()))

    def short_lived(self) -> Ledger:
        """The same ledger, not waiting for blocks, whose groups are valid for a second."""
        short = self.settings.model_copy(update={"group_lifetime_s": 1, "post_wait_ms": 0})
        self._opened.append(Ledger.open(short))
        return self._opened[-1]

    def write(self, ledger: Ledger, seller: Caller | None = None) -> Written:
        return ledger.issue(seller or self.seller, self.draft(), idempotency_key=self.key())

    def file(self, value: object) -> Path:
        path = self.directory / f"{self.key()}.json"
        path.write_text(json.dumps(value), encoding="utf-8")
        return path

    def check(self, value: object, *options: str | Path) -> Answer:
        return self.shell.run("receipt", self.file(value), *options)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("office"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def recorded(office: Office) -> dict[str, Json]:
    """The API's answer to a write that is on chain."""
    return written_json(must(office.write(office.ledger)))


def said(answer: Answer) -> tuple[int, str]:
    return answer.code, answer.json["answer"]


def test_a_recorded_operation_is_on_chain(office: Office, recorded: dict[str, Json]) -> None:
    answer = office.check(recorded)
    assert answer.code == 0, answer
    assert "on chain: applied" in answer.out
    assert "已上链" in answer.out
    assert said(office.check(recorded, "--json")) == (0, "applied")
    assert said(office.check(recorded["receipt"], "--json", "--trust", office.trust)) == (0, "applied")


def test_a_refused_operation_is_on_chain_and_said_to_be_refused(office: Office) -> None:
    poor = office.enterprise("无额度公司", quota_fen=1, segment=True)
    written = office.write(office.ledger, poor)
    assert written.status is WriteStatus.REFUSED
    assert said(office.check(written_json(written), "--json")) == (0, "refused")


def test_a_waiting_operation_is_not_on_chain_yet_and_is_later(office: Office) -> None:
    with office.sequencing.held():
        value = written_json(office.write(office.hurried()))
        answer = office.check(value)
        assert answer.code == 3
        assert "not on chain yet" in answer.out
        assert said(office.check(value, "--json")) == (3, "waiting")
    office.ledger.context.watch.wait(bytes.fromhex(str(value["digest"])), 20_000)
    assert said(office.check(value, "--json")) == (0, "applied")


def test_a_malformed_operation_neither_clears_nor_convicts(office: Office) -> None:
    """Its key was replaced by an operation before it; from the receipt alone nobody knows whose fault that is."""
    seller = office.enterprise("换钥公司", segment=True)
    with office.sequencing.held():
        office.hurried().rotate_key(seller, idempotency_key=office.key())
        written = office.write(office.hurried(), seller)
    office.ledger.context.watch.wait(bytes.fromhex(written.digest), 20_000)
    settled = office.ledger.operation(seller, written.digest)
    assert settled.status is WriteStatus.MALFORMED
    answer = office.check(written_json(settled), "--json")
    assert said(answer) == (2, "malformed")
    assert answer.json["found_in"] == settled.block
    assert len(answer.json["group_signed_by"]) == 40


@pytest.mark.slow
@pytest.mark.parametrize("is_deleted", [True, False], ids=["dropped from the queue", "left to expire"])
def test_an_accepted_operation_that_was_dropped_convicts_the_operator(office: Office, is_deleted: bool) -> None:
    with office.sequencing.held():
        written = office.write(office.short_lived())
        assert written.status is WriteStatus.ACCEPTED
        value = written_json(written)
        if is_deleted:
            with closing(sqlite3.connect(office.settings.data_dir / "ledger.sqlite")) as rows, rows:
                gone = rows.execute("DELETE FROM operation WHERE digest = ?", (bytes.fromhex(written.digest),))
                assert gone.rowcount == 1
        while time.time() < written.receipt.by.timestamp() + 1:
            time.sleep(0.05)
        assert said(office.check(value, "--json")) == (3, "waiting"), "no block is past the deadline yet"
    must(office.write(office.ledger))
    answer = office.check(value)
    assert answer.code == 4
    assert "NOT on chain" in answer.out
    assert "请保存此文件" in answer.out
    assert said(office.check(value, "--json", "--trust", office.trust)) == (4, "broken")
    node = Node(office.sequencing)  # type: ignore[arg-type]
    try:
        remote = office.check(value, "--json", "--trust", office.trust, "--url", node.url)
    finally:
        node.close()
    assert said(remote) == (4, "broken")


def test_a_stranger_asks_the_operators_json_rpc(office: Office, recorded: dict[str, Json]) -> None:
    node = Node(office.sequencing)  # type: ignore[arg-type]
    remote = ("--json", "--trust", office.trust, "--url", node.url)
    try:
        assert said(office.check(recorded, *remote)) == (0, "applied")
        with office.sequencing.held():
            waiting = written_json(office.write(office.hurried()))
            assert said(office.check(waiting, *remote)) == (3, "waiting")
        for wrong in (b"", b"[]", b"null", b"[" * 100_000, b'[{"id": 0, "result": "0x1"}]'):
            node.spoil = lambda _answer, wrong=wrong: wrong  # type: ignore[misc]
            assert said(office.check(recorded, *remote)) == (2, "unchecked")
    finally:
        node.close()
    assert said(office.check(recorded, *remote)) == (2, "unchecked")


def test_a_word_that_the_operator_invents_is_not_believed(office: Office) -> None:
    """What counts is what the nodes below the sealed header hold, not the value said beside them."""
    node = Node(office.sequencing)  # type: ignore[arg-type]
    remote = ("--json", "--trust", office.trust, "--url", node.url)
    try:
        with office.sequencing.held():
            waiting = written_json(office.write(office.hurried()))
            node.spoil = with_an_invented_word
            invented = office.check(waiting, *remote)
            node.spoil = with_another_state_root
            resealed = office.check(waiting, *remote)
    finally:
        node.close()
    assert said(invented) == (3, "waiting")
    assert said(resealed) == (2, "unchecked")


def test_a_word_that_the_operator_hides_convicts_nobody(office: Office, recorded: dict[str, Json]) -> None:
    """Neither does a node that leaves out the way to a word make a kept promise a broken one."""
    node = Node(office.sequencing)  # type: ignore[arg-type]
    node.spoil = without_the_last_node
    try:
        answer = office.check(recorded, "--json", "--trust", office.trust, "--url", node.url)
    finally:
        node.close()
    assert said(answer) == (2, "unchecked")


def with_an_invented_word(answer: bytes) -> bytes:
    value = json.loads(answer)
    for one in storage_proofs(value):
        one["value"] = "0x1"
    return json.dumps(value).encode()


def without_the_last_node(answer: bytes) -> bytes:
    value = json.loads(answer)
    for one in storage_proofs(value):
        del one["proof"][-1]
    return json.dumps(value).encode()


def storage_proofs(value: Any) -> Iterator[dict[str, Any]]:
    """Proofs of all words asked but the first of each, which is the successor slot."""
    for one in value:
        if isinstance(one.get("result"), dict):
            yield from one["result"].get("storageProof", [])[1:]


def with_another_state_root(answer: bytes) -> bytes:
    value = json.loads(answer)
    for one in value:
        if isinstance(one.get("result"), dict) and "stateRoot" in one["result"]:
            one["result"]["stateRoot"] = "0x" + "11" * 32
    return json.dumps(value).encode()


@pytest.mark.slow
def test_the_served_door_wants_an_officers_key(office: Office, recorded: dict[str, Json], tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(office.ledger.new_api_key(office.officer.party, "receipts") + "\n", encoding="utf-8")
    api = Process(API, office.settings.data_dir)
    try:
        remote = ("--json", "--trust", office.trust, "--url", f"{api.start().address}/rpc")
        refused = office.check(recorded, *remote)
        assert said(refused) == (2, "unchecked")
        assert "officer" in refused.err
        assert said(office.check(recorded, *remote, "--key-file", key_file)) == (0, "applied")
    finally:
        api.stop()


def another_signature(receipt: dict[str, Any]) -> None:
    v, r, s = sign_digest(new_key(), bytes(32))
    receipt["signature"] = (r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((v,))).hex()


@pytest.mark.parametrize(
    "change",
    [
        lambda receipt: receipt.update(digest="ab" * 32),
        lambda receipt: receipt.update(accepted_at="2026-01-01T00:00:00Z"),
        lambda receipt: receipt.update(by="2099-01-01T00:00:00Z"),
        lambda receipt: receipt.update(signature="00" * 65),
        lambda receipt: receipt.update(signature="ff" * 65),
        lambda receipt: receipt.update(signature=receipt["signature"][:-2] + "00"),
        another_signature,
    ],
    ids=["digest", "accepted_at", "by", "no signature", "out of range", "v", "another key"],
)
def test_an_altered_receipt_is_nobodys(office: Office, recorded: dict[str, Json], change: Change) -> None:
    receipt = dict(recorded["receipt"])  # type: ignore[arg-type]
    change(receipt)
    answer = office.check(receipt, "--json")
    assert said(answer) == (1, "invalid")
    assert "签名" in answer.err


def test_an_answer_of_another_digest_than_its_receipt_is_invalid(office: Office, recorded: dict[str, Json]) -> None:
    assert said(office.check({**recorded, "digest": "ab" * 32}, "--json")) == (1, "invalid")


@pytest.mark.slow
def test_another_operators_receipt_is_not_this_ones(office: Office, recorded: dict[str, Json], tmp_path: Path) -> None:
    other = Office(tmp_path)
    try:
        theirs = written_json(must(other.write(other.ledger)))
        assert said(other.check(theirs, "--json")) == (0, "applied")
        assert said(office.check(theirs, "--json")) == (1, "invalid")
        assert said(other.check(recorded, "--json")) == (1, "invalid")
        mixed = other.shell.run("receipt", office.file(recorded), "--trust", office.trust, "--json")
        assert said(mixed) == (2, "unchecked"), "signed by the one, asked of the other's chain"
    finally:
        other.close()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 200_000, "JSON"),
        (b"[]", "no object"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"9" * 10_000, "JSON"),
        (b" " * ((1 << 20) + 1), "more than"),
        (b'{"receipt": 7}', "receipt: no object"),
        (b'{"receipt": {}}', "receipt.digest: missing"),
        (b'{"status": "recorded"}', "digest: missing"),
    ],
    ids=["empty", "bytes", "deep", "list", "twice", "number", "large", "no receipt", "empty receipt", "other"],
)
def test_a_hostile_file_cannot_be_checked_and_the_field_is_named(
    office: Office, tmp_path: Path, content: bytes, named: str
) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(content)
    answer = office.shell.run("receipt", path, "--json")
    assert said(answer) == (2, "unchecked")
    assert named in answer.json["message"]
    assert "回执" in answer.err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("digest", "AB" * 32), ("digest", None), ("signature", "00" * 64), ("signature", 7),
        ("by", 1_700_000_000), ("by", "2026-13-01T00:00:00Z"), ("by", "1969-12-31T23:59:59Z"),
        ("by", "2026-01-01T00:00:00+00:00"), ("accepted_at", "٢٠٢٦-01-01T00:00:00Z"), ("more", 1),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(office: Office, recorded: dict[str, Json], field: str, value: Json) -> None:
    receipt = {**recorded["receipt"], field: value}  # type: ignore[dict-item]
    answer = office.check({"receipt": receipt}, "--json")
    assert said(answer) == (2, "unchecked")
    assert answer.json["message"].startswith(f"receipt.{field}:")


def test_what_is_missing_is_said(office: Office, recorded: dict[str, Json], tmp_path: Path) -> None:
    assert said(office.shell.run("receipt", tmp_path / "none", "--json")) == (2, "unchecked")
    assert said(office.check(recorded, "--trust", office.file({}), "--json")) == (2, "unchecked")
    assert office.check(recorded, "--url", "http://127.0.0.1:1/rpc").code == 2
    nowhere = Shell(tmp_path / "no-ledger").run("receipt", office.file(recorded), "--json")
    assert said(nowhere) == (2, "unchecked")
