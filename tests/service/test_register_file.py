"""A whole register of enterprises: a result a row, going on after a break, classes, keys kept and own."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import Workbook

from ledger.domain.key_proof import Purpose
from ledger.service import InvalidRequest, NotPermitted
from ledger.service.register_file import RegisterFile, RowStatus, results_csv
from tests.service.conftest import Cast
from tests.service.own_keys import Wallet
from tests.service.world import SERIALS, World, tax_id

QUOTAS = {"A": 10**9, "B": 10**6}
HEAD = ["企业名称", "统一社会信用代码", "额度等级", "密钥地址", "签名时间", "签名", "备注"]


def file_of(rows: list[list[str]], head: list[str] = HEAD) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue().encode()


def row(name: str = "登记公司", code: str | None = None, quota_class: str = "A") -> list[str]:
    return [name, tax_id(next(SERIALS)) if code is None else code, quota_class]


def statuses(results: object) -> list[RowStatus]:
    return [one.status for one in results]  # type: ignore[attr-defined]


def test_every_row_has_its_result(world: World, cast: Cast) -> None:
    wallet, own, twice = Wallet(), row("自管登记公司"), row()
    proof = wallet.proof(world.ledger, Purpose.ENROL, f"enterprise:{own[1]}", own[0])
    signed = [proof.address, str(proof.time), proof.signature]
    rows = [
        row(), row("乙级公司", quota_class="B"), [*own, *signed],
        row(quota_class="C"), row(name=""), row(code="91440300MA5F0000XX"), twice, twice,
        row(code=world.tax_ids[cast.seller.party]), row("=1+1"),
        [*row(), *signed], [*row(), proof.address],
    ]  # fmt: skip
    seen: list[tuple[int, int]] = []
    results = world.ledger.register_file.enrol(
        world.officer, file_of(rows), quotas=QUOTAS, moved=lambda done, of: seen.append((done, of))
    )
    enrolled, invalid = RowStatus.ENROLLED, RowStatus.INVALID
    assert statuses(results) == [
        enrolled, enrolled, enrolled, invalid, invalid, invalid, enrolled, invalid, RowStatus.BEFORE, invalid, invalid,
        invalid,
    ]  # fmt: skip
    assert [one.row.number for one in results] == list(range(2, 14))
    assert seen[-1] == (12, 12)
    for one, code in zip(
        results[3:6] + results[9:], ("class", "name", "tax_id", "name", "signature", "time"), strict=True
    ):
        assert one.reason.startswith(f"{code}: ")
    parties = [world.ledger.party(world.officer, one.party or 0) for one in results[:3]]
    assert [one.quota_fen for one in parties] == [10**9, 10**6, 10**9]
    assert [one.tax_id for one in parties] == [one[1] for one in rows[:3]]
    assert results[8].party == cast.seller.party
    caller = world.ledger.caller(parties[2].party)
    with world.ledger.context.reading() as connection:
        assert "0x" + world.ledger.context.signer_of(connection, caller.party).hex() == wallet.address.lower()
        assert world.ledger.context.kept_key(connection, caller.party) is None
        assert world.ledger.context.kept_key(connection, parties[0].party) is not None


def test_the_same_file_goes_on_after_a_break(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.service.register_file.GROUP_OPERATIONS_MAX", 2)
    data = file_of([row() for _ in range(6)])

    class Killed(BaseException):
        pass

    def kill_after(done: int, _of: int) -> None:
        if done >= 2:
            raise Killed

    with pytest.raises(Killed):
        world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS, moved=kill_after)
    results = world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS)
    assert statuses(results) == [RowStatus.BEFORE] * 2 + [RowStatus.ENROLLED] * 4
    again = world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS)
    assert statuses(again) == [RowStatus.BEFORE] * 6
    assert [one.party for one in again] == [one.party for one in results]


def test_killed_while_a_group_waits_nothing_is_enrolled_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group is durable and no block has it yet: the next run waits for it instead of signing another."""
    monkeypatch.setattr("ledger.service.register_file.GROUP_WAIT_MS", 50)
    data = file_of([row() for _ in range(3)])
    with world.sequencing.held():
        first = world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS)
        assert statuses(first) == [RowStatus.WAITING] * 3
        waiting = world.ledger.health().waiting_groups
        assert statuses(world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS)) == [RowStatus.WAITING] * 3
        assert world.ledger.health().waiting_groups == waiting
    monkeypatch.setattr("ledger.service.register_file.GROUP_WAIT_MS", 20_000)
    assert statuses(world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS)) == [RowStatus.BEFORE] * 3


def test_one_refused_row_does_not_stop_its_group(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An enterprise enrolled by somebody else between look-up and block: the contract refuses that row alone."""
    rows = [row() for _ in range(4)]
    accepted, raced = RegisterFile._accepted, rows[1][1]

    def slow(self: RegisterFile, caller: object, entries: list[object], month: object) -> bytes:
        digest: bytes
        if any(one.row.tax_id == raced for one in entries):  # type: ignore[attr-defined]
            with world.sequencing.held():
                hurried = world.hurried()
                hurried.enrol(
                    world.officer, kind="enterprise", name="先到公司", tax_id=raced, idempotency_key=world.key()
                )
                digest = accepted(self, caller, entries, month)  # type: ignore[arg-type]
        else:
            digest = accepted(self, caller, entries, month)  # type: ignore[arg-type]
        return digest

    monkeypatch.setattr(RegisterFile, "_accepted", slow)
    results = world.ledger.register_file.enrol(world.officer, file_of(rows), quotas=QUOTAS)
    assert statuses(results) == [RowStatus.ENROLLED, RowStatus.REFUSED, RowStatus.ENROLLED, RowStatus.ENROLLED]
    assert results[1].reason


def test_a_workbook_is_read_too(world: World) -> None:
    book, file, made = Workbook(), io.BytesIO(), row("表格公司")
    book.active.append(["登记表"])
    book.active.append(["Name", "Tax ID", "Class"])
    book.active.append(made)
    book.save(file)
    (result,) = world.ledger.register_file.enrol(world.officer, file.getvalue(), quotas=QUOTAS)
    assert (result.status, result.row.number, result.row.tax_id) == (RowStatus.ENROLLED, 3, made[1])


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "file_empty"), (b"a,b\n1,2\n", "register_head"), (file_of([]), "sheet_empty"), (b"\0", "sheet_unknown"),
     (file_of([["x"]] * 30_001), "sheet_rows")],
)  # fmt: skip
def test_files_that_are_no_register_are_refused(world: World, data: bytes, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS)
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("file", code)


def test_officers_alone_enrol_a_register(world: World, cast: Cast) -> None:
    with pytest.raises(NotPermitted):
        world.ledger.register_file.enrol(cast.seller, file_of([row()]), quotas=QUOTAS)
    with pytest.raises(InvalidRequest):
        world.ledger.register_file.enrol(world.officer, file_of([row()]), quotas={})


def test_results_are_a_sheet_without_formulas_or_secrets(world: World) -> None:
    results = world.ledger.register_file.enrol(world.officer, file_of([row("'+公司"), row()]), quotas=QUOTAS)
    text = results_csv(results).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(text)))
    assert read[0][0] == "row"
    assert [line[4] for line in read[1:]] == ["enrolled", "enrolled"]
    assert read[1][1].startswith("'")
    assert "einv_" not in text
