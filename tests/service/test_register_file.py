"""A whole register of enterprises: a result a row, going on after a break, classes, keys kept and own."""

from __future__ import annotations

import csv
import io
from contextlib import nullcontext
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import text

from ledger.domain.key_proof import Purpose
from ledger.projection import BulkState, bulk_jobs
from ledger.service import Caller, InvalidRequest, NoSigningKey, NotFound, NotPermitted, instructions
from ledger.service.bulk_steps import Step
from ledger.service.bulk_views import BulkStop
from ledger.service.register_signing import RegisterSigning
from ledger.service.register_views import RegisterRowView, RegisterView, RowStatus
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


def rows_of(world: World, view: RegisterView, caller: Caller | None = None) -> list[RegisterRowView]:
    return list(world.ledger.register_file.every_row(caller or world.officer, view.job))


def enrolled(world: World, data: bytes, caller: Caller | None = None, **asked: Any) -> list[RegisterRowView]:
    """Rows of a file after one run."""
    done = world.ledger.register_file.enrol(caller or world.officer, data, quotas=QUOTAS, **asked)
    return rows_of(world, done, caller)


def statuses(results: list[RegisterRowView]) -> list[RowStatus]:
    return [one.status for one in results]


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
    results = enrolled(world, file_of(rows), moved=lambda done, of: seen.append((done, of)))
    done, wrong = RowStatus.ENROLLED, RowStatus.INVALID
    assert statuses(results) == [
        done, done, done, wrong, wrong, wrong, done, wrong, RowStatus.BEFORE, wrong, wrong, wrong,
    ]  # fmt: skip
    assert [one.row for one in results] == list(range(2, 14))
    assert seen[-1] == (12, 12)
    for one, code in zip(
        results[3:6] + results[9:], ("class", "name", "tax_id", "name", "signature", "time"), strict=True
    ):
        assert one.problems[0].path == code
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
    monkeypatch.setattr("ledger.service.bulk_steps.GROUP_OPERATIONS_MAX", 2)
    monkeypatch.setattr("ledger.service.register_file.STEP_MS", 1)
    data = file_of([row() for _ in range(6)])

    class Killed(BaseException):
        pass

    def kill_after(done: int, _of: int) -> None:
        if done >= 2:
            raise Killed

    with pytest.raises(Killed):
        world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS, moved=kill_after)
    results = enrolled(world, data)
    assert statuses(results) == [RowStatus.ENROLLED] * 6
    again = enrolled(world, data)
    assert statuses(again) == [RowStatus.BEFORE] * 6
    assert [one.party for one in again] == [one.party for one in results]


def test_killed_while_a_group_waits_nothing_is_enrolled_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group is durable and no block has it yet: the next run waits for it instead of signing another."""
    monkeypatch.setattr("ledger.service.register_file.STEP_MS", 20)
    data = file_of([row() for _ in range(3)])
    with world.sequencing.held():
        with monkeypatch.context() as hurried:
            hurried.setattr("ledger.service.register_file.STUCK_S", 0.05)
            assert statuses(enrolled(world, data)) == [RowStatus.WAITING] * 3
            waiting = world.ledger.health().waiting_groups
            assert statuses(enrolled(world, data)) == [RowStatus.WAITING] * 3
            other = file_of([["其他公司", *one.split(",")[1:3]] for one in data.decode().splitlines()[1:]])
            assert statuses(enrolled(world, other)) == [RowStatus.READY] * 3
        assert world.ledger.health().waiting_groups == waiting
    assert statuses(enrolled(world, data)) == [RowStatus.ENROLLED] * 3
    assert statuses(enrolled(world, other)) == [RowStatus.BEFORE] * 3


def test_who_is_enrolled_meanwhile_does_not_stop_its_group(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enrolled by somebody else between look-up and block: the contract refuses that row alone."""
    rows = [row() for _ in range(4)]
    raced = rows[1][1]
    hurried: list[str] = []
    prepared = RegisterSigning._prepared

    def raced_by(self: RegisterSigning, picked: Any) -> Any:
        made = prepared(self, picked)
        if not hurried:
            hurried.append(raced)
            world.ledger.enrol(
                world.officer, kind="enterprise", name="先到公司", tax_id=raced, idempotency_key=world.key()
            )
        return made

    monkeypatch.setattr(RegisterSigning, "_prepared", raced_by)
    monkeypatch.setattr(RegisterSigning, "_enrolled_meanwhile", lambda *_: False)  # it comes right after the last look
    results = enrolled(world, file_of(rows))
    assert statuses(results) == [RowStatus.ENROLLED, RowStatus.BEFORE, RowStatus.ENROLLED, RowStatus.ENROLLED]
    assert results[1].party


