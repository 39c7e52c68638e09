"""`einvoice bulk --key`: a sheet of a party that keeps its key, shown, signed and submitted in one command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account

from ledger.domain.groups import Group
from ledger.domain.typed_data import group_typed_data
from ledger.identity.signing import new_key
from ledger.service import Ledger
from ledger.service.signing_drafts import SigningDrafts
from ledger.settings import Settings
from tests.cli.test_bulk_and_papers import issued, sheet, table, wait_for_some
from tests.cli.town import OFFICER, Town, enrolled
from verifier.operations import Code, Operation

PASSWORD = {"EINVOICE_KEY_PASSWORD": "correct horse battery"}


def key_file_at(path: Path) -> Path:
    """A new key in a file whose password costs little to try: scrypt takes a second otherwise."""
    content = Account.encrypt(new_key(), PASSWORD["EINVOICE_KEY_PASSWORD"], iterations=1024)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def own(town: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """A seller with numbers that keeps its key, and its key file."""
    directory = tmp_path_factory.mktemp("own")
    seller = enrolled(town.shell, "自管批量公司", "--tax-id", "91440300192181490G", "--quota-fen", 10**9)
    town.shell.done("party", "segment", seller, "--as", OFFICER)
    key_file, proof = key_file_at(directory / "my.key"), directory / "proof.json"
    proved = town.shell.done("key", "prove", key_file, "--replace", "--identity", f"party:{seller}", **PASSWORD)
    proof.write_text(proved.out)
    town.shell.done("key", "rotate", "--as", seller, "--own", proof)
    return seller, key_file


def test_sheet_is_signed_by_the_key_file_after_saying_what(
    town: Town, own: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.service.bulk_steps.GROUP_OPERATIONS_MAX", 2)
    seller, key_file = own
    file, results = sheet(tmp_path / "own-may.csv", 5), tmp_path / "results.csv"
    signed = town.shell.run(
        "bulk", file, "--as", seller, "--sign", "--key", key_file, "--results", results, "--lang", "en", **PASSWORD
    )
    assert (signed.code, "done: 5 invoices recorded" in signed.out) == (0, True), signed
    assert "3 signatures: issue 5 invoices, gross 5.15 yuan, " in signed.err
    numbers = [line["number"] for line in table(results)]
    assert f"{min(numbers)} to {max(numbers)}" in signed.err
    assert len(set(numbers)) == 5


def test_without_its_key_the_sheet_waits_and_is_signed_later(town: Town, own: tuple[int, Path], tmp_path: Path) -> None:
    seller, key_file = own
    waiting = town.shell.run("bulk", sheet(tmp_path / "own-june.csv", 2), "--as", seller, "--sign", "--json")
    shown = json.loads(waiting.out)
    assert (waiting.code, shown["state"], shown["sums"]["drafted"]["count"]) == (0, "draft", 2)
    (draft,) = shown["drafts"]
    said = town.shell.run("bulk", "--job", shown["job"], "--as", seller, "--sign")
    assert f"draft {draft['digest']}: 2 invoices, 2.06 yuan, {draft['first_number']}" in said.out
    assert f"einvoice bulk --job {shown['job']} --as {seller} --sign --key" in said.out
    other = key_file_at(tmp_path / "other.key")
    words = ("bulk", "--job", shown["job"], "--as", seller, "--sign", "--key")
    refused = town.shell.run(*words, other, **PASSWORD)
    assert (refused.code, f"not the key of party {seller}" in refused.err) == (1, True), refused
    signed = town.shell.run(*words, key_file, **PASSWORD)
    assert (signed.code, "done: 2 invoices recorded" in signed.out) == (0, True), signed


def test_a_draft_that_is_more_than_the_sheets_invoices_is_not_signed(
    town: Town, own: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the database puts another of the party's drafts where the sheet's stood."""
    seller, key_file = own
    plain, submitted = SigningDrafts._view, []

    def exchanged(self: SigningDrafts, stored: object) -> object:
        view = plain(self, stored)  # type: ignore[arg-type]
        evil = Group(seller, 2**32, (Operation(code=Code.GRANT, subject=seller, number=OFFICER, party=OFFICER),))
        return replace(view, typed_data=group_typed_data(evil, self._context.domain))

    monkeypatch.setattr(SigningDrafts, "_view", exchanged)
    monkeypatch.setattr(SigningDrafts, "sign", lambda *given, **_: submitted.append(given))
    file = sheet(tmp_path / "own-august.csv", 1)
    refused = town.shell.run("bulk", file, "--as", seller, "--sign", "--key", key_file, **PASSWORD)
    assert (refused.code, submitted) == (1, [])
    assert "not signed" in refused.err


def test_audit_finds_nothing_in_sheets_that_wait_and_were_signed(
    town: Town, own: tuple[int, Path], tmp_path: Path
) -> None:
    seller, key_file = own
    signed = town.shell.run(
        "bulk", sheet(tmp_path / "own-september.csv", 1), "--as", seller, "--sign", "--key", key_file, **PASSWORD
    )
    assert signed.code == 0, signed
    town.shell.run("bulk", sheet(tmp_path / "own-october.csv", 1), "--as", seller, "--sign")
    audited = town.shell.run("audit", "--full")
    assert audited.code == 0, audited


@pytest.mark.slow
def test_killed_between_two_signatures_it_goes_on_and_issues_nothing_twice(
    town: Town, own: tuple[int, Path], tmp_path: Path, ended: list[subprocess.Popen[str]]
) -> None:
    count = 520  # three signatures
    seller, key_file = own
    shell = town.shell
    with Ledger.open(Settings(data_dir=shell.data_dir)) as ledger:
        before = len(issued(ledger, seller))
    job = shell.done("bulk", sheet(tmp_path / "own-november.csv", count), "--as", seller, "--json").json["job"]
    words = ("bulk", "--job", job, "--as", seller, "--sign", "--key", key_file)
    process = shell.spawn(*words, **PASSWORD)
    ended.append(process)
    signed = wait_for_some(shell, seller, job)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < signed <= count
    results = tmp_path / "november-results.csv"
    gone_on = shell.run(*words, "--results", results, "--lang", "en", **PASSWORD)
    assert (gone_on.code, f"done: {count} invoices recorded" in gone_on.out) == (0, True), gone_on
    assert len({line["number"] for line in table(results)}) == count
    with Ledger.open(Settings(data_dir=shell.data_dir)) as ledger:
        assert len(issued(ledger, seller)) == before + count
