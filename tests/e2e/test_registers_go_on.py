"""A register asked for over HTTP is enrolled to its end, whatever is killed; no enterprise twice, audit green."""

from __future__ import annotations

import csv
import io
import random
import time
from pathlib import Path

import httpx
import pytest

from ledger.service import Ledger
from ledger.service.maintenance import audit
from ledger.settings import Settings
from tests.e2e.running import API, NODE, Cast, Process
from tests.service.world import tax_id

pytestmark = pytest.mark.slow
QUICK = {"EINVOICE_BATCH_INTERVAL_MS": "20", "EINVOICE_POST_WAIT_MS": "0", "EINVOICE_OUTCOME_POLL_MS": "5"}
ROWS = 600  # three signatures
KILLS = 3
LIMIT_S = 180


def register() -> bytes:
    text = io.StringIO()
    rows = ([f"登记公司{at}", tax_id(900_000 + at), "A"] for at in range(ROWS))
    csv.writer(text).writerows([["name", "tax id", "class"], *rows, ["坏行", "x", "A"]])
    return text.getvalue().encode()


def test_a_register_is_enrolled_to_its_end_over_kills(tmp_path: Path) -> None:
    cast = Cast(tmp_path)
    with Ledger.open(Settings(data_dir=cast.data_dir)) as ledger:
        headers = {"authorization": f"Bearer {ledger.new_api_key(cast.officer, 'register')}"}
    node, api = Process(NODE, cast.data_dir, **QUICK), Process(API, cast.data_dir, **QUICK)
    moments = random.Random(7)

    def call(method: str, path: str, **more: object) -> httpx.Response:
        given = {**headers, **more.pop("headers", {})}  # type: ignore[dict-item]
        return httpx.request(method, api.address + path, headers=given, timeout=60, **more)  # type: ignore[arg-type]

    try:
        node.start()
        api.start()
        asked = {"idempotency-key": "upload", "content-type": "text/csv"}
        uploaded = call("POST", "/v1/registers?quotas=A=1000", content=register(), headers=asked)
        assert uploaded.status_code == 201, uploaded.text
        path = f"/v1/registers/{uploaded.json()['job']}"
        signing = call("POST", f"{path}/signing", json={}, headers={"idempotency-key": "sign"})
        assert signing.status_code == 202, signing.text
        for index in range(KILLS):
            time.sleep(moments.uniform(0.2, 2.0))
            victims = ((node,), (api,), (node, api))[index % 3]
            for process in victims:
                process.kill()
            for process in victims:
                process.start()
        deadline = time.monotonic() + LIMIT_S
        while (job := call("GET", f"{path}?limit=1").json()["job"])["state"] == "running":
            assert time.monotonic() < deadline, job
            time.sleep(0.2)
        assert (job["state"], job["counts"]) == ("done", {"enrolled": ROWS, "invalid": 1}), job
        table = list(csv.DictReader(io.StringIO(call("GET", f"{path}/results").content.decode("utf-8-sig"))))
        assert [int(one["row"]) for one in table] == list(range(2, ROWS + 3))
        parties = [one["party"] for one in table[:ROWS]]
        assert len(set(parties)) == ROWS
    finally:
        for process in (api, node):
            if process.running:
                process.kill()
    with Ledger.open(Settings(data_dir=cast.data_dir)) as ledger:
        assert audit(ledger.context).difference is None
