"""`einvoice audit --full` names the table, key and column of a row that was changed, in every table it can hold."""

from __future__ import annotations

import pytest
from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, String, Table

from ledger.projection.derived import derived_tables
from ledger.service import Ledger, NotReady
from tests.audit.lived import Place, ground_tables
from tests.service.world import settings_of

pytestmark = pytest.mark.slow

EDITS = [
    # -- the queue: bytes, what is repeated of them, outcome, times
    ("operation", "signed", "UPDATE operation SET signed = zeroblob(length(signed)) WHERE seq = 3"),
    ("operation", "signed", "UPDATE operation SET signed = (SELECT signed FROM operation WHERE seq = 4) WHERE seq = 3"),
    ("operation", "actor", "UPDATE operation SET actor = actor + 1 WHERE seq = 3"),
    ("operation", "subject", "UPDATE operation SET subject = subject + 1 WHERE seq = 3"),
    ("operation", "valid_until", "UPDATE operation SET valid_until = valid_until + 1 WHERE seq = 3"),
    ("operation", "operation_count", "UPDATE operation SET operation_count = 2 WHERE seq = 3"),
    ("operation", "state", "UPDATE operation SET state = 'expired' WHERE seq = 3"),
    ("operation", "reason", "UPDATE operation SET reason = 7 WHERE seq = 3"),
    ("operation", "settled_at", "UPDATE operation SET settled_at = settled_at + 1 WHERE seq = 3"),
    ("operation", "accepted_at", "UPDATE operation SET accepted_at = accepted_at + 60 WHERE seq = 3"),
    ("operation", "accepted_at", "UPDATE operation SET accepted_at = accepted_at - 90000 WHERE seq = 3"),
    # -- what was stored with a group
    ("document", "seller", "UPDATE document SET seller = seller + 1 WHERE number = (SELECT min(number) FROM document)"),
    ("document", "stored_at", "UPDATE document SET stored_at = stored_at - 1"),
    ("document", "sealed_document", "DELETE FROM document WHERE number = (SELECT min(number) FROM document)"),
    ("reference", "party", "UPDATE reference SET party = party + 1"),
    ("reference", "created_at", "UPDATE reference SET created_at = created_at - 1"),
    ("reference", "sealed", "UPDATE reference SET sealed = zeroblob(length(sealed))"),
    ("reference", "", "DELETE FROM reference"),
    ("claim_request", "claimant", "UPDATE claim_request SET claimant = claimant + 1"),
    ("claim_request", "employer", "UPDATE claim_request SET employer = employer + 1"),
    ("claim_request", "sealed_reference", "UPDATE claim_request SET sealed_reference = zeroblob(99)"),
    ("claim_request", "sealed_reference", "UPDATE claim_request SET sealed_reference = NULL"),
    ("claim_request", "created_at", "UPDATE claim_request SET created_at = created_at - 1"),
    ("claim_request", "", "DELETE FROM claim_request"),
    ("claim_payment", "claim_id", "UPDATE claim_payment SET claim_id = 'ff'"),
    ("claim_payment", "employer", "UPDATE claim_payment SET employer = employer + 1"),
    ("claim_payment", "reference_index", "UPDATE claim_payment SET reference_index = zeroblob(32)"),
    ("claim_payment", "", "DELETE FROM claim_payment"),
    ("outside_document", "party", "UPDATE outside_document SET party = party + 1"),
    ("outside_document", "sealed_original", "UPDATE outside_document SET original_hash = zeroblob(32)"),
    ("outside_document", "sealed_original", "UPDATE outside_document SET sealed_original = zeroblob(200)"),
    ("outside_document", "sealed_document", "DELETE FROM outside_document"),
    ("month_report", "party", "UPDATE month_report SET party = party + 1"),
    ("month_report", "month", "UPDATE month_report SET month = month + 1"),
    ("month_report", "report", "UPDATE month_report SET report = zeroblob(length(report))"),
    ("month_report", "", "DELETE FROM month_report"),
    # -- keys, certificates, names
    ("certificate", "", "DELETE FROM certificate"),
    ("certificate", "der", "UPDATE certificate SET der = zeroblob(length(der))"),
    ("certificate", "identity_text", "UPDATE certificate SET identity_text = 'person:' || substr(identity_text, 8)"),
    ("certificate", "created_at", "UPDATE certificate SET created_at = 0"),
    ("signing_key", "identity", "UPDATE signing_key SET identity = zeroblob(32)"),
    ("signing_key", "sealed_key", "UPDATE signing_key SET sealed_key = zeroblob(9) WHERE identity != zeroblob(32)"),
    ("party_name", "identity_text", "UPDATE party_name SET identity_text = identity_text || 'X'"),
    ("party_name", "display_name", "UPDATE party_name SET display_name = '别家' WHERE tax_id IS NOT NULL"),
    ("party_name", "district", "UPDATE party_name SET tax_id = 'X' WHERE tax_id IS NOT NULL"),
    ("party_name", "tax_id", "UPDATE party_name SET tax_id = 'X', district = NULL WHERE tax_id IS NOT NULL"),
    ("party_name", "sealed", "UPDATE party_name SET sealed = zeroblob(length(sealed)) WHERE sealed IS NOT NULL"),
    ("party_name", "", "DELETE FROM party_name WHERE sealed IS NOT NULL"),
    ("api_key", "identity", "UPDATE api_key SET identity = zeroblob(31)"),
    ("api_key", "mac", "UPDATE api_key SET scopes = 'all issue'"),
    ("api_key", "mac", "UPDATE api_key SET expires_at = expires_at + 1"),
    ("api_key", "mac", "UPDATE api_key SET secret_hash = zeroblob(32)"),
    ("password", "sealed_hash", "UPDATE password SET name_index = zeroblob(32)"),
    ("password", "sealed_hash", "UPDATE password SET identity = zeroblob(32)"),
    ("password", "sealed_hash", "UPDATE password SET made_with = '0123456789abcdef'"),
    ("session", "proof", "UPDATE session SET identity = zeroblob(32)"),
    ("session", "proof", "UPDATE session SET made_with = '0123456789abcdef'"),
    ("session", "proof", "UPDATE session SET token_hash = zeroblob(32)"),
    ("session", "proof", "UPDATE session SET password_at = password_at + 60"),
    ("invitation", "proof", "UPDATE invitation SET identity = zeroblob(32)"),
    ("invitation", "proof", "UPDATE invitation SET acted_by = 1"),
    ("invitation", "proof", "UPDATE invitation SET expires_at = expires_at + 60"),
    ("sign_in_provider", "sealed_secret", "UPDATE sign_in_provider SET issuer = 'https://elsewhere.example'"),
    ("sign_in_provider", "sealed_secret", "UPDATE sign_in_provider SET enterprise = enterprise + 1"),
    ("provider_link", "proof", "UPDATE provider_link SET identity = zeroblob(32)"),
    ("provider_link", "proof", "UPDATE provider_link SET subject_index = zeroblob(32)"),
    ("session", "proof", "UPDATE session SET provider_id = 'ab'"),
    ("meta", "value", "UPDATE meta SET value = '00' WHERE name = 'authority_root'"),
    # -- numbers, keys of requests, work around invoices
    ("number_range", "seller", "UPDATE number_range SET seller = seller + 1"),
    ("number_range", "next_number", "UPDATE number_range SET next_number = first_number"),
    ("number_range", "next_number", "UPDATE number_range SET next_number = '0'"),
    ("number_reservation", "seller", "UPDATE number_reservation SET seller = seller + 1"),
    ("number_reservation", "state", "UPDATE number_reservation SET state = 'lost'"),
    ("number_reservation", "digest", "UPDATE number_reservation SET state = 'used'"),
    ("idempotency", "digests", "UPDATE idempotency SET digests = zeroblob(32) WHERE length(digests) > 0"),
    ("idempotency", "created_at", "UPDATE idempotency SET created_at = created_at - 1"),
    ("external_id", "digest", "UPDATE external_id SET digest = zeroblob(32)"),
    ("external_id", "target", "UPDATE external_id SET target = '94403260911000009999' WHERE kind = 'invoice'"),
    ("claim_approval", "claim_id", "UPDATE claim_approval SET claim_id = 'ff'"),
    ("claim_approval", "claim_id", "UPDATE claim_approval SET employer = employer + 1"),
    ("claim_approval", "sealed_note", "UPDATE claim_approval SET sealed_note = zeroblob(length(sealed_note))"),
    ("webhook", "sealed_secret", "UPDATE webhook SET sealed_secret = zeroblob(length(sealed_secret))"),
    ("webhook_delivery", "event_order", "UPDATE webhook_delivery SET event_order = 1"),
    ("webhook_delivery", "webhook_id", "UPDATE webhook_delivery SET webhook_id = 'ff'"),
    ("bulk_job", "kind", "UPDATE bulk_job SET kind = 'other' WHERE kind = 'register'"),
    ("bulk_row", "number", "UPDATE bulk_row SET number = '1' WHERE gross_fen IS NULL AND digest IS NOT NULL"),
    ("bulk_job", "row_count", "UPDATE bulk_job SET row_count = 9"),
    ("bulk_job", "options", "UPDATE bulk_job SET options = zeroblob(length(options))"),
    ("bulk_job", "options", "UPDATE bulk_job SET party = party + 1 WHERE kind = 'issue'"),
    ("bulk_job", "options", "UPDATE bulk_job SET subject = subject + 1 WHERE kind = 'issue'"),
    ("bulk_job", "options", "UPDATE bulk_job SET party = party + 1 WHERE kind = 'register'"),
    ("bulk_row", "digest", "UPDATE bulk_row SET digest = NULL"),
    ("bulk_row", "state", "UPDATE bulk_row SET state = 'drafted' WHERE state = 'signed'"),
    ("bulk_row", "number", "UPDATE bulk_row SET number = '94403260911000009999'"),
    ("bulk_row", "gross_fen", "UPDATE bulk_row SET gross_fen = gross_fen + 1"),
    ("bulk_row", "sealed_draft", "UPDATE bulk_row SET sealed_draft = zeroblob(length(sealed_draft))"),
    ("enrolment_request", "sealed", "UPDATE enrolment_request SET sealed = zeroblob(length(sealed))"),
    ("enrolment_request", "sealed_reason", "UPDATE enrolment_request SET sealed_reason = zeroblob(9)"),
    ("enrolment_request", "digest", "UPDATE enrolment_request SET digest = zeroblob(32)"),
    ("signing_draft", "sealed", "UPDATE signing_draft SET sealed = zeroblob(length(sealed))"),
    ("signing_draft", "sealed", "UPDATE signing_draft SET digest = zeroblob(32)"),
    ("till_order", "number", "UPDATE till_order SET number = '94403260911000009999'"),
    ("till_order", "seller", "UPDATE till_order SET seller = seller + 1"),
    ("till_order", "gross_fen", "UPDATE till_order SET gross_fen = 1"),
    ("buyer_title", "sealed_title", "UPDATE buyer_title SET sealed_title = zeroblob(length(sealed_title))"),
    ("proposal", "sealed", "UPDATE proposal SET sealed = zeroblob(length(sealed))"),
    ("proposal", "sealed", "UPDATE proposal SET proposed_at = proposed_at + 1"),
    ("proposal", "sealed", "UPDATE proposal SET proposer = proposer + 7"),
    ("proposal", "", "UPDATE proposal SET party = party + 1"),
    ("proposal", "state", "UPDATE proposal SET state = 'agreed'"),
    ("proposal", "digest", "UPDATE proposal SET state = 'open'"),
    ("proposal", "digest", "UPDATE proposal SET digest = zeroblob(32)"),
    ("proposal", "decided_by", "UPDATE proposal SET decided_by = decided_by + 1"),
    ("proposal", "", "DELETE FROM proposal"),
    ("meta", "value", "INSERT INTO meta (name, value) SELECT 'second_officer_after', max(seq) FROM operation"),
    ("officer_district", "sealed", "UPDATE officer_district SET district = '4401'"),
    ("officer_district", "sealed", "UPDATE officer_district SET district = ''"),
    ("party_name", "district", "UPDATE party_name SET district = '440100' WHERE district IS NOT NULL"),
    ("party_name", "district", "UPDATE party_name SET district = '440300' WHERE tax_id IS NULL"),
    ("witness_key", "name", "UPDATE witness_key SET name = 'w.example/2'"),
    ("witness_key", "public_key", "UPDATE witness_key SET public_key = zeroblob(32)"),
    ("cosignature", "block_hash", "UPDATE cosignature SET block_hash = zeroblob(32)"),
    ("cosignature", "signed_at", "UPDATE cosignature SET signed_at = signed_at + 1"),
    ("cosignature", "line", "UPDATE cosignature SET line = substr(line, 1, length(line) - 8) || 'AAAAAAA='"),
    ("cosignature", "witness", "UPDATE cosignature SET witness = witness + 1"),
    ("witness_alarm", "own_hash", "UPDATE witness_alarm SET own_hash = zeroblob(32)"),
    ("office", "sealed", "UPDATE office SET kind = 'auditor'"),
    ("office", "sealed", "UPDATE office SET ended_by = NULL, ended_at = NULL WHERE ended_at IS NOT NULL"),
    ("office_use", "digest", "UPDATE office_use SET digest = zeroblob(32)"),
    ("office_use", "digest", "UPDATE office_use SET office = office + 1"),
    ("audit_entry", "entry_hash", "UPDATE audit_entry SET actor = actor + 1 WHERE seq = 2"),
    ("audit_entry", "entry_hash", "UPDATE audit_entry SET about = 'x' WHERE seq = 2"),
    ("audit_entry", "entry_hash", "UPDATE audit_entry SET noted_at = noted_at - 1 WHERE seq = 2"),
    ("audit_entry", "entry_hash", "UPDATE audit_entry SET kind = 'sign_in' WHERE seq = 2"),
    ("audit_entry", "entry_hash", "UPDATE audit_entry SET detail = '{}' WHERE seq = 2"),
    ("audit_entry", "mac", "UPDATE audit_entry SET entry_hash = zeroblob(32) WHERE seq = 2"),
    ("audit_entry", "mac", "UPDATE audit_entry SET mac = zeroblob(32) WHERE seq = 2"),
    ("audit_entry", "", "DELETE FROM audit_entry WHERE seq = 1"),
    ("erasure", "sealed_reason", "UPDATE erasure SET sealed_reason = zeroblob(length(sealed_reason))"),
    ("erasure", "actor", "UPDATE erasure SET actor = actor + 1"),
    ("erasure", "erased_at", "UPDATE erasure SET erased_at = erased_at + 1"),
    ("document", "sealed_document", "DELETE FROM erasure"),
    (
        "document",
        "sealed_document",
        "UPDATE document SET sealed_document = NULL, sealed_seed = NULL WHERE sealed_document IS NOT NULL",
    ),
    ("document", "sealed_document", "UPDATE document SET sealed_seed = NULL WHERE sealed_seed IS NOT NULL"),
    (
        "outside_document",
        "sealed_document",
        "UPDATE outside_document SET sealed_document = NULL, sealed_seed = NULL, sealed_original = NULL",
    ),
    ("month_declaration", "declared", "UPDATE month_declaration SET month = month + 1"),
]
UNHELD = {
    "sign_in_attempt": "a count of failures, forgotten after a day",
    "provider_answer": "random ids of sign-ins that were answered, forgotten after minutes",
    "claim_policy": "a company's own wish",
    "claim_approver": "a company's own wish",
    "witness_policy": "the authority's wish, published in the trust file",
    "till": "a till's key and goods, as its seller told them",
}


