"""Files that strangers bring to the public check: judged by the verifier with this ledger's own trust file.

Nothing is stored, and the verdict is what anybody gets offline.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.documents import DocumentsError
from ledger.documents.pdf_check import PdfReport, check_pdf
from ledger.documents.pdf_evidence import PDF_START
from ledger.documents.pdf_words import REASON_WORDS, VERDICT_WORDS, PdfVerdict
from ledger.service.context import Context
from ledger.service.errors import Busy
from ledger.service.proofs import public_check, trust
from ledger.service.statement_words import AS_OF, statement_words
from verifier.canonical import dumps
from verifier.report import ERASED_NOTE, RESULT_WORDS, Report, Result
from verifier.steps import verify
from verifier.trust import parse_trust


@dataclass(frozen=True)
class CheckedFile:
    """What a file is; each text in Chinese and in English.

    `verdict` is valid, invalid, could_not_check, erased, of PDFs also page_differs and page_not_compared. `report` is
    the verifier's, None when the file could not be looked into; `page` says how a PDF's page compares, None for others.
    `note` is what a reader of a valid statement, or of evidence without its document, has to keep in mind, else None.
    `question` is number, gross in fen without its sign and commitment, where the public check answers to them.
    """

    verdict: str
    text: tuple[str, str]
    report: Report | None
    page: tuple[str, str] | None = None
    differences: tuple[tuple[str, str], ...] = ()
    question: tuple[str, int, str] | None = None
    note: tuple[str, str] | None = None


def check_file(context: Context, data: bytes) -> CheckedFile:
    """What an evidence file, a statement, or the PDF of an invoice with its evidence inside, proves. Raises: Busy."""
    trusted = parse_trust(dumps(trust(context)))
    if not data.startswith(PDF_START):
        report = verify(data, trusted)
        if report.says:
            note = AS_OF if report.verdict is Result.VALID else None
            return CheckedFile(report.verdict.value, statement_words(report), report, note=note)
        question = _question(context, report)
        note = ERASED_NOTE if report.verdict is Result.ERASED else None
        return CheckedFile(report.verdict.value, RESULT_WORDS[report.verdict], report, question=question, note=note)
    try:
        return _of_pdf(context, check_pdf(data, trusted, check_address=context.settings.public_url))
    except DocumentsError as err:
        if err.code == "pdf_busy":
            raise Busy from err
        return CheckedFile(PdfVerdict.UNCHECKED.value, (err.message_zh, err.message_en), None)


def _of_pdf(context: Context, found: PdfReport) -> CheckedFile:
    return CheckedFile(
        found.verdict.value,
        VERDICT_WORDS[found.verdict],
        found.evidence,
        REASON_WORDS[found.page.reason],
        tuple((one.text("zh"), one.text("en")) for one in found.page.differences),
        _question(context, found.evidence),
    )


def _question(context: Context, report: Report) -> tuple[str, int, str] | None:
    """What valid evidence shows of number, gross and commitment, when the public check answers to it."""
    if report.verdict is not Result.VALID:
        return None
    compared = {name: value for step in report.steps for name, value in step.compared.items()}
    gross_fen, commitment = compared.get("gross_fen"), compared.get("commitment")
    if not isinstance(gross_fen, int) or not isinstance(commitment, str):
        return None
    question = report.number, abs(gross_fen), commitment
    return question if public_check(context, *question) is not None else None
