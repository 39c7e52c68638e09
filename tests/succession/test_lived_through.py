"""A real ledger lives through a succession, open all the while, and everything goes on where it stood."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.chain import open_reader
from ledger.chain.lmdb_store import ChainStore
from ledger.chain.records import head_header
from ledger.chain.state import contract_proof
from ledger.domain.numbers import parse_number
from ledger.projection import invoices
from ledger.service import Ledger, Succeeded, audit, backup, rebuild, restore
from tests.service.red_acts import reddened
from tests.service.world import must, refused, settings_of
from tests.succession.handing_over import Town
from verifier import Report, Result, Trust, parse_trust, verify
from verifier.bundle import proof_keys
from verifier.canonical import dumps
from verifier.parsing import parse
from verifier.reasons import Reason
from verifier.shape import base64_of


@dataclass(frozen=True)
class Past:
    """What was done before the succession, and what was handed out then."""

    untouched: str
    to_transfer: str
    to_claim: str
    locked: str
    claim_id: str
    to_redden: str
    to_redden_claimed: str
    contested: str
    contested_claim: str
    trust: bytes
    evidence: dict[str, bytes]  # of `untouched` and `locked`
    backup: Path
    succeeded: Succeeded


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("succession"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def past(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """A history, then the succession."""
    untouched, to_transfer, to_claim, locked, contested, red_claimed = (
        town.issued(town.seller, town.claimant) for _ in range(6)
    )
    to_redden = town.issued(town.seller)
    claim_id = town.claimed(town.claimant, town.employer, locked)
    contested_claim = town.claimed(town.claimant, town.employer, contested, reference="BX-2")
    town.claimed(town.claimant, town.employer, red_claimed, reference="BX-3")
    evidence = {number: town.ledger.evidence(town.claimant, number) for number in (untouched, locked)}
    trust = dumps(town.ledger.trust())
    copy = tmp_path_factory.mktemp("backup") / "before"
    backup(town.ledger.context, copy, master_key=True)
    return Past(
        untouched=untouched,
        to_transfer=to_transfer,
        to_claim=to_claim,
        locked=locked,
        claim_id=claim_id,
        to_redden=to_redden,
        to_redden_claimed=red_claimed,
        contested=contested,
        contested_claim=contested_claim,
        trust=trust,
        evidence=evidence,
        backup=copy,
        succeeded=town.succeeded(),
    )


@pytest.fixture(scope="module")
def trust(town: Town, past: Past) -> Trust:
    """The new trust file."""
    assert past.succeeded
    return parse_trust(dumps(town.ledger.trust()))


def contract_of(town: Town, number: str) -> list[int]:
    """Which contract took each operation of an invoice's history."""
    with town.ledger.context.reading() as connection:
        steps = invoices.history(connection, int(parse_number(number)))
        groups = [invoices.group_at(connection, step.block, step.position) for step in steps]
    return [group.contract for group in groups if group is not None]


def failed(report: Report) -> list[tuple[str, Reason | None]]:
    return [(step.name, step.reason) for step in report.steps if step.result is not Result.VALID]


# -- life goes on -------------------------------------------------------------------------------


def test_the_chain_itself_says_which_contracts_carried_the_ledger(town: Town, past: Past) -> None:
    assert town.contracts == (past.succeeded.predecessor, past.succeeded.successor)
    assert past.succeeded.contracts == 2
    assert past.succeeded.predecessor == town.first
    with open_reader(town.settings.chain_dir) as again:  # type: ignore[attr-defined]
        assert again.identity == town.ledger.context.reader.identity


def test_an_invoice_of_before_is_handed_on(town: Town, past: Past) -> None:
    colleague = town.person("王五", (town.employer, ["claim"]))
    must(town.ledger.transfer(town.claimant, past.to_transfer, colleague.party, idempotency_key=town.key()))
    assert contract_of(town, past.to_transfer) == [0, 1]
    assert town.ledger.invoice(colleague, past.to_transfer).version == 2