def test_the_untouched_twin_agrees(place: Place) -> None:
    report = place.audited()
    assert report.difference is None
    assert (report.executed, report.resumed_after) == (0, report.block)
    assert min(report.rows, report.invoices, report.documents, report.ground, report.signatures) >= 5


@pytest.mark.parametrize(("table", "column", "statement"), EDITS, ids=[edit[2] for edit in EDITS])
def test_a_changed_ground_row_is_named(place: Place, table: str, column: str, statement: str) -> None:
    place.edit(statement)
    difference = place.audited().difference
    assert difference is not None
    assert (difference.table, difference.column) == (table, column)
    assert difference.key
    assert difference.stored != difference.recomputed


@pytest.mark.parametrize("table", derived_tables(), ids=lambda table: table.name)
def test_an_invented_derived_row_is_named(place: Place, table: Table) -> None:
    values = {column.name: _FILLERS[type(column.type)] for column in table.c}
    columns, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    place.edit(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", *values.values())
    difference = place.audited().difference
    assert difference is not None
    assert difference.table == table.name
    assert (difference.stored, difference.recomputed) == ("a row", "no row") or table.name == "p_block"


@pytest.mark.parametrize("table", derived_tables(), ids=lambda table: table.name)
def test_a_missing_derived_row_is_named(place: Place, table: Table) -> None:
    if not place.ask(f"SELECT count(*) FROM {table.name}"):
        return  # an invented row is named above; this ledger has none to lose
    place.edit(f"DELETE FROM {table.name}")
    difference = place.audited().difference
    assert difference is not None
    assert difference.table in (table.name, "p_block")


_FILLERS = {
    BigInteger: 1 << 40,
    Integer: 1 << 40,
    String: "99999999999999999999",
    LargeBinary: b"\xff" * 32,
    Boolean: 0,
}


def test_every_ground_table_is_held_or_known_not_to_be() -> None:
    """A new ground table is thought of here: what is it held against?"""
    held = {edit[0] for edit in EDITS}
    assert held | UNHELD.keys() == {table.name for table in ground_tables()}
    assert not held & UNHELD.keys()


def test_every_ground_table_has_a_row_in_the_ledger_that_is_audited(untouched: Place) -> None:
    assert [table.name for table in ground_tables() if not untouched.ask(f"SELECT count(*) FROM {table.name}")] == []


@pytest.mark.parametrize("name", ["chain_identity", "operator_address"])
def test_a_ledger_whose_identity_was_changed_does_not_open(place: Place, name: str) -> None:
    place.edit("UPDATE meta SET value = '00' WHERE name = ?", name)
    with pytest.raises(NotReady):
        Ledger.open(settings_of(place.data_dir))


def test_swapped_certificates_are_named(place: Place) -> None:
    place.edit(
        "UPDATE certificate SET der = (SELECT der FROM certificate AS other WHERE other.rowid != certificate.rowid"
        " AND other.identity_text LIKE 'person:%' LIMIT 1) WHERE identity_text LIKE 'enterprise:%'"
    )
    difference = place.audited().difference
    assert difference is not None
    assert (difference.table, difference.column) == ("certificate", "der")


def test_swapped_keys_are_named(place: Place) -> None:
    place.edit(
        "UPDATE signing_key SET sealed_key = (SELECT sealed_key FROM signing_key AS other"
        " WHERE other.rowid != signing_key.rowid LIMIT 1) WHERE rowid = (SELECT max(rowid) FROM signing_key)"
    )
    difference = place.audited().difference
    assert difference is not None
    assert (difference.table, difference.column) == ("signing_key", "sealed_key")


@pytest.mark.parametrize("column", ["sealed_document", "sealed_seed"])
def test_a_document_that_does_not_open_is_named(place: Place, column: str) -> None:
    number = place.ask("SELECT min(number) FROM document")
    place.edit(f"UPDATE document SET {column} = zeroblob(length({column})) WHERE number = ?", number)
    difference = place.audited().difference
    assert difference is not None
    assert (difference.table, difference.key, difference.column) == ("document", number, "sealed_document")


def test_a_document_of_another_commitment_is_named(place: Place) -> None:
    place.edit("UPDATE document SET commitment = zeroblob(32) WHERE number = (SELECT max(number) FROM document)")
    difference = place.audited().difference
    assert difference is not None
    assert (difference.table, difference.column) == ("document", "commitment")
