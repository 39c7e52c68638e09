"""`einvoice statement`: the file that says a number was never issued, or an invoice not settled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.opening import open_ledger
from ledger.cli.output import EXIT_USAGE, AsJson, fail, print_json, print_line, write_file

STANDARD_OUTPUT = Path("-")


def statement(
    number: Annotated[str, typer.Argument(help="Invoice number, 20 digits; not_issued takes any.")],
    says: Annotated[str, typer.Option(help="not_issued: this ledger holds nothing under it; or not_settled.")],
    as_party: Annotated[int, typer.Option("--as", help="Party that asks; for not_settled it must take part.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="File to write; `-` is standard output.")],
    witnessed: Annotated[
        str, typer.Option(help="Witnesses' signatures: required, preferred, or none (as of the head).")
    ] = "preferred",
    disclosing: Annotated[
        bool, typer.Option("--disclosing", help="For officers: take it even if it shows a word of others.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a statement of what never was, true as of a block, which `einvoice verify` checks anywhere.

    Example: `einvoice statement 94403260911000000099 --says not_issued --as 6 --out statement.json`
    """
    with open_ledger() as ledger:
        from ledger.service import Witnessed

        try:
            wanted = Witnessed(witnessed)
        except ValueError:
            fail(f"--witnessed is {', '.join(Witnessed)}", f"--witnessed 可选 {'、'.join(Witnessed)}", EXIT_USAGE)
        data = ledger.statements.statement(
            ledger.caller(as_party), number, says, witnessed=wanted, disclosing=disclosing
        )
    if output == STANDARD_OUTPUT:
        typer.echo(data)
        return
    write_file(output, data)
    if as_json:
        print_json({"file": str(output), "size": len(data)})
    else:
        print_line(f"{output}: {len(data)} bytes")
