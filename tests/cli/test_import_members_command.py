"""`einvoice party import`: a file of members granted and invited, or refused whole and each wrong row named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.service.members import MEMBERS_MAX
from tests.cli.town import OFFICER, Town, enrolled
from tests.formats.sheet_making import xlsx_of


@pytest.fixture(scope="module")
def people(town: Town) -> tuple[int, int]:
    return enrolled(town.shell, "导入甲"), enrolled(town.shell, "导入乙")


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return tmp_path / "staff.csv"


def grants_of(town: Town) -> dict[int, list[str]]:
    rows = town.shell.done("party", "list", "--as", OFFICER, "--json").json
    return dict(next(row for row in rows if row["party"] == town.employer)["grants"])


def test_a_file_is_granted_and_its_links_stay_in_a_private_file(
    town: Town, people: tuple[int, int], sheet: Path, tmp_path: Path
) -> None:
    one, two = people
    links = tmp_path / "links.csv"
    sheet.write_text(f"person,grants,invite\n{two},claim finance,\n{one},Claim,yes\n", encoding="utf-8")
    bare = town.shell.run("party", "import", sheet, "--as", town.employer)
    assert bare.code == 2
    assert "--links" in bare.err
    assert one not in grants_of(town)
    done = town.shell.done("party", "import", sheet, "--as", town.employer, "--links", links, "--json")
    assert [(row["row"], row["person"], row["state"], row["invited"]) for row in done.json["rows"]] == [
        (2, two, "signed", False), (3, one, "signed", True),
    ]  # fmt: skip
    assert done.json["status"] == "recorded"
    assert (grants_of(town)[one], grants_of(town)[two]) == (["claim"], ["finance", "claim"])
    head, line = links.read_text().splitlines()
    assert head == "person,link,expires_at"
    assert line.startswith(f"{one},http")
    assert links.stat().st_mode & 0o777 == 0o600
    assert line.split("i=")[1].split(",")[0] not in done.out
    # the file is not written over, and a list of people who hold it all is no list
    assert town.shell.run("party", "import", sheet, "--as", town.employer, "--links", links).code == 2
    assert links.read_text().splitlines()[1] == line
    again = town.shell.run("party", "import", sheet, "--as", town.employer, "--links", tmp_path / "more.csv")
    assert "members_held" in again.err
    assert not (tmp_path / "more.csv").exists()


def test_a_workbook_is_read_and_links_are_printed_when_asked(town: Town, tmp_path: Path) -> None:
    person = enrolled(town.shell, "导入丙")
    book = tmp_path / "staff.xlsx"
    book.write_bytes(xlsx_of([["人员", "授权", "邀请", "部门"], [person, "claim、finance", "是", "财务部"]]))
    shown = town.shell.done("party", "import", book, "--as", town.employer, "--links", "-", "--json").json
    assert "/invitation?i=" in shown["rows"][0]["link"]
    assert grants_of(town)[person] == ["finance", "claim"]


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("", "file_empty", "file"),
        ("who,what\n1,claim\n", "members_head", "file"),
        ("person,grants\n", "members_empty", "file"),
        ("person,grants\n" + "900001,claim\n" * (MEMBERS_MAX + 1), "sheet_rows", "file"),
        ("person,grants\n{one},claim\n{one},finance\n", "member_twice", "row 3: person"),
        ("person,grants\n{one},steal\n", "grant_unknown", "row 2: grants.0"),
        ("person,grants\n{one},\n", "count_range", "row 2: grants"),
        ("notice\nperson,grants\n{one},issue\n99999,issue\n", "party_unknown", "row 4: person"),
        ("person,grants\n{one},issue\nLi Ming,issue\n", "party_unknown", "row 3: person"),
        ("person,grants\n{one},issue\n{officer},issue\n", "party_kind", "row 3: person"),
        ("person,grants,invite\n{one},issue,perhaps\n", "member_invite", "row 2: invite"),
        ("person,grants\n=1+1,issue\n", "register_cell", "row 2: person"),
    ],
)
def test_a_wrong_row_is_named_as_the_file_counts_it_and_nobody_is_granted(
    town: Town, people: tuple[int, int], sheet: Path, text: str, code: str, where: str
) -> None:
    before = grants_of(town)
    sheet.write_text(text.format(one=people[0], officer=OFFICER), encoding="utf-8")
    refused = town.shell.run("party", "import", sheet, "--as", town.employer)
    assert refused.code == 1
    assert f"[{code}]" in refused.err.replace("\n", "")
    assert where in refused.err
    assert grants_of(town) == before


def test_an_administrator_imports_and_a_stranger_does_not(town: Town, sheet: Path) -> None:
    head, member = enrolled(town.shell, "导入管理员"), enrolled(town.shell, "导入丁")
    sheet.write_text(f"person;grants\n{member};claim\n", encoding="utf-8")
    command = ("party", "import", sheet, "--as", head, "--subject", town.employer)
    assert "administrator" in town.shell.run(*command).err
    assert member not in grants_of(town)
    town.shell.done("office", "appoint", "administrator", head, "--as", town.employer)
    assert town.shell.done(*command).out.split()[:5] == ["row", "2", str(member), "claim", "signed"]
    assert grants_of(town)[member] == ["claim"]


def test_the_same_key_grants_once(town: Town, sheet: Path) -> None:
    member = enrolled(town.shell, "导入戊")
    sheet.write_text(f"person,grants\n{member},claim\n", encoding="utf-8")
    command = ("party", "import", sheet, "--as", town.employer, "--key", "staff-1", "--json")
    assert town.shell.done(*command).json["digest"] == town.shell.done(*command).json["digest"]
