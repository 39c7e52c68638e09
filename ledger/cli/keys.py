"""`einvoice key`: keys that sign and credentials of programs."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written

app = typer.Typer(
    no_args_is_help=True,
    help="""Rotate and recover signing keys; make API keys.

    Example: `einvoice key api 4 --label till-1`
    """,
)

AsParty = Annotated[int, typer.Option("--as", help="Party that signs.")]


@app.command()
def api(
    party: Annotated[int, typer.Argument(help="Party the key acts as.")],
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    as_json: AsJson = False,
) -> None:
    """Make an API key for a party; it is printed once and stored hashed.

    Example: `einvoice key api 4 --label till-1`
    """
    with open_ledger() as ledger:
        api_key = ledger.new_api_key(party, label)
    if as_json:
        print_json({"party": party, "label": label, "api_key": api_key})
    else:
        print_line(api_key)


@app.command()
def rotate(as_party: AsParty, as_json: AsJson = False) -> None:
    """Give a party a new signing key, signed by the old one; also cancels a recovery in progress.

    Example: `einvoice key rotate --as 4`
    """
    with open_ledger(writing=True) as ledger:
        print_written(ledger.rotate_key(ledger.caller(as_party), idempotency_key=new_key()), as_json=as_json)


@app.command()
def recover(
    party: Annotated[int, typer.Argument(help="Party whose key was lost.")],
    as_party: Annotated[int, typer.Option("--as", help="The authority.")] = 1,
    as_json: AsJson = False,
) -> None:
    """The authority gives a party a new key; it counts after 72 hours unless the old key objects.

    Example: `einvoice key recover 4`
    """
    with open_ledger(writing=True) as ledger:
        print_written(ledger.recover_key(ledger.caller(as_party), party, idempotency_key=new_key()), as_json=as_json)
