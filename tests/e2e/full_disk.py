"""What `test_full_disk` runs in a name space of its own: a ledger on a small file system that fills up.

    python -m tests.e2e.full_disk DIRECTORY all|chain

Either the whole data directory lies on the small file system, or its chain alone: then the chain is full first.
Room is given by mounting again with another size. Prints what happened as one JSON line.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.e2e.accounts import compare_lists, wait_until_drained
from tests.e2e.load import Request
from tests.e2e.running import API, NODE, Cast, Process
from tests.e2e.test_kill import issue_list

QUICK = {"EINVOICE_BATCH_INTERVAL_MS": "20", "EINVOICE_POST_WAIT_MS": "1000", "EINVOICE_BUSY_TIMEOUT_MS": "2000"}
LISTS_MAX = 200
ALL_SIZE = "6m"
CHAIN_SIZE = "1m"
SETTLE_S = 2.0


def main(directory: Path, full: str) -> None:
    """Fills the disk under load, starts again on the full disk, gives room, starts again, compares."""
    if full == "all":
        mount(directory, ALL_SIZE)
    cast = Cast(directory)
    disk = directory
    if full == "chain":
        disk = cast.data_dir / "chain"
        aside = disk.rename(directory / "aside")
        disk.mkdir()
        mount(disk, CHAIN_SIZE)
        shutil.copytree(aside, disk, dirs_exist_ok=True)
    node, api = Process(NODE, cast.data_dir, **QUICK), Process(API, cast.data_dir, **QUICK)
    node.log = api.log = directory.parent / "processes.log"
    node.begin()
    api.begin()
    node.ready()
    api.ready()
    acknowledged: list[Request] = []
    refusals: list[int] = []
    with httpx.Client(timeout=30) as http:
        for serial in range(LISTS_MAX):
            request = issue_list(serial)
            answer = http.post(
                api.address + request.path,
                json=request.body,
                headers={"Authorization": f"Bearer {cast.keys[request.role]}", "Idempotency-Key": request.key},
            )
            if answer.status_code in (201, 202):
                value = answer.json()
                request.digest, request.numbers = value["digest"], tuple(value["numbers"])
                acknowledged.append(request)
            else:
                refusals.append(answer.status_code)
            if len(refusals) >= 3 or (full == "chain" and not node.running):
                break  # on a disk of one size the node may stop first; requests go on until they are refused too
    time.sleep(SETTLE_S)
    node_code = node.child.poll() if node.child is not None else None
    on_full = _on_full_disk(node, cast)
    reads = httpx.get(api.address + "/healthz", timeout=30).status_code
    codes = [process.stop() for process in (api, node) if process.running]
    subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True)
    node.start()
    wait_until_drained(cast)
    codes.append(node.stop())
    compare_lists(cast, acknowledged)
    print(
        json.dumps(
            {
                "acknowledged": len(acknowledged),
                "refusals": refusals,
                "node_code": node_code,
                "on_full": on_full,
                "reads": reads,
                "codes": codes,
                "log": node.log.read_text()[-6_000:],
            }
        )
    )


def mount(directory: Path, size: str) -> None:
    """A file system in memory of that size."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(directory)], check=True)


def _on_full_disk(node: Process, cast: Cast) -> list[object]:
    """What a node says that is started while the disk is full: exit code and words; empty when it still runs."""
    if node.running:
        return []
    child = subprocess.Popen(
        [sys.executable, "-m", *NODE],
        env=node.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        text, _ = child.communicate(timeout=20)
    except subprocess.TimeoutExpired:  # it waits for room, which is right too
        child.kill()
        text, _ = child.communicate()
    return [child.returncode, text]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
