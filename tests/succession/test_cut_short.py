"""A succession that is cut short anywhere ends, run again, as one that was not; and what it refuses changes nothing."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts import ARTIFACT_PATH
from ledger.chain import BatchRefusedError, ChainWriter, open_reader
from ledger.chain.lmdb_store import ChainStore
from ledger.chain.records import block_header, transactions
from ledger.projection import QueueState, queued
from ledger.sequencer import Sequencer
from ledger.service import Ledger, NoSigningKey, NotReady, audit, found, open_sequencer, open_succession
from ledger.service.succession import STEPS, Succession
from ledger.settings import Settings
from tests.cli.town import Shell, Town, draft_file, founded_town
from tests.service.world import settings_of


class CutShort(Exception):  # noqa: N818 - it stands for a machine that was switched off
    """The run ends here."""


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A ledger nobody used yet; every test takes a copy."""
    settings = settings_of(tmp_path_factory.mktemp("founded") / "data")
    found(settings, authority_name="税务局", officer_name="王税官")
    return settings


@pytest.fixture
def ledger(founded: Settings, tmp_path: Path) -> Iterator[Ledger]:
    shutil.copytree(founded.data_dir, tmp_path / "data")
    with Ledger.open(settings_of(tmp_path / "data", post_wait_ms=0)) as opened:
        yield opened


def contracts_created(settings: Settings) -> int:
    """Contracts that transactions of the chain created, the first one included."""
    store = ChainStore(settings.chain_dir)
    with closing(store), closing(open_reader(settings.chain_dir)) as reader, store.read() as nodes:
        headers = [block_header(nodes, number) for number in range(1, reader.head().number + 1)]
        return sum(not each.to for header in headers for each in transactions(nodes, header))


def run(ledger: Ledger, artifact: Path | None = None) -> None:
    with open_succession(ledger.context, artifact) as succession:
        succession.run()


def waiting(ledger: Ledger) -> bytes:
    """Digest of a group that waits: the opening of a month long past, which nobody opened."""
    ledger.open_month(ledger.caller(1), "2026-01", idempotency_key="wait")
    with ledger.context.reading() as connection:
        (group,) = queued.take(connection, operations_max=512, calldata_size_max=1 << 20)
    return group.digest


def state_of(ledger: Ledger, digest: bytes) -> QueueState:
    with ledger.context.reading() as connection:
        status = queued.status(connection, digest)
    assert status is not None
    return status.state


def cut_at_step(step: str) -> Callable[[pytest.MonkeyPatch], Callable[[Succession], None]]:
    def prepared(_: pytest.MonkeyPatch) -> Callable[[Succession], None]:
        def began(now: str) -> None:
            if now == step:
                raise CutShort

        return lambda succession: succession.run(began)  # type: ignore[return-value]

    return prepared


def cut_around(owner: Any, name: str, *, after: bool, nth: int = 1) -> Callable[..., Callable[[Succession], None]]:
    def prepared(monkeypatch: pytest.MonkeyPatch) -> Callable[[Succession], None]:
        real, calls, ours = getattr(owner, name), [], threading.get_ident()

        def cut(*given: Any) -> Any:
            if threading.get_ident() != ours:  # a sequencer of another test's ledger
                return real(*given)
            calls.append(given)
            if len(calls) != nth:
                return real(*given)
            if after:
                real(*given)
            raise CutShort

        monkeypatch.setattr(owner, name, cut)
        return lambda succession: succession.run()  # type: ignore[return-value]

    return prepared


CUTS = {
    **{f"as {step} begins": cut_at_step(step) for step in STEPS},
    "before the address is noted": cut_around(Succession, "_put_under_way", after=False),
    "after the address is noted": cut_around(Succession, "_put_under_way", after=True),
    "before the contract is created": cut_around(ChainWriter, "create", after=False),
    "after the contract is created": cut_around(ChainWriter, "create", after=True),
    "before it is retired": cut_around(ChainWriter, "commit", after=False, nth=2),
    "after it is retired": cut_around(ChainWriter, "commit", after=True, nth=2),
    "before its end is projected": cut_around(Sequencer, "project", after=False, nth=4),
    "before the end is noted": cut_around(Succession, "_put_under_way", after=False, nth=2),
    "after the end is noted": cut_around(Succession, "_put_under_way", after=True, nth=2),
}


