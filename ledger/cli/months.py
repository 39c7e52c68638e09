"""`einvoice month`: an enterprise's month, its report, filing and correcting it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import EXIT_USAGE, AsJson, fail, print_json, print_line, print_written, write_file

if TYPE_CHECKING:
    from ledger.domain.month_report import MonthReport, RateSum
    from ledger.service.filing_views import ReportView

app = typer.Typer(
    no_args_is_help=True,
    help="""Open months; report, file and correct an enterprise's month.

    Example: `einvoice month file 2026-11 --as 4 --uninvoiced 600:250000:15000`
    """,
)

Month = Annotated[str, typer.Argument(help="Month, YYYY-MM.")]
AsParty = Annotated[int, typer.Option("--as", help="Party that asks or signs: the enterprise, or its finance.")]
AsCalendar = Annotated[int, typer.Option("--as", help="Party that signs: the calendar, or the authority.")]
Subject = Annotated[int | None, typer.Option(help="Enterprise acted for, when there are several.")]
Note = Annotated[str, typer.Option(help="A remark that becomes part of the report.")]
_SUM = "RATE:NET:TAX in hundredths of a percent and fen, `600:250000:15000`; or RATE/MARK, `0/exempt:250000:0`."
Uninvoiced = Annotated[list[str] | None, typer.Option("--uninvoiced", help=f"Sales without an invoice: {_SUM}")]
Unread = Annotated[
    list[str] | None, typer.Option("--unread", help="Invoices whose documents are erased, by rate; as --uninvoiced.")
]


@app.command("open")
def open_month(month: Month, as_party: AsCalendar, as_json: AsJson = False) -> None:
    """Open a month for issuing, as the calendar or the authority; the node does it by itself.

    Example: `einvoice month open 2026-12 --as 3`
    """
    with open_ledger(writing=True) as ledger:
        print_written(ledger.open_month(ledger.caller(as_party), month, idempotency_key=new_key()), as_json=as_json)


@app.command()
def show(month: Month, as_party: AsParty, subject: Subject = None, as_json: AsJson = False) -> None:
    """Show a month as the contract counts it, with its quota.

    Example: `einvoice month show 2026-11 --as 4`
    """
    with open_ledger() as ledger:
        view = ledger.month(ledger.caller(as_party), month, subject=subject)
    if as_json:
        print_json(asdict(view))
        return
    print_line(f"blue {view.blue_gross_fen} fen, tax {view.blue_tax_fen} fen")
    print_line(f"red {view.red_gross_fen} fen, tax {view.red_tax_fen} fen")
    print_line(f"{view.count} invoices; quota used {view.quota_used_fen} of {view.quota_fen} fen")
    state = "filed" if view.filed_at is not None else "open for issuing" if view.open_for_issue else "not filed"
    print_line(f"{view.month}: {state}")


@app.command()
def report(
    month: Month,
    as_party: AsParty,
    subject: Subject = None,
    draft: Annotated[bool, typer.Option("--draft", help="As it would be filed now.")] = False,
    revision: Annotated[int | None, typer.Option(min=0, help="An earlier filing; 0 is the first.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write it as a table to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a month's report: as filed or, before that, as it would be.

    Example: `einvoice month report 2026-11 --as 4 --csv report.csv`
    """
    with open_ledger() as ledger:
        from ledger.service.month_tables import report_table

        view = ledger.filing.report(ledger.caller(as_party), month, subject=subject, revision=revision, draft=draft)
        if csv is not None:
            write_file(csv, report_table(view, "zh"))
    if as_json:
        filing = asdict(view.filing) if view.filing is not None else None
        print_json({"report": view.report.to_json(), "filing": filing, "salt": view.salt})
        return
    _print_report(view)
    if csv is not None:
        print_line(f"table: {csv}")


@app.command()
def filings(month: Month, as_party: AsParty, subject: Subject = None, as_json: AsJson = False) -> None:
    """List a month's filing and its corrections, oldest first.

    Example: `einvoice month filings 2026-11 --as 4`
    """
    with open_ledger() as ledger:
        found = ledger.filing.filings(ledger.caller(as_party), month, subject=subject)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        state = "stands" if one.standing else "replaced"
        at = f"{one.filed_at:%Y-%m-%d %H:%M:%S}Z"
        print_line(f"{one.revision}  {at}  {one.report_hash}  {state}  {one.filed_by_name}")


@app.command()
def declare(
    month: Month,
    as_party: AsParty,
    uninvoiced: Uninvoiced = None,
    unread: Unread = None,
    note: Note = "",
    subject: Subject = None,
    as_json: AsJson = False,
) -> None:
    """Keep what is declared of a month until it is filed; `report` shows it. Nothing is signed.

    Example: `einvoice month declare 2026-11 --as 4 --uninvoiced 600:250000:15000`
    """
    sums, unread_sums = _sums(uninvoiced, "--uninvoiced"), _sums(unread, "--unread")
    with open_ledger(looking=False) as ledger:
        from ledger.service.declarations import declared_json
        from ledger.service.month_reporting import Declared

        said = Declared(sums, unread_sums, note)
        ledger.filing.declare(ledger.caller(as_party), month, said, subject=subject, idempotency_key=new_key())
        if as_json:
            print_json(declared_json(said))
            return
    print_line(f"{month}: {len(sums)} sums declared; `einvoice month report` shows what would be filed")


