"""Uploaded sheets and the operator with SQL: no edit of a row signs, none moves a sheet, none stops other sheets."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from ledger.service import Caller, NotReady
from ledger.service.bulk_signing import BulkSigning
from ledger.service.bulk_steps import Step
from ledger.service.bulk_views import BulkJobView
from tests.service.test_bulk import row, sheet
from tests.service.world import World


def edit(world: World, job: str, values: str, **given: Any) -> None:
    """Changes the row of a sheet behind the ledger's back."""
    statement = text(f"UPDATE bulk_job SET {values} WHERE job_id = :job")
    world.ledger.context.store.write(lambda connection: connection.execute(statement, {"job": job, **given}))


def asked(world: World, caller: Caller, job: str) -> BulkJobView:
    """A sheet whose signatures were asked for by a request that ended before it signed anything."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BulkSigning, "drive", lambda *_: None)
        return world.ledger.bulk.sign(caller, job, idempotency_key=world.key())


def uploaded(world: World, caller: Caller, **options: Any) -> str:
    return world.ledger.bulk.upload(caller, sheet(row(1)), idempotency_key=world.key(), **options).job


@pytest.fixture
def node(world: World, monkeypatch: pytest.MonkeyPatch) -> BulkSigning:
    """What goes on with sheets whose request ended."""
    monkeypatch.setattr("ledger.service.bulk_steps.LEFT_S", 0)
    return BulkSigning(world.ledger.context)


@pytest.fixture
def seller(world: World) -> Caller:
    return world.enterprise("文件开票公司", segment=True)


def test_no_edit_of_a_sheet_makes_its_uploader_sign(world: World, node: BulkSigning, seller: Caller) -> None:
    job = uploaded(world, seller)
    edit(world, job, "state = 'running', updated_at = 0")
    assert node.step(job).step is Step.ENDED
    stopped = world.ledger.bulk.job(seller, job)
    assert stopped.stopped is not None
    assert (stopped.state, stopped.stopped.code, stopped.count("ready")) == ("draft", "not_permitted", 1)
    assert world.ledger.search(seller, limit=5).items == ()
    asked(world, seller, job)  # the honest twin: the seller asked, and the node goes on
    node.go_on()
    assert world.ledger.bulk.go_on(seller, job).count("recorded") == 1


@pytest.mark.parametrize("column", ["party", "subject"])
def test_no_edit_of_a_sheet_signs_for_another(world: World, node: BulkSigning, seller: Caller, column: str) -> None:
    """A second clerk in the first one's place; another company that the clerk issues for in the seller's."""
    other = world.enterprise("另一家开票公司", segment=True)
    clerk, second = (world.person(name, (seller, ["issue"]), (other, ["issue"])) for name in ("开票员", "开票员二"))
    job = uploaded(world, clerk, subject=seller.party)
    asked(world, clerk, job)
    edit(world, job, f"{column} = :to", to={"party": second.party, "subject": other.party}[column])
    assert node.step(job).step is Step.ENDED
    with pytest.raises(NotReady, match=f"bulk_job.{column} was changed"):
        world.ledger.bulk.job(clerk, job)
    for company in (seller, other):
        assert world.ledger.search(company, limit=5).items == ()
    edit(world, job, f"{column} = :to", to={"party": clerk.party, "subject": seller.party}[column])
    signed = world.ledger.bulk.sign(clerk, job, idempotency_key=world.key())
    assert (signed.state, signed.count("recorded")) == ("done", 1)
    assert world.ledger.search(seller, limit=5).items


def test_rows_of_another_sellers_sheet_are_not_issued(
    world: World, node: BulkSigning, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sheet sealed before its parties were is moved to another company: its rows still name their seller."""
    other = world.enterprise("第三家开票公司", segment=True)
    clerk = world.person("两家的开票员", (seller, ["issue"]), (other, ["issue"]))
    monkeypatch.setattr("ledger.service.bulk_rows.changed_column", lambda *_, **__: None)
    job = uploaded(world, clerk, subject=seller.party)
    edit(world, job, "subject = :to", to=other.party)
    stopped = world.ledger.bulk.sign(clerk, job, idempotency_key=world.key())
    assert stopped.stopped is not None
    assert (stopped.state, "bulk_job.subject was changed" in stopped.stopped.message) == ("draft", True)
    assert world.ledger.search(other, limit=5).items == ()
    edit(world, job, "subject = :to", to=seller.party)
    assert world.ledger.bulk.sign(clerk, job, idempotency_key=world.key()).state == "done"


def test_a_damaged_sheet_does_not_hold_up_the_others(world: World, node: BulkSigning, seller: Caller) -> None:
    later = world.enterprise("后到的公司", segment=True)
    damaged, sound, owner = uploaded(world, seller), uploaded(world, later), world.ledger.bulk
    asked(world, seller, damaged)
    asked(world, later, sound)
    edit(world, damaged, "options = :junk", junk=b"\0")
    for _ in range(2):
        node.go_on()
    assert owner.go_on(later, sound).count("recorded") == 1
    with pytest.raises(NotReady, match="row was changed"):
        owner.job(seller, damaged)
    with world.ledger.context.reading() as connection:
        state = connection.execute(text("SELECT state FROM bulk_job WHERE job_id = :job"), {"job": damaged})
        assert state.scalar_one() == "draft"  # nobody tries it again and again


@pytest.mark.parametrize("failure", [NotReady("a row was damaged", "数据行已损坏"), KeyError("nobody foresaw it")])
def test_a_sheet_that_fails_does_not_end_the_round(
    world: World, node: BulkSigning, seller: Caller, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    first, second = uploaded(world, seller), uploaded(world, seller, file_name="second.csv")
    step, tried = node.step, list[str]()

    def failing(job: str) -> Any:
        tried.append(job)
        if job == first:
            raise failure
        return step(job)

    asked(world, seller, first)
    world.ledger.bulk.sign(seller, second, again=True, idempotency_key=world.key(), budget_ms=0)
    edit(world, second, "state = 'running', updated_at = 0")
    monkeypatch.setattr(node, "step", failing)
    node.go_on()
    assert {first, second} <= set(tried)
    monkeypatch.undo()
    world.ledger.bulk.go_on(seller, first)
