from __future__ import annotations

import io
import random
from collections.abc import Iterator

import pypdf
import pytest

from ledger.documents import (
    EVIDENCE_NAME,
    DocumentsError,
    EvidenceMissingError,
    PdfRefusedError,
    invoice_pdf,
    read_evidence,
    write_pdf,
)
from ledger.documents import pdf_evidence as module
from ledger.documents.invoice_pdf import ATTACHMENT_SIZE_MAX
from tests.documents.making import ADDRESS, COMMITMENT, invoice

EVIDENCE = b'{"evidence": "' + b"x" * 5_000 + b'"}'


def carrying(*attachments: tuple[str, bytes]) -> bytes:
    files = [(name, "application/json", data) for name, data in attachments]
    return write_pdf(invoice(), commitment=COMMITMENT, check_address=ADDRESS, attachments=files)


PDF = carrying(("trust.json", b"{}"), (EVIDENCE_NAME, EVIDENCE))


def code_of(pdf: bytes) -> str:
    with pytest.raises(DocumentsError) as caught:
        read_evidence(pdf)
    assert caught.value.message_en
    assert caught.value.message_zh
    return caught.value.code


def test_evidence_comes_out_as_it_went_in() -> None:
    assert read_evidence(PDF) == EVIDENCE


def test_a_pdf_without_evidence_says_so() -> None:
    with pytest.raises(EvidenceMissingError):
        read_evidence(carrying())
    assert code_of(carrying(("trust.json", b"{}"))) == "evidence_missing"


def test_two_evidence_files_are_not_chosen_from() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(PDF))
    writer.add_attachment(EVIDENCE_NAME, b"{}")
    buffer = io.BytesIO()
    writer.write(buffer)
    assert code_of(buffer.getvalue()) == "evidence_twice"


def test_evidence_survives_another_program_saving_the_file() -> None:
    buffer = io.BytesIO()
    pypdf.PdfWriter(clone_from=io.BytesIO(PDF)).write(buffer)
    assert read_evidence(buffer.getvalue()) == EVIDENCE


def test_an_encrypted_pdf_is_refused() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(PDF))
    writer.encrypt("secret", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    assert code_of(buffer.getvalue()) == "pdf_locked"


def test_what_unpacks_to_more_than_an_attachment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    most = bytes(ATTACHMENT_SIZE_MAX)
    assert read_evidence(carrying((EVIDENCE_NAME, most))) == most
    monkeypatch.setattr(invoice_pdf, "ATTACHMENT_SIZE_MAX", 1 << 30)
    bomb = carrying((EVIDENCE_NAME, bytes(ATTACHMENT_SIZE_MAX * 20)))
    assert len(bomb) < 200_000
    assert code_of(bomb) in ("pdf_broken", "evidence_size")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"<EInvoice/>", b" %PDF-1.7"])
def test_other_files_are_no_pdf(data: bytes) -> None:
    with pytest.raises(PdfRefusedError):
        read_evidence(data)
    assert code_of(data) == "pdf_unknown"


def test_a_pdf_beyond_the_limit_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PDF_SIZE_MAX", len(PDF))
    assert read_evidence(PDF) == EVIDENCE
    monkeypatch.setattr(module, "PDF_SIZE_MAX", len(PDF) - 1)
    assert code_of(PDF) == "pdf_size"


def damaged(count: int) -> Iterator[bytes]:
    chance = random.Random(7)
    for _ in range(count):
        data = bytearray(PDF)
        for _ in range(chance.randrange(1, 40)):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
        if chance.random() < 0.4:
            del data[chance.randrange(8, len(data)) :]
        yield bytes(data)


@pytest.mark.slow
def test_damaged_bytes_are_refused_by_name() -> None:
    """Any bytes give evidence or one of our refusals: whether what came out is genuine, the verifier says."""
    refused = 0
    for data in damaged(60):
        try:
            assert isinstance(read_evidence(data), bytes)
        except DocumentsError:
            refused += 1
    assert refused > 8


@pytest.mark.parametrize("data", [b"1 0 obj\n" * 50_000, b"[" * 100_000, b"<<" * 50_000, b""])
def test_a_pdf_of_nonsense_is_refused_by_name(data: bytes) -> None:
    assert code_of(b"%PDF-1.7\n" + data) in ("pdf_broken", "evidence_missing", "pdf_costly")
