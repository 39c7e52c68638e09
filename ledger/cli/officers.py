"""`einvoice officer`: whom the authority appoints, and where."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written

app = typer.Typer(
    no_args_is_help=True,
    help="""The authority appoints officers, each for a district or the whole ledger.

    Example: `einvoice officer appoint 李税官 --as 1 --district 4403`
    """,
)


AsParty = Annotated[int, typer.Option("--as", help="Party of the authority, 1.")]
Officer = Annotated[int, typer.Argument(help="Party id of the officer.")]


@app.command()
def appoint(
    name: Annotated[str, typer.Argument(help="Name of the officer; kept sealed.")],
    as_party: AsParty,
    district: Annotated[str, typer.Option(help="2, 4 or 6 digits: 44, 4403, 440305; without: the whole ledger.")] = "",
    as_json: AsJson = False,
) -> None:
    """Appoint an officer, with a key made and kept here; prints its API key once.

    Example: `einvoice officer appoint 李税官 --as 1 --district 4403`
    """
    with open_ledger(writing=True) as ledger:
        written, api_key = ledger.appoint_officer(
            ledger.caller(as_party), name=name, district=district, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json, extra={"api_key": api_key})


@app.command()
def district(
    officer: Officer,
    where: Annotated[str, typer.Argument(help='2, 4 or 6 digits; "" for the whole ledger.')],
    as_party: AsParty,
    as_json: AsJson = False,
) -> None:
    """Appoint an officer for another district, at once.

    Example: `einvoice officer district 9 440305 --as 1`
    """
    with open_ledger(looking=False) as ledger:
        view = ledger.change_district(ledger.caller(as_party), officer, where, idempotency_key=new_key())
    if as_json:
        print_json({"party": view.party, "district": view.district})
        return
    print_line(f"officer {view.party}: {view.district or 'the whole ledger'}")


@app.command()
def dismiss(
    officer: Officer,
    as_party: AsParty,
    reason: Annotated[str, typer.Option(help="Why; kept sealed.")] = "",
    as_json: AsJson = False,
) -> None:
    """End an appointment; what the officer proposed and nobody confirmed ends with it.

    Example: `einvoice officer dismiss 9 --as 1`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.dismiss_officer(ledger.caller(as_party), officer, reason=reason, idempotency_key=new_key())
        print_written(written, as_json=as_json)
