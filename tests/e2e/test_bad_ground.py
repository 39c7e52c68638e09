"""Starting where something is missing, foreign, damaged or not ours to write: a clear message, no start, no damage."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ledger.service import found
from tests.e2e.running import API, NODE, Process
from tests.service.world import settings_of

pytestmark = pytest.mark.slow
END_LIMIT_S = 60
VOLATILE = ("lock.mdb", "-shm")  # tables of readers, rewritten by looking
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Root without the right to pass over file modes, so that the test means the same for every user."""


@dataclass
class Ground:
    """A data directory and what is different about the attempt to start on it."""

    data_dir: Path
    other_dir: Path  # of another ledger
    settings: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two ledgers that nobody runs."""
    directory = tmp_path_factory.mktemp("ground")
    for name in ("data", "other"):
        found(settings_of(directory / name), authority_name="深圳市税务局", officer_name="王税官")
    return directory / "data", directory / "other"


@pytest.fixture
def ground(founded: tuple[Path, Path], tmp_path: Path) -> Ground:
    """A copy of the first ledger, to spoil."""
    data_dir, other_dir = founded
    shutil.copytree(data_dir, tmp_path / "data")
    return Ground(tmp_path / "data", other_dir)


def chain_missing(ground: Ground) -> None:
    shutil.rmtree(ground.data_dir / "chain")


def chain_foreign(ground: Ground) -> None:
    chain_missing(ground)
    shutil.copytree(ground.other_dir / "chain", ground.data_dir / "chain")


def chain_damaged(ground: Ground) -> None:
    with (ground.data_dir / "chain" / "data.mdb").open("r+b") as file:
        file.write(b"\xff" * 16_384)


def chain_cut_short(ground: Ground) -> None:
    data = ground.data_dir / "chain" / "data.mdb"
    os.truncate(data, data.stat().st_size // 2)


def chain_empty_file(ground: Ground) -> None:
    (ground.data_dir / "chain" / "data.mdb").write_bytes(b"")


def database_missing(ground: Ground) -> None:
    (ground.data_dir / "ledger.sqlite").unlink()


def database_foreign(ground: Ground) -> None:
    shutil.copy(ground.other_dir / "ledger.sqlite", ground.data_dir / "ledger.sqlite")


def database_damaged(ground: Ground) -> None:
    (ground.data_dir / "ledger.sqlite").write_bytes(b"no database " * 1_000)


def master_key_missing(ground: Ground) -> None:
    (ground.data_dir / "master.key").unlink()


def master_key_foreign(ground: Ground) -> None:
    shutil.copy(ground.other_dir / "master.key", ground.data_dir / "master.key")


def master_key_of_another_form(ground: Ground) -> None:
    ground.settings["EINVOICE_MASTER_KEY"] = "letmein"


def master_key_open_to_others(ground: Ground) -> None:
    (ground.data_dir / "master.key").chmod(0o644)


def nothing_there(ground: Ground) -> None:
    shutil.rmtree(ground.data_dir)


def setting_out_of_range(ground: Ground) -> None:
    ground.settings["EINVOICE_POST_WAIT_MS"] = "forever"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (nothing_there, "master key|einvoice init"),
        (chain_missing, "holds no chain"),
        (chain_foreign, "another ledger"),
        (chain_damaged, "the store failed"),
        (chain_cut_short, "cut short"),
        (chain_empty_file, "the store failed|holds no chain|unfinished chain"),
        (database_missing, "einvoice init|einvoice upgrade|restore"),
        (database_foreign, "another ledger"),
        (database_damaged, "damaged"),
        (master_key_missing, "master key|master.key"),
        (master_key_foreign, "master key"),
        (master_key_of_another_form, "master key|MASTER_KEY"),
        (master_key_open_to_others, "chmod 600"),
        (setting_out_of_range, "EINVOICE_POST_WAIT_MS|post_wait_ms"),
    ],
)
def test_node_and_api_do_not_start_on_bad_ground(ground: Ground, spoil: Callable[[Ground], None], said: str) -> None:
    spoil(ground)
    before = contents(ground.data_dir)
    for name, (code, text) in start_both(ground).items():
        assert code not in (0, None), f"{name} started: {text}"
        assert code > 0, f"{name} was killed by signal {-code}"
        assert "Traceback" not in text, f"{name}:\n{text}"
        assert matches(said, text), f"{name} said:\n{text}"
    assert contents(ground.data_dir) == before


def test_a_directory_that_cannot_be_written_is_not_started_on(ground: Ground) -> None:
    ground.prefix = WITHOUT_OVERRIDE
    try_prefix(ground.prefix)
    for path in [ground.data_dir, *ground.data_dir.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    before = contents(ground.data_dir)
    answers = start_both(ground)
    code, text = answers["node"]
    assert code > 0, text
    assert "Traceback" not in text
    assert matches("cannot be written|read-only", text), text
    code, text = answers["api"]
    assert code > 0, text
    assert "Traceback" not in text
    assert contents(ground.data_dir) == before
    for path in [ground.data_dir, *ground.data_dir.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    node = Process(NODE, ground.data_dir).start()  # the twin: writable again, it runs
    assert node.stop() == 0


def test_two_nodes_do_not_write_one_chain(ground: Ground) -> None:
    first = Process(NODE, ground.data_dir).start()
    try:
        code, text = ended(NODE, ground)
        assert code > 0
        assert "Traceback" not in text
        assert "another process writes this chain" in text
        assert first.running
    finally:
        assert first.stop() == 0
    second = Process(NODE, ground.data_dir).start()
    assert second.stop() == 0


def test_a_lock_left_by_a_dead_node_does_not_keep_the_next_out(ground: Ground) -> None:
    first = Process(NODE, ground.data_dir).start()
    first.kill()
    with (ground.data_dir / "chain" / "writer.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(lock, fcntl.LOCK_UN)
    second = Process(NODE, ground.data_dir).start()
    assert second.stop() == 0


def test_a_port_in_use_is_named(ground: Ground) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ground.settings["EINVOICE_PORT"] = str(taken.getsockname()[1])
        code, text = ended(API, ground)
    assert code > 0
    assert "Traceback" not in text
    assert ground.settings["EINVOICE_PORT"] in text


def test_init_does_not_touch_what_is_there(ground: Ground) -> None:
    before = contents(ground.data_dir)
    code, text = ended(("ledger.cli", "init"), ground)
    assert code > 0
    assert "Traceback" not in text
    assert "not empty" in text
    assert contents(ground.data_dir) == before


def test_init_leaves_nothing_behind_where_it_may_not_write(ground: Ground, tmp_path: Path) -> None:
    ground.prefix = WITHOUT_OVERRIDE
    try_prefix(ground.prefix)
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o500)
    code, text = ended(("ledger.cli", "init"), Ground(parent / "data", ground.other_dir, prefix=ground.prefix))
    assert code > 0
    assert "Traceback" not in text
    assert "cannot be written" in text
    assert list(parent.iterdir()) == []


def start_both(ground: Ground) -> dict[str, tuple[int, str]]:
    """Exit code and words of node and API, started at once."""
    children = {module[-1]: begun(module, ground) for module in (NODE, API)}
    return {name: end_of(child) for name, child in children.items()}


def ended(module: tuple[str, ...], ground: Ground) -> tuple[int, str]:
    return end_of(begun(module, ground))


def begun(module: tuple[str, ...], ground: Ground) -> subprocess.Popen[str]:
    environment = Process(module, ground.data_dir, **ground.settings).environment
    return subprocess.Popen(
        [*ground.prefix, sys.executable, "-m", *module],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def end_of(child: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        text, _ = child.communicate(timeout=END_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        text, _ = child.communicate()
        pytest.fail(f"still running after {END_LIMIT_S} s:\n{text}")
    return child.returncode, " ".join(text.split()) if "Traceback" not in text else text


def try_prefix(prefix: tuple[str, ...]) -> None:
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no test give up capabilities")


def matches(alternatives: str, text: str) -> bool:
    return any(one in text for one in alternatives.split("|"))


def contents(directory: Path) -> dict[str, str]:
    """Hash of every file by its name, of modes too."""
    return {
        str(path.relative_to(directory)): f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.endswith(VOLATILE)
    }
