"""What was erased is gone from every file and says so; the chain's history stays; a restored backup is held to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.identity import create_master_key, load_master_key
from ledger.service import Ledger
from ledger.service.copies import backup, restore
from ledger.service.erasing import LIST_FORMAT, ErasedAgain
from ledger.service.errors import Erased, InvalidRequest, NotFound, NotPermitted, NotReady
from ledger.service.full_audit import full_audit
from tests.privacy.planted import WORDS, Planted, bytes_of
from tests.service.world import World, must, settings_of
from verifier import Result, parse_trust, verify
from verifier.canonical import dumps


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """A planted ledger of which things are erased."""
    world = World(tmp_path_factory.mktemp("erasing"))
    try:
        yield Planted(world)
    finally:
        world.close()


def erased(told: Planted, number: str) -> Any:
    world = told.world
    return world.ledger.erasing.invoice(world.authority, number, reason="申请删除", idempotency_key=world.key())


def sealed_of(told: Planted, number: str) -> list[bytes]:
    """The sealed bytes of an invoice as they lie in the file."""
    with told.world.ledger.context.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT sealed_document, sealed_seed FROM document WHERE number = ?", (number,)
        ).all()
    return [column for row in rows for column in row if column is not None]


def test_an_erased_invoice_keeps_its_history_and_loses_its_words(told: Planted) -> None:
    world, number = told.world, told.number
    seller, ledger = told.seller, told.world.ledger
    held, before = sealed_of(told, number), ledger.history(seller, number)
    evidence, commitment = ledger.evidence(seller, number), ledger.invoice(seller, number).commitment
    assert len(held) == 2
    erased(told, number)
    view = ledger.invoice(seller, number)
    assert (view.erased, view.document, view.commitment) == (True, None, commitment)
    assert [one.operation for one in ledger.history(seller, number)] == [one.operation for one in before]
    for asked in (
        lambda: ledger.papers.document(seller, number, kind="json"),
        lambda: ledger.papers.document(seller, number, kind="pdf"),
        lambda: ledger.public_check(number, view.gross_fen, commitment),
    ):
        with pytest.raises(Erased):
            asked()
    assert ledger.public_check(number, view.gross_fen + 1, commitment) is None
    trust = parse_trust(dumps(ledger.trust()))
    assert verify(evidence, trust).verdict is Result.VALID
    assert verify(ledger.evidence(seller, number), trust).verdict is Result.ERASED
    files = bytes_of(world.settings.data_dir)
    assert not any(one in files for one in held)


def test_an_invoice_that_was_not_erased_is_whole(told: Planted) -> None:
    view = told.world.ledger.invoice(told.seller, told.rejected)
    assert not view.erased
    assert view.document is not None
    assert all(one in bytes_of(told.world.settings.data_dir) for one in sealed_of(told, told.rejected))


def test_the_authority_alone_erases(told: Planted) -> None:
    world, number = told.world, told.rejected
    for caller in (told.seller, told.claimant, told.cashier, world.officer):
        with pytest.raises(NotPermitted):
            world.ledger.erasing.invoice(caller, number, reason="x", idempotency_key=world.key())
        with pytest.raises(NotPermitted):
            world.ledger.erasing.listed(caller)
    with pytest.raises(InvalidRequest, match="reason"):
        world.ledger.erasing.invoice(world.authority, number, reason="", idempotency_key=world.key())
    with pytest.raises(NotFound):
        world.ledger.erasing.invoice(world.authority, "9" * 20, reason="x", idempotency_key=world.key())
    assert not world.ledger.invoice(told.seller, number).erased


def test_erasing_twice_is_one_erasure(told: Planted) -> None:
    world = told.world
    number = world.issued(told.seller)
    first = erased(told, number)
    assert erased(told, number) == first
    assert [one.target for one in world.ledger.erasing.listed(world.authority)].count(number) == 1


def test_reds_and_originals_go_with_it(told: Planted) -> None:
    world, ledger = told.world, told.world.ledger
    number = world.issued(told.seller)
    red = must(ledger.red_letters.issue_red(told.seller, number, reason="return", idempotency_key=world.key())).numbers
    erased(told, number)
    assert ledger.invoice(told.seller, red[0]).erased
    with pytest.raises(Erased):
        ledger.papers.document(told.seller, red[0], kind="json")
    outside = "14403180911000000007"
    held = [one.number for one in ledger.search(told.claimant, limit=50).items if not one.issued_here]
    erased(told, held[0])
    with pytest.raises(Erased):
        ledger.papers.original(told.claimant, held[0])
    assert outside


def test_a_person_is_erased_and_histories_say_person_n(told: Planted) -> None:
    world, ledger = told.world, told.world.ledger
    person = world.person("林栖霞子", (told.employer, ["claim"]))
    number = world.issued(told.seller, person)
    claim_id = world.claimed(person, told.employer, number, reference="林栖霞子的话")
    with pytest.raises(NotPermitted):
        ledger.erasing.person(person, person.party, reason="x", idempotency_key=world.key())
    with pytest.raises(InvalidRequest, match="no person"):
        ledger.erasing.person(world.authority, told.seller.party, reason="x", idempotency_key=world.key())
    ledger.erasing.person(world.authority, person.party, reason="离职", idempotency_key=world.key())
    claim = ledger.claim(told.cashier, claim_id)
    assert (claim.claimant_name, claim.reference) == (f"person {person.party}", "")
    assert ledger.party(world.officer, person.party).name == f"person {person.party}"
    with pytest.raises(Exception, match="API key"):
        ledger.authenticate(world.api_keys[person.party])
    assert [one.operation for one in ledger.history(told.seller, number)] == ["issue", "lock"]


def test_a_full_audit_agrees_and_names_what_nobody_erased(told: Planted, tmp_path: Path) -> None:
    assert full_audit(told.world.ledger.context, state_path=tmp_path / "state").difference is None


def test_a_restored_backup_is_held_to_the_list(told: Planted, tmp_path: Path) -> None:
    world, ledger = told.world, told.world.ledger
    number = world.issued(told.seller)
    backup(ledger.context, tmp_path / "copy")
    erased(told, number)
    listed = tmp_path / "erasures.json"
    listed.write_bytes(ledger.erasing.list_file(world.authority))
    key = tmp_path / "key"
    create_master_key(key, load_master_key(world.settings))
    forgetful = settings_of(tmp_path / "forgetful")
    restore(forgetful, tmp_path / "copy", master_key_file=key)
    with Ledger.open(forgetful) as opened:
        assert not opened.invoice(opened.caller(told.seller.party), number).erased
    held = settings_of(tmp_path / "held")
    report = restore(held, tmp_path / "copy", master_key_file=key, erasures=listed)
    assert report.erased is not None
    assert report.erased.erased == 1 < report.erased.listed
    with Ledger.open(held) as opened:
        assert opened.invoice(opened.caller(told.seller.party), number).erased
        assert full_audit(opened.context, state_path=tmp_path / "state").difference is None


@pytest.mark.parametrize("wrong", [b"", b"[]", b'{"format":"einvoice-erasures-1","erasures":[{"kind":"x"}]}', b"\xff"])
def test_a_list_that_is_none_restores_nothing(told: Planted, tmp_path: Path, wrong: bytes) -> None:
    backup(told.world.ledger.context, tmp_path / "copy")
    (tmp_path / "list").write_bytes(wrong)
    create_master_key(tmp_path / "key", load_master_key(told.world.settings))
    target = settings_of(tmp_path / "held")
    with pytest.raises(NotReady, match="list of erasures"):
        restore(target, tmp_path / "copy", master_key_file=tmp_path / "key", erasures=tmp_path / "list")
    assert not target.data_dir.exists()
    with pytest.raises(NotReady, match="master key"):
        restore(target, tmp_path / "copy", erasures=tmp_path / "list")


@pytest.mark.parametrize("later_s", [3_600, (1 << 53) - 1])
def test_a_list_with_an_erasure_of_a_time_to_come_restores_nothing(told: Planted, tmp_path: Path, later_s: int) -> None:
    """The authority's key signs the time of each entry, so it signs none that has not come."""
    world, now_s = told.world, told.world.ledger.context.now_s()
    number = world.issued(told.seller)
    backup(world.ledger.context, tmp_path / "copy")
    create_master_key(tmp_path / "key", load_master_key(world.settings))
    at = min(now_s + later_s, (1 << 53) - 1)

    def restored(name: str, at: int) -> ErasedAgain | None:
        value = {"format": LIST_FORMAT, "erasures": [{"kind": "invoice", "target": number, "at": at}]}
        (tmp_path / "list").write_text(json.dumps(value))
        target, files = settings_of(tmp_path / name), {"master_key_file": tmp_path / "key"}
        return restore(target, tmp_path / "copy", erasures=tmp_path / "list", **files).erased

    with pytest.raises(NotReady, match=f"entry 1 of the list of erasures, invoice {number}: `at` is {at}"):
        restored("refused", at)
    assert not settings_of(tmp_path / "refused").data_dir.exists()
    assert restored("held", now_s) == ErasedAgain(1, 1)


