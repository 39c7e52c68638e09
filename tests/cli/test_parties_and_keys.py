"""`einvoice party` and `einvoice key`: what they do, and what they refuse."""

from __future__ import annotations

import pytest

from tests.cli.town import BUYER_TAX_ID, OFFICER, SELLER_TAX_ID, Town, enrolled

REFUSED = 3


def listed(town: Town, party: int) -> dict[str, object]:
    rows = town.shell.done("party", "list", "--as", OFFICER, "--json").json
    return next(row for row in rows if row["party"] == party)


def test_enrolling_prints_a_key_of_the_new_party_once(town: Town) -> None:
    answer = town.shell.done("party", "enrol", "李四", "--as", OFFICER)
    assert "recorded: party" in answer.out
    assert "api_key: einv_" in answer.out


def test_a_party_is_invited_by_link_and_leaves(town: Town) -> None:
    person = enrolled(town.shell, "王五")
    town.shell.done("party", "grant", person, "claim", "--as", town.employer)
    answer = town.shell.done("party", "invite", person, "--as", town.employer, "--json")
    (made,) = answer.json["items"]
    assert made["party"] == person
    assert made["link"].endswith(f"/invitation?i={made['invitation']}")
    assert made["link"] not in town.shell.done("party", "invite", person, "--as", OFFICER).out  # a newer one
    assert "recorded" in town.shell.done("party", "leave", person, "--as", town.employer).out
    refused = town.shell.run("party", "invite", person, "--as", town.employer)
    assert refused.code == 1
    assert "may not invite" in refused.err


def test_an_enterprise_is_enrolled_only_once(town: Town) -> None:
    answer = town.shell.run("party", "enrol", "冒名公司", "--as", OFFICER, "--tax-id", SELLER_TAX_ID)
    assert answer.code == 1
    assert f"party {town.seller}" in answer.err
    assert "已登记" in answer.err


@pytest.mark.parametrize("tax_id", ["91310112703255042X", "1", "", "９１３１０１１２７０３２５５０４２Ｒ"])
def test_an_enterprise_needs_a_tax_id_that_is_one(town: Town, tax_id: str) -> None:
    answer = town.shell.run("party", "enrol", "某公司", "--as", OFFICER, "--tax-id", tax_id)
    assert (answer.code, answer.out) == (1, "")
    assert "tax_id" in answer.err


@pytest.mark.parametrize("as_party", ["seller", "employee"])
def test_only_an_officer_enrols(town: Town, as_party: str) -> None:
    answer = town.shell.run("party", "enrol", "某人", "--as", getattr(town, as_party))
    assert answer.code == 1
    assert "officer" in answer.err


def test_a_party_nobody_knows_signs_nothing(town: Town) -> None:
    answer = town.shell.run("party", "enrol", "某人", "--as", 99)
    assert answer.code == 1
    assert "99" in answer.err


def test_a_quota_is_set_and_shown(town: Town) -> None:
    answer = town.shell.done("party", "quota", town.employer, 500_000, "--as", OFFICER, "--json")
    assert answer.json["status"] == "recorded"
    assert listed(town, town.employer)["quota_fen"] == 500_000
    assert "quota 500000 fen" in town.shell.done("party", "list", "--as", OFFICER).out


@pytest.mark.parametrize("fen", ["99999999999999999999", "1.5", "abc", "-1"])
def test_a_quota_out_of_range_is_refused(town: Town, fen: str) -> None:
    before = listed(town, town.seller)["quota_fen"]
    assert town.shell.run("party", "quota", town.seller, fen, "--as", OFFICER).code in (1, 2)
    assert listed(town, town.seller)["quota_fen"] == before


def test_a_segment_names_the_numbers_allotted(town: Town) -> None:
    first = town.shell.done("party", "segment", town.employer, "--as", OFFICER, "--json").json
    assert int(first["last_number"]) - int(first["first_number"]) == 9_999
    more = town.shell.done("party", "segment", town.employer, "--as", OFFICER, "--blocks", 2)
    assert f"first_number: {int(first['last_number']) + 1}" in more.out
    assert len(listed(town, town.employer)["segments"]) >= 2


