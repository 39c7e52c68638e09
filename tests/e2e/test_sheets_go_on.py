"""A sheet asked for over HTTP is signed to its end, whatever is killed: API, node, or both; no row twice."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.running import API, NODE, Cast, Process

pytestmark = pytest.mark.slow
QUICK = {"EINVOICE_BATCH_INTERVAL_MS": "20", "EINVOICE_POST_WAIT_MS": "0", "EINVOICE_OUTCOME_POLL_MS": "5"}
ROWS = 900  # four signatures
KILLS = 5
LIMIT_S = 180


def sheet() -> bytes:
    head = "单据编号,外部单号,购买方名称,项目名称,金额,税率,税额\n"
    rows = (f"R{at},ERP-{at},张三,*餐饮服务*餐费,1.00,6%,0.06\n" for at in range(ROWS))
    return (head + "".join(rows)).encode()


class Asking:
    """The seller, asking whichever API runs."""

    def __init__(self, cast: Cast, api: Process) -> None:
        self.api = api
        self.headers = {"authorization": f"Bearer {cast.keys['seller']}"}

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return httpx.request(method, self.api.address + path, headers=headers, timeout=60, **options)

    def job(self, job: str) -> dict[str, Any]:
        answer = self.call("GET", f"/v1/bulk/{job}?limit=1")
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()["job"]
        return value


def counts(job: dict[str, Any]) -> dict[str, int]:
    return {one["status"]: one["count"] for one in job["sums"]}


def test_sheet_is_signed_to_its_end_over_kills(tmp_path: Path) -> None:
    cast = Cast(tmp_path)
    node, api = Process(NODE, cast.data_dir, **QUICK), Process(API, cast.data_dir, **QUICK)
    moments = random.Random(7)
    try:
        node.start()
        api.start()
        asking = Asking(cast, api)
        key = {"idempotency-key": "sheet-upload", "content-type": "text/csv"}
        uploaded = asking.call("POST", "/v1/bulk?file_name=rush.csv", content=sheet(), headers=key)
        assert uploaded.status_code == 201, uploaded.text
        job = uploaded.json()["job"]
        signing = asking.call("POST", f"/v1/bulk/{job}/signing", json={}, headers={"idempotency-key": "sheet-sign"})
        assert signing.status_code == 202, signing.text
        for index in range(KILLS):
            time.sleep(moments.uniform(0.2, 2.0))
            victims = ((node,), (api,), (node, api))[index % 3]
            for process in victims:
                process.kill()
            for process in victims:
                process.start()
        deadline = time.monotonic() + LIMIT_S
        while asking.job(job)["state"] == "running" and time.monotonic() < deadline:
            time.sleep(0.2)
        ended = asking.job(job)
        assert (ended["state"], counts(ended)) == ("done", {"recorded": ROWS}), ended
        numbers = all_numbers(asking, job)
        assert len(set(numbers)) == ROWS
        listed = asking.call("GET", "/v1/invoices/export?lang=en").text.splitlines()
        assert len(listed) == ROWS + 1
        assert {line.split(",")[0] for line in listed[1:]} == set(numbers)
    finally:
        for process in (api, node):
            if process.running:
                process.kill()


def all_numbers(asking: Asking, job: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = asking.call("GET", f"/v1/bulk/{job}?limit=200{cursor}").json()
        found += [row["number"] for row in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
