"""Lists tell who oversees people's names masked; the one record tells them whole, and who pays is always told whole."""

from __future__ import annotations

import pytest

from ledger.domain.masks import masked_name
from tests.privacy.planted import WORDS, Planted


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


def test_who_pays_is_told_whole(planted: Planted) -> None:
    claims = planted.world.ledger.claims(planted.cashier, limit=50).items
    assert {one.claimant_name for one in claims} == {WORDS["claimant's name"]}