@pytest.mark.parametrize("options", [("--blocks", "0"), ("--blocks", "-1"), ("--area", "12"), ("--area", "abcd")])
def test_a_segment_of_no_size_or_area_is_refused(town: Town, options: tuple[str, str]) -> None:
    assert town.shell.run("party", "segment", town.seller, "--as", OFFICER, *options).code in (1, 2)


def test_a_person_gets_no_segment(town: Town) -> None:
    assert town.shell.run("party", "segment", town.employee, "--as", OFFICER).code in (1, REFUSED)


def test_an_enterprise_grants_and_revokes(town: Town) -> None:
    shell = town.shell
    shell.done("party", "grant", town.employee, "claim", "finance", "--as", town.employer)
    assert listed(town, town.employer)["grants"] == [[town.employee, ["finance", "claim"]]]
    shell.done("party", "revoke", town.employee, "claim", "--as", town.employer)
    assert listed(town, town.employer)["grants"] == [[town.employee, ["finance"]]]


@pytest.mark.parametrize("command", ["grant", "revoke"])
def test_a_grant_that_is_none_is_named(town: Town, command: str) -> None:
    answer = town.shell.run("party", command, town.employee, "steal", "--as", town.employer)
    assert answer.code == 1
    assert "steal" in answer.err
    assert town.shell.run("party", command, 99, "claim", "--as", town.employer).code == 1
    assert town.shell.run("party", command, town.employee, "--as", town.employer).code == 2


def test_a_suspended_party_is_reinstated_once(town: Town) -> None:
    shell = town.shell
    someone = enrolled(shell, "王五")
    suspend = ("party", "suspend", someone, "--as", OFFICER, "--reason", "returns overdue", "--json")
    proposed = shell.done(*suspend).json["proposal_id"]
    assert listed(town, someone)["suspended"] is False
    assert [one["proposal_id"] for one in shell.done("proposal", "list", "--as", 1, "--open", "--json").json] == [
        proposed
    ]
    shown = shell.done("proposal", "show", proposed, "--as", 1).out
    assert f"by {OFFICER} " in shown
    assert suspend[suspend.index("--reason") + 1] in shown  # what the second officer decides by
    own = shell.run("proposal", "confirm", proposed, "--as", OFFICER)
    assert own.code == 1
    assert "own" in own.err
    assert shell.done("proposal", "confirm", proposed, "--as", 1, "--json").json["block"]
    assert shell.done("proposal", "show", proposed, "--as", OFFICER, "--json").json["state"] == "confirmed"
    assert listed(town, someone)["suspended"] is True
    once_more = shell.done(*suspend).json["proposal_id"]
    again = shell.run("proposal", "confirm", once_more, "--as", 1)
    assert again.code == REFUSED
    assert again.out.startswith("refused:")
    assert len(again.err.splitlines()) == 2  # the reason, in two languages
    shell.done("party", "reinstate", someone, "--as", OFFICER)
    assert listed(town, someone)["suspended"] is False
    assert shell.run("party", "reinstate", someone, "--as", OFFICER, "--json").json["refusal"]


def test_a_party_lists_only_what_it_may_see(town: Town) -> None:
    seen = town.shell.done("party", "list", "--as", town.employee).out
    assert "深圳咖啡有限公司" in seen
    assert BUYER_TAX_ID in seen
    stranger = enrolled(town.shell, "路人甲")
    assert "张三" not in town.shell.done("party", "list", "--as", stranger).out
    assert "张*" in town.shell.done("party", "list", "--as", OFFICER).out


def test_an_api_key_is_made_for_a_party_that_is_there(town: Town) -> None:
    assert town.shell.done("key", "api", town.seller, "--label", "till-1").out.startswith("einv_")
    made = town.shell.done("key", "api", town.seller, "--label", "till-2", "--json").json
    assert (made["party"], made["label"]) == (town.seller, "till-2")
    assert town.shell.run("key", "api", 99).code == 1
    assert town.shell.run("key", "api", town.seller, "--label", "x" * 5_000).code == 1