def test_an_invoice_of_before_is_claimed_and_settled(town: Town, past: Past) -> None:
    town.settled(town.claimed(town.claimant, town.employer, past.to_claim, reference="BX-9"))
    assert contract_of(town, past.to_claim) == [0, 1, 1]
    assert town.ledger.invoice(town.claimant, past.to_claim).claim_state == "settled"


def test_a_claim_of_before_is_settled(town: Town, past: Past) -> None:
    town.settled(past.claim_id)
    assert contract_of(town, past.locked) == [0, 0, 1]
    assert town.ledger.claim(town.claimant, past.claim_id).lines[0].state == "settled"


def test_what_is_claimed_before_is_not_claimed_a_second_time_after(town: Town, past: Past) -> None:
    again = town.ledger.open_claim(
        town.claimant, [past.contested], employer=town.other_employer.party, reference="X", idempotency_key=town.key()
    )
    refused(again, "locked")


def test_invoices_of_before_are_reddened(town: Town, past: Past) -> None:
    red = must(reddened(town, town.seller, past.to_redden)).numbers[0]
    assert (contract_of(town, red), contract_of(town, past.to_redden)) == ([1], [0, 1])
    assert town.ledger.invoice(town.seller, past.to_redden).colour == "fully_red"


def test_a_number_issued_before_is_not_given_out_again(town: Town, past: Past) -> None:
    fresh = town.issued(town.seller, town.claimant)
    assert fresh not in {past.untouched, past.locked, past.contested, past.to_redden}
    assert contract_of(town, fresh) == [1]


def test_a_receipt_given_before_is_the_same_after(town: Town, past: Past) -> None:
    key = town.key()
    assert past.succeeded
    first = must(town.ledger.issue(town.seller, town.draft(), idempotency_key=key))
    assert must(town.ledger.issue(town.seller, town.draft(), idempotency_key=key)).receipt == first.receipt
    assert town.ledger.context.domain.contract != town.ledger.context.reader.identity.founding_domain.contract


def test_who_follows_events_reads_on_over_the_boundary(town: Town, past: Past) -> None:
    town.issued(town.seller, town.claimant)
    page = town.ledger.events.page(town.authority, limit=50)
    seen = [*page.items]
    while page.more:
        page = town.ledger.events.page(town.authority, after=page.next_cursor, limit=50)
        seen += page.items
    retired = [index for index, event in enumerate(seen) if event.operation == "retire"]
    assert len(retired) == 1
    assert {event.operation for event in seen[retired[0] + 1 :]} >= {"issue"}
    assert past.succeeded


# -- evidence -----------------------------------------------------------------------------------


def test_evidence_of_what_nobody_touched_since_verifies(town: Town, past: Past, trust: Trust) -> None:
    report = verify(town.ledger.evidence(town.claimant, past.untouched), trust)
    assert (report.verdict, failed(report)) == (Result.VALID, [])


def test_evidence_of_a_history_over_both_contracts_verifies(town: Town, past: Past, trust: Trust) -> None:
    number = town.issued(town.seller, town.claimant)
    town.claimed(town.claimant, town.employer, number, reference="BX-11")
    for one in (past.contested, past.to_redden_claimed, number):
        content = town.ledger.evidence(town.claimant, one)
        report = verify(content, trust)
        assert (report.verdict, failed(report)) == (Result.VALID, [])
        assert [event.contract for event in parse(content).history] == contract_of(town, one)


def test_evidence_touched_after_names_the_contract_of_each_operation(town: Town, past: Past, trust: Trust) -> None:
    number = past.contested
    must(town.ledger.withdraw_claim(town.claimant, past.contested_claim, idempotency_key=town.key()))
    content = town.ledger.evidence(town.claimant, number)
    assert [event["group"]["contract"] for event in json.loads(content)["history"]] == [0, 0, 1]
    assert verify(content, trust).verdict is Result.VALID
    swapped = content.replace(b'"contract":1,', b'"contract":0,')
    assert swapped != content
    assert verify(swapped, trust).verdict is Result.INVALID


def test_evidence_of_what_was_issued_after_verifies(town: Town, past: Past, trust: Trust) -> None:
    assert past.succeeded
    content = town.ledger.evidence(town.claimant, town.issued(town.seller, town.claimant))
    assert verify(content, trust).verdict is Result.VALID


