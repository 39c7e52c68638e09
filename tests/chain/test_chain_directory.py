"""Who may open a chain directory, and what a failure leaves behind."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import lmdb
import pytest

from contracts import load_artifact
from ledger.chain import (
    ChainClockError,
    ChainExistsError,
    ChainForeignError,
    ChainFullError,
    ChainInUseError,
    ChainMissingError,
    ChainStoppedError,
    ChainStorageError,
    copy_chain,
    create_chain,
    open_reader,
    open_writer,
)
from ledger.chain.identity import ChainIdentity
from ledger.chain.lmdb_store import IDENTITY_KEY, ChainStore, create_store
from ledger.chain.lmdb_whole import is_whole
from ledger.domain.blocks import BlockHead
from tests.chain.world import SEALER_KEY, SELLER, Ledger
from verifier.words import NUMBER_SPACE_FIRST, Table, storage_key

PAGE_SIZE = 4_096  # of a store


def now_s() -> int:
    return int(time.time())


def test_a_directory_with_a_chain_or_other_files_is_not_created_again(ledger: Ledger, tmp_path: Path) -> None:
    options = {"sealer_key": SEALER_KEY, "authority": b"\2" * 20, "now_s": now_s()}
    with pytest.raises(ChainInUseError):
        create_chain(ledger.directory, **options)
    ledger.close()
    with pytest.raises(ChainExistsError):
        create_chain(ledger.directory, **options)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    with pytest.raises(ChainExistsError):
        create_chain(tmp_path / "other", **options)
    assert [each.name for each in (tmp_path / "other").iterdir()] == ["letter.txt"]
    ledger.open()
    assert ledger.reader.head().number == 1


def test_a_missing_chain_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChainMissingError) as missing:
        open_writer(tmp_path / "nowhere", sealer_key=SEALER_KEY, now=now_s)
    assert missing.value.directory == tmp_path / "nowhere"
    with pytest.raises(ChainMissingError):
        open_reader(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kept", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_a_chain_cut_short_is_named_and_a_whole_one_read(issuing: Ledger, tmp_path: Path, kept: float) -> None:
    data = shutil.copytree(issuing.directory, tmp_path / "cut") / "data.mdb"
    whole = data.stat().st_size
    cut = max(3 * PAGE_SIZE, int(whole * kept) // PAGE_SIZE * PAGE_SIZE)  # behind the two pages that say what there is
    os.truncate(data, cut)
    if cut == whole:
        with closing(open_reader(data.parent)) as reader:
            assert reader.head().number > 0
        return
    for opened in (open_reader, lambda place: open_writer(place, sealer_key=SEALER_KEY, now=now_s)):
        with pytest.raises(ChainStorageError, match=r"data\.mdb was cut short: restore it from a backup"):
            opened(data.parent)
    assert data.stat().st_size == cut


def test_pages_that_nothing_refers_to_may_be_missing(tmp_path: Path) -> None:
    environment = lmdb.open(str(tmp_path), map_size=1 << 24)
    data = tmp_path / "data.mdb"
    with environment.begin(write=True) as transaction:
        transaction.put(b"kept", b"value")
    for number in range(20):
        with environment.begin(write=True) as transaction:
            transaction.put(b"large", bytes([number]) * 40_000)
    with environment.begin(write=True) as transaction:
        transaction.delete(b"large")
    environment.close()

    def whole() -> bool:
        opened = lmdb.open(str(tmp_path), map_size=1 << 24, readonly=True)
        try:
            return is_whole(opened, data, 1 << 24)
        finally:
            opened.close()

    assert whole()
    os.truncate(data, data.stat().st_size - 8 * PAGE_SIZE)
    assert whole()
    os.truncate(data, 2 * PAGE_SIZE)
    assert not whole()


def test_one_writer_at_a_time(ledger: Ledger) -> None:
    with pytest.raises(ChainInUseError):
        open_writer(ledger.directory, sealer_key=SEALER_KEY, now=now_s)
    ledger.close()
    ledger.open()
    assert ledger.writer.head().number == 1


def test_another_sealer_is_refused_and_the_right_one_goes_on(issuing: Ledger) -> None:
    issuing.close()
    with pytest.raises(ChainForeignError, match="sealer key"):
        open_writer(issuing.directory, sealer_key=b"\7" * 32, now=now_s)
    issuing.open()
    assert issuing.commit(issuing.issued(1))[1][0].events


def test_another_contract_is_refused(ledger: Ledger) -> None:
    ledger.close()
    store = ChainStore(ledger.directory)
    recorded = store.get(IDENTITY_KEY)
    assert recorded is not None
    identity = ChainIdentity.from_bytes(recorded)
    other = dataclasses.replace(identity, code_hashes=(b"\5" * 32,))
    store.write({IDENTITY_KEY: other.to_bytes()})
    with pytest.raises(ChainForeignError, match="contract"):
        open_writer(ledger.directory, sealer_key=SEALER_KEY, now=now_s)
    store.write({IDENTITY_KEY: recorded})
    store.close()
    ledger.open()


def test_a_chain_with_another_releases_contract_is_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.close()
    other = dataclasses.replace(load_artifact(), runtime=b"\0" + load_artifact().runtime[1:])
    monkeypatch.setattr("ledger.chain.writer.load_artifact", lambda: other)
    with pytest.raises(ChainForeignError, match="another contract"):
        open_writer(ledger.directory, sealer_key=SEALER_KEY, now=now_s)
    monkeypatch.undo()
    ledger.open()


READ_ONLY_START = """
import os, sys
from ledger.chain import open_writer, open_reader, ChainReadOnlyError
import encodings.idna, lmdb, eth.vm.forks.london
if os.getuid() == 0:
    os.setuid(65534)