@pytest.mark.parametrize("cut", CUTS)
def test_cut_short_anywhere_and_run_again_it_ends_the_same(
    ledger: Ledger, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ledger.context.reader.identity.contract
    digest = waiting(ledger)
    with monkeypatch.context() as patch:
        act = CUTS[cut](patch)
        with pytest.raises(CutShort), open_succession(ledger.context) as succession:
            act(succession)
    ended_before = cut == "after the end is noted"
    if not ended_before:
        run(ledger)
    contracts = ledger.context.reader.identity.contracts
    assert (contracts[0], len(contracts)) == (first, 2)
    assert contracts_created(ledger.context.settings) == 2  # nothing was created twice
    assert state_of(ledger, digest) is QueueState.RECORDED
    assert audit(ledger.context).difference is None
    with open_succession(ledger.context) as succession:
        plan = succession.plan()
    assert (plan.contract, plan.index, plan.resumes, plan.handed_over) == (contracts[1], 1, False, False)


def test_the_node_may_run_between_two_tries(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        act = CUTS["before the contract is created"](patch)
        with pytest.raises(CutShort), open_succession(ledger.context) as succession:
            act(succession)
    digest = waiting(ledger)
    sequencer, writer = open_sequencer(ledger.context)
    with writer:
        sequencer.round()
    assert state_of(ledger, digest) is QueueState.RECORDED
    run(ledger)  # the address that was noted can never be created any more
    assert len(ledger.context.reader.identity.contracts) == 2
    assert contracts_created(ledger.context.settings) == 2


# -- waiting groups -----------------------------------------------------------------------------


def test_a_group_that_cannot_leave_the_queue_holds_the_succession_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = waiting(ledger)
    first = ledger.context.reader.identity

    def refuse(*_: Any) -> None:
        raise BatchRefusedError("the node rejected the batch")

    monkeypatch.setattr("ledger.service.succession.DRAIN_STUCK_MAX_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(ChainWriter, "commit", refuse)
        with pytest.raises(NotReady, match="1 groups wait and cannot be put on the chain"):
            run(ledger)
    assert ledger.context.reader.identity == first
    assert contracts_created(ledger.context.settings) == 1
    assert state_of(ledger, digest) is QueueState.ACCEPTED
    run(ledger)
    assert state_of(ledger, digest) is QueueState.RECORDED


def test_what_comes_in_before_the_hand_over_is_drained_as_well(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bytes] = []
    real = Succession._require_successor

    def another_write(self: Succession, *given: Any) -> None:
        real(self, *given)
        taken.append(waiting(ledger))

    monkeypatch.setattr(Succession, "_require_successor", another_write)
    run(ledger)
    assert [state_of(ledger, digest) for digest in taken] == [QueueState.RECORDED]
    assert len(ledger.context.reader.identity.contracts) == 2


def test_a_group_signed_for_the_retired_contract_ends_and_another_does_not(ledger: Ledger) -> None:
    """What only a database without one writing lock lets happen: signed before, stored after."""
    late = waiting(ledger)
    with sqlite3.connect(ledger.context.settings.data_dir / "ledger.sqlite") as rows:
        kept = rows.execute("SELECT signed, digest FROM operation WHERE state = 'accepted'").fetchall()
        rows.execute("UPDATE operation SET state = 'expired' WHERE state = 'accepted'")
    rows.close()
    run(ledger)
    with sqlite3.connect(ledger.context.settings.data_dir / "ledger.sqlite") as rows:
        rows.execute("UPDATE operation SET state = 'accepted', settled_at = NULL WHERE digest = ?", (kept[0][1],))
    rows.close()
    ledger.open_month(ledger.caller(1), "2026-02", idempotency_key="fresh")
    sequencer, writer = open_sequencer(ledger.context)
    with writer:
        done = sequencer.round()
    assert done.taken == 1
    assert state_of(ledger, late) is QueueState.EXPIRED
    block = ledger.context.reader.block(done.recorded_block or 0)
    assert [(group.outcome.value, group.contract) for group in block.groups] == [("applied", 1)]


# -- refusals -----------------------------------------------------------------------------------


def test_it_is_refused_while_a_node_runs(ledger: Ledger) -> None:
    _, writer = open_sequencer(ledger.context)
    with writer, pytest.raises(NotReady, match="a node runs"):
        run(ledger)
    run(ledger)


def test_without_the_authoritys_key_nothing_is_begun(ledger: Ledger) -> None:
    with ledger.context.store.writing_alone() as connection:
        connection.exec_driver_sql("DELETE FROM signing_key WHERE address = (SELECT signer FROM p_party WHERE id = 1)")
    with pytest.raises(NoSigningKey):
        run(ledger)
    assert contracts_created(ledger.context.settings) == 1


def test_a_ledger_has_a_last_contract(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    run(ledger)
    monkeypatch.setattr("ledger.service.succession.CONTRACTS_MAX", 2)
    with pytest.raises(NotReady, match="2 contracts at most"):
        run(ledger)
    assert contracts_created(ledger.context.settings) == 2


def compiled(**changes: Any) -> dict[str, Any]:
    return {**json.loads(ARTIFACT_PATH.read_text()), **changes}


def without(kind: str, name: str) -> list[dict[str, Any]]:
    return [item for item in compiled()["abi"] if (item.get("type"), item.get("name")) != (kind, name)]


ANSWERS_ONE = (
    "0x600a600c600039600a6000f3" + "600160005260206000f3"
)  # creates a contract that returns 1 whatever is asked
UNFIT = {
    "no JSON": (b"\xff{", "no compiled contract"),
    "a list": (b"[]", "no compiled contract"),
    "deep": (b"[" * 100_000, "no compiled contract"),
    "nothing of one": (b"{}", "no compiled contract"),
    "another code": (json.dumps(compiled(bytecode="0xzz")).encode(), "no compiled contract"),
    "no code": (json.dumps(compiled(bytecode_runtime="0x")).encode(), "0 bytes"),
    "too much code": (json.dumps(compiled(bytecode_runtime="00" * 24_577)).encode(), "24577 bytes"),
    "no apply": (json.dumps(compiled(abi=without("function", "apply"))).encode(), "has no apply"),
    "no words": (json.dumps(compiled(abi=without("function", "words"))).encode(), "has no words"),
    "no Refused": (json.dumps(compiled(abi=without("event", "Refused"))).encode(), "events"),
    "other slots": (json.dumps(compiled(storage_layout={"storage": {"slots": {"slot": 1}}})).encode(), "slots"),
    "a huge file": (b" " * (1 << 20) + b"{}", "over 1048576 bytes"),
    "another contract": (json.dumps(compiled(bytecode=ANSWERS_ONE)).encode(), "does not carry this ledger on"),
}  # fmt: skip


@pytest.mark.parametrize("unfit", UNFIT)
def test_what_cannot_carry_the_ledger_on_is_handed_nothing(ledger: Ledger, unfit: str, tmp_path: Path) -> None:
    content, said = UNFIT[unfit]
    (tmp_path / "artifact.json").write_bytes(content)
    before = ledger.context.reader.identity
    with pytest.raises(NotReady, match=said):
        run(ledger, tmp_path / "artifact.json")
    assert ledger.context.reader.identity == before
    run(ledger, ARTIFACT_PATH)
    assert len(ledger.context.reader.identity.contracts) == 2


def test_a_file_that_is_not_there_is_named(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="cannot be read"):
        run(ledger, tmp_path / "missing.json")


# -- the command --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return founded_town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def copied(town: Town, tmp_path: Path) -> Town:
    return replace(town, shell=town.shell.copy_to(tmp_path / "copy"))


def trust_of(shell: Shell, directory: Path) -> Any:
    shell.done("trust", "-o", directory / "trust.json")
    return json.loads((directory / "trust.json").read_text())


def test_without_yes_the_command_only_says_what_it_would_do(copied: Town, tmp_path: Path) -> None:
    before = (copied.shell.data_dir / "ledger.sqlite").read_bytes()
    contract = trust_of(copied.shell, tmp_path)["contracts"][0]["address"]
    answer = copied.shell.run("succeed")
    assert answer.code == 2
    assert contract in answer.out
    assert "--yes" in answer.err
    assert len(trust_of(copied.shell, tmp_path)["contracts"]) == 1
    assert (copied.shell.data_dir / "ledger.sqlite").read_bytes() == before


def test_the_command_hands_over_and_the_ledger_goes_on(copied: Town, tmp_path: Path) -> None:
    shell = copied.shell
    answer = shell.run("succeed", "--yes", "--json")
    assert (answer.code, answer.json["contracts"]) == (0, 2)
    trust = trust_of(shell, tmp_path)
    assert [one["address"] for one in trust["contracts"]] == [answer.json["predecessor"], answer.json["successor"]]
    assert trust["contracts"][0]["code_hash"] != trust["contracts"][1]["code_hash"]
    issued = shell.done("issue", draft_file(tmp_path / "draft.json"), "--as", copied.seller, "--json").json["numbers"][
        0
    ]
    for number in (copied.number, issued):
        shell.done("evidence", number, "--as", copied.seller, "-o", tmp_path / number)
        shell.done("verify", tmp_path / number, "--trust", tmp_path / "trust.json", "--offline")
    officer = (2, "--disclosing")  # whose words stand where the proof ends is chance
    for says, number, asks in (
        ("not_issued", "94403260911000000999", officer),
        ("not_settled", issued, (copied.seller,)),
    ):
        shell.done("statement", number, "--says", says, "-o", tmp_path / "statement", "--as", *asks)
        shell.done("verify", tmp_path / "statement", "--trust", tmp_path / "trust.json", "--offline")
    assert shell.done("audit", "--json").json["invoices"] == 2
    assert shell.run("audit", "--full").code == 0
    shell.done("rebuild")
    assert trust_of(shell, tmp_path) == trust


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_as_a_step_begins_it_ends_the_same_when_run_again(copied: Town, step: str, tmp_path: Path) -> None:
    process = copied.shell.spawn("succeed", "--yes")
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.strip() == f"succeed: {step}":
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    again = copied.shell.run("succeed", "--yes", "--json")
    assert again.code == 0, again
    trust = trust_of(copied.shell, tmp_path)
    assert len(trust["contracts"]) == 2
    assert contracts_created(Settings(data_dir=copied.shell.data_dir)) == 2
    copied.shell.done("issue", draft_file(tmp_path / "draft.json"), "--as", copied.seller)
    copied.shell.done("audit")
