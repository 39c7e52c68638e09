"""`einvoice office` and `einvoice party grant --subject`: auditors, and administrators acting for their enterprise."""

from __future__ import annotations

from tests.cli.town import OFFICER, Town, enrolled


def test_an_auditor_is_appointed_reads_and_is_ended(town: Town) -> None:
    shell, auditor = town.shell, enrolled(town.shell, "孙审计")
    assert shell.run("supervision", "refusals", "--as", auditor).code == 1
    office = shell.done("office", "appoint", "auditor", auditor, "--as", 1, "--json").json
    assert (office["kind"], office["party"], office["ended_at"]) == ("auditor", auditor, None)
    shell.done("supervision", "refusals", "--as", auditor)
    refused = shell.run("key", "rotate", "--as", auditor)
    assert refused.code == 1
    assert "auditor reads" in refused.err.replace("\n", " ")
    assert "ended" in shell.done("office", "end", office["office"], "--as", 1).out
    assert shell.run("supervision", "refusals", "--as", auditor).code == 1


def test_an_administrator_grants_in_the_enterprise_s_name_and_each_use_is_listed(town: Town) -> None:
    shell = town.shell
    administrator, person = enrolled(shell, "管理员"), enrolled(shell, "新员工")
    office = shell.done("office", "appoint", "administrator", administrator, "--as", town.employer, "--json").json
    given = shell.done("party", "grant", person, "claim", "--as", administrator, "--subject", town.employer, "--json")
    (use,) = shell.done("office", "uses", office["office"], "--as", town.employer, "--json").json
    assert use["digest"] == given.json["digest"]
    assert given.json["digest"] in shell.done("office", "uses", office["office"], "--as", administrator).out
    taken = shell.done("party", "revoke", person, "claim", "--as", administrator, "--subject", town.employer)
    assert "recorded" in taken.out
    assert "administrator" in shell.done("office", "list", "--as", town.employer).out


def test_wrong_usage_of_offices_is_a_clear_error(town: Town) -> None:
    person = enrolled(town.shell, "候选")
    for arguments, text in (
        (["office", "appoint", "emperor", person, "--as", 1], "auditor, witness"),
        (["office", "appoint", "auditor", person, "--as", OFFICER], "authority"),
        (["office", "appoint", "auditor", town.seller, "--as", 1], "enterprise"),
        (["office", "end", 999, "--as", 1], "999"),
        (["office", "uses", 999, "--as", 1], "999"),
        (["party", "grant", person, "claim", "--as", person, "--subject", town.seller], "administrator"),
    ):
        answer = town.shell.run(*arguments)
        assert answer.code == 1, (arguments, answer)
        assert text in answer.err.replace("\n", " "), (arguments, answer.err)