@pytest.mark.parametrize("waits", [True, False], ids=["in the queue", "on chain"])
def test_who_is_enrolled_between_look_up_and_store_keeps_its_name(
    world: World, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    """Nothing of a row is stored once somebody else enrolled it, waiting or recorded; a row beside it is enrolled."""
    first, beside = row("后到公司"), row("旁边公司")
    prepared, raced = RegisterSigning._prepared, list[str]()

    def raced_by(self: RegisterSigning, picked: Any) -> Any:
        made = prepared(self, picked)
        if not raced:
            asked = {"kind": "enterprise", "name": "先到公司", "tax_id": first[1], "idempotency_key": world.key()}
            with world.sequencing.held() if waits else nullcontext():
                raced.append(first[1])
                (world.hurried() if waits else world.ledger).enrol(world.officer, **asked)
                assert _stored(self, picked, *made).digest is None
        return made

    monkeypatch.setattr(RegisterSigning, "_prepared", raced_by)
    results = enrolled(world, file_of([first, beside]))
    assert statuses(results) == [RowStatus.BEFORE, RowStatus.ENROLLED]
    assert results[0].party is not None
    assert world.ledger.party(world.officer, results[0].party).name == "先到公司"


def _stored(signing: RegisterSigning, picked: Any, group: Any, rows: Any) -> Any:
    return signing._context.store.write(lambda connection: signing._store(connection, picked, group, rows))


def test_one_refused_row_does_not_stop_its_group(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row() for _ in range(4)]
    made, bad = instructions.enrol, iter([True])

    def without_month(**words: Any) -> Any:
        """The first operation is one that the contract calls wrong."""
        spoilt.update(words["identity"] for _ in bad)
        return made(**{**words, "first_month": 0} if words["identity"] in spoilt else words)

    spoilt: set[bytes] = set()
    monkeypatch.setattr(instructions, "enrol", without_month)
    results = enrolled(world, file_of(rows))
    assert sorted(statuses(results)) == [RowStatus.ENROLLED] * 3 + [RowStatus.REFUSED]
    (refused,) = (one for one in results if one.status is RowStatus.REFUSED)
    assert (refused.problems[0].code, refused.party) == ("bad_terms", None)


def test_a_dismissed_or_moved_officer_stops(world: World, cast: Cast) -> None:
    """Rows are signed in the name of an officer as it is now, not as it was when the file was read."""
    appointed, _ = world.ledger.appoint_officer(world.authority, name="赵税官", idempotency_key=world.key())
    assert appointed.party is not None
    officer = world.ledger.caller(appointed.party)
    register = world.ledger.register_file
    asked = {"quotas": QUOTAS, "idempotency_key": world.key()}
    moved = register.upload(officer, file_of([row(), row()]), **asked)
    world.ledger.change_district(world.authority, officer.party, "99", idempotency_key=world.key())
    done = register.sign(world.ledger.caller(officer.party), moved.job, idempotency_key=world.key())
    assert (done.state, dict(done.counts)) == ("done", {RowStatus.INVALID: 2})
    world.ledger.change_district(world.authority, officer.party, "", idempotency_key=world.key())
    officer = world.ledger.caller(officer.party)
    left = register.upload(officer, file_of([row()]), **{**asked, "idempotency_key": world.key()})
    world.ledger.dismiss_officer(world.authority, officer.party, reason="离任", idempotency_key=world.key())
    with pytest.raises(NotPermitted):
        register.sign(world.ledger.caller(officer.party), left.job, idempotency_key=world.key())
    assert register.job(world.officer, left.job).counts == {RowStatus.READY: 1}


def test_no_edit_of_a_row_makes_an_officer_sign(world: World) -> None:
    """Who has the database alone sets a register running that its officer only looked at: nothing is signed."""
    register = world.ledger.register_file
    view = register.upload(world.officer, file_of([row()]), quotas=QUOTAS, idempotency_key=world.key())
    store, now_s = world.ledger.context.store, world.ledger.context.now_s()
    store.write(lambda connection: bulk_jobs.set_job_state(connection, view.job, BulkState.RUNNING, now_s))
    stopped = register.go_on(world.officer, view.job, budget_ms=0)
    assert (stopped.state, stopped.counts) == ("draft", {RowStatus.READY: 1})
    assert stopped.stopped is not None
    assert stopped.stopped.code == "not_permitted"
    register.cancel(world.officer, view.job, idempotency_key=world.key())
    store.write(lambda connection: bulk_jobs.set_job_state(connection, view.job, BulkState.DRAFT, now_s))
    again = register.sign(world.officer, view.job, idempotency_key=world.key())
    assert (again.state, again.counts) == ("draft", {RowStatus.READY: 1})  # its rows were forgotten


def test_a_workbook_is_read_too(world: World) -> None:
    book, file, made = Workbook(), io.BytesIO(), row("表格公司")
    book.active.append(["登记表"])
    book.active.append(["Name", "Tax ID", "Class"])
    book.active.append(made)
    book.save(file)
    (result,) = enrolled(world, file.getvalue())
    assert (result.status, result.row, result.tax_id) == (RowStatus.ENROLLED, 3, made[1])


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
        enrolled(world, file_of([row()]), cast.seller)
    with pytest.raises(InvalidRequest):
        world.ledger.register_file.enrol(world.officer, file_of([row()]), quotas={})


def test_results_are_a_sheet_without_formulas_or_secrets(world: World) -> None:
    data = file_of([row("'+公司"), row(), row("=cmd()")])
    done = world.ledger.register_file.enrol(world.officer, data, quotas=QUOTAS)
    text = world.ledger.register_file.results(world.officer, done.job).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(text)))
    assert read[0][0] == "row"
    assert [line[4] for line in read[1:]] == ["enrolled", "enrolled", "invalid"]
    assert [line[1][:1] for line in read[1:]] == ["'", "登", ""]
    assert "einv_" not in text


