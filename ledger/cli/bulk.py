"""`einvoice bulk`: a sheet of invoices read, shown, signed and its results written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import (
    EXIT_REFUSED,
    EXIT_USAGE,
    AsJson,
    bar,
    complain,
    err,
    fail,
    print_json,
    print_line,
    write_file,
)
from ledger.cli.own_keys import PasswordFile
from ledger.cli.sheet_signing import SheetSigner

if TYPE_CHECKING:
    from ledger.service import Caller, Ledger
    from ledger.service.bulk_views import BulkJobView, BulkRowView

PROBLEMS_SHOWN_MAX = 20  # rows with problems that are printed; the results have all of them
STEP_MS = 200  # between two movements of the bar
PAGE_SIZE = 50


def bulk(
    as_party: Annotated[int, typer.Option("--as", help="Party that signs: the seller, or its clerk.")],
    file: Annotated[Path | None, typer.Argument(help="CSV or XLSX, columns as in the template.")] = None,
    job: Annotated[str | None, typer.Option(help="A sheet that was uploaded before, instead of a file.")] = None,
    seller: Annotated[int | None, typer.Option(help="Enterprise it issues for, when it is a clerk of several.")] = None,
    holder: Annotated[int | None, typer.Option(help="Person who holds them first; else the buyer or seller.")] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign the sound rows; without it they are only shown.")] = False,
    key: Annotated[Path | None, typer.Option(help="Key file of a party that keeps its key itself; signs all.")] = None,
    password_file: PasswordFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal before that key signs.")] = False,
    again: Annotated[bool, typer.Option("--again", help="The same file was signed before and is meant twice.")] = False,
    results: Annotated[Path | None, typer.Option(help="Write every row's result there: .csv or .xlsx.")] = None,
    template: Annotated[Path | None, typer.Option(help="Write an empty sheet there and end: .csv or .xlsx.")] = None,
    lang: Annotated[str, typer.Option(help="Language of template and results: zh or en.")] = "zh",
    as_json: AsJson = False,
) -> None:
    """Issue a sheet of invoices: every row's result first, then one signature for 256.

    Broken off, it goes on with `--job JOB --sign`, and nothing is issued twice. Exit code 3 when signing was stopped.
    With a key of your own, `--key` signs every group, after saying what it holds; without it the groups wait as drafts.

    Example: `einvoice bulk may.xlsx --as 4 --sign --results may-results.csv`
    """
    if template is None and (file is None) == (job is None):
        fail("give a file, or --job with one that was uploaded", "请给出文件，或用 --job 指定已上传的批次", EXIT_USAGE)
    for output in (results, template):
        if output is not None and output.suffix not in (".csv", ".xlsx"):
            fail(f"{output}: a name that ends with .csv or .xlsx", "文件名应以 .csv 或 .xlsx 结尾", EXIT_USAGE)
    with open_ledger(writing=True) as ledger:
        if template is not None:
            write_file(template, ledger.bulk.template(kind=template.suffix[1:], language=lang)[2])
            return
        caller = ledger.caller(as_party)
        view = _sheet(ledger, caller, file, job, seller, holder)
        if not as_json:
            _print_sheet(ledger, caller, view)
        if sign:
            view = _signed(ledger, caller, view, again=again)
            if key is not None:
                view = _signed_here(ledger, caller, view, SheetSigner(key, password_file, yes=yes), again=again)
        if results is not None:
            write_file(results, ledger.bulk.results(caller, view.job, kind=results.suffix[1:], language=lang)[2])
    _end(view, as_party=as_party, sign=sign, as_json=as_json)


def _sheet(
    ledger: Ledger, caller: Caller, file: Path | None, job: str | None, seller: int | None, holder: int | None
) -> BulkJobView:
    if file is None:
        return ledger.bulk.job(caller, job or "")
    return ledger.bulk.upload(
        caller,
        file.read_bytes(),
        file_name=file.name,
        subject=seller,
        first_holder=holder,
        idempotency_key=new_key(),
    )


def _signed(ledger: Ledger, caller: Caller, view: BulkJobView, *, again: bool) -> BulkJobView:
    """Signs until the sheet is done or stopped."""
    view = ledger.bulk.sign(caller, view.job, again=again, idempotency_key=new_key(), budget_ms=STEP_MS)
    return _gone_on(ledger, caller, view)


def _gone_on(ledger: Ledger, caller: Caller, view: BulkJobView) -> BulkJobView:
    """Waits for what was signed, and has the next groups made."""
    of = view.row_count - view.count("invalid")
    with bar("record") as moved:
        while view.state == "running":
            moved(view.count("recorded"), of)
            view = ledger.bulk.go_on(caller, view.job, budget_ms=STEP_MS)
        moved(view.count("recorded"), of)
    return view


def _signed_here(ledger: Ledger, caller: Caller, view: BulkJobView, signer: SheetSigner, *, again: bool) -> BulkJobView:
    """Signs drafts with a key of one's own, round after round, until none is left or none counts."""
    while view.stopped is None and signer.sign(ledger, caller, view):
        view = _gone_on(ledger, caller, ledger.bulk.job(caller, view.job))
        if view.state == "draft" and view.stopped is None and not view.drafts:  # rows of a draft that ended
            view = _signed(ledger, caller, view, again=again)
    return _gone_on(ledger, caller, ledger.bulk.job(caller, view.job))


