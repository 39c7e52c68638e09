"""`einvoice issue`, `evidence` and `trust`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import (
    EXIT_FAILED,
    AsJson,
    Witnesses,
    complain,
    print_or_write,
    print_problems,
    print_written,
    witnessed_of,
)

Output = Annotated[Path, typer.Option("--output", "-o", help="File to write; `-` is standard output.")]


def issue(
    file: Annotated[Path, typer.Argument(help="XML of a national e-invoice, or JSON of a draft.")],
    as_party: Annotated[int, typer.Option("--as", help="Party that signs: the seller, or its clerk.")],
    seller: Annotated[int | None, typer.Option(help="Enterprise it issues for, when it is a clerk of several.")] = None,
    buyer_name: Annotated[str | None, typer.Option(help="Buyer's name instead of the file's.")] = None,
    buyer_tax_id: Annotated[str | None, typer.Option(help="Buyer's tax id instead of the file's; '' for none.")] = None,
    holder: Annotated[int | None, typer.Option(help="Person who holds it first; else the buyer or the seller.")] = None,
    external_id: Annotated[str | None, typer.Option(help="Your own id of it: the same is never issued twice.")] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a new invoice from a file: its lines and amounts, our seller and number.

    Example: `einvoice issue invoice.xml --as 4 --buyer-name 深圳某公司 --buyer-tax-id 91310112703255042R`
    """
    from ledger.cli.reissue import draft_of_file

    draft = draft_of_file(file, buyer_name, buyer_tax_id)
    with open_ledger(writing=True) as ledger:
        from ledger.service import InvalidRequest

        try:
            written = ledger.issue(
                ledger.caller(as_party), draft, subject=seller, first_holder=holder, external_id=external_id,
                idempotency_key=new_key(),
            )  # fmt: skip
        except InvalidRequest as error:
            print_problems(error.problems)
            if any(problem.path.startswith("buyer") for problem in error.problems):
                complain(
                    "--buyer-name and --buyer-tax-id put another buyer in the file's place",
                    "可用 --buyer-name 与 --buyer-tax-id 指定购买方",
                )
            raise typer.Exit(EXIT_FAILED) from error
        print_written(written, as_json=as_json)


def evidence(
    number: Annotated[str, typer.Argument(help="Invoice number, 20 digits.")],
    as_party: Annotated[int, typer.Option("--as", help="Party that asks; it must take part in the invoice.")],
    output: Output,
    witnessed: Witnesses = "preferred",
    as_json: AsJson = False,
) -> None:
    """Write an invoice's evidence file, which `einvoice verify` checks anywhere.

    Of an erased invoice it has the authority's signed erasure in the document's place.

    Example: `einvoice evidence 94403260911000000000 --as 4 -o evidence.json --witnessed required`
    """
    with open_ledger() as ledger:
        data = ledger.evidence(ledger.caller(as_party), number, witnessed=witnessed_of(witnessed))
    print_or_write(output, data, as_json=as_json)


def trust(output: Output, as_json: AsJson = False) -> None:
    """Write this ledger's trust file: what a verifier pins.

    Example: `einvoice trust -o trust.json`
    """
    from verifier.canonical import dumps

    with open_ledger() as ledger:
        print_or_write(output, dumps(ledger.trust()), as_json=as_json)
