"""Registers over HTTP on a real ledger: who may, what is refused row by row, what comes down again."""

from __future__ import annotations

import csv
import io
import itertools
from typing import Any

import pytest

from api.schemas import registers as shapes
from api.schemas.answers import Problem
from tests.api.conftest import Answer, Client, Installation
from tests.api.test_life_of_an_invoice import Actor, enrolled, key
from tests.service.world import SERIALS, tax_id

ELSEWHERE, HERE = "440400", "440300"
QUOTAS = "quotas=A=100000000,%E4%B9%99=5000000"


@pytest.fixture(scope="module")
def far_officer(installation: Installation, public_door: Client) -> Client:
    """An officer of another city."""
    authority = installation.ledger.caller(1)
    _, credential = installation.ledger.appoint_officer(
        authority, name="珠海税官", district="4404", idempotency_key=key()
    )
    return public_door.acting(credential)


@pytest.fixture(scope="module")
def seller(officer: Client) -> Actor:
    return enrolled(officer, "enterprise", "不办登记的公司")


def row(name: str = "登记公司", *, district: str = HERE, quota_class: str = "A") -> list[str]:
    return [name, tax_id(next(SERIALS), district), quota_class]


def file_of(*rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([["name", "tax id", "class"], *rows])
    return text.getvalue().encode()


def upload(client: Client, data: bytes, query: str = QUOTAS, **headers: str) -> Answer:
    given = {"content-type": "text/csv", "idempotency-key": key(), **headers}
    return client.request("POST", f"/v1/registers?{query}", data, given)


def job_of(answer: Answer) -> dict[str, Any]:
    assert answer.status in (201, 202), answer.text
    shapes.RegisterJob.model_validate_json(answer.body)
    value: dict[str, Any] = answer.json()
    return value


def sign(client: Client, job: dict[str, Any]) -> Answer:
    return client.post(f"/v1/registers/{job['job']}/signing", {}, key=key())


def problem(answer: Answer, name: str, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.text
    assert answer.json()["type"] == f"/problems/{name}"
    Problem.model_validate_json(answer.body)
    value: dict[str, Any] = answer.json()
    return value


def test_a_register_is_uploaded_enrolled_and_its_results_come_down(officer: Client) -> None:
    good, other = row(), row("乙级公司", quota_class="乙")
    data = file_of(good, ["=1+1", *row()[1:]], other, [good[0], "91440300MA5F0000XX", "A"], row(quota_class="C"))
    job = job_of(upload(officer, data, QUOTAS + "&file_name=%E7%99%BB%E8%AE%B0.csv"))
    assert (job["state"], job["file_name"], job["quotas"]) == ("draft", "登记.csv", {"A": 10**8, "乙": 5 * 10**6})
    assert job["counts"] == {"ready": 2, "invalid": 3}
    done = job_of(sign(officer, job))
    assert (done["state"], done["counts"]) == ("done", {"enrolled": 2, "invalid": 3})
    items, cursor = [], ""
    for _ in range(3):
        page = officer.get(f"/v1/registers/{job['job']}?limit=2{cursor}").json()
        shapes.RegisterRows.model_validate(page)
        items += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert [(one["row"], one["status"]) for one in items] == [
        (2, "enrolled"), (3, "invalid"), (4, "enrolled"), (5, "invalid"), (6, "invalid"),
    ]  # fmt: skip
    assert [one["problems"][0]["path"] for one in items if one["problems"]] == ["name", "tax_id", "class"]
    assert all(one["problems"][0]["message"] and one["problems"][0]["message_zh"] for one in items if one["problems"])
    party = officer.get(f"/v1/parties/{items[2]['party']}").json()
    assert (party["tax_id"], party["quota_fen"]) == (other[1], 5 * 10**6)
    only = officer.get(f"/v1/registers/{job['job']}?state=invalid").json()["items"]
    assert [one["row"] for one in only] == [3, 5, 6]
    down = officer.get(f"/v1/registers/{job['job']}/results")
    assert down.headers["content-disposition"] == f'attachment; filename="register-{job["job"][:8]}.csv"'
    table = list(csv.reader(io.StringIO(down.body.decode("utf-8-sig"))))
    assert [line[4] for line in table[1:]] == [one["status"] for one in items]
    assert table[1][5] == str(items[0]["party"])
    assert problem(sign(officer, job), "invalid-request", 422)["errors"][0]["code"] == "bulk_nothing_ready"


def test_an_upload_sent_again_is_answered_again(officer: Client) -> None:
    data, again = file_of(row()), key()
    first = job_of(upload(officer, data, **{"idempotency-key": again}))
    assert job_of(upload(officer, data, **{"idempotency-key": again})) == first
    problem(upload(officer, file_of(row()), **{"idempotency-key": again}), "idempotency-conflict", 409)
    signing = {"idempotency-key": key(), "content-type": "application/json"}
    answers = [officer.request("POST", f"/v1/registers/{first['job']}/signing", b"{}", signing) for _ in range(2)]
    assert [job_of(one)["counts"] for one in answers] == [{"enrolled": 1}] * 2


def test_rows_already_enrolled_say_which_party(officer: Client) -> None:
    data = file_of(row())
    first, second = (job_of(upload(officer, data)) for _ in range(2))
    assert job_of(sign(officer, first))["counts"] == {"enrolled": 1}
    assert job_of(sign(officer, second))["counts"] == {"enrolled_before": 1}
    parties = [officer.get(f"/v1/registers/{one['job']}").json()["items"][0]["party"] for one in (first, second)]
    assert parties[0] == parties[1] is not None


def test_an_officer_enrols_its_own_district_and_sees_its_own_registers(officer: Client, far_officer: Client) -> None:
    theirs = job_of(upload(officer, file_of(row())))
    for answer in (
        far_officer.get(f"/v1/registers/{theirs['job']}"),
        far_officer.get(f"/v1/registers/{theirs['job']}/results"),
        sign(far_officer, theirs),
        far_officer.post(f"/v1/registers/{theirs['job']}/cancellation", {}, key=key()),
    ):
        problem(answer, "not-found", 404)
    own = job_of(upload(far_officer, file_of(row(), row(district=ELSEWHERE))))
    rows = far_officer.get(f"/v1/registers/{own['job']}").json()["items"]
    assert [one["status"] for one in rows] == ["invalid", "ready"]
    assert rows[0]["problems"][0]["code"] == "tax_id_district"
    listed = [one["job"] for one in far_officer.get("/v1/registers").json()["items"]]
    assert (own["job"] in listed, theirs["job"] in listed) == (True, False)
    assert own["job"] in [one["job"] for one in officer.get("/v1/registers?limit=5").json()["items"]]
    assert job_of(sign(far_officer, own))["counts"] == {"enrolled": 1, "invalid": 1}


def test_nobody_but_officers_has_to_do_with_registers(officer: Client, seller: Actor, public_door: Client) -> None:
    job = job_of(upload(officer, file_of(row())))
    for answer in (
        upload(seller.client, file_of(row())),
        seller.client.get("/v1/registers"),
        seller.client.get(f"/v1/registers/{job['job']}"),
        sign(seller.client, job),
    ):
        problem(answer, "not-permitted", 403)
    problem(upload(public_door, file_of(row())), "not-authenticated", 401)


def test_a_register_given_up_is_not_signed(officer: Client) -> None:
    job = job_of(upload(officer, file_of(row(), ["", "x", "A"])))
    given_up = job_of(officer.post(f"/v1/registers/{job['job']}/cancellation", {}, key=key()))
    assert (given_up["state"], given_up["counts"]) == ("cancelled", {"cancelled": 1, "invalid": 1})
    assert problem(sign(officer, job), "invalid-request", 422)["errors"][0]["code"] == "bulk_cancelled"


@pytest.mark.parametrize(
    ("data", "query", "path"),
    [
        (b"a,b\n1,2\n", QUOTAS, "file"),
        (b"\x00\x01\x02", QUOTAS, "file"),
        (b"PK\x03\x04" + b"\x00" * 50, QUOTAS, "file"),
        (file_of(*itertools.repeat(["x", "y", "A"], 30_001)), QUOTAS, "file"),
        (file_of(["x", "y", "A"]), "quotas=A=1,A=2", "quotas"),
        (file_of(["x", "y", "A"]), "quotas=A=999999999999999", "quota_fen"),
    ],
)
def test_hostile_files_are_refused_whole(officer: Client, data: bytes, query: str, path: str) -> None:
    errors = problem(upload(officer, data, query), "invalid-request", 422)["errors"]
    assert errors[0]["path"] == path
    assert errors[0]["message"]
    assert errors[0]["message_zh"]


@pytest.mark.parametrize(
    "query", ["", "quotas=A", "quotas=A=-1", "quotas==1", "quotas=A=1,", "quotas=A=1&first_month=2026-13"]
)
def test_quotas_and_month_have_a_form(officer: Client, query: str) -> None:
    problem(upload(officer, file_of(row()), query), "invalid-parameter", 400)


def test_a_form_and_too_large_a_file_are_refused(officer: Client, installation: Installation) -> None:
    problem(upload(officer, b"{}", **{"content-type": "application/json"}), "unsupported-media-type", 415)
    size = installation.settings.upload_size_max + 1
    problem(upload(officer, b"x" * size), "body-too-large", 413)


def test_what_is_done_with_a_register_is_in_the_audit_log(officer: Client, installation: Installation) -> None:
    job = job_of(upload(officer, file_of(row(), row())))
    sign(officer, job)
    page = installation.ledger.audit_log.entries(installation.ledger.caller(1), about=job["job"], limit=20)
    assert {one.detail.get("change") for one in page.items} >= {"register_uploaded", "register_signing"}
