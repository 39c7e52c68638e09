"""`einvoice invoice erase`, `party erase`, `party export` and `erasures`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_or_write

if TYPE_CHECKING:
    from ledger.service.erasing import ErasureView

app = typer.Typer(
    no_args_is_help=True,
    help="""Erase what is kept of an invoice beside the chain.

    Example: `einvoice invoice erase 94403260911000000000 --reason "request 2026-17"`
    """,
)

AsAuthority = Annotated[int, typer.Option("--as", help="The authority.")]
Reason = Annotated[str, typer.Option(help="Why; kept sealed.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="File to write; `-` is standard output.")]


@app.command("erase")
def erase_invoice(
    number: Annotated[str, typer.Argument(help="Invoice number, 20 digits.")],
    reason: Reason,
    as_party: AsAuthority = 1,
    as_json: AsJson = False,
) -> None:
    """Erase an invoice's document, originals, reds and words for good; its history stays on the chain.

    Example: `einvoice invoice erase 94403260911000000000 --reason "request 2026-17"`
    """
    with open_ledger(looking=False) as ledger:
        erased = ledger.erasing.invoice(ledger.caller(as_party), number, reason=reason, idempotency_key=new_key())
    _print(erased, as_json=as_json)


def erase_person(
    party: Annotated[int, typer.Argument(help="Party id of the person.")],
    reason: Reason,
    as_party: AsAuthority = 1,
    as_json: AsJson = False,
) -> None:
    """Erase a person's name, titles and words for good and end its API keys; histories go on saying `person N`.

    Example: `einvoice party erase 7 --reason "left, request 2026-18"`
    """
    with open_ledger(looking=False) as ledger:
        erased = ledger.erasing.person(ledger.caller(as_party), party, reason=reason, idempotency_key=new_key())
    _print(erased, as_json=as_json)


def export_person(
    party: Annotated[int, typer.Argument(help="Party id of the person.")],
    output: Output,
    as_party: Annotated[int, typer.Option("--as", help="The person itself, or the authority.")],
    as_json: AsJson = False,
) -> None:
    """Write everything that is kept about a person, opened, as one JSON file.

    Example: `einvoice party export 7 --as 7 -o person-7.json`
    """
    from verifier.canonical import dumps

    with open_ledger() as ledger:
        data = dumps(ledger.personal_export(ledger.caller(as_party), party))
    print_or_write(output, data, as_json=as_json, mode=0o600)


def erasures(output: Output, as_party: AsAuthority = 1, as_json: AsJson = False) -> None:
    """Write the list of everything erased, which `einvoice restore --erasures` applies. Keep the latest by each backup.

    Example: `einvoice erasures -o erasures.json`
    """
    with open_ledger() as ledger:
        data = ledger.erasing.list_file(ledger.caller(as_party))
    print_or_write(output, data, as_json=as_json)


def _print(erased: ErasureView, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "kind": erased.kind,
                "target": erased.target,
                "by": erased.by,
                "at": erased.at.isoformat(),
                "attested": erased.attested,
            }
        )
    else:
        print_line(f"{erased.kind} {erased.target}: erased at {erased.at.isoformat()}; older backups still hold it")
        if erased.kind == "invoice" and not erased.attested:
            print_line(
                "not signed, as the authority's root key is not kept here: no evidence can say that it was erased"
            )
