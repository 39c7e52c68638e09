"""`einvoice till`: a till's key, its registration, and orders that a served ledger turns into one invoice each."""

from __future__ import annotations

import html
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.cli.test_cli_processes import served
from tests.cli.town import Answer, Shell, Town, enrolled

pytestmark = pytest.mark.slow
USAGE = 2
LIMIT_S = 120
ITEM = "*餐饮服务*餐费:600"


def ran(shell: Shell, *arguments: Any, **environment: str) -> Answer:
    """A command in a process of its own, run to its end."""
    process = shell.spawn(*arguments, **environment)
    out, err = process.communicate(timeout=LIMIT_S)
    assert "Traceback" not in err
    return Answer(process.returncode, out, err)


def done(shell: Shell, *arguments: Any, **environment: str) -> Answer:
    answer = ran(shell, *arguments, **environment)
    assert (answer.code, answer.err) == (0, ""), answer
    return answer


@pytest.fixture(scope="module")
def key(town: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A till's key file and its public key."""
    file = tmp_path_factory.mktemp("till") / "till.key"
    made = done(town.shell, "till", "key", file, "--json").json
    assert made["file"] == str(file)
    return file, made["public_key"]


@pytest.fixture(scope="module")
def till(town: Town, key: tuple[Path, str]) -> str:
    made = done(town.shell, "till", "register", key[1], "--as", town.seller, "--name", "一号", "--item", ITEM, "--json")
    assert (made.json["seller"], made.json["clerk"]) == (town.seller, town.seller)
    return str(made.json["till_id"])


def order(shell: Shell, key: tuple[Path, str], till: str, *arguments: Any) -> dict[str, Any]:
    made = done(shell, "till", "order", key[0], "--till", till, *arguments, "--json").json
    assert parse_qs(urlsplit(made["address"]).query)["o"] == [made["order"]]
    return dict(made)


def shown(answer: httpx.Response) -> str:
    return html.unescape(answer.text)


def test_an_order_signed_off_line_is_collected_once_on_the_served_page(
    town: Town, key: tuple[Path, str], till: str, ended: list[subprocess.Popen[str]]
) -> None:
    text = order(town.shell, key, till, "--id", "A-1", "--line", "1:10600", "--line", "*餐饮服务*酒水:600:5300")
    assert text["gross_fen"] == 15_900
    process, url = served(town.shell, ended)
    offer = httpx.get(f"{url}/collect", params={"o": text["order"], "lang": "zh"}, timeout=LIMIT_S)
    assert offer.status_code == 200
    assert "159.00" in shown(offer)
    assert "酒水" in shown(offer)
    form = {"o": text["order"], "name": "食客", "tax_id": "", "lang": "zh"}
    first, again = (httpx.post(f"{url}/collect", data=form, timeout=LIMIT_S) for _ in range(2))
    numbers = [re.findall(r"\b9[0-9]{19}\b", shown(one)) for one in (first, again)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert numbers[0]
    assert numbers[0] == numbers[1]
    other = httpx.post(f"{url}/collect", data={**form, "name": "别人"}, timeout=LIMIT_S)
    assert other.status_code == 400
    assert numbers[0][0] not in other.text
    bent = text["order"][:-2] + ("AA" if text["order"][-2:] != "AA" else "BB")
    for foreign in (bent, "x"):
        assert httpx.post(f"{url}/collect", data={**form, "o": foreign}, timeout=LIMIT_S).status_code == 400
    process.terminate()
    assert process.wait(LIMIT_S) == 0


def test_an_order_is_signed_without_a_ledger_and_drawn(key: tuple[Path, str], till: str, tmp_path: Path) -> None:
    nowhere = Shell(tmp_path / "none")
    made = done(
        nowhere, "till", "order", key[0], "--till", till, "--id", "A-2", "--line", "1:1", "--qr",
        EINVOICE_PUBLIC_URL="https://bills.example/",
    )  # fmt: skip
    assert made.out.startswith("https://bills.example/collect?o=")
    assert made.out.count("\n") > 10
    assert not nowhere.data_dir.exists()


def test_a_till_key_is_its_owners_alone_and_never_overwritten(town: Town, key: tuple[Path, str]) -> None:
    file, public = key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert public not in before.decode()
    again = ran(town.shell, "till", "key", file)
    assert (again.code, again.out) == (USAGE, "")
    assert "exists" in again.err
    assert file.read_bytes() == before


def test_a_till_key_is_at_no_moment_anybody_elses_to_read(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    replace = Path.replace

    def looked_at(path: Path, target: Path) -> Path:
        seen.append(stat.S_IMODE(path.stat().st_mode))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", looked_at)
    before = os.umask(0)
    try:
        town.shell.done("till", "key", tmp_path / "till.key")
    finally:
        os.umask(before)
    assert seen == [0o600]


def test_a_key_that_cannot_be_written_is_said(town: Town, tmp_path: Path) -> None:
    answer = ran(town.shell, "till", "key", tmp_path / "none" / "till.key")
    assert answer.code != 0
    assert str(tmp_path / "none" / "till.key") in answer.err


@pytest.mark.parametrize(
    "line",
    [
        "1",
        "1:x",
        "1:-5",
        "1:0",
        "0:100",
        "101:100",
        "x:100",
        "a:b:c",
        ":600:100",
        "1:10.5",
        "1:１００",
        "1:" + "9" * 16,
    ],
)
def test_a_line_that_is_none_is_named(town: Town, key: tuple[Path, str], till: str, line: str) -> None:
    answer = town.shell.run("till", "order", key[0], "--till", till, "--id", "A-3", "--line", line)
    assert (answer.code, answer.out) == (USAGE, "")


@pytest.mark.parametrize(
    ("till_id", "order_id", "lines", "expires_in_s"),
    [
        ("0f", "A", 1, 60),
        ("0" * 15 + "G", "A", 1, 60),
        ("0" * 16, "", 1, 60),
        ("0" * 16, "a:b", 1, 60),
        ("0" * 16, "A" * 65, 1, 60),
        ("0" * 16, "订单", 1, 60),
        ("0" * 16, "A", 9, 60),
        ("0" * 16, "A", 1, 2**41),
        ("0" * 16, "A", 1, -(2**41)),
    ],
)
def test_what_makes_no_order_is_named(
    town: Town, key: tuple[Path, str], till_id: str, order_id: str, lines: int, expires_in_s: int
) -> None:
    wanted = [item for _ in range(lines) for item in ("--line", "1:100")]
    answer = town.shell.run(
        "till", "order", key[0], "--till", till_id, "--id", order_id, "--expires-in-s", expires_in_s, *wanted
    )
    assert (answer.code, answer.out) == (USAGE, "")


def test_a_file_that_holds_no_key_is_named(town: Town, till: str, tmp_path: Path) -> None:
    for content in (b"", b"xyz", b"00" * 31, b"\xff\xfe", b"00" * 33):
        file = tmp_path / "bad.key"
        file.write_bytes(content)
        answer = town.shell.run("till", "order", file, "--till", till, "--id", "A", "--line", "1:100")
        assert (answer.code, answer.out) == (USAGE, ""), content
        assert "bad.key" in answer.err


def test_another_enterprise_or_person_registers_no_till_for_the_seller(town: Town, key: tuple[Path, str]) -> None:
    stranger = enrolled(town.shell, "路人")
    answer = town.shell.run("till", "register", "ab" * 32, "--as", stranger)
    assert answer.code != 0
    known = town.shell.run("till", "register", key[1], "--as", town.employer)
    assert known.code != 0
    clerk = town.shell.run("till", "register", "cd" * 32, "--as", town.seller, "--clerk", stranger)
    assert clerk.code != 0
    for wrong in ("ab", "AB" * 32, "zz" * 32):
        assert town.shell.run("till", "register", wrong, "--as", town.seller).code != 0
    for item in ("餐费", ":600", "餐费:x", "餐费:6.5", "餐费:10001", "餐费:²"):
        assert town.shell.run("till", "register", "ef" * 32, "--as", town.seller, "--item", item).code != 0
