"""`einvoice deduction`: a buyer's input tax, selected for a period and confirmed."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import every_row, new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written

if TYPE_CHECKING:
    from ledger.service.deduction_views import DeductionView

app = typer.Typer(
    no_args_is_help=True,
    help="""Select the input tax of invoices for a period, see the sums, confirm.

    Example: `einvoice deduction select 2026-11 94403260911000000000 --as 5`
    """,
)


class Purpose(StrEnum):
    """What the tax is selected for."""

    DEDUCT = "deduct"
    NOT_DEDUCT = "not_deduct"
    EXPORT_REFUND = "export_refund"


class Reason(StrEnum):
    """Why it is not deducted."""

    NOT_TAXABLE = "not_taxable"
    EXEMPT = "exempt"
    WELFARE_OR_PERSONAL = "welfare_or_personal"
    ABNORMAL_LOSS = "abnormal_loss"
    OTHER = "other"


Period = Annotated[str, typer.Argument(help="Period, YYYY-MM.")]
AsParty = Annotated[int, typer.Option("--as", help="Party that asks or signs: the buyer, or its finance.")]
Subject = Annotated[int | None, typer.Option(help="Buyer acted for, when there are several.")]


@app.command()
def selectable(period: Period, as_party: AsParty, subject: Subject = None, as_json: AsJson = False) -> None:
    """List invoices that could be selected for a period.

    Example: `einvoice deduction selectable 2026-11 --as 5`
    """
    with open_ledger() as ledger:
        caller = ledger.caller(as_party)
        rows = list(
            every_row(
                ledger,
                lambda cursor, limit: ledger.deductions.selectable(
                    caller, period, subject=subject, cursor=cursor, limit=limit
                ),
            )
        )
    _print_rows(rows, as_json=as_json)


@app.command()
def selected(period: Period, as_party: AsParty, subject: Subject = None, as_json: AsJson = False) -> None:
    """List invoices a period holds.

    Example: `einvoice deduction selected 2026-11 --as 5 --json`
    """
    with open_ledger() as ledger:
        caller = ledger.caller(as_party)
        rows = list(
            every_row(
                ledger,
                lambda cursor, limit: ledger.deductions.selected(
                    caller, period, subject=subject, cursor=cursor, limit=limit
                ),
            )
        )
    _print_rows(rows, as_json=as_json)


@app.command()
def show(period: Period, as_party: AsParty, subject: Subject = None, as_json: AsJson = False) -> None:
    """Show a period's statistics by purpose, and whether it is frozen.

    Example: `einvoice deduction show 2026-11 --as 5`
    """
    with open_ledger() as ledger:
        view = ledger.deductions.period(ledger.caller(as_party), period, subject=subject)
    if as_json:
        print_json(asdict(view))
        return
    print_line(f"{view.period}: {view.state}, {view.count} invoices, valid tax {view.valid_tax_fen} fen")
    for one in view.by_purpose:
        reason = f" ({one.reason_text})" if one.reason else ""
        print_line(f"  {one.purpose_text}{reason}: {one.count} invoices, valid tax {one.valid_tax_fen} fen")


@app.command()
def select(
    period: Period,
    numbers: Annotated[list[str], typer.Argument(help="Invoice numbers, 1 to 256, all or none.")],
    as_party: AsParty,
    purpose: Annotated[Purpose, typer.Option(help="What for.")] = Purpose.DEDUCT,
    reason: Annotated[Reason | None, typer.Option(help="Why it is not deducted.")] = None,
    valid_tax_fen: Annotated[
        int | None, typer.Option(help="Tax of each, in fen; without: all that is left of it.")
    ] = None,
    subject: Subject = None,
    as_json: AsJson = False,
) -> None:
    """Select invoices for a period, under one signature.

    Example: `einvoice deduction select 2026-11 94403260911000000000 --as 5 --purpose not_deduct --reason exempt`
    """
    with open_ledger(writing=True) as ledger:
        from ledger.domain.deduction import DeductionPurpose, NonDeductionReason
        from ledger.service.deductions import WantedSelection

        why = NonDeductionReason[reason.name] if reason is not None else None
        wanted = [WantedSelection(number, DeductionPurpose[purpose.name], valid_tax_fen, why) for number in numbers]
        written = ledger.deductions.select(
            ledger.caller(as_party), period, wanted, subject=subject, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def unselect(
    numbers: Annotated[list[str], typer.Argument(help="Invoice numbers, 1 to 256, all or none.")],
    as_party: AsParty,
    subject: Subject = None,
    as_json: AsJson = False,
) -> None:
    """Take invoices out of their periods, under one signature.

    Example: `einvoice deduction unselect 94403260911000000000 --as 5`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.deductions.unselect(
            ledger.caller(as_party), numbers, subject=subject, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def confirm(period: Period, as_party: AsParty, subject: Subject = None, as_json: AsJson = False) -> None:
    """Confirm a period with the sums it has; its selections are final afterwards.

    Example: `einvoice deduction confirm 2026-11 --as 5`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.deductions.confirm(ledger.caller(as_party), period, subject=subject, idempotency_key=new_key())
        print_written(written, as_json=as_json)


def _print_rows(rows: list[DeductionView], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        chosen = f"{row.purpose_text}, valid tax {row.valid_tax_fen}" if row.period is not None else ""
        print_line(f"{row.number}  {row.seller_name}  tax left {row.tax_left_fen} fen  {chosen}".rstrip())