def test_a_register_given_up_enrols_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.service.bulk_steps.GROUP_OPERATIONS_MAX", 1)
    register = world.ledger.register_file
    view = register.upload(world.officer, file_of([row(), row()]), quotas=QUOTAS, idempotency_key=world.key())
    assert view.counts == {RowStatus.READY: 2}
    with world.sequencing.held():
        register.sign(world.officer, view.job, idempotency_key=world.key(), budget_ms=0)
        cancel_key = world.key()
        ended = register.cancel(world.officer, view.job, idempotency_key=cancel_key)
        assert (ended.state, ended.counts) == ("cancelled", {RowStatus.WAITING: 1, RowStatus.CANCELLED: 1})
        assert register.cancel(world.officer, view.job, idempotency_key=cancel_key) == ended
    register.go_on(world.officer, view.job, budget_ms=10)
    with pytest.raises(InvalidRequest, match="given up"):
        register.sign(world.officer, view.job, idempotency_key=world.key())
    again = rows_of(world, register.enrol(world.officer, file_of([row()]), quotas=QUOTAS))
    assert statuses(again) == [RowStatus.ENROLLED]
    assert statuses(rows_of(world, register.job(world.officer, view.job)))[1] is RowStatus.CANCELLED


@pytest.mark.parametrize("end", ["cancelled", "stopped", "done"])
def test_a_register_that_ended_is_not_set_running_again_with_its_old_rows(world: World, end: str) -> None:
    """Who kept a register's rows from before puts them back and sets it running: nobody asks for signatures now."""
    register, signing = world.ledger.register_file, RegisterSigning(world.ledger.context)
    view = register.upload(world.officer, file_of([row(), row()]), quotas=QUOTAS, idempotency_key=world.key())
    store = world.ledger.context.store
    kept = text("SELECT job_id, position, sealed_draft FROM bulk_row WHERE job_id = :job")
    with world.ledger.context.reading() as connection:
        rows = [dict(one._mapping) for one in connection.execute(kept, {"job": view.job})]
    if end == "done":
        assert register.sign(world.officer, view.job, idempotency_key=world.key(), budget_ms=9_000).state == "done"
    else:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(RegisterSigning, "drive", lambda *_: None)
            register.sign(world.officer, view.job, idempotency_key=world.key())
        if end == "cancelled":
            register.cancel(world.officer, view.job, idempotency_key=world.key())
        else:
            why = BulkStop("queue_full", "stopped", "已停止")
            store.write(lambda connection: signing._stop(connection, view.job, why))

    def put_back(connection: Any) -> None:
        back = "UPDATE bulk_row SET sealed_draft = :sealed_draft, state = 'ready', number = NULL, digest = NULL"
        connection.execute(text(f"{back} WHERE job_id = :job_id AND position = :position"), rows)
        bulk_jobs.set_job_state(connection, view.job, BulkState.RUNNING, 0)

    def groups(connection: Any) -> int:
        return int(connection.execute(text("SELECT count(*) FROM operation")).scalar_one())

    with world.ledger.context.reading() as connection:
        before = groups(connection)
    store.write(put_back)
    assert signing.step(view.job).step is Step.ENDED
    ended = register.job(world.officer, view.job)
    assert ended.stopped is not None
    assert (ended.state, ended.stopped.code) == ("draft", "not_permitted")
    with world.ledger.context.reading() as connection:
        assert groups(connection) == before
    if end == "stopped":  # the honest twin: its officer asks again
        assert register.sign(world.officer, view.job, idempotency_key=world.key(), budget_ms=9_000).state == "done"


