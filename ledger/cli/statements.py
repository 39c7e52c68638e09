"""`einvoice statement`: the file that says a number was never issued, or an invoice not settled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.opening import open_ledger
from ledger.cli.output import AsJson, Witnesses, print_or_write, witnessed_of


def statement(
    number: Annotated[str, typer.Argument(help="Invoice number, 20 digits; not_issued takes any.")],
    says: Annotated[str, typer.Option(help="not_issued: this ledger holds nothing under it; or not_settled.")],
    as_party: Annotated[int, typer.Option("--as", help="Party that asks; for not_settled it must take part.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="File to write; `-` is standard output.")],
    witnessed: Witnesses = "preferred",
    disclosing: Annotated[
        bool, typer.Option("--disclosing", help="For officers: take it even if it shows a word of others.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a statement of what never was, true as of a block, which `einvoice verify` checks anywhere.

    Example: `einvoice statement 94403260911000000099 --says not_issued --as 6 --out statement.json`
    """
    with open_ledger() as ledger:
        data = ledger.statements.statement(
            ledger.caller(as_party), number, says, witnessed=witnessed_of(witnessed), disclosing=disclosing
        )
    print_or_write(output, data, as_json=as_json)
