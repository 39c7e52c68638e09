"""Blocks become rows: once, in order, and the same however often they are derived."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.blocks import BlockHead, InvoiceWritten
from ledger.projection import ChainDivergedError, ProjectionError, Store, claims, invoices, parties
from ledger.projection.apply import apply_block, projected_head
from ledger.projection.invoices import InvoiceFilter
from ledger.projection.rebuild import follow, rebuild
from verifier.hashing import keccak256
from verifier.operations import Code, Operation, Reason
from verifier.words import Claim, Entry, PartyWord


def test_town_is_projected(lived: tuple[Store, Any]) -> None:
    store, town = lived
    with store.reading() as connection:
        seller = parties.party(connection, town.seller)
        assert seller is not None
        assert PartyWord.unpack(seller.word) == town.script.parties[town.seller]
        assert seller.identity == keccak256(b"enterprise:seller")
        assert parties.party_of_identity(connection, seller.identity) == seller
        assert parties.parties_of_signer(connection, seller.signer) == (seller,)
        assert parties.grant_bits(connection, town.employer, town.claimant) == 4
        assert parties.grant_bits(connection, town.employer, town.seller) == 0
        assert [s.last_number - s.first_number for s in parties.segments(connection, town.seller)] == [9999]
        assert [m.month for m in parties.months(connection)] == [321]
        assert projected_head(connection) == town.script.head()


def test_life_of_an_invoice_is_projected(lived: tuple[Store, Any], tools: SimpleNamespace) -> None:
    store, town = lived
    script, number = town.script, town.number(0)
    script.issue(town.seller, (number, 11_300, 1_300), holder=town.claimant, buyer="enterprise:employer")
    script.lock([number], town.claimant, town.employer, 77)
    script.seal()
    script.change(Code.SETTLE, number, town.accountant, town.employer, terms=77)
    script.change(Code.BOOK, number, town.accountant, town.employer, option=Entry.DEDUCTIBLE)
    script.seal()
    tools.project(store, script.blocks[-2:])
    with store.reading() as connection:
        record = invoices.invoice(connection, number)
        assert record is not None
        assert record.state == script.states[number].pack()
        assert record.head == script.heads[number]
        assert (record.holder, record.buyer, record.claim) == (town.employer, town.employer, Claim.SETTLED)
        assert (record.gross_fen, record.tax_fen, record.version) == (11_300, 1_300, 4)
        assert (record.claimant, record.employer, record.claim_id) == (town.claimant, town.employer, f"{77:032x}")
        steps = invoices.history(connection, number)
        assert [step.operation.code for step in steps] == [Code.ISSUE, Code.LOCK, Code.SETTLE, Code.BOOK]
        assert steps[-1].head == record.head
        assert [step.actor for step in steps] == [town.seller, town.claimant, town.accountant, town.accountant]
        (claim,) = claims.claim(connection, f"{77:032x}")
        assert (claim.locked_count, claim.settled_count, claim.settled_fen) == (0, 1, 11_300)
        total = parties.totals(connection, town.seller, tools.MONTH)
        assert (total.blue_gross_fen, total.blue_tax_fen, total.count) == (11_300, 1_300, 1)


def test_history_can_be_chained_up_to_the_head(lived: tuple[Store, Any], tools: SimpleNamespace) -> None:
    from verifier.hashing import ZERO_HASH
    from verifier.words import head_after

    store, town = lived
    tools.play(town, 5, 60)
    follow(store.engine, town.script)
    with store.reading() as connection:
        for number, head in town.script.heads.items():
            link = ZERO_HASH
            for step in invoices.history(connection, number):
                group = invoices.group_at(connection, step.block, step.position)
                assert group is not None
                assert group.operation_hashes[step.index] == step.operation.hash()
                assert step.state is not None
                link = head_after(link, step.digest, step.operation.hash(), group.signer, step.time_s, step.state)
            assert link == head


def test_buyer_named_first_becomes_the_party_enrolled_later(lived: tuple[Store, Any], tools: SimpleNamespace) -> None:
    from verifier.words import PartyKind

    store, town = lived
    town.script.issue(town.seller, (town.number(0), 100, 1), buyer="enterprise:later")
    town.script.seal()
    follow(store.engine, town.script)
    with store.reading() as connection:
        named = parties.party_of_identity(connection, keccak256(b"enterprise:later"))
    assert named is not None
    assert named.signer == b""
    town.script.enrol(PartyKind.ENTERPRISE, "enterprise:later")
    town.script.seal()
    follow(store.engine, town.script)
    with store.reading() as connection:
        enrolled = parties.party(connection, named.id)
    assert enrolled is not None
    assert enrolled.signer != b""
    assert enrolled.identity == named.identity


def test_refused_group_leaves_only_its_attempt(lived: tuple[Store, Any]) -> None:
    store, town = lived
    number = town.number(3)
    attempt = Operation(code=Code.LOCK, subject=town.claimant, number=number, party=town.employer, terms=9)
    digest = town.script.refuse([attempt], town.claimant, Reason.UNKNOWN_INVOICE)
    town.script.seal()
    follow(store.engine, town.script)
    with store.reading() as connection:
        assert invoices.invoice(connection, number) is None
        assert invoices.history(connection, number) == ()
        (step,) = invoices.refused_attempts(connection, number)
        assert (step.digest, step.state, step.head) == (digest, None, None)


def test_hostile_fields_of_a_malformed_or_refused_group_are_stored(lived: tuple[Store, Any]) -> None:
    store, town = lived
    wild = Operation(
        code=255, subject=2**32 - 1, number=2**80 - 1, version=2**24 - 1, party=2**32 - 1, terms=2**256 - 1
    )
    town.script.malformed([wild], 2**32 - 1, valid_until=2**64 - 1)
    town.script.refuse([wild], town.claimant, Reason.UNKNOWN_OPERATION)
    town.script.refuse([replace(wild, code=Code.LOCK)], town.claimant, Reason.UNKNOWN_INVOICE)
    town.script.seal()
    follow(store.engine, town.script)
    with store.reading() as connection:
        (step,) = invoices.refused_attempts(connection, 2**80 - 1)
        assert step.operation == replace(wild, code=Code.LOCK)


def test_due_recovery_shows_at_the_new_keys_first_use(lived: tuple[Store, Any]) -> None:
    store, town = lived
    script = town.script
    script.recover(town.claimant, new_signer=777_777)
    script.seal(seconds_later=73 * 3600)
    follow(store.engine, script)
    with store.reading() as connection:
        pending = parties.party(connection, town.claimant)
    assert pending is not None
    assert pending.recovery_signer == (777_777).to_bytes(20, "big")
    assert pending.signer != pending.recovery_signer
    script.parties[town.claimant] = replace(script.parties[town.claimant], signer=777_777, recovery=0)
    script.refuse([Operation(code=Code.LOCK, subject=town.claimant, number=1)], town.claimant, Reason.UNKNOWN_INVOICE)
    script.seal()
    follow(store.engine, script)
    with store.reading() as connection:
        recovered = parties.party(connection, town.claimant)
    assert recovered is not None
    assert recovered.signer == pending.recovery_signer
    assert recovered.recovery_at is None
    assert recovered.certificate_hash == pending.recovery_certificate
    assert recovered.word == script.parties[town.claimant].pack()


def test_old_key_cancels_a_recovery_by_rotating(lived: tuple[Store, Any]) -> None:
    store, town = lived
    script = town.script
    script.recover(town.claimant, new_signer=777_777)
    script.change_party(Code.ROTATE_KEY, town.claimant, town.claimant, signer=888_888, recovery=0)
    script.seal()
    follow(store.engine, script)
    with store.reading() as connection:
        party = parties.party(connection, town.claimant)
    assert party is not None
    assert party.signer == (888_888).to_bytes(20, "big")
    assert party.recovery_signer is None


def test_block_applied_twice_changes_nothing(lived: tuple[Store, Any], tools: SimpleNamespace) -> None:
    store, town = lived
    before = tools.rows_of(store)
    with store.writing_alone() as connection:
        assert apply_block(connection, town.script.head_block()) is False
    assert tools.rows_of(store) == before


def test_gap_is_refused(lived: tuple[Store, Any]) -> None:
    store, town = lived
    town.script.seal()
    town.script.seal()
    with pytest.raises(ProjectionError, match="comes next"), store.writing_alone() as connection:
        apply_block(connection, town.script.blocks[-1])


def test_projection_begins_at_genesis(store: Store, town: Any) -> None:
    with pytest.raises(ProjectionError, match="begins at block 0"), store.writing_alone() as connection:
        apply_block(connection, town.script.blocks[1])


def test_block_of_another_chain_is_refused(lived: tuple[Store, Any]) -> None:
    store, town = lived
    last = town.script.blocks[-1]
    other = replace(last, head=BlockHead(last.head.number, keccak256(b"other"), last.head.time_s))
    following = replace(
        last, head=BlockHead(last.head.number + 1, keccak256(b"next"), last.head.time_s), parent_hash=other.head.hash
    )
    for foreign in (other, following):
        with pytest.raises(ChainDivergedError, match="einvoice rebuild"), store.writing_alone() as connection:
            apply_block(connection, foreign)


def test_shorter_chain_is_refused(lived: tuple[Store, Any]) -> None:
    store, town = lived
    del town.script.blocks[-1]
    with pytest.raises(ChainDivergedError, match="chain ends at"):
        follow(store.engine, town.script)


def test_block_whose_events_do_not_fit_its_operations_is_refused_whole(
    lived: tuple[Store, Any], tools: SimpleNamespace
) -> None:
    store, town = lived
    town.script.issue(town.seller, (town.number(0), 100, 1))
    town.script.issue(town.seller, (town.number(1), 100, 1))
    block = town.script.seal()
    before = tools.rows_of(store)
    good, bad = block.groups
    event = bad.events[0]
    assert isinstance(event, InvoiceWritten)
    for events in ((), (event, event), (replace(event, number=event.number + 1),), (replace(event, what=1),)):
        broken = replace(block, groups=(good, replace(bad, events=events)))
        with pytest.raises(ProjectionError, match="do not fit"), store.writing_alone() as connection:
            apply_block(connection, broken)
        assert tools.rows_of(store) == before
    with store.writing_alone() as connection:
        assert apply_block(connection, block) is True


def test_lock_taken_over_after_lapse_leaves_the_old_claim(lived: tuple[Store, Any]) -> None:
    store, town = lived
    script, number = town.script, town.number(0)
    script.issue(town.seller, (number, 500, 0), holder=town.claimant)
    script.lock([number], town.claimant, town.employer, 1)
    script.seal(seconds_later=181 * 86400)
    script.lock([number], town.claimant, town.employer, 2)
    script.seal()
    follow(store.engine, script)
    with store.reading() as connection:
        (old,), (new,) = claims.claim(connection, f"{1:032x}"), claims.claim(connection, f"{2:032x}")
        assert (old.locked_count, old.released_count, old.locked_fen) == (0, 1, 0)
        assert (new.locked_count, new.locked_fen) == (1, 500)
        found = invoices.search(connection, InvoiceFilter(claim_id=f"{2:032x}"), visible_to=None, limit=5)
        assert [record.number for record in found.items] == [number]


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 50), cut=st.integers(0, 100))
def test_all_at_once_one_by_one_and_rebuilt_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, tools: SimpleNamespace, seed: int, steps: int, cut: int
) -> None:
    town = tools.Town()
    tools.play(town, seed, steps)
    script = town.script
    directory = tmp_path_factory.mktemp("same")
    with (
        Store.create(f"sqlite:///{directory / 'a.sqlite'}") as at_once,
        Store.create(f"sqlite:///{directory / 'b.sqlite'}") as one_by_one,
    ):
        follow(at_once.engine, script, until=min(cut, len(script.blocks) - 1))
        follow(at_once.engine, script)
        tools.project(one_by_one, script.blocks)
        rows = tools.rows_of(at_once)
        assert rows == tools.rows_of(one_by_one)
        rebuild(one_by_one.engine, script)
        assert rows == tools.rows_of(one_by_one)
        _hold_against_script(at_once, script)


@pytest.mark.slow
def test_postgresql_derives_the_same_rows(postgres: Store, store: Store, tools: SimpleNamespace) -> None:
    town = tools.Town()
    tools.play(town, 99, 120)
    follow(postgres.engine, town.script)
    follow(store.engine, town.script)
    assert tools.rows_of(postgres) == tools.rows_of(store)
    rebuild(postgres.engine, town.script)
    assert tools.rows_of(postgres) == tools.rows_of(store)


def _hold_against_script(store: Store, script: Any) -> None:
    """The rows say what the script knows by itself: words, totals, counts of claims."""
    with store.reading() as connection:
        locked = settled = 0
        for number, state in script.states.items():
            record = invoices.invoice(connection, number)
            assert record is not None
            assert (record.state, record.head) == (state.pack(), script.heads[number])
            assert record.version == len(invoices.history(connection, number))
            locked += state.claim == Claim.LOCKED
            settled += state.claim == Claim.SETTLED
        counted = claims.claims(connection, visible_to=None, limit=100).items
        assert sum(claim.locked_count for claim in counted) == locked
        assert sum(claim.settled_count for claim in counted) == settled
        for (party, month), (gross, _tax) in script.totals.items():
            assert parties.totals(connection, party, month).blue_gross_fen == gross
        for party, word in script.parties.items():
            row = parties.party(connection, party)
            assert row is not None
            assert row.word == word.pack()