def test_a_register_is_its_officers_and_the_whole_ledgers(world: World, cast: Cast) -> None:
    register = world.ledger.register_file
    view = register.upload(world.authority, file_of([row()]), quotas=QUOTAS, idempotency_key=world.key())
    appointed, _ = world.ledger.appoint_officer(
        world.authority, name="区税官", district="4403", idempotency_key=world.key()
    )
    local = world.ledger.caller(appointed.party or 0)
    assert register.job(world.officer, view.job) == view
    assert view in register.jobs(world.officer, limit=10).items
    assert register.jobs(local, limit=10).items == ()
    for act in (
        lambda: register.job(local, view.job),
        lambda: register.rows(local, view.job, limit=5),
        lambda: register.results(local, view.job),
        lambda: register.sign(local, view.job, idempotency_key=world.key()),
        lambda: register.cancel(local, view.job, idempotency_key=world.key()),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(NotPermitted):
        register.job(cast.seller, view.job)
    far = register.upload(local, file_of([row()]), quotas=QUOTAS, idempotency_key=world.key())
    assert far.counts.get(RowStatus.INVALID, 0) + far.counts.get(RowStatus.READY, 0) == 1
    world.ledger.dismiss_officer(world.authority, local.party, reason="离任", idempotency_key=world.key())


def test_an_officer_that_keeps_its_key_is_told_so(world: World, cast: Cast) -> None:
    appointed, _ = world.ledger.appoint_officer(world.authority, name="自管税官", idempotency_key=world.key())
    officer = world.ledger.caller(appointed.party or 0)
    register = world.ledger.register_file
    view = register.upload(officer, file_of([row()]), quotas=QUOTAS, idempotency_key=world.key())
    wallet = Wallet()
    purpose, identity = Purpose.REPLACE_KEY, f"party:{officer.party}"
    world.ledger.rotate_key(officer, idempotency_key=world.key(), own=wallet.proof(world.ledger, purpose, identity, ""))
    with pytest.raises(NoSigningKey):
        register.sign(world.ledger.caller(officer.party), view.job, idempotency_key=world.key())
    world.ledger.dismiss_officer(world.authority, officer.party, reason="离任", idempotency_key=world.key())
