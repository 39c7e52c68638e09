"""An invoice's PDF judged as a whole: the evidence inside by the verifier, the page against that evidence.

    report = check_pdf(pdf_bytes, trust)

The evidence alone is the proof. Of everything else in the file nothing is believed: what the page shows is compared
with what the evidence's document gives when we write it out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ledger.documents.errors import DocumentsError
from ledger.documents.pdf_evidence import PdfContents, look_into, read_evidence
from ledger.documents.pdf_page import PageReport, compare_page
from ledger.documents.pdf_words import EXIT_CODES, REASON_WORDS, VERDICT_WORDS, PageReason, PdfVerdict
from ledger.domain.document import parse_document
from ledger.domain.errors import DocumentError
from ledger.domain.invoice import InvoiceDocument
from verifier.canonical import Json, dumps, loads
from verifier.commitment import LENGTH_KEY, Disclosure
from verifier.errors import EvidenceError
from verifier.operations import Code
from verifier.parsing import parse
from verifier.report import Report, Result
from verifier.steps import not_older_than, verify
from verifier.trust import Trust

REPORT_FORMAT = "einvoice-pdf-report"
REPORT_VERSION = 1
REPORT_SIZE_MAX = 4 << 20  # bytes of the verifier's own report, which is taken into this one


@dataclass(frozen=True)
class PdfReport:
    """`evidence` as the verifier reports it, `page` as it compares with that."""

    evidence: Report
    page: PageReport

    @property
    def verdict(self) -> PdfVerdict:
        """What the evidence is unless it is valid; then what the page is."""
        if self.evidence.verdict is Result.INVALID:
            return PdfVerdict.INVALID
        if self.evidence.verdict is Result.UNCHECKED:
            return PdfVerdict.UNCHECKED
        if self.evidence.verdict is Result.ERASED:
            return PdfVerdict.ERASED
        if self.page.reason is PageReason.DIFFERS:
            return PdfVerdict.PAGE_DIFFERS
        return PdfVerdict.VALID if self.page.reason is PageReason.SAME else PdfVerdict.PAGE_UNCOMPARED

    @property
    def exit_code(self) -> int:
        """0 valid, 1 invalid, 2 could not check, 5 erased; 3 page differs, 4 not compared, both with valid evidence."""
        return EXIT_CODES[self.verdict]

    def to_json(self, lang: str) -> bytes:
        """Canonical JSON (docs/DOCUMENTS.md)."""
        page: dict[str, Json] = {
            "reason": self.page.reason.value,
            "text": _words(REASON_WORDS[self.page.reason], lang),
            "check_address": self.page.check_address,
            "address_compared": self.page.address_compared,
            "differences": [
                {
                    "kind": one.kind.value,
                    "page": one.page,
                    "expected": _encodable(one.expected),
                    "found": _encodable(one.found),
                    "text": _encodable(one.text(lang)),
                }
                for one in self.page.differences
            ],
        }
        whole: dict[str, Json] = {
            "format": REPORT_FORMAT,
            "version": REPORT_VERSION,
            "verdict": self.verdict.value,
            "text": _words(VERDICT_WORDS[self.verdict], lang),
            "number": self.evidence.number,
            "evidence": loads(self.evidence.to_json(lang), REPORT_SIZE_MAX),
            "page": page,
        }
        return dumps(whole)

    def to_text(self, lang: str) -> str:
        """For people: the verifier's report, the page, what is said of the file as a whole."""
        zh = lang == "zh"
        lines = [f"{'页面' if zh else 'page'}: {_words(REASON_WORDS[self.page.reason], lang)}"]
        lines += [f"      {one.text(lang)}" for one in self.page.differences]
        if self.page.check_address and not self.page.address_compared:
            lines.append(
                f"      查验网址 {self.page.check_address} 取自页面，证据不含该网址：请与税务局公布的网址核对"
                if zh
                else f"      the address {self.page.check_address} is the page's own and not in the evidence: "
                "compare it with the one the authority publishes"
            )
        lines.append(f"{'PDF 结论' if zh else 'verdict of the PDF'}: {_words(VERDICT_WORDS[self.verdict], lang)}")
        evidence = self.evidence.to_text(lang)
        for alone, named in (("\n结论: ", "\n证据结论: "), ("\nverdict: ", "\nverdict of the evidence: ")):
            evidence = evidence.replace(alone, named)  # the file's own verdict stands last and must be the only one
        return evidence + "\n".join(map(printable, lines)) + "\n"


