"""`einvoice risk`: flags, forced unlocking, lifted blocks, exceptions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import every_row, new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written
from ledger.cli.proposals import print_proposal

if TYPE_CHECKING:
    from ledger.service.red_views import ExceptionView

app = typer.Typer(
    no_args_is_help=True,
    help="""What officers do about single invoices and sellers; exceptions and their acknowledgement.

    Example: `einvoice risk exceptions --as 2 --unanswered`
    """,
)


AsParty = Annotated[int, typer.Option("--as", help="Party that signs.")]
Number = Annotated[str, typer.Argument(help="Invoice number, 20 digits.")]
Reason = Annotated[str, typer.Option(help="Why; those who see the invoice can read it.")]


@app.command()
def flag(number: Number, as_party: AsParty, reason: Reason, as_json: AsJson = False) -> None:
    """Propose a risk flag; once a second officer confirms (`einvoice proposal confirm`), the invoice is not handed on,
    claimed, settled or deducted.

    Example: `einvoice risk flag 94403260911000000000 --as 2 --reason "seller not found"`
    """
    with open_ledger(looking=False) as ledger:
        made = ledger.proposals.flag(ledger.caller(as_party), number, reason=reason, idempotency_key=new_key())
    print_proposal(made, as_json=as_json)


@app.command()
def clear(number: Number, as_party: AsParty, reason: Reason, as_json: AsJson = False) -> None:
    """An officer takes a risk flag away.

    Example: `einvoice risk clear 94403260911000000000 --as 2 --reason "seller found"`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.supervising.clear_flag(
            ledger.caller(as_party), number, reason=reason, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def unlock(number: Number, as_party: AsParty, reason: Reason, as_json: AsJson = False) -> None:
    """An officer frees a claimed invoice that is not settled.

    Example: `einvoice risk unlock 94403260911000000000 --as 2 --reason "employer closed down"`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.supervising.force_unlock(
            ledger.caller(as_party), number, reason=reason, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def lift(
    party: Annotated[int, typer.Argument(help="Party id of the enterprise.")],
    month: Annotated[str, typer.Argument(help="Month it may issue in, YYYY-MM.")],
    as_party: AsParty,
    reason: Annotated[str, typer.Option(help="Why; kept sealed.")],
    as_json: AsJson = False,
) -> None:
    """An officer lets an enterprise issue in a month although months before are not filed.

    Example: `einvoice risk lift 4 2026-11 --as 2 --reason "return under repair"`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.supervising.lift_block(
            ledger.caller(as_party), party, month, reason=reason, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def exceptions(
    as_party: AsParty,
    number: Annotated[str | None, typer.Option(help="Of this invoice only.")] = None,
    unanswered: Annotated[bool, typer.Option("--unanswered", help="Only those you can still acknowledge.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what happened to invoices after they were settled, deducted or claimed, newest first.

    Example: `einvoice risk exceptions --as 5 --unanswered`
    """
    with open_ledger() as ledger:
        caller, read = ledger.caller(as_party), ledger.supervising.exceptions
        found = list(
            every_row(
                ledger,
                lambda cursor, limit: read(caller, number=number, unanswered=unanswered, cursor=cursor, limit=limit),
            )
        )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        print_line(f"{one.number}  {', '.join(one.kinds)}  {one.gross_fen} fen  {_seen(one)}")


@app.command()
def acknowledge(
    number: Number,
    as_party: AsParty,
    note: Annotated[str, typer.Option(help="A remark; kept sealed.")] = "",
    subject: Annotated[int | None, typer.Option(help="Company told, where you act for several.")] = None,
    as_json: AsJson = False,
) -> None:
    """An officer, or finance of the company told, has seen the exceptions of an invoice.

    Example: `einvoice risk acknowledge 94403260911000000000 --as 5 --note "money taken back"`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.supervising.acknowledge(
            ledger.caller(as_party), number, note=note, subject=subject, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


def _seen(one: ExceptionView) -> str:
    officer = "officer has seen it" if one.officer_at is not None else "no officer has seen it"
    company = "seen" if one.party_at is not None else "not seen"
    return f"{officer}; party {one.party}: {company}" if one.party is not None else officer