def test_everything_about_a_person_is_given_to_it_and_the_authority(told: Planted) -> None:
    ledger = told.world.ledger
    given = ledger.personal_export(told.claimant, told.claimant.party)
    said = dumps(given).decode()
    for name in ("claimant's name", "claim reference", "title", "buyer name"):
        assert WORDS[name] in said or name == "claim reference", name
    assert told.secrets[f"signing key of {told.claimant.party}"].hex() not in said
    assert "sealed_key" in dumps(given["left_out"]).decode()
    again = ledger.personal_export(told.world.authority, told.claimant.party)["tables"]
    assert (again.keys(), again["party_name"]) == (given["tables"].keys(), given["tables"]["party_name"])
    assert [one["kind"] for one in again["audit_entry"]][-1] == "exported", "the first export was noted meanwhile"
    for caller in (told.cashier, told.world.officer, told.employer):
        with pytest.raises(NotPermitted):
            ledger.personal_export(caller, told.claimant.party)


def test_an_export_ends_at_the_bytes_it_may_have(told: Planted) -> None:
    ledger, party = told.world.ledger, told.claimant.party
    whole = ledger.personal_export(told.claimant, party, size_max=1 << 20)
    assert whole["tables"].keys() == ledger.personal_export(told.claimant, party)["tables"].keys()
    with pytest.raises(InvalidRequest, match="einvoice party export"):
        ledger.personal_export(told.claimant, party, size_max=1_000)


def test_an_export_is_noted_when_it_is_given_and_not_when_it_is_refused(told: Planted) -> None:
    ledger, party = told.world.ledger, told.claimant.party

    def exported() -> int:
        return len(ledger.audit_log.entries(told.world.authority, kind="exported", limit=50).items)

    before = exported()
    ledger.personal_export(told.claimant, party, size_max=1 << 20)
    assert exported() == before + 1
    with pytest.raises(InvalidRequest, match="einvoice party export"):
        ledger.personal_export(told.claimant, party, size_max=1_000)
    with pytest.raises(NotFound):
        ledger.personal_export(told.world.authority, 999_999)
    with pytest.raises(InvalidRequest):
        ledger.personal_export(told.world.authority, told.employer.party)
    with pytest.raises(NotPermitted):
        ledger.personal_export(told.cashier, party)
    assert exported() == before + 1