def check_pdf(
    pdf: bytes, trust: Trust, *, check_address: str | None = None, not_older_than_s: int | None = None
) -> PdfReport:
    """What is proven by a PDF, given `trust`, and whether its pages show that.

    `check_address` is where this ledger's public check answers, to be compared with the one on the page; None where it
    is not known. `not_older_than_s` (seconds since 1970, UTC) asks for a block that recent.

    Raises: PdfRefusedError and EvidenceMissingError when the file cannot be looked into, or holds not one evidence.
    """
    contents = look_into(pdf)
    data = contents.evidence
    report = verify(data, trust)
    page = page_of(pdf, contents, data, report, check_address)
    if not_older_than_s is not None:
        report = not_older_than(report, not_older_than_s)
    return PdfReport(report, page)


def unproven(pdf: bytes, report: Report) -> PdfReport:
    """A PDF of whose evidence only `report` can be said: there is no trust file to check it with.

    Raises: as `check_pdf`.
    """
    read_evidence(pdf)
    return PdfReport(report, PageReport(PageReason.EVIDENCE_FAILED))


def refused_json(error: DocumentsError, lang: str) -> bytes:
    """Canonical JSON of a file that cannot be looked into: `code` says why."""
    return dumps(
        {
            "format": REPORT_FORMAT,
            "version": REPORT_VERSION,
            "verdict": PdfVerdict.UNCHECKED.value,
            "text": error.message_zh if lang == "zh" else error.message_en,
            "number": "",
            "code": error.code,
        }
    )


def page_of(pdf: bytes, contents: PdfContents, data: bytes, report: Report, check_address: str | None) -> PageReport:
    """How the pages compare with the document of evidence `data`, of which `report` was made."""
    result = next((step.result for step in report.steps if step.name == "document"), Result.UNCHECKED)
    if result is not Result.VALID:
        return PageReport(PageReason.ERASED if result is Result.ERASED else PageReason.EVIDENCE_FAILED)
    try:
        bundle = parse(data)
    except EvidenceError:
        return PageReport(PageReason.EVIDENCE_FAILED)
    disclosed = bundle.document
    assert disclosed is not None, "step document compared it"
    if bundle.history[0].operation.code not in (Code.ISSUE, Code.ISSUE_RED):
        return PageReport(PageReason.OF_ELSEWHERE)
    if disclosed.hidden:
        return PageReport(PageReason.REDACTED)
    document = document_of(disclosed)
    if document is None:
        return PageReport(PageReason.UNKNOWN_DOCUMENT)
    page = compare_page(pdf, contents, document, disclosed.root(), check_address=check_address)
    return replace(page, check_address=_encodable(page.check_address))


def document_of(disclosure: Disclosure) -> InvoiceDocument | None:
    """The document whose leaves a whole disclosure shows; None when it is none that this program writes out."""
    tree: dict[str, Any] = {}
    for path, value in disclosure.fields().items():
        node = tree
        *above, last = path.split(".")
        for key in above:
            node = node.setdefault(key, {})
        node[last] = value
    try:
        return parse_document(_plain(tree))
    except DocumentError:
        return None


def _plain(node: Any) -> Json:
    """A node of the tree of paths as plain JSON: one with a length is an array, one with null an empty object."""
    if not isinstance(node, dict):
        plain: Json = node
        return plain
    if LENGTH_KEY not in node:
        return {key: _plain(below) for key, below in node.items()}
    length = node[LENGTH_KEY]
    return {} if length is None else [_plain(node[str(index)]) for index in range(length)]


def printable(line: str) -> str:
    """A line with what could steer a terminal shown as escapes: parts of it come from the file."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _words(words: tuple[str, str], lang: str) -> str:
    zh, en = words
    return zh if lang == "zh" else en
