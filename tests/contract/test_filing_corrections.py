"""A filed month keeps the hash of its report; a correction names the one it replaces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.world import MONTH, World
from verifier.hashing import keccak256
from verifier.operations import Operation, Reason
from verifier.words import Table


@pytest.fixture
def filed(world: World) -> World:
    world.do("clerk", world.issue_operation())
    world.do("seller", world.file_operation("seller"))
    return world


def report(world: World, name: str = "seller", month: int = MONTH) -> bytes:
    return world.word(Table.FILING, world.ids[name] << 12 | month).to_bytes(32, "big")


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


def test_filing_keeps_the_reports_hash(filed: World) -> None:
    assert report(filed) == keccak256(b"report")
    assert filed.party("seller").filed_through == MONTH


def test_a_correction_replaces_the_report_and_nothing_else(filed: World) -> None:
    before, totals = filed.party("seller"), filed.totals("seller")
    (event,) = filed.do("seller", filed.refile_operation("seller"))
    assert event.name == "PartyChanged"
    assert report(filed) == keccak256(b"correction")
    assert filed.party("seller") == replace(before, version=before.version + 1)
    assert filed.totals("seller") == totals
    refused(filed, "seller", filed.refile_operation("seller"), Reason.REPORT_DIFFERS)
    filed.do("seller", filed.refile_operation("seller", replaces=b"correction", report=b"second"))
    assert report(filed) == keccak256(b"second")


BAD: dict[str, tuple[dict[str, Any], Reason]] = {
    "another report": ({"replaces": b"another"}, Reason.REPORT_DIFFERS),
    "other totals": ({"terms": 1}, Reason.TOTALS_DIFFER),
    "another number": ({"number": MONTH + 1}, Reason.BAD_TERMS),
    "a month not filed": ({"month": MONTH + 1, "number": MONTH + 1}, Reason.MONTH_NOT_FILED),
    "a month before its first": ({"month": MONTH - 1, "number": MONTH - 1, "who": bytes(32)}, Reason.MONTH_NOT_FILED),
    "old": ({"version": 0}, Reason.STALE_VERSION),
    "reserved bits": ({"reserved": 1}, Reason.UNKNOWN_OPERATION),
    "nobody": ({"subject": 99}, Reason.UNKNOWN_PARTY),
}


@pytest.mark.parametrize(("fields", "reason"), BAD.values(), ids=BAD)
def test_corrections_that_differ_are_refused(filed: World, fields: dict[str, Any], reason: Reason) -> None:
    refused(filed, "seller", filed.refile_operation("seller", **fields), reason)


def test_an_earlier_month_is_corrected_after_a_later_one_was_filed(filed: World) -> None:
    filed.do("calendar", filed.open_month_operation("calendar", MONTH + 1))
    filed.do("seller", filed.file_operation("seller", MONTH + 1))
    filed.do("seller", filed.refile_operation("seller"))
    assert (filed.party("seller").filed_through, report(filed)) == (MONTH + 1, keccak256(b"correction"))


def test_only_finance_corrects(filed: World) -> None:
    for actor in ("clerk", "cashier", "officer"):
        refused(filed, actor, filed.refile_operation("seller"), Reason.NOT_PERMITTED)
    filed.grant("seller", "cashier", 2)
    filed.do("cashier", filed.refile_operation("seller"))


def test_a_person_files_nothing(filed: World) -> None:
    refused(filed, "clerk", filed.refile_operation("clerk"), Reason.BAD_TERMS)


def test_a_correction_stands_alone(filed: World) -> None:
    refile = filed.refile_operation("seller")
    grant = filed.grant_operation("seller", "cashier", 2)
    assert grant.number < refile.number
    assert filed.refusal("seller", grant, refile) == (Reason.MIXED_GROUP, MONTH)
    filed.do("seller", refile)