with_reader = open_reader(sys.argv[1])
print(with_reader.head().number)
try:
    open_writer(sys.argv[1], sealer_key=bytes(31) + b"\\1", now=lambda: 0)
except ChainReadOnlyError as err:
    print("read only")
"""


def test_a_read_only_directory_is_read_but_not_written() -> None:
    """In a directory that another user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as shared:
        Path(shared).chmod(0o755)
        directory = Path(shared) / "chain"
        Ledger(directory).close()
        directory.chmod(0o555)
        (directory / "data.mdb").chmod(0o444)
        (directory / "lock.mdb").chmod(0o666)  # readers announce themselves there
        run = subprocess.run(
            [sys.executable, "-c", READ_ONLY_START, str(directory)], capture_output=True, text=True, check=False
        )
        assert run.stdout.split("\n")[:2] == ["1", "read only"], run.stderr
        directory.chmod(0o755)
        (directory / "data.mdb").chmod(0o600)
        with open_writer(directory, sealer_key=SEALER_KEY, now=now_s) as writer:
            assert writer.head().number == 1


def test_a_full_map_keeps_the_old_head_and_stops_the_writer(tmp_path: Path) -> None:
    size = 1 << 20
    ledger = SmallLedger(tmp_path / "small", size)
    ledger.ready_to_issue()
    before, index = issue_until_full(ledger)
    assert ledger.reader.head() == before
    with pytest.raises(ChainStoppedError):
        ledger.writer.commit([ledger.issued(0)])
    ledger.close()

    grown = open_writer(tmp_path / "small", sealer_key=SEALER_KEY, now=now_s, map_size=size * 64)
    assert grown.head() == before
    assert grown.commit([ledger.issued(*range(index, index + 64))]).number == before.number + 1
    grown.close()


def issue_until_full(ledger: Ledger) -> tuple[BlockHead, int]:
    """Head before the block that did not fit, and the number of invoices issued by then."""
    for index in range(0, 1 << 20, 64):
        before = ledger.reader.head()
        try:
            ledger.writer.commit([ledger.issued(*range(index, index + 64))])
        except ChainFullError:
            return before, index
    raise AssertionError("the map never filled")


class SmallLedger(Ledger):
    """A ledger whose map is small."""

    def __init__(self, directory: Path, size: int) -> None:
        self.size = size
        super().__init__(directory)

    def open(self) -> None:
        self.writer = open_writer(self.directory, sealer_key=SEALER_KEY, now=self.now, map_size=self.size)
        self.reader = open_reader(self.directory, map_size=self.size)


