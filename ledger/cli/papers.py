"""`einvoice document` and `einvoice archive`: files written out, and archives checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.opening import open_ledger
from ledger.cli.output import AsJson, fail, print_json, print_line, write_file

Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else the file's usual name here.")]
Digest = Annotated[str, typer.Option(help="Digest that was noted when the archive was written, 64 hex digits.")]

app = typer.Typer(
    no_args_is_help=True,
    help="""Archives of booked claims: write one, check one.

    Example: `einvoice archive check claim.zip --digest 9c56...d1`
    """,
)


def document(
    number: Annotated[str, typer.Argument(help="Invoice number, 20 digits.")],
    as_party: Annotated[int, typer.Option("--as", help="Party that asks; it must take part in the invoice.")],
    form: Annotated[str, typer.Option("--format", help="pdf, xml or json.")] = "pdf",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Write an invoice as a file: PDF with its evidence inside, XML of the national form, or JSON.

    Example: `einvoice document 94403260911000000000 --as 4 --format pdf`
    """
    with open_ledger() as ledger:
        paper = ledger.papers.document(ledger.caller(as_party), number, kind=form)
        _write(output, paper.name, paper.data, "", as_json=as_json)


@app.command()
def write(
    claim: Annotated[str, typer.Argument(help="Claim id, 32 hex digits; settled and booked as a whole.")],
    as_party: Annotated[int, typer.Option("--as", help="The employer's finance, or an officer.")],
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Write a booked claim's archive: originals, documents, evidence, index. Note its digest in the accounts.

    Example: `einvoice archive write 7f3a...90 --as 6 -o claim.zip`
    """
    with open_ledger() as ledger:
        paper = ledger.papers.archive(ledger.caller(as_party), claim)
        _write(output, paper.name, paper.data, paper.digest, as_json=as_json)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="ZIP that was written by `einvoice archive write` or the API.")],
    digest: Digest = "",
    as_json: AsJson = False,
) -> None:
    """Check an archive without any ledger: every file against the index, the index against the digest.

    Exit code 1 names the first file that differs.

    Example: `einvoice archive check claim.zip --digest 9c56...d1`
    """
    from ledger.documents import DocumentsError, check_archive
    from ledger.documents.archive_check import ZIP_SIZE_MAX

    try:
        with file.open("rb") as opened:
            data = opened.read(ZIP_SIZE_MAX + 1)
        checked = check_archive(data, digest=digest)
    except DocumentsError as error:
        fail(f"{file}: {error.message_en}", error.message_zh)
    except OSError as error:
        fail(f"{file}: {error.strerror}", "文件无法读取")
    if as_json:
        print_json({"digest": checked.digest, "about": checked.about, "files": len(checked.files)})
        return
    print_line(f"{len(checked.files)} files are as the index says; digest {checked.digest}")
    if not digest:
        print_line("compare the digest with the one in the accounts: --digest does it")


def _write(output: Path | None, name: str, data: bytes, digest: str, *, as_json: bool) -> None:
    path = output or Path(name)
    write_file(path, data)
    if as_json:
        print_json({"file": str(path), "size": len(data), **({"digest": digest} if digest else {})})
        return
    print_line(f"{path}: {len(data)} bytes")
    if digest:
        print_line(f"digest {digest}")
