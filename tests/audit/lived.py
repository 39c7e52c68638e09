"""A ledger that did a little of everything, at rest, with copies of it to be damaged."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from ledger.domain.invoice import RateMark
from ledger.domain.key_proof import Purpose
from ledger.domain.month_report import RateSum
from ledger.domain.till_order import SIGNING_TAG, OrderLine, SignedOrder, TillOrder
from ledger.identity import new_till_key, sign_with_till, till_public_key
from ledger.projection.columns import DERIVED_PREFIX, METADATA
from ledger.projection.providers import StoredProvider, add_provider, put_link, take_answer
from ledger.service import Caller, Ledger, ServiceError
from ledger.service.company_links import SEALED_SECRET, new_link
from ledger.service.full_audit import FullAuditReport, full_audit
from ledger.service.month_reporting import Declared
from ledger.service.outside_facts import OutsideItem, item_of_fields
from ledger.service.sign_in import identity_of
from ledger.service.till_views import TillItem, Title
from ledger.service.webhook_sending import WebhookSending
from ledger.service.writing import run_write
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.signers import checkpoint, note, signer
from tests.service.world import World, must, refused, settings_of, tax_id


@dataclass(frozen=True)
class Place:
    """One copy of the ledger and of the state of an audit that executed all of it."""

    data_dir: Path
    state: Path

    def edit(self, statement: str, *values: object) -> None:
        """Changes rows behind the ledger's back; at least one."""
        with closing(sqlite3.connect(self.data_dir / "ledger.sqlite")) as connection, connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            assert connection.execute(statement, values).rowcount >= 1, statement

    def ask(self, statement: str) -> Any:
        with closing(sqlite3.connect(self.data_dir / "ledger.sqlite")) as connection:
            return connection.execute(statement).fetchone()[0]

    def audited(self) -> FullAuditReport:
        """What a full audit says that goes on from the state, as nothing was damaged that it executed."""
        with Ledger.open(settings_of(self.data_dir)) as ledger:
            return full_audit(ledger.context, state_path=self.state)

    def copy(self, directory: Path) -> Place:
        directory.mkdir(parents=True)
        shutil.copytree(self.data_dir, directory / "data")
        shutil.copy(self.state, directory / "state")
        return Place(directory / "data", directory / "state")


def ground_tables() -> list[Table]:
    """Every table that is not derived."""
    return [table for name, table in sorted(METADATA.tables.items()) if not name.startswith(DERIVED_PREFIX)]