FULL_DISK = """
import sys
sys.path.insert(0, ".")
from pathlib import Path
from tests.chain.world import Ledger
from ledger.chain import ChainFullError
ledger = Ledger(Path(sys.argv[1]))
ledger.ready_to_issue()
try:
    for index in range(0, 10_000, 64):
        before = ledger.reader.head().number
        ledger.writer.commit([ledger.issued(*range(index, index + 64))])
except ChainFullError:
    after = ledger.reader.head().number
    ledger.close()
    ledger.open()
    print("full", before, after, ledger.writer.head().number)
"""


def test_a_full_disk_keeps_the_old_head(tmp_path: Path) -> None:
    """On a small file system of its own, in a namespace of its own."""
    script = f'mount -t tmpfs -o size=2m none {tmp_path} && exec "$@"'
    namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no test mount a file system")
    run = subprocess.run(
        [*namespace, sys.executable, "-c", FULL_DISK, str(tmp_path / "chain")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.startswith("full"), run.stderr
    _, before, after, again = run.stdout.split()
    assert before == after == again


KILLED = """
import sys
sys.path.insert(0, ".")
from pathlib import Path
from tests.chain.world import Ledger
ledger = Ledger(Path(sys.argv[1]))
ledger.ready_to_issue()
index = 0
while True:
    index += 4
    head = ledger.writer.commit([ledger.issued(*range(index, index + 4))])
    print(head.number, index, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.05, 0.113, 0.171, 0.26])
def test_kill_at_any_moment_leaves_the_last_head_told_or_the_next(tmp_path: Path, after_s: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "chain")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [process.stdout.readline()]
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    told += [line for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    number, index = map(int, told[-1].split())

    reader = open_reader(tmp_path / "chain")
    head = reader.head()
    assert head.number in (number, number + 1)
    for each in range(1, head.number + 1):
        block = reader.block(each)  # every transaction, receipt and event is whole
        assert block.head.number == each
    written = index + 4 * (head.number - number)
    keys = [storage_key(Table.STATE, NUMBER_SPACE_FIRST + each) for each in range(4, written + 8)]
    words = reader.words(keys)
    assert all(words[:written])
    assert not any(words[written:])
    with open_writer(tmp_path / "chain", sealer_key=SEALER_KEY, now=now_s) as writer:
        assert writer.head() == head
    reader.close()


def test_a_batch_that_reverts_leaves_no_block(issuing: Ledger) -> None:
    before = issuing.reader.head()
    web3 = issuing.writer._web3
    wrong = issuing.writer._transaction(b"\xff\xff\xff\xff")
    raw = issuing.writer._account.sign_transaction(wrong).raw_transaction
    with pytest.raises(Exception, match="reverted"):
        web3.eth.send_raw_transaction(raw)
    assert issuing.reader.head() == before
    assert issuing.commit(issuing.issued(1))[0].number == before.number + 1


def test_an_empty_batch_and_a_closed_writer_are_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="at least one"):
        ledger.writer.commit([])
    ledger.writer.close()
    with pytest.raises(ChainStoppedError):
        ledger.writer.commit([ledger.signed(ledger.authority, 1, ledger.appoint(ledger.officer, 2))])


class Clock:
    def __init__(self, at_s: int) -> None:
        self.at_s = at_s

    def __call__(self) -> int:
        return self.at_s


def test_a_clock_that_steps_back_over_two_seconds_stops_sequencing(make_ledger: Callable[..., Ledger]) -> None:
    clock = Clock(1_790_000_000)
    ledger = make_ledger(now=clock)
    ledger.ready_to_issue()
    clock.at_s += 100
    first = ledger.commit(ledger.issued(1))[0]
    clock.at_s -= 2
    second = ledger.commit(ledger.issued(2))[0]
    assert (first.time_s, second.time_s) == (1_790_000_100, 1_790_000_100)
    clock.at_s -= 1
    with pytest.raises(ChainClockError) as stopped:
        ledger.commit(ledger.issued(3))
    assert (stopped.value.now_s, stopped.value.latest_s) == (1_790_000_097, 1_790_000_100)
    assert ledger.reader.head() == second
    clock.at_s += 50
    assert ledger.commit(ledger.issued(3))[0].time_s == 1_790_000_147


def test_a_step_back_while_idle_is_noticed(make_ledger: Callable[..., Ledger]) -> None:
    clock = Clock(1_790_000_000)
    ledger = make_ledger(now=clock)
    ledger.ready_to_issue()
    clock.at_s -= 3
    ledger.close()
    ledger.open()
    with pytest.raises(ChainClockError):
        ledger.commit(ledger.issued(1))


def test_a_hot_copy_is_a_chain_of_one_moment(issuing: Ledger, tmp_path: Path) -> None:
    head, _ = issuing.commit(issuing.issued(1, 2, 3))
    copy_chain(issuing.directory, tmp_path / "backup")
    issuing.commit(issuing.issued(4))
    copied = open_reader(tmp_path / "backup")
    assert copied.head() == head
    assert copied.block(head.number) == issuing.reader.block(head.number)
    assert copied.identity == issuing.identity
    copied.close()
    with open_writer(tmp_path / "backup", sealer_key=SEALER_KEY, now=now_s) as writer:
        assert writer.commit([issuing.issued(5)]).number == head.number + 1
    with pytest.raises(ChainExistsError):
        copy_chain(issuing.directory, tmp_path / "backup")


def test_a_reader_opened_before_a_fork_reads_after_it(issuing: Ledger) -> None:
    reader = issuing.reader
    assert reader.head().number > 1
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if reader.head().number > 1 and reader.words([5]) == [0] else 1)
        except BaseException:  # noqa: BLE001 - the child must never return into pytest
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert issuing.commit(issuing.issued(1))[0] == reader.head()


READING = """
import sys
from ledger.chain import open_reader
reader = open_reader(sys.argv[1])
print(sorted({name.split(".")[0] for name in sys.modules} & {"web3", "eth", "vyper", "eth_account", "requests"}))
for line in sys.stdin:
    print(reader.head().number, len(reader.block(int(line)).groups), flush=True)
"""


def test_a_reading_process_follows_the_writer_without_engine_or_web3(issuing: Ledger) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", READING, str(issuing.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "[]"
    for index in range(1, 6):
        head, _ = issuing.commit(issuing.issued(index), issuing.signed(issuing.officer, SELLER, issuing.issue(99)))
        process.stdin.write(f"{head.number}\n")
        process.stdin.flush()
        assert process.stdout.readline().split() == [str(head.number), "2"]
    process.stdin.close()
    assert process.wait() == 0
    process.stdout.close()


READY = """
import sys, time
import ledger.chain.reader, ledger.chain.writer
import tests.chain.world as world

made = world.Ledger.__new__(world.Ledger)
made.now = lambda: int(time.time())
calls = 0

def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")

sys.setprofile(count)
writer = ledger.chain.writer.open_writer(sys.argv[1], sealer_key=bytes.fromhex(sys.argv[2]), now=made.now)
reader = ledger.chain.reader.open_reader(sys.argv[1])
made.seller, made.domain = world.Actor("seller"), writer.identity.domain
writer.commit([made.issued(9)])
sys.setprofile(None)
print(calls)
"""


def calls_until_ready(directory: Path) -> int:
    """Calls that another process makes to open the chain and seal its next block."""
    run = subprocess.run(
        [sys.executable, "-c", READY, str(directory), SEALER_KEY.hex()],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@pytest.mark.slow
def test_the_first_block_after_a_restart_takes_no_longer_on_a_longer_chain(issuing: Ledger, tmp_path: Path) -> None:
    """An engine that reads the seals of all blocks again makes a thousand calls and more for each block."""
    calls = {}
    for blocks in (50, 400):
        while issuing.writer.head().number < blocks:
            issuing.writer.commit([issuing.signed(issuing.officer, SELLER, issuing.issue(1))])  # malformed: small
        issuing.close()
        calls[blocks] = calls_until_ready(shutil.copytree(issuing.directory, tmp_path / f"{blocks}"))
        issuing.open()
    assert calls[400] < calls[50] + 350 * 10, calls


def test_a_creation_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    create_store(tmp_path / "chain").close()
    with pytest.raises(ChainMissingError, match="unfinished"):
        open_reader(tmp_path / "chain")
    options = {"sealer_key": SEALER_KEY, "authority": b"\2" * 20, "now_s": now_s()}
    identity = create_chain(tmp_path / "chain", **options)
    with open_writer(tmp_path / "chain", sealer_key=SEALER_KEY, now=now_s) as writer:
        assert writer.identity == identity