@app.command("file")
def file_month(
    month: Month,
    as_party: AsParty,
    uninvoiced: Uninvoiced = None,
    unread: Unread = None,
    note: Note = "",
    subject: Subject = None,
    as_json: AsJson = False,
) -> None:
    """File a month with the ledger's totals and what is declared, here or before; it is frozen afterwards.

    A month that has not ended can be filed as well: nothing more is issued in it then.

    Example: `einvoice month file 2026-11 --as 4 --uninvoiced 600:250000:15000`
    """
    sums, unread_sums = _sums(uninvoiced, "--uninvoiced"), _sums(unread, "--unread")
    with open_ledger(writing=True) as ledger:
        from ledger.service.month_reporting import Declared

        said = Declared(sums, unread_sums, note)
        written = ledger.filing.file(
            ledger.caller(as_party), month, declared=None if said == Declared() else said, subject=subject,
            idempotency_key=new_key(),
        )  # fmt: skip
        print_written(written, as_json=as_json)


@app.command()
def refile(
    month: Month,
    as_party: AsParty,
    replaces: Annotated[
        str | None, typer.Option(help="Hash of the report it replaces; without: the one that stands.")
    ] = None,
    uninvoiced: Uninvoiced = None,
    unread: Unread = None,
    note: Note = "",
    subject: Subject = None,
    as_json: AsJson = False,
) -> None:
    """Correct a filed month by a new report, with what is declared here or, without options, by `declare`.

    Example: `einvoice month refile 2026-11 --as 4 --uninvoiced 600:300000:18000 --note 更正`
    """
    sums, unread_sums = _sums(uninvoiced, "--uninvoiced"), _sums(unread, "--unread")
    with open_ledger(writing=True) as ledger:
        from ledger.service.month_reporting import Declared

        said = Declared(sums, unread_sums, note)
        written = ledger.filing.refile(
            ledger.caller(as_party), month, replaces=replaces, declared=None if said == Declared() else said,
            subject=subject, idempotency_key=new_key(),
        )  # fmt: skip
        print_written(written, as_json=as_json)


def _sums(texts: list[str] | None, option: str) -> tuple[RateSum, ...]:
    """Sums by rate as options give them; ends the command at one that cannot be read."""
    from ledger.domain.invoice import RateMark
    from ledger.domain.month_report import RateSum

    found = []
    for text in texts or ():
        parts = text.split(":")
        rate, _, mark = parts[0].partition("/")
        try:
            rate_bp, net_fen, tax_fen = (_integer(part) for part in (rate, *parts[1:]))
            found.append(RateSum(rate_bp, RateMark(mark or "rate"), net_fen, tax_fen))
        except ValueError:
            fail(f"{option} {text[:60]}: write {_SUM}", f"{option} 格式有误", code=EXIT_USAGE)
    return tuple(found)


def _integer(text: str) -> int:
    """Integer of ASCII digits with at most a minus sign. Raises: ValueError."""
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 15:
        raise ValueError(text)
    return int(text)


def _print_report(view: ReportView) -> None:
    report = view.report
    state = "as it would be filed now" if view.filing is None else f"as filed, revision {view.filing.revision}"
    print_line(f"report {state}; amounts in fen")
    for side in ("blue", "red", "total"):
        count = "" if side == "total" else f"{getattr(report, f'{side}_count')} invoices, "
        amounts = [getattr(report, f"{side}_{name}_fen") for name in ("net", "tax", "gross")]
        print_line(f"{side:<6} {count}net {amounts[0]}, tax {amounts[1]}, gross {amounts[2]}")
    _print_rates("invoiced", report.by_rate)
    _print_rates("declared", report.uninvoiced)
    _print_rest(report)
    if view.filing is not None:
        print_line(f"hash   {view.filing.report_hash}")


def _print_rates(title: str, sums: tuple[RateSum, ...]) -> None:
    from ledger.service.month_tables import percent

    for one in sums:
        mark = "" if one.rate_mark == "rate" else f" {one.rate_mark}"
        print_line(f"  {title} at {percent(one.rate_bp)}{mark}: net {one.net_fen}, tax {one.tax_fen}")


def _print_rest(report: MonthReport) -> None:
    inputs = report.input_tax
    print_line(f"input  deducted {inputs.deducted_tax_fen} of {inputs.deducted_count} invoices")
    print_line(f"       taken back {inputs.transfer_out_fen}")
    print_line(f"due    {report.tax_due_fen}")
    if report.first_number:
        print_line(f"from {report.first_number} to {report.last_number}, {report.gap_numbers} numbers passed over")
    if report.correction_of:
        print_line(f"replaces {report.correction_of}")