def _print_sheet(ledger: Ledger, caller: Caller, view: BulkJobView) -> None:
    for one in view.sums:
        yuan = f"{one.gross_fen // 100}.{one.gross_fen % 100:02d}"
        print_line(f"{one.status}: {one.count} invoices, {yuan} yuan with tax")
    for warning in view.warnings:
        err.print(f"einvoice: {warning.message_en} / {warning.message_zh}", highlight=False, markup=False)
    for job in view.same_file:
        err.print(f"einvoice: the same file is sheet {job} / 与批次 {job} 为同一文件", highlight=False, markup=False)
    for row in _wrong_rows(ledger, caller, view):
        for problem in row.problems:
            text = f"einvoice: {problem['message_en']} / {problem['message_zh']}"
            err.print(text, style="red", highlight=False, markup=False)


def _wrong_rows(ledger: Ledger, caller: Caller, view: BulkJobView) -> Iterator[BulkRowView]:
    if not view.count("invalid"):
        return
    size = min(PROBLEMS_SHOWN_MAX, ledger.context.settings.page_size_max)
    page = ledger.bulk.rows(caller, view.job, state="invalid", limit=size)
    yield from page.items
    if page.next_cursor is not None:
        complain("more rows are wrong; --results writes all of them", "另有错误行，可用 --results 全部导出")


def _end(view: BulkJobView, *, as_party: int, sign: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "job": view.job,
                "state": view.state,
                "row_count": view.row_count,
                "sums": {one.status: {"count": one.count, "gross_fen": one.gross_fen} for one in view.sums},
                "same_file": list(view.same_file),
                "drafts": [
                    {
                        "digest": one.digest,
                        "signer": one.signer,
                        "count": one.count,
                        "gross_fen": one.gross_fen,
                        "first_number": one.first_number,
                        "last_number": one.last_number,
                        "sign_by": one.sign_by,
                    }
                    for one in view.drafts
                ],
                "stopped": None if view.stopped is None else view.stopped.code,
            }
        )
    elif sign:
        print_line(f"{view.state}: {view.count('recorded')} invoices recorded, sheet {view.job}")
        _print_drafts(view, as_party)
    else:
        print_line(f"nothing is signed yet; sign with: einvoice bulk --job {view.job} --as {as_party} --sign")
    if view.stopped is not None and view.state == "draft":
        row = f" (row {view.stopped.row})" if view.stopped.row is not None else ""
        complain(f"{view.stopped.code}: {view.stopped.message}{row}", view.stopped.message_zh)
        raise typer.Exit(EXIT_REFUSED)


def _print_drafts(view: BulkJobView, as_party: int) -> None:
    for one in view.drafts:
        yuan = f"{one.gross_fen // 100}.{one.gross_fen % 100:02d}"
        print_line(
            f"draft {one.digest}: {one.count} invoices, {yuan} yuan, {one.first_number} to {one.last_number}, "
            f"waits for party {one.signer} until {one.sign_by.isoformat()}"
        )
    if any(one.signer == as_party for one in view.drafts):
        print_line(f"sign all with: einvoice bulk --job {view.job} --as {as_party} --sign --key KEY_FILE")
