"""Evidence of what was erased: served without its document, with the authority's word for it, and judged erased."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import delete, select, update
from typer.testing import CliRunner

from ledger.cli.app import app
from ledger.documents import EVIDENCE_NAME, write_pdf
from ledger.documents.pdf_check import check_pdf
from ledger.documents.pdf_words import PageReason, PdfVerdict
from ledger.domain.document import parse_document
from ledger.identity import create_master_key, load_master_key
from ledger.projection.ground import DOCUMENT, SIGNING_KEY
from ledger.projection.ground_privacy import ERASURE
from ledger.projection.keystore import StoredDocument
from ledger.service import Ledger, audit
from ledger.service.audit_erasures import check_erasures
from ledger.service.copies import backup, restore
from ledger.service.errors import Erased, ErasureWaits, NotFound
from ledger.service.full_audit import full_audit
from ledger.service.proofs import opened_stored
from ledger.service.retention import Housekeeping
from tests.service.red_acts import reddened
from tests.service.test_outside import claim, stronger, typed
from tests.service.world import World, must, settings_of
from verifier import Report, Result, parse_trust, verify
from verifier.canonical import dumps, loads
from verifier.parsing import parse
from verifier.reasons import Reason
from verifier.words import Strength


class Town(World):
    """A ledger of which things are erased, and who lives there."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.seller = self.enterprise("卖家公司", segment=True)
        self.employer = self.enterprise("雇主公司")
        self.claimant = self.person("报销人", (self.employer, ["claim"]))

    def erase(self, number: str, ledger: Ledger | None = None) -> None:
        at = ledger or self.ledger
        at.erasing.invoice(at.caller(1), number, reason="申请删除", idempotency_key=self.key())

    def judged(self, number: str, ledger: Ledger | None = None) -> Report:
        at = ledger or self.ledger
        return verify(at.evidence(at.caller(self.officer.party), number), parse_trust(dumps(at.trust())))

    def reddened(self) -> tuple[str, str]:
        """A blue and its red."""
        blue = self.issued(self.seller)
        return blue, must(reddened(self, self.seller, blue)).numbers[0]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    try:
        yield made
    finally:
        made.close()


def erased_steps(report: Report) -> list[str]:
    assert report.verdict is Result.ERASED, report.to_text("en")
    return [step.name for step in report.steps if step.result is Result.ERASED]


def test_evidence_of_an_erased_invoice_says_erased(town: Town) -> None:
    number = town.issued(town.seller, buyer=town.employer)
    before = town.ledger.evidence(town.seller, number)
    document = town.ledger.invoice(town.seller, number).document
    town.erase(number)
    assert erased_steps(town.judged(number)) == ["document", "fields"]
    after = town.ledger.evidence(town.seller, number)
    assert set(loads(after, 1 << 20)["document"]) == {"erasure"}
    assert document is not None
    for told in ("*餐饮服务*餐费", document["buyer"]["name"]):
        assert told.encode() in before
        assert told.encode() not in after
    assert verify(before, parse_trust(dumps(town.ledger.trust()))).verdict is Result.VALID


def test_evidence_of_what_was_not_erased_is_valid(town: Town) -> None:
    assert town.judged(town.issued(town.seller)).verdict is Result.VALID


def test_what_happens_after_the_erasure_is_in_the_evidence(town: Town) -> None:
    number = town.issued(town.seller, buyer=town.employer)
    town.erase(number)
    must(town.ledger.transfer(town.employer, number, to=town.claimant.party, idempotency_key=town.key()))
    report = town.judged(number)
    assert erased_steps(report)
    assert len(parse(town.ledger.evidence(town.officer, number)).history) == 2


def test_the_public_gets_the_erased_file_without_identity_texts(town: Town) -> None:
    number = town.issued(town.seller, buyer=town.employer)
    view = town.ledger.invoice(town.seller, number)
    town.erase(number)
    file = town.ledger.public_evidence(number, view.gross_fen, view.commitment)
    assert file is not None
    assert {party.text for party in parse(file).parties} == {None}
    assert verify(file, parse_trust(dumps(town.ledger.trust()))).verdict is Result.ERASED
    assert town.ledger.public_evidence(number, view.gross_fen + 1, view.commitment) is None


