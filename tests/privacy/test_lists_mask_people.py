"""Lists tell who oversees people's names masked; the one record tells them whole, and who pays is always told whole."""

from __future__ import annotations

import pytest

from ledger.domain.key_proof import Purpose
from ledger.domain.masks import masked_name
from ledger.service import Caller
from tests.privacy.planted import WORDS, Planted
from tests.service.own_keys import Wallet
from tests.service.world import World, must


@pytest.mark.parametrize(
    ("name", "shown"),
    [("张三", "张*"), ("欧阳报销丁", "欧****"), ("John Smith", "J*** S****"), ("李", "*"), ("", "*"), ("A B", "* *")],
)
def test_a_masked_name_keeps_first_letters(name: str, shown: str) -> None:
    assert masked_name(name) == shown


def test_officers_lists_mask_people_and_records_do_not(planted: Planted) -> None:
    ledger, officer, name = planted.world.ledger, planted.world.officer, WORDS["claimant's name"]
    listed = {one.party: one.name for one in ledger.parties(officer, kind="person", limit=50).items}
    assert listed[planted.claimant.party] == "欧****"
    assert ledger.party(officer, planted.claimant.party).name == name
    claims = {one.claim_id: one.claimant_name for one in ledger.claims(officer, limit=50).items}
    assert claims[planted.claim_id] == "欧****"
    assert ledger.claim(officer, planted.claim_id).claimant_name == name


def test_enterprises_and_oneself_are_not_masked(planted: Planted) -> None:
    ledger, officer = planted.world.ledger, planted.world.officer
    shown = {one.name for one in ledger.parties(officer, kind="enterprise", limit=50).items}
    assert {"销售公司", "雇主公司"} <= shown
    own = {one.party: one.name for one in ledger.parties(officer, kind="officer", limit=50).items}
    assert "*" not in own[officer.party]


@pytest.mark.parametrize("reader", ["officer", "auditor"])
def test_other_lists_about_people_mask_them_too(planted: Planted, reader: str) -> None:
    world, name = planted.world, WORDS["claimant's name"]
    ledger, key = world.ledger, world.key
    caller = world.officer_of("") if reader == "officer" else auditing(world)
    code, wallet = world.tax_ids[planted.employer.party], Wallet()
    asked = ledger.enrolment.ask(
        kind="person",
        name="龙申请子",
        tax_id=code,
        own=wallet.proof(ledger, Purpose.ENROL, f"person@{code}", "龙申请子"),
    )
    member = world.person("凤成员丑", (planted.employer, ["claim"]))
    proposal = ledger.proposals.suspension(world.officer, member.party, reason="核查", idempotency_key=key())
    office = ledger.offices.appoint(planted.employer, "administrator", member.party, idempotency_key=key())
    requests = {one.request_id: one.name for one in ledger.enrolment.page(caller, limit=50).items}
    assert requests[asked.request_id] == "龙***"
    assert ledger.enrolment.request(caller, asked.request_id).name == "龙申请子"
    proposals = {one.proposal_id: one for one in ledger.proposals.page(caller, only_open=True, limit=50).items}
    shown = proposals[proposal.proposal_id]
    assert (shown.party_name, shown.proposer_name) == ("凤***", "王**")
    whole = ledger.proposals.proposal(caller, proposal.proposal_id)
    assert (whole.party_name, whole.proposer_name) == ("凤成员丑", "王税官")
    assert {one.office: one.name for one in ledger.offices.offices(caller, limit=50).items}[office.office] == "凤***"
    own = ledger.offices.offices(planted.employer, limit=50).items
    assert {one.office: one.name for one in own}[office.office] == "凤成员丑"  # who gave it knows to whom
    must(world.flagged(planted.number))
    told = [one for one in ledger.supervising.exceptions(caller, limit=50).items if one.claimant]
    assert {one.claimant_name for one in told} == {"欧****"}
    paying = ledger.supervising.exceptions(planted.employer, limit=50).items
    assert name in {one.claimant_name for one in paying}
    must(ledger.supervising.clear_flag(world.officer, planted.number, reason="已核", idempotency_key=key()))


def auditing(world: World) -> Caller:
    person = world.person("审计员")
    world.ledger.offices.appoint(world.authority, "auditor", person.party, idempotency_key=world.key())
    return world.again(person)


def test_who_pays_is_told_whole(planted: Planted) -> None:
    claims = planted.world.ledger.claims(planted.cashier, limit=50).items
    assert {one.claimant_name for one in claims} == {WORDS["claimant's name"]}
