"""Evidence of one invoice holds nothing of any other, however crowded the blocks its events lie in."""

from __future__ import annotations

import json

import pytest

from tests.evidence.conftest import Crowd
from tests.evidence.leaks import found, traces_of, windows
from verifier import Result, parse_trust, verify
from verifier.canonical import dumps

EVIDENCE_SIZE_MAX = 60_000  # bytes, for ten events: small enough for a mail or a QR-linked download
OTHER_PARTIES_MIN = 20


def check_crowd(crowd: Crowd) -> bytes:
    """Evidence of the crowd's target, verified and searched."""
    evidence = crowd.evidence()
    report = verify(evidence, parse_trust(dumps(crowd.ledger.trust())))
    assert report.verdict is Result.VALID, report
    _, others = crowd.traces()
    assert len(others) > 10 * len(crowd.blocks) * crowd.rows
    assert found(evidence, others) == []
    return evidence


def test_a_small_crowd_leaves_no_trace(small_crowd: Crowd) -> None:
    check_crowd(small_crowd)


def test_the_search_finds_the_invoice_itself(small_crowd: Crowd) -> None:
    """The twin: the same search over the same file finds what belongs into it."""
    evidence = small_crowd.evidence()
    own, _ = small_crowd.traces()
    hits = found(evidence, own)
    blocks = [small_crowd.block(number) for number in small_crowd.blocks]
    target = int(small_crowd.number)
    issue = next(op for group in blocks[0].groups for op in group.signed.group.operations if op.number == target)
    gross_fen = issue.terms & (1 << 48) - 1
    assert f"text {small_crowd.number}" in hits
    assert f"80 bits {target:x}" in hits
    assert f"48 bits {gross_fen:x}" in hits
    assert f"text {gross_fen}" in hits
    assert f"256 bits {int.from_bytes(issue.ref, 'big'):x}" in hits
    for block in blocks:
        for group in block.groups:
            if any(op.number == target for op in group.signed.group.operations):
                assert f"256 bits {group.signed.r:x}" in hits
                assert f"256 bits {group.signed.s:x}" in hits


def test_the_search_finds_an_invoice_smuggled_in(small_crowd: Crowd) -> None:
    """The twin: one other invoice's number, amount or commitment hidden in a blob is found."""
    evidence = json.loads(small_crowd.evidence())
    _, others = small_crowd.traces()
    for bits in (48, 80, 128, 256):
        value = max(others.values[bits])
        packed = (value << 3 | 5).to_bytes(bits // 8 + 1, "big")  # not at a byte
        smuggled = {**evidence, "number": evidence["number"], "x": packed.hex()}
        assert found(json.dumps(smuggled).encode(), others) != []
    smuggled = {**evidence, "note": f"see {max(others.texts)}"}
    assert found(json.dumps(smuggled, ensure_ascii=False).encode(), others) != []


@pytest.mark.parametrize(("blob", "bits", "count"), [(b"", 48, 0), (bytes(5), 48, 0), (bytes(range(7)), 48, 9)])
def test_windows_lie_at_every_bit(blob: bytes, bits: int, count: int) -> None:
    seen = windows(blob, bits)
    assert len(seen) == count
    whole = int.from_bytes(blob, "big")
    assert seen == {whole >> shift & (1 << bits) - 1 for shift in range(len(blob) * 8 - bits + 1)}


def test_evidence_names_only_the_parties_of_its_own_history(small_crowd: Crowd) -> None:
    evidence = json.loads(small_crowd.evidence())
    own = (small_crowd.seller, small_crowd.employer, small_crowd.claimant, small_crowd.cashier)
    assert [one["party"] for one in evidence["parties"]] == sorted(caller.party for caller in own)
    assert len(evidence["certificates"]) == 3  # seller, claimant, cashier signed; the employer never did


def test_siblings_of_a_group_appear_as_hashes_only(small_crowd: Crowd) -> None:
    evidence = json.loads(small_crowd.evidence())
    group = next(
        group
        for group in small_crowd.block(small_crowd.blocks[0]).groups
        if any(op.number == int(small_crowd.number) for op in group.signed.group.operations)
    )
    hashes = [op.hash().hex() for op in group.signed.group.operations]
    shown = evidence["history"][0]["group"]
    assert [*shown["before"], *shown["after"]] == [hashes[0], *hashes[2:]]
    own, others = traces_of([small_crowd.block(number) for number in small_crowd.blocks], int(small_crowd.number))
    assert int(hashes[0], 16) in own.values[256]
    sibling = group.signed.group.operations[0]
    assert sibling.number in others.values[80]


@pytest.mark.slow
def test_ten_events_in_full_blocks_leave_no_trace_and_stay_small(full_crowd: Crowd) -> None:
    assert len(set(full_crowd.blocks)) == 10
    for number in full_crowd.blocks:
        groups = full_crowd.block(number).groups
        assert sum(len(group.signed.group.operations) for group in groups) == 256
        assert len({group.signed.group.actor for group in groups}) >= OTHER_PARTIES_MIN
    evidence = check_crowd(full_crowd)
    assert len(json.loads(evidence)["history"]) == 10
    assert len(evidence) < EVIDENCE_SIZE_MAX