def test_a_red_goes_with_its_blue_and_says_so(town: Town) -> None:
    blue, red = town.reddened()
    town.erase(blue)
    for number in (blue, red):
        erasure = parse(town.ledger.evidence(town.officer, number)).erasure
        assert erasure is not None
        assert erasure.number == int(blue)
        assert erased_steps(town.judged(number))


def test_a_red_erased_alone_leaves_its_blue_valid(town: Town) -> None:
    blue, red = town.reddened()
    town.erase(red)
    assert erased_steps(town.judged(red))
    assert town.judged(blue).verdict is Result.VALID


def test_the_erasure_of_one_invoice_serves_no_other(town: Town) -> None:
    one, other = town.issued(town.seller), town.issued(town.seller)
    town.erase(one)
    erasure = parse(town.ledger.evidence(town.officer, one)).erasure
    stripped = replace(parse(town.ledger.evidence(town.officer, other)), document=None, erasure=erasure)
    trust = parse_trust(dumps(town.ledger.trust()))
    assert verify(stripped.to_bytes(), trust).reasons[0] is Reason.ERASURE_OF_ANOTHER
    assert erasure is not None
    renamed = replace(stripped, erasure=replace(erasure, number=int(other)))
    assert verify(renamed.to_bytes(), trust).reasons[0] is Reason.ERASURE_INVALID


def test_an_erased_invoice_of_elsewhere_says_so(town: Town) -> None:
    item = typed()
    must(claim(town, town.claimant, town.employer, item))
    number = item.read.number
    assert town.judged(number).verdict is Result.VALID
    town.erase(number)
    assert erased_steps(town.judged(number))


def test_what_is_registered_again_after_the_erasure_is_not_covered_by_it(town: Town) -> None:
    item = typed()
    must(claim(town, town.claimant, town.employer, item))
    number = item.read.number
    town.erase(number)
    erasure = parse(town.ledger.evidence(town.officer, number)).erasure
    time.sleep(1.1)  # an erasure covers what stands in its own second
    other = town.enterprise("另一雇主")
    person = town.person("另一报销人", (other, ["claim"]))
    must(claim(town, person, other, stronger(item, Strength.SIGNED_ORIGINAL)))
    view = town.ledger.invoice(person, number)
    assert not view.erased
    assert view.document is not None
    assert town.judged(number).verdict is Result.VALID
    stripped = replace(parse(town.ledger.evidence(town.officer, number)), document=None, erasure=erasure)
    report = verify(stripped.to_bytes(), parse_trust(dumps(town.ledger.trust())))
    assert (report.verdict, report.reasons[0]) == (Result.INVALID, Reason.ERASURE_TOO_EARLY)
    town.erase(number)
    assert erased_steps(town.judged(number))
    assert town.ledger.invoice(person, number).erased


def test_nothing_is_erased_while_a_red_waits(town: Town) -> None:
    blue, other = town.issued(town.seller), town.issued(town.seller)
    hurried = town.hurried()
    with town.sequencing.held():
        waiting = hurried.red_letters.issue_red(town.seller, blue, reason="return", idempotency_key=town.key())
        with pytest.raises(ErasureWaits, match=waiting.digest):
            town.erase(blue)
        assert not town.ledger.invoice(town.seller, blue).erased
        town.erase(other)
    town.issued(town.seller)  # the queue keeps its order, so the red landed before this one
    red = must(town.ledger.operation(town.seller, waiting.digest)).numbers[0]
    town.erase(blue)
    assert erased_steps(town.judged(red))


def test_documents_of_reds_signed_in_vain_go_with_their_blue(town: Town) -> None:
    blue, other = town.issued(town.seller), town.issued(town.seller)
    hurried = town.hurried()

    def reds_documents(number: str) -> int:
        """Documents here of groups that would redden an invoice, by what each document says."""
        with town.ledger.context.reading() as connection:
            rows = connection.execute(select(DOCUMENT).where(DOCUMENT.c.sealed_document.is_not(None))).all()
            stored = [StoredDocument(**{**row._mapping, "number": int(row.number)}) for row in rows]
            opened = [parse_document(opened_stored(town.ledger.context, one)[0]) for one in stored]
        return sum(one.original is not None and one.original.number == number for one in opened)

    with town.sequencing.held():
        for number in (blue, blue, other, other):
            hurried.red_letters.issue_red(town.seller, number, reason="return", idempotency_key=town.key())
    town.issued(town.seller)
    assert (reds_documents(blue), reds_documents(other)) == (2, 2)  # one of each was refused: nothing was left
    town.erase(blue)
    assert (reds_documents(blue), reds_documents(other)) == (0, 2)


