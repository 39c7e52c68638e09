"""Limits of several API processes: one installation lets through what one process would."""

from __future__ import annotations

import errno
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.problems import ProblemError
from api.rate_limits import RateLimits, shared_rates, sharing_rates
from api.shared_buckets import SharedBuckets, SharedFile, make_file
from ledger.settings import Settings

PER_S, BURST, MOST = 2, 4, 64


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Callable[[], SharedBuckets]]:
    """The same table, opened again by each call as by another process."""
    make_file(tmp_path / "rates", (MOST,))
    files: list[SharedFile] = []

    def one() -> SharedBuckets:
        files.append(SharedFile(tmp_path / "rates"))
        return SharedBuckets(files[-1], 0, PER_S, BURST, MOST, clock)

    yield one
    for file in files:
        file.close()


def admitted(buckets: SharedBuckets, key: bytes, network: bytes = b"net", of: int = 100) -> int:
    return sum(buckets.take(key, network) == 0 for _ in range(of))


def test_what_one_process_let_through_the_other_does_not_let_through_again(
    opened: Callable[[], SharedBuckets], clock: Clock
) -> None:
    first, second = opened(), opened()
    assert admitted(first, b"a", of=3) == 3
    assert admitted(second, b"a") == BURST - 3
    assert first.take(b"a", b"net") == pytest.approx(1 / PER_S)
    assert admitted(second, b"b") == BURST  # somebody else's is full
    clock.now_s += 1
    assert admitted(first, b"a") + admitted(second, b"a") == PER_S
    clock.now_s += 3_600
    assert admitted(second, b"a") == BURST


def test_a_flood_of_addresses_resets_nobodys_bucket_and_shares_its_networks(
    opened: Callable[[], SharedBuckets], clock: Clock
) -> None:
    buckets = opened()
    assert admitted(buckets, b"attacker") == BURST
    let_in = sum(admitted(buckets, b"%d" % one, of=1) for one in range(MOST * 20))
    assert let_in <= MOST + BURST
    assert buckets.take(b"attacker", b"net") > 0
    clock.now_s += BURST / PER_S
    assert admitted(buckets, b"newcomer", b"elsewhere") == BURST


def test_a_clock_that_began_anew_locks_nobody_out(opened: Callable[[], SharedBuckets], clock: Clock) -> None:
    buckets = opened()
    assert admitted(buckets, b"a") == BURST
    clock.now_s = 1.0
    assert admitted(buckets, b"a") == BURST


def _ask(directory: str, count: int, let_in: multiprocessing.Queue[int]) -> None:
    rates = RateLimits(settings_in(Path(directory)), file=SharedFile(Path(directory) / "rates"))
    let_in.put(sum(_is_let_in(rates) for _ in range(count)))


def settings_in(directory: Path) -> Settings:
    return Settings(data_dir=directory, workers=3, rate_address_per_s=1, rate_address_burst=50)


def _is_let_in(rates: RateLimits) -> bool:
    try:
        rates.admit_address({"type": "http", "client": ("192.0.2.7", 1), "headers": []})
    except ProblemError:
        return False
    return True


def test_processes_that_ask_at_once_are_let_in_as_one(tmp_path: Path) -> None:
    begun = time.monotonic()
    with sharing_rates(settings_in(tmp_path)):
        context = multiprocessing.get_context("fork")
        let_in: multiprocessing.Queue[int] = context.Queue()
        processes = [context.Process(target=_ask, args=(str(tmp_path), 200, let_in)) for _ in range(3)]
        for process in processes:
            process.start()
        total = sum(let_in.get(timeout=30) for _ in processes)
        for process in processes:
            process.join(30)
    gained = (time.monotonic() - begun) * settings_in(tmp_path).rate_address_per_s
    assert 50 <= total <= 50 + gained + 1


def test_one_process_keeps_its_own_and_a_start_begins_anew(tmp_path: Path) -> None:
    alone = Settings(data_dir=tmp_path)
    assert shared_rates(settings_in(tmp_path)) is None  # nobody made it: each on its own
    with sharing_rates(settings_in(tmp_path)):
        assert shared_rates(alone) is None
        file = shared_rates(settings_in(tmp_path))
        assert file is not None
        assert (tmp_path / "rates").stat().st_mode & 0o077 == 0
        secret = file.secret
        file.close()
    assert not (tmp_path / "rates").exists()  # its hashes of addresses serve nobody any more
    with sharing_rates(settings_in(tmp_path)):
        again = shared_rates(settings_in(tmp_path))
        assert again is not None
        assert again.secret != secret
        again.close()


def test_where_there_is_no_room_for_the_file_each_process_counts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there in part only would end whoever touches the rest."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with sharing_rates(settings_in(tmp_path)):
        assert not (tmp_path / "rates").exists()
        assert shared_rates(settings_in(tmp_path)) is None
    assert "No space left on device" in capsys.readouterr().out


def test_every_page_of_the_file_is_on_the_disk(tmp_path: Path) -> None:
    make_file(tmp_path / "rates", (100_000,))
    made = (tmp_path / "rates").stat()
    assert made.st_blocks * 512 >= made.st_size
