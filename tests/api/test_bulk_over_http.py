"""Sheets over HTTP on a real ledger: who may, what is refused, what comes down again."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from api.schemas import bulk as shapes
from api.schemas.answers import Problem
from ledger.formats.sheets_columns import COLUMNS
from tests.api.conftest import Answer, Client, confirmed
from tests.api.test_life_of_an_invoice import Actor, enrolled, key

HEAD = "单据编号,外部单号,购买方名称,项目名称,金额,税率,税额\n"
GOOD = HEAD + "R1,ERP-1,张三,*餐饮服务*餐费,100.00,6%,6.00\nR2,=1+1,张三,*餐饮服务*餐费,100.00,6%,6.00\n"


@pytest.fixture(scope="module")
def seller(officer: Client) -> Actor:
    made = enrolled(officer, "enterprise", "批量上传公司")
    assert officer.post(f"/v1/parties/{made.party}/segments", {"blocks": 1}, key=key()).status == 201
    return made


@pytest.fixture(scope="module")
def intruder(officer: Client) -> Actor:
    return enrolled(officer, "enterprise", "无关公司")


def problem(answer: Answer, name: str, status: int) -> None:
    """The answer is that problem, well formed."""
    assert answer.status == status, answer.text
    assert answer.json()["type"] == f"/problems/{name}"
    Problem.model_validate_json(answer.body)


def upload(client: Client, text: str, query: str = "", **headers: str) -> Answer:
    given = {"content-type": "text/csv", "idempotency-key": key(), **headers}
    return client.request("POST", f"/v1/bulk{query}", text.encode(), given)


def job_of(answer: Answer) -> dict[str, Any]:
    assert answer.status in (200, 201, 202), answer.text
    shapes.BulkJob.model_validate_json(answer.body)
    return answer.json()


def test_sheet_is_uploaded_looked_at_signed_and_its_results_come_down(seller):
    job = job_of(upload(seller.client, GOOD, "?file_name=%E4%BA%94%E6%9C%88.csv&first_holder=seller"))
    assert (job["state"], job["file_name"], job["first_holder"]) == ("draft", "五月.csv", "seller")
    assert {one["status"]: one["count"] for one in job["sums"]} == {"ready": 1, "invalid": 1}
    page = seller.client.get(f"/v1/bulk/{job['job']}?limit=1").json()
    shapes.BulkRows.model_validate(page)
    rest = seller.client.get(f"/v1/bulk/{job['job']}?limit=1&cursor={page['next_cursor']}").json()
    assert (page["items"][0]["status"], rest["items"][0]["problems"][0]["code"]) == ("ready", "cell_formula")
    assert rest["next_cursor"] is None
    signed = seller.client.post(f"/v1/bulk/{job['job']}/signing", {}, key=key())
    assert signed.status == 201, signed.text
    assert job_of(signed)["state"] == "done"
    down = seller.client.get(f"/v1/bulk/{job['job']}/results?format=csv&lang=en")
    table = list(csv.reader(io.StringIO(down.body.decode("utf-8-sig"))))
    assert [line[4] for line in table[1:]] == ["issued", "wrong, not signed"]
    assert seller.client.get(f"/v1/invoices/{table[1][3]}").status == 200
    assert down.headers["content-disposition"] == f'attachment; filename="results-{job["job"][:8]}.csv"'
    assert seller.client.get(f"/v1/bulk/{job['job']}/results?format=xlsx").body[:2] == b"PK"
    again = seller.client.post(f"/v1/bulk/{job['job']}/signing", {}, key=key())
    problem(again, "invalid-request", 422)
    assert [one["job"] for one in seller.client.get("/v1/bulk").json()["items"]] == [job["job"]]


def test_template_has_every_column(seller):
    down = seller.client.get("/v1/bulk/template?format=csv&lang=zh")
    assert next(csv.reader(io.StringIO(down.body.decode("utf-8-sig")))) == [column.zh for column in COLUMNS]
    problem(seller.client.get("/v1/bulk/template?format=ods"), "invalid-parameter", 400)


def test_others_get_404_and_cannot_upload_for_it(seller, intruder, officer, public_door):
    job = job_of(upload(seller.client, GOOD.replace("R1", "R3")))["job"]
    for client in (intruder.client, officer):
        for answer in (
            client.get(f"/v1/bulk/{job}"),
            client.get(f"/v1/bulk/{job}/results"),
            client.post(f"/v1/bulk/{job}/signing", {}, key=key()),
            client.get(f"/v1/bulk?subject={seller.party}"),
        ):
            problem(answer, "not-found", 404)
    problem(upload(intruder.client, GOOD, f"?subject={seller.party}"), "invalid-request", 422)
    problem(upload(officer, GOOD), "not-permitted", 403)
    assert upload(public_door, GOOD).status == 401


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("?file_name=%00", "query.file_name"),
        (f"?file_name={'a' * 201}", "query.file_name"),
        ("?first_holder=me", "query.first_holder"),
        ("?first_holder=0", "query.first_holder"),
        ("?subject=0", "query.subject"),
        ("?colour=red", "query.colour"),
    ],
)
def test_wrong_parameters_are_named(seller, query, path):
    answer = upload(seller.client, GOOD, query)
    problem(answer, "invalid-parameter", 400)
    assert answer.json()["errors"][0]["path"] == path


@pytest.mark.parametrize(
    ("text", "code"), [("nonsense", "sheet_head_missing"), (HEAD, "sheet_empty"), ("PK\x03\x04", "sheet_damaged")]
)
def test_what_is_no_sheet_is_named_and_not_kept(intruder, text, code):
    answer = upload(intruder.client, text)
    problem(answer, "invalid-request", 422)
    assert answer.json()["errors"][0]["code"] == code
    assert intruder.client.get("/v1/bulk").json()["items"] == []


def test_refusal_stops_signing_and_names_the_reason(officer, second_officer):
    poor = enrolled(officer, "enterprise", "号段未领公司")
    job = job_of(upload(poor.client, GOOD))["job"]
    answer = poor.client.post(f"/v1/bulk/{job}/signing", {}, key=key())
    problem(answer, "numbers-exhausted", 409)
    assert answer.headers["location"] == f"/v1/bulk/{job}"
    assert officer.post(f"/v1/parties/{poor.party}/segments", {"blocks": 1}, key=key()).status == 201
    proposed = officer.post(f"/v1/parties/{poor.party}/suspension", {"reason": "test"}, key=key())
    assert confirmed(second_officer, proposed, key()).status == 201
    refused = poor.client.post(f"/v1/bulk/{job}/signing", {}, key=key())
    assert refused.status == 409, refused.text
    assert refused.json()["type"] == "/problems/refused/suspended"
    assert poor.client.get(f"/v1/bulk/{job}").json()["job"]["stopped"]["code"] == "suspended"
