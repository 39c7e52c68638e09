"""What lies inside a PDF taken out of it: hostile bytes give a named refusal, bounded in size, time and memory."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.documents.errors import EvidenceMissingError, PdfRefusedError
from ledger.documents.invoice_pdf import ATTACHMENT_SIZE_MAX, ATTACHMENTS_MAX, EVIDENCE_NAME, XML_NAME
from ledger.formats.errors import FileRefusedError
from ledger.formats.image_process import scan

PDF_SIZE_MAX = 16 << 20  # bytes; pages take under 1 MB, attachments shrink to a third
PDF_START = b"%PDF-"
INSIDE_MAX = 2 * ATTACHMENTS_MAX  # attachments looked at: those we put in, and as many of whoever passed it on
PAGES_MAX = 1_000  # pages compared; 2,000 lines with the longest names take 667
PDF_CPU_S_MAX = 8  # of one process; a file of PAGES_DRAWN_MAX pages takes 4 s
PROCESSES_MAX = 2  # at a time: anybody may ask, and reading the invoices of claims has its own

_PROCESSES = threading.BoundedSemaphore(PROCESSES_MAX)  # guards the number of processes that look into PDFs


@dataclass(frozen=True)
class PdfContents:
    """What a PDF holds: attachments by name (None for those not taken out), and digests of what is shown.

    `catalog` and each of `pages` are SHA-256 in hex by key, of what may change what people see. `annotations` are page
    number, kind and text.
    """

    attachments: tuple[tuple[str, bytes | None], ...]
    catalog: Mapping[str, str]
    page_count: int
    pages: tuple[Mapping[str, str], ...]
    annotations: tuple[tuple[int, str, str], ...]

    @property
    def evidence(self) -> bytes:
        """The one attachment called EVIDENCE_NAME. Raises: EvidenceMissingError when there is none, or several."""
        found = self.named(EVIDENCE_NAME)
        if not found:
            raise EvidenceMissingError("evidence_missing")
        if len(found) > 1:
            raise EvidenceMissingError("evidence_twice")
        return found[0]

    def named(self, name: str) -> list[bytes]:
        """Contents of the attachments of that name."""
        return [content for one, content in self.attachments if one == name and content is not None]


def look_into(pdf: bytes) -> PdfContents:
    """What a PDF holds, read in a process of its own; nothing is believed here.

    Raises: PdfRefusedError when the bytes are no PDF, too large, damaged, encrypted, cost too much or hold more than
    INSIDE_MAX attachments; EvidenceMissingError when an attachment we read is beyond ATTACHMENT_SIZE_MAX.
    """
    if len(pdf) > PDF_SIZE_MAX:
        raise PdfRefusedError("pdf_size", count=len(pdf), limit=PDF_SIZE_MAX)
    if not pdf.startswith(PDF_START):
        raise PdfRefusedError("pdf_unknown")
    limits = [str(limit) for limit in (INSIDE_MAX, ATTACHMENT_SIZE_MAX, PAGES_MAX)]
    return contents_of(run_apart("pdf_structure.py", [*limits, EVIDENCE_NAME, XML_NAME], pdf))


def read_evidence(pdf: bytes) -> bytes:
    """Bytes of the one attachment called EVIDENCE_NAME; they are for the verifier to judge.

    Raises: PdfRefusedError and EvidenceMissingError as `look_into`, and when there is none or more than one.
    """
    return look_into(pdf).evidence


def contents_of(answer: Mapping[str, Any]) -> PdfContents:
    """What `pdf_structure.describe` says."""
    return PdfContents(
        attachments=tuple(
            (name, None if content is None else base64.b64decode(content)) for name, content in answer["attachments"]
        ),
        catalog=answer["catalog"],
        page_count=answer["page_count"],
        pages=tuple(answer["pages"]),
        annotations=tuple((page, kind, text) for page, kind, text in answer["annotations"]),
    )


def run_apart(program: str, arguments: list[str], data: bytes) -> dict[str, Any]:
    """Answer of a program beside this file, within the limits of `ledger.formats.image_process`.

    Raises: PdfRefusedError as the program says, when it crashes (pdf_broken), uses up a limit (pdf_costly), or none
    can be started in time (pdf_busy); EvidenceMissingError for an attachment that is too large.
    """
    try:
        answer = scan(
            str(Path(__file__).parent / program), arguments, data, "PDF", slots=_PROCESSES, cpu_s=PDF_CPU_S_MAX
        )
    except FileRefusedError as err:
        code = err.problems[0].code
        if code == "view_busy":
            raise PdfRefusedError("pdf_busy") from err
        if code == "view_too_costly":
            raise PdfRefusedError("pdf_costly") from err
        raise PdfRefusedError("pdf_broken") from err
    if "stopped" not in answer:
        return answer
    code, values = str(answer["stopped"]), answer["values"]
    assert isinstance(values, dict), "the program's own word"
    raise (EvidenceMissingError if code == "evidence_size" else PdfRefusedError)(code, **values)
