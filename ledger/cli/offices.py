"""`einvoice office`: auditors, witnesses' readers, and administrators of enterprises."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import every_row, new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line

if TYPE_CHECKING:
    from ledger.service.offices import OfficeView

app = typer.Typer(
    no_args_is_help=True,
    help="""Appoint auditors (read everything, write nothing), witnesses' readers, and administrators of enterprises.

    Example: `einvoice office appoint auditor 12 --as 1`
    """,
)

AsParty = Annotated[int, typer.Option("--as", help="Who appoints: the authority, or an enterprise.")]
Office = Annotated[int, typer.Argument(help="Number of the office.")]


@app.command()
def appoint(
    kind: Annotated[
        str, typer.Argument(help="auditor, witness (of the authority) or administrator (of an enterprise)")
    ],
    party: Annotated[int, typer.Argument(help="Party id of the person.")],
    as_party: AsParty,
    as_json: AsJson = False,
) -> None:
    """Give an enrolled person an office; it counts from the person's next request on.

    Example: `einvoice office appoint administrator 12 --as 4`
    """
    with open_ledger(looking=False) as ledger:
        view = ledger.offices.appoint(ledger.caller(as_party), kind, party, idempotency_key=new_key())
    _print(view, as_json=as_json)


@app.command()
def end(office: Office, as_party: AsParty, as_json: AsJson = False) -> None:
    """End an office, for good.

    Example: `einvoice office end 3 --as 1`
    """
    with open_ledger(looking=False) as ledger:
        view = ledger.offices.end(ledger.caller(as_party), office, idempotency_key=new_key())
    _print(view, as_json=as_json)


@app.command("list")
def list_offices(as_party: AsParty, as_json: AsJson = False) -> None:
    """List the offices a party gave or holds, newest first; all of them to officers and auditors.

    Example: `einvoice office list --as 1`
    """
    with open_ledger() as ledger:
        caller = ledger.caller(as_party)
        rows = list(every_row(ledger, lambda cursor, limit: ledger.offices.offices(caller, cursor=cursor, limit=limit)))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print_line(_line(row))


@app.command()
def uses(office: Office, as_party: AsParty, as_json: AsJson = False) -> None:
    """List what was signed with the enterprise's key for its administrator, newest first.

    Example: `einvoice office uses 3 --as 4`
    """
    with open_ledger() as ledger:
        caller = ledger.caller(as_party)
        rows = list(
            every_row(ledger, lambda cursor, limit: ledger.offices.uses(caller, office, cursor=cursor, limit=limit))
        )
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print_line(f"{row.used_at.isoformat()}  {row.digest}")


def _print(view: OfficeView, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(view))
    else:
        print_line(_line(view))


def _line(view: OfficeView) -> str:
    ended = "" if view.ended_at is None else f"  ended {view.ended_at.isoformat()} by {view.ended_by}"
    who = f"{view.party} {view.name}"
    of = f"{view.principal} {view.principal_name}"
    return f"{view.office:>6}  {view.kind:<13}  {who}  of {of}  since {view.appointed_at.isoformat()}{ended}"
