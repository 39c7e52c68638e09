"""A list of members over HTTP: granted, invited, and refused with every wrong row named."""

from __future__ import annotations

import pytest

from tests.api.conftest import Answer, Client
from tests.api.test_life_of_an_invoice import Actor, done, enrolled, key
from tests.api.test_problem_shapes import assert_problem


@pytest.fixture(scope="module")
def firm(officer: Client) -> Actor:
    return enrolled(officer, "enterprise", "导入公司")


def listed(by: Actor, *rows: dict[str, object], name: str | None = None, **more: object) -> Answer:
    return by.client.post("/v1/members", {"rows": list(rows), **more}, key=name or key())


def wrong(answer: Answer) -> list[tuple[str, str]]:
    problem = assert_problem(answer, "invalid-request")
    assert all(one["message"] and one["message_zh"] for one in problem["errors"])
    return [(one["path"], one["code"]) for one in problem["errors"]]


def test_members_are_granted_and_invited_in_one_group(officer: Client, firm: Actor) -> None:
    one, two = enrolled(officer, "person", "网络甲"), enrolled(officer, "person", "网络乙")
    rows = [{"person": two.party, "grants": ["finance", "claim"]},
            {"person": one.party, "grants": ["claim"], "invite": True}]  # fmt: skip
    name = key()
    made = done(listed(firm, *rows, name=name), "import_members")
    assert [(row["person"], row["state"]) for row in made["rows"]] == [(two.party, "signed"), (one.party, "signed")]
    assert made["rows"][0]["invitation"] is None
    invitation = made["rows"][1]["invitation"]
    assert invitation["link"].endswith(f"/invitation?i={invitation['invitation']}")
    again = done(listed(firm, *rows, name=name), "import_members")
    assert again["digest"] == made["digest"]
    assert again["rows"][1]["invitation"] is None
    assert_problem(listed(firm, rows[0], name=name), "idempotency-conflict")
    shown = done(one.client.get(f"/v1/parties/{one.party}"), "read_party")
    assert shown["party"] == one.party


def test_every_wrong_row_is_named(officer: Client, firm: Actor) -> None:
    one, two = enrolled(officer, "person", "网络丙"), enrolled(officer, "person", "网络丁")
    good = {"person": one.party, "grants": ["claim"]}
    other = {"person": two.party, "grants": ["claim"]}
    elsewhere = enrolled(officer, "enterprise", "导入别家")
    done(listed(elsewhere, other), "import_members")
    for rows, found in (
        ([good, {"person": 999_999, "grants": ["claim"]}], [("rows.1.person", "party_unknown")]),
        ([good, {"person": firm.party, "grants": ["claim"]}], [("rows.1.person", "party_kind")]),
        ([good, {**good, "grants": ["finance"]}], [("rows.1.person", "member_twice")]),
        ([good, {**other, "invite": True}], [("rows.1.invite", "member_not_invited")]),
    ):
        assert wrong(listed(firm, *rows)) == found
    assert [path for path, _ in wrong(listed(firm, good, {**other, "grants": ["steal"]}))] == ["rows.1.grants.0"]
    assert [path for path, _ in wrong(listed(firm, *[good] * 201))] == ["rows"]
    assert_problem(listed(one, other, subject=firm.party), "not-permitted")
    made = done(listed(firm, good, other), "import_members")  # nothing of the refused lists was granted
    assert [row["state"] for row in made["rows"]] == ["signed", "signed"]