def test_evidence_made_before_stays_valid_under_the_new_trust_file(past: Past, trust: Trust) -> None:
    for content in past.evidence.values():
        assert verify(content, trust).verdict is Result.VALID
        assert verify(content, parse_trust(past.trust)).verdict is Result.VALID


def test_under_the_old_trust_file_new_evidence_cannot_be_checked(town: Town, past: Past) -> None:
    report = verify(town.ledger.evidence(town.claimant, past.untouched), parse_trust(past.trust))
    assert report.verdict is Result.UNCHECKED
    assert failed(report)[0] == ("ledger", Reason.TRUST_OUTDATED)


def test_a_retired_contracts_words_are_not_shown_as_of_a_later_block(
    town: Town, past: Past, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file with a fresh proof of the retired contract alone: all its words are genuine, and stale."""
    content = json.loads(past.evidence[past.locked])
    bundle = parse(past.evidence[past.locked])
    keys = proof_keys(bundle.number, [party.party for party in bundle.parties], _revocable(town, bundle.certificates))
    monkeypatch.setattr("ledger.chain.state.CONTRACTS_MAX", 1)
    store = ChainStore(town.settings.chain_dir)
    with store.read() as nodes:
        stale = contract_proof(nodes, head_header(nodes), town.first, keys)
    store.close()
    assert stale.contracts == (town.first,)
    content["proof"] = {
        "header": base64_of(stale.header_rlp),
        "account": [base64_of(node) for node in sorted(node for node in stale.account_nodes if len(node) >= 32)],
        "storage": [base64_of(node) for node in sorted(node for node in stale.storage_nodes if len(node) >= 32)],
    }
    for given in (trust, parse_trust(past.trust)):
        report = verify(dumps(content), given)
        assert report.verdict is Result.INVALID
        assert ("account", Reason.CONTRACT_SUCCEEDED) in failed(report)


# -- looked after -------------------------------------------------------------------------------


def test_the_ledger_audits_clean(town: Town, past: Past) -> None:
    assert past.succeeded
    report = town.audited()
    assert report.difference is None
    assert report.invoices >= 7


def test_a_rebuild_finds_both_contracts_again(town: Town, past: Past, tmp_path: Path) -> None:
    before = [contract_of(town, number) for number in (past.untouched, past.locked, past.to_claim)]
    copy = tmp_path / "copy"
    with _copied(town, copy) as ledger:
        rebuild(ledger.context)
        assert ledger.context.reader.identity.contracts == town.contracts
        assert audit(ledger.context).difference is None
    assert [contract_of(town, number) for number in (past.untouched, past.locked, past.to_claim)] == before


def test_a_backup_of_before_is_restored_as_the_ledger_it_was(town: Town, past: Past, tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "restored")
    restore(settings, past.backup)
    with Ledger.open(settings) as ledger:
        assert ledger.context.reader.identity.contracts == (town.first,)
        assert audit(ledger.context).difference is None


def test_a_backup_of_after_is_restored_with_both(town: Town, past: Past, trust: Trust, tmp_path: Path) -> None:
    backup(town.ledger.context, tmp_path / "backup", master_key=True)
    settings = settings_of(tmp_path / "restored")
    restore(settings, tmp_path / "backup")
    with Ledger.open(settings) as ledger:
        assert ledger.context.reader.identity.contracts == town.contracts
        content = ledger.evidence(ledger.caller(town.claimant.party), past.untouched)
        assert verify(content, trust).verdict is Result.VALID
        assert ledger.trust() == town.ledger.trust()


def _revocable(town: Town, certificates: tuple[bytes, ...]) -> set[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    pem = town.ledger.trust()["authority_root"]
    assert isinstance(pem, str)
    return set(certificates) - {load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)}


def _copied(town: Town, target: Path) -> Ledger:
    backup(town.ledger.context, target, master_key=True)
    settings = settings_of(target.with_name("copied"))
    restore(settings, target)
    shutil.rmtree(target)
    return Ledger.open(settings)
