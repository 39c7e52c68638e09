"""`einvoice verify`: evidence files by the verifier, invoices' PDFs by their evidence and their page."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from ledger.cli.output import fail

if TYPE_CHECKING:
    from ledger.documents import DocumentsError
    from ledger.documents.pdf_check import PdfReport

PDF_START = b"%PDF-"
EXIT_UNCHECKED = 2  # what the verifier ends with when it could not check


def verify(context: typer.Context) -> None:
    """Check an evidence file, or the PDF of an invoice, offline and without this or any ledger.

    `einvoice verify FILE --trust TRUST [--offline] [--json] [--lang zh|en] [--not-older-than TIME]`;
    `--redact OUT --keep PATH ...` writes a copy of the evidence that shows only some fields. Of an evidence file it
    says what `python -m verifier` says.

    Of a PDF it checks the evidence inside, and compares what the page shows with what the evidence says;
    `--check-address URL` names the public check that its QR code has to lead to.

    Exit code 0 valid, 1 invalid, 2 could not check, 5 erased: the authority erased the document, which the file does
    not show, and all that the chain says holds. Of a PDF with valid evidence also 3, the page differs from the
    evidence, and 4, the page could not be compared.

    Example: `einvoice verify invoice.pdf --trust trust.json --offline --lang en`
    """
    if not context.args or "--help" in context.args:
        typer.echo(context.get_help())
        raise typer.Exit(0 if context.args else 2)
    from verifier.__main__ import command_parser
    from verifier.__main__ import main as verify_main

    parser = command_parser()
    parser.prog = "einvoice verify"
    parser.add_argument("--check-address", metavar="URL", help="查验网址（仅 PDF）/ public check, for PDFs only")
    options = parser.parse_args(context.args)
    pdf = _pdf_of(options.file)
    if pdf is None:
        if options.check_address is not None:
            parser.error("--check-address: 仅用于 PDF / for PDFs only")
        raise typer.Exit(verify_main(context.args))
    if options.more:
        parser.error("PDF 一次只能核验一个 / one PDF at a time")
    if options.redact is not None:
        raise typer.Exit(_redact(options, pdf))
    raise typer.Exit(_verify_pdf(options, pdf))


def _pdf_of(file: Path) -> bytes | None:
    """Bytes of a PDF, one more than are looked into at most; None for any other file, which is the verifier's."""
    from ledger.documents.pdf_evidence import PDF_SIZE_MAX

    try:
        with file.open("rb") as opened:
            if opened.read(len(PDF_START)) != PDF_START:
                return None
            opened.seek(0)
            return opened.read(PDF_SIZE_MAX + 1)
    except (OSError, ValueError):
        return None  # whatever it is, the verifier says what is wrong with it


def _verify_pdf(options: argparse.Namespace, pdf: bytes) -> int:
    from ledger.documents import DocumentsError
    from verifier.offline import forbid_network

    try:
        with forbid_network() if options.offline else nullcontext():
            report = _report(options, pdf)
    except DocumentsError as error:
        _say_refused(options, error)
    if options.json:
        sys.stdout.buffer.write(report.to_json(options.lang) + b"\n")
    else:
        sys.stdout.buffer.write(report.to_text(options.lang).encode())
    sys.stdout.buffer.flush()
    return report.exit_code


def _report(options: argparse.Namespace, pdf: bytes) -> PdfReport:
    """The PDF judged; without a trust file that can be used, that its evidence cannot be."""
    from ledger.documents.pdf_check import check_pdf, unproven
    from verifier.__main__ import read_trust
    from verifier.report import Report

    trust = read_trust(options.trust)
    if isinstance(trust, Report):
        return unproven(pdf, trust)
    return check_pdf(pdf, trust, check_address=options.check_address, not_older_than_s=options.not_older_than)


def _say_refused(options: argparse.Namespace, error: DocumentsError) -> NoReturn:
    from ledger.documents.pdf_check import refused_json

    if options.json:
        sys.stdout.buffer.write(refused_json(error, options.lang) + b"\n")
        sys.stdout.buffer.flush()
        raise typer.Exit(EXIT_UNCHECKED)
    fail(f"{options.file}: {error.message_en}", error.message_zh, EXIT_UNCHECKED)


def _redact(options: argparse.Namespace, pdf: bytes) -> int:
    """The evidence inside, written with only some fields shown."""
    from ledger.documents import DocumentsError, read_evidence
    from verifier.__main__ import main as verify_main

    try:
        evidence = read_evidence(pdf)
    except DocumentsError as error:
        _say_refused(options, error)
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "evidence.json"
        target.write_bytes(evidence)
        return verify_main([str(target), "--redact", str(options.redact), "--keep", *options.keep])