def lived(directory: Path) -> Place:
    """A ledger at rest whose every ground table has a row, and the state of an audit of it."""
    world = World(directory)
    try:
        _life(world)
        world.sequencing.stop()
        state = directory / "state"
        report = full_audit(world.ledger.context, state_path=state)
        assert report.difference is None, report.difference
    finally:
        world.close()
    with closing(sqlite3.connect(world.settings.data_dir / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Place(world.settings.data_dir, state)


def _life(world: World) -> None:
    ledger, key = world.ledger, world.key
    seller = world.enterprise("深圳咖啡有限公司", segment=True)
    employer = world.enterprise("某雇主")
    clerk = world.person("周开票", (seller, ["issue"]))
    claimant = world.person("张三", (employer, ["claim"]))
    cashier = world.person("李财务", (employer, ["finance"]))
    manager = world.person("钱经理")
    ledger.approvals.set_policy(
        employer, employer.party, approval_required=True, from_fen=20_000, approvers=[manager.party],
        idempotency_key=key(),
    )  # fmt: skip
    numbers = [world.issued(seller, claimant) for _ in range(4)]
    must(ledger.issue(seller, world.draft(), external_id="ERP-1", idempotency_key=key()))
    claim_id = world.claimed(claimant, employer, *numbers[:2], reference="BX-7")
    ledger.approvals.decide(manager, claim_id, decision="approved", numbers=None, note="同意", idempotency_key=key())
    settled = ledger.approve_claim(
        cashier, claim_id, numbers=None, payment_reference="PAY-1", external_id="V-1", idempotency_key=key()
    )
    must(settled)
    refused(ledger.transfer(seller, numbers[2], seller.party, idempotency_key=key()), "not_holder")
    must(ledger.rotate_key(claimant, idempotency_key=key()))
    must(ledger.transfer(ledger.caller(claimant.party), numbers[3], seller.party, idempotency_key=key()))
    must(ledger.recover_key(world.authority, cashier.party, idempotency_key=key()))
    _outside(world, ledger.caller(claimant.party), employer)
    _till(world, seller, clerk, ledger.caller(claimant.party))
    _sheet(world, seller)
    _register(world)
    _webhook(world, seller)
    code = tax_id(900_002)
    proof = Wallet().proof(ledger, Purpose.ENROL, f"enterprise:{code}", "申请公司")
    ask = ledger.enrolment.ask(kind="enterprise", name="申请公司", tax_id=code, own=proof)
    ledger.enrolment.refuse(world.officer, ask.request_id, reason="未核实", idempotency_key=key())
    own, _ = keeping_its_own(world, world.enterprise("自管密钥公司", segment=True))
    drafted(lambda: ledger.issue(own, world.draft(), idempotency_key=key()))
    ledger.reserve_numbers(seller, count=3, idempotency_key=key())
    _witnesses(world)
    _officers(world, manager.party)
    _signed_in(world, clerk)
    _offices(world, employer, manager, claimant)
    gone = world.issued(seller)
    ledger.erasing.invoice(world.authority, gone, reason="请求", idempotency_key=key())
    filer = world.enterprise("申报公司", segment=True)
    world.issued(filer)
    declared = Declared((RateSum(600, RateMark.RATE, 50_000, 3_000),), note="零星收入")
    ledger.filing.declare(filer, world.month, declared, idempotency_key=key())
    must(ledger.filing.file(filer, world.month, declared=declared, idempotency_key=key()))


def _offices(world: World, employer: Caller, manager: Caller, person: Caller) -> None:
    ledger, key = world.ledger, world.key
    auditor = world.person("孙审计")
    ended = ledger.offices.appoint(world.authority, "witness", auditor.party, idempotency_key=key())
    ledger.offices.end(world.authority, ended.office, idempotency_key=key())
    ledger.offices.appoint(employer, "administrator", manager.party, idempotency_key=key())
    given = ledger.grant(world.again(manager), person.party, ["finance"], subject=employer.party, idempotency_key=key())
    must(given)


def _signed_in(world: World, clerk: Caller) -> None:
    """Somebody signed in, somebody is invited, and a password was guessed at."""
    ledger = world.ledger
    (invited,) = ledger.invitations.invite(world.officer, [clerk.party])
    ledger.invitations.accept(invited.token, "zhou@example.com", "sieben Raben am Fenster 41")
    ledger.invitations.invite(world.officer, [world.person("郑新人").party])
    context, now_s = ledger.context, 1_790_000_000
    row = StoredProvider("5d" * 16, clerk.party, "https://login.example.com", "einvoice", b"", now_s)
    row = replace(row, sealed_secret=context.seal(b"a client's secret", SEALED_SECRET, row.text))
    link = new_link(context, row.provider_id, identity_of(clerk), "zhou")
    run_write(context, lambda connection: (add_provider(connection, row), put_link(connection, link)))
    run_write(context, lambda connection: take_answer(connection, "ab" * 16, now_s=now_s, expires_at=now_s + 600))
    with suppress(ServiceError):
        ledger.sign_in.begin("zhou@example.com", "ein anderer Satz mit 7 Enten")


def _officers(world: World, party: int) -> None:
    """Two officers suspend somebody and let it go again; a third is appointed for a district."""
    must(world.suspended(party))
    must(world.ledger.reinstate(world.officer, party, reason="已核实", idempotency_key=world.key()))
    world.ledger.appoint_officer(world.authority, name="李税官", district="4403", idempotency_key=world.key())


def _witnesses(world: World) -> None:
    door, point = world.ledger.witnessing, checkpoint(world.ledger)
    witness = signer("w.example/1")
    door.admit(world.authority, witness.verifier.to_text())
    door.need(world.authority, 1)
    door.take(note(point, witness))
    with suppress(ServiceError):  # kept, and refused to whoever brought it
        door.take(note(replace(point, block_hash=bytes(32)), witness))


def _outside(world: World, claimant: Caller, employer: Caller) -> None:
    fields = {"code": "144031809110", "number": "00000001", "gross": "1060.00", "tax": "60.00"}
    item = item_of_fields({**fields, "issued_on": "2026-10-05"}, "outside.0.typed")
    with_file = OutsideItem(
        **{**{name: getattr(item, name) for name in item.__dataclass_fields__}, "original": b"file"}
    )
    opened = world.ledger.open_claim(
        claimant, [], employer=employer.party, reference="BX-out", outside=[with_file], idempotency_key=world.key()
    )
    must(opened)


def _till(world: World, seller: Caller, clerk: Caller, diner: Caller) -> None:
    key = new_till_key()
    till = world.ledger.tills.register(
        seller, name="一号收银台", public_key=till_public_key(key).hex(), clerk=clerk.party,
        items=(TillItem("*餐饮服务*餐费", 600),), idempotency_key=world.key(),
    )  # fmt: skip
    lines = (OrderLine(10_600, item=1),)
    order = TillOrder(till.till_id, "A-1", world.ledger.context.now_s() + 3_600, 10_600, lines)
    unsigned = order.unsigned()
    text = SignedOrder(order, unsigned, sign_with_till(key, SIGNING_TAG + unsigned)).text
    collected = world.ledger.collecting.collect(text, Title("某某科技有限公司", tax_id(900_001)), collector=diner)
    must(collected.written)


def _sheet(world: World, seller: Caller) -> None:
    head = "单据编号,外部单号,购买方名称,项目名称,金额,税率,税额\r\n"
    rows = "".join(f"R{at},,张三,*餐饮服务*餐费,100.00,6%,6.00\r\n" for at in range(2))
    job = world.ledger.bulk.upload(seller, (head + rows).encode(), idempotency_key=world.key())
    assert world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key()).state == "done"


def _register(world: World) -> None:
    data = f"name,tax id,class\n登记公司,{tax_id(900_777)},A\n".encode()
    assert world.ledger.register_file.enrol(world.officer, data, quotas={"A": 1_000}).state == "done"


def _webhook(world: World, seller: Caller) -> None:
    ledger = world.opened(webhook_private=True)
    ledger.webhooks.register(seller, "http://127.0.0.1:9/in", idempotency_key=world.key())
    world.issued(seller)
    assert WebhookSending(ledger.context, ledger.context.now_s).queue_new()