def test_an_api_key_is_narrow_listed_and_ended(town: Town) -> None:
    shell = town.shell
    made = shell.done("key", "api", town.seller, "--scope", "issue", "--scope", "read", "--days", "30", "--json").json
    assert (made["scopes"], made["state"]) == (["read", "issue"], "active")
    listed = {one["key_id"]: one for one in shell.done("key", "list", town.seller, "--json").json["items"]}
    assert listed[made["key_id"]]["expires_at"][:10] == made["expires_at"][:10]
    assert made["api_key"].rsplit("_")[-1] not in shell.done("key", "list", town.seller).out
    assert shell.run("key", "revoke", made["key_id"], "--as", town.employee).code == 1
    assert "revoked" in shell.done("key", "revoke", made["key_id"], "--as", town.seller).out
    assert f"{made['key_id']}  revoked" in shell.done("key", "list", town.seller).out
    assert shell.run("key", "api", town.seller, "--scope", "everything").code == 1
    assert shell.run("key", "api", town.seller, "--days", "2000").code == 1


def test_a_rotated_key_goes_on_signing(town: Town) -> None:
    answer = town.shell.done("key", "rotate", "--as", town.employer, "--json")
    assert answer.json["status"] == "recorded"
    town.shell.done("party", "grant", town.employee, "issue", "--as", town.employer)


def test_only_the_authority_recovers_a_key(town: Town) -> None:
    assert town.shell.done("key", "recover", town.seller, "--json").json["status"] == "recorded"
    for somebody in (OFFICER, town.employer):
        answer = town.shell.run("key", "recover", town.seller, "--as", somebody)
        assert answer.code in (1, REFUSED)
        assert answer.err
    assert town.shell.run("key", "recover", 99).code == 1


def test_an_officer_revokes_a_certificate_once(town: Town) -> None:
    shell = town.shell
    someone = enrolled(shell, "赵六")
    (before,) = shell.done("party", "certificates", someone, "--as", OFFICER, "--json").json
    assert (before["state"], before["reason"]) == ("current", None)
    revoke = ("party", "revoke-certificate", someone, "--as", OFFICER)
    assert shell.done(*revoke, "--reason", "key_compromise", "--json").json["block"]
    listed_now = shell.done("party", "certificates", someone, "--as", someone).out
    assert before["certificate_hash"] in listed_now
    assert f"by {OFFICER}: key_compromise" in listed_now
    assert shell.run(*revoke, "--reason", "key_compromise").code == REFUSED
    named = shell.run(*revoke, "--reason", "superseded", "--certificate", before["certificate_hash"])
    assert named.code == REFUSED


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--reason", "certificate_hold"), "key_compromise"),
        (("--reason", "key_compromise", "--certificate", "1" * 64), "certificate"),
        (("--reason", "key_compromise", "--certificate", "0x12"), "64"),
    ],
)
def test_what_cannot_be_revoked_is_named(town: Town, options: tuple[str, ...], told: str) -> None:
    answer = town.shell.run("party", "revoke-certificate", town.employee, "--as", OFFICER, *options)
    assert (answer.code, answer.out) == (1, "")
    assert told in answer.err
    assert town.shell.run("party", "revoke-certificate", town.employee, "--as", OFFICER).code == 2
    (kept,) = town.shell.done("party", "certificates", town.employee, "--as", OFFICER, "--json").json
    assert kept["revoked_at"] is None


def test_an_officer_is_appointed_for_a_district_moved_and_dismissed(town: Town) -> None:
    shell = town.shell
    made = shell.done("officer", "appoint", "李税官", "--as", 1, "--district", "3301", "--json").json
    officer = made["party"]
    assert made["api_key"].startswith("einv_")
    assert town.employer not in [one["party"] for one in shell.done("party", "list", "--as", officer, "--json").json]
    wrong = shell.run("officer", "district", officer, "330", "--as", 1)
    assert wrong.code == 1
    assert "GB/T 2260" in wrong.err
    assert shell.run("officer", "district", officer, "44", "--as", OFFICER).code == 1
    assert shell.done("officer", "district", officer, "44", "--as", 1, "--json").json["district"] == "44"
    shell.done("officer", "dismiss", officer, "--as", 1)
    assert shell.run("proposal", "list", "--as", officer).code == 1