def test_no_red_of_an_erased_invoice_is_issued(town: Town) -> None:
    gone, stands = town.issued(town.seller), town.issued(town.seller)
    town.erase(gone)
    with pytest.raises(NotFound, match="document of invoice"):
        reddened(town, town.seller, gone)
    must(reddened(town, town.seller, stands))


@pytest.mark.slow
def test_a_red_that_lands_after_a_restore_goes_within_the_hour(town: Town, tmp_path: Path) -> None:
    """What the list erased in a restored ledger, its queue may bring back: housekeeping takes the red as well."""
    blue, red = town.reddened()
    backup(town.ledger.context, tmp_path / "copy")
    town.erase(blue)
    listed = tmp_path / "erasures.json"
    listed.write_bytes(town.ledger.erasing.list_file(town.authority))
    create_master_key(tmp_path / "key", load_master_key(town.settings))
    held = settings_of(tmp_path / "held")
    restore(held, tmp_path / "copy", master_key_file=tmp_path / "key", erasures=listed)
    with town.ledger.context.reading() as connection:
        kept = connection.execute(select(DOCUMENT).where(DOCUMENT.c.number == town.issued(town.seller))).one()
    with Ledger.open(held) as opened:
        for number in (blue, red):
            assert erased_steps(town.judged(number, opened))
        sealed = {"sealed_document": kept.sealed_document, "sealed_seed": kept.sealed_seed}
        opened.context.store.write(
            lambda connection: connection.execute(update(DOCUMENT).where(DOCUMENT.c.number == red).values(sealed))
        )
        assert Housekeeping(opened.context).end_due()["reds_of_erased"] == 1
        assert "reds_of_erased" not in Housekeeping(opened.context).end_due()
        erasure = parse(opened.evidence(opened.caller(town.officer.party), red)).erasure
        assert erasure is not None
        assert erasure.number == int(red)
        assert erased_steps(town.judged(red, opened))
        assert full_audit(opened.context, state_path=tmp_path / "state").difference is None


def test_an_erasure_that_nobody_signed_is_told_and_can_be_signed_later(town: Town) -> None:
    number = town.issued(town.seller)
    context = town.ledger.context
    with context.reading() as connection:
        address = context.signer_of(connection, town.authority.party)
        root = connection.execute(select(SIGNING_KEY).where(SIGNING_KEY.c.address == address)).one()
    context.store.write(lambda c: c.execute(delete(SIGNING_KEY).where(SIGNING_KEY.c.address == root.address)))
    context._keys.clear()
    try:
        town.erase(number)
        (view,) = [one for one in town.ledger.erasing.listed(town.authority) if one.target == number]
        assert not view.attested
        with pytest.raises(Erased):
            town.ledger.evidence(town.officer, number)
    finally:
        context.store.write(lambda c: c.execute(SIGNING_KEY.insert(), dict(root._mapping)))
    town.erase(number)
    (view,) = [one for one in town.ledger.erasing.listed(town.authority) if one.target == number]
    assert view.attested
    assert erased_steps(town.judged(number))


def test_the_audit_names_an_erasure_with_another_signature(town: Town) -> None:
    context = town.ledger.context
    number = town.issued(town.seller)
    town.erase(number)
    with context.reading() as connection:
        assert [one for one in check_erasures(context, connection) if one is not None] == []
        row = connection.execute(select(ERASURE).where(ERASURE.c.target == number)).one()
    facts = loads(context.opened(row.sealed_reason, "erasure", f"invoice {number}"), 1 << 16)
    signature = facts["signature"]
    forged = dumps({**facts, "signature": signature[64:] + signature[:64]})

    def put(sealed: bytes) -> None:
        same = ERASURE.c.target == number
        context.store.write(lambda c: c.execute(update(ERASURE).where(same).values(sealed_reason=sealed)))

    put(context.seal(forged, "erasure", f"invoice {number}"))
    try:
        with context.reading() as connection:
            found = [one for one in check_erasures(context, connection) if one is not None]
        assert [(one.table, one.key, one.stored) for one in found] == [
            ("erasure", f"invoice {number}", "another signature")
        ]
    finally:
        put(row.sealed_reason)


@pytest.fixture(scope="module")
def passed_on(town: Town) -> tuple[str, bytes, bytes]:
    """Number of an erased invoice, its PDF from before, and its page with the erased evidence inside."""
    number = town.issued(town.seller, buyer=town.employer)
    document = parse_document(loads(town.ledger.papers.document(town.seller, number, kind="json").data, 1 << 20))
    before = town.ledger.papers.document(town.seller, number).data
    commitment = bytes.fromhex(town.ledger.invoice(town.seller, number).commitment)
    town.erase(number)
    evidence = town.ledger.evidence(town.seller, number)
    page = write_pdf(
        document,
        commitment=commitment,
        check_address=town.settings.public_url,
        attachments=((EVIDENCE_NAME, "application/json", evidence),),
    )
    return number, before, page


def test_a_page_beside_erased_evidence_is_proven_by_nothing(town: Town, passed_on: tuple[str, bytes, bytes]) -> None:
    number, before, page = passed_on
    trust = parse_trust(dumps(town.ledger.trust()))
    report = check_pdf(page, trust)
    assert (report.verdict, report.exit_code, report.page.reason) == (PdfVerdict.ERASED, 5, PageReason.ERASED)
    assert "nothing proves what the page shows" in report.to_text("en")
    assert "请勿据以采信" in report.to_text("zh")
    assert (check_pdf(before, trust).verdict, report.evidence.number) == (PdfVerdict.VALID, number)


def test_the_public_check_of_files_tells_what_was_not_shown(town: Town, passed_on: tuple[str, bytes, bytes]) -> None:
    number, _, page = passed_on
    found = town.ledger.papers.check(town.ledger.evidence(town.seller, number))
    assert (found.verdict, found.text, found.question) == ("erased", ("已删除", "erased"), None)
    assert found.note is not None
    assert "不能证明任何票面内容" in found.note[0]
    assert town.ledger.papers.check(page).verdict == "erased"
    whole = town.ledger.papers.check(town.ledger.evidence(town.seller, town.issued(town.seller)))
    assert (whole.verdict, whole.note) == ("valid", None)


def test_the_command_ends_with_a_code_of_its_own(
    town: Town, passed_on: tuple[str, bytes, bytes], tmp_path: Path
) -> None:
    number, _, page = passed_on
    files = {
        "erased.json": town.ledger.evidence(town.seller, number),
        "valid.json": town.ledger.evidence(town.seller, town.issued(town.seller)),
        "erased.pdf": page,
        "trust.json": dumps(town.ledger.trust()),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def run(*names: str) -> int:
        named = [*(str(tmp_path / name) for name in names), "--trust", str(tmp_path / "trust.json"), "--offline"]
        return CliRunner().invoke(app, ["verify", *named]).exit_code

    assert [run("erased.pdf"), run("valid.json"), run("valid.json", "erased.json")] == [5, 0, 5]


def test_the_archive_of_a_claim_keeps_the_evidence_of_what_was_erased(town: Town) -> None:
    cashier = town.person("出纳", (town.employer, ["finance"]))
    gone, stays = (town.issued(town.seller, town.claimant) for _ in range(2))
    claim_id = town.claimed(town.claimant, town.employer, gone, stays)
    must(town.ledger.approve_claim(cashier, claim_id, payment_reference="FK-1", idempotency_key=town.key()))
    for number in (gone, stays):
        must(town.ledger.book(cashier, number, deductible=True, idempotency_key=town.key()))
    town.erase(gone)
    with ZipFile(BytesIO(town.ledger.papers.archive(cashier, claim_id).data)) as archive:
        names = archive.namelist()
        evidence = archive.read(next(name for name in names if name.endswith(f"{gone}/evidence.json")))
    assert verify(evidence, parse_trust(dumps(town.ledger.trust()))).verdict is Result.ERASED
    assert [name for name in names if f"{gone}/" in name and "invoice." in name] == []
    assert len([name for name in names if f"{stays}/" in name and "invoice." in name]) == 3


def test_an_audit_counts_erased_documents_apart(town: Town) -> None:
    number = town.issued(town.seller)
    before = audit(town.ledger.context)
    town.erase(number)
    after = audit(town.ledger.context)
    assert (after.documents, after.erased, after.difference) == (before.documents - 1, before.erased + 1, None)
