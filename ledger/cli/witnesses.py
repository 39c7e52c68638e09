"""`einvoice witnesses`: whose witness signatures this ledger takes, and how many its evidence needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import open_ledger
from ledger.cli.output import AsJson, complain, print_json, print_line

if TYPE_CHECKING:
    from ledger.service.witness_views import WitnessView

app = typer.Typer(
    no_args_is_help=True,
    help="""Admit witnesses' keys, withdraw them, list them, and say how many are needed.

    Example: `einvoice witnesses admit witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4`
    """,
)

AsAuthority = Annotated[int, typer.Option("--as", help="The authority.")]


@app.command()
def admit(
    key: Annotated[str, typer.Argument(help="The line that `einvoice witness init` printed.")],
    as_party: AsAuthority = 1,
    as_json: AsJson = False,
) -> None:
    """Take a witness's signatures from now on; its key is in the trust file from then on.

    Example: `einvoice witnesses admit witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4`
    """
    with open_ledger(looking=False) as ledger:
        _print(ledger.witnessing.admit(ledger.caller(as_party), key), as_json=as_json)


@app.command()
def withdraw(
    name: Annotated[str, typer.Argument(help="Name of the key, the part before the first plus sign.")],
    as_party: AsAuthority = 1,
    as_json: AsJson = False,
) -> None:
    """Take a witness's signatures no more; for good: a witness that comes back makes a new key.

    Example: `einvoice witnesses withdraw witness.example/w1`
    """
    with open_ledger(looking=False) as ledger:
        _print(ledger.witnessing.withdraw(ledger.caller(as_party), name), as_json=as_json)


@app.command()
def need(
    count: Annotated[int, typer.Argument(help="Witnesses that must have signed; 0: none.")],
    as_party: AsAuthority = 1,
    as_json: AsJson = False,
) -> None:
    """Say how many witnesses must have signed what evidence proves; hand the new trust file out afterwards.

    Example: `einvoice witnesses need 2`
    """
    with open_ledger(looking=False) as ledger:
        needed = ledger.witnessing.need(ledger.caller(as_party), count)
    if as_json:
        print_json({"needed": needed})
        return
    print_line(f"needed: {needed}; next: einvoice trust -o trust.json, and give it to who verifies")


@app.command("list")
def list_witnesses(
    as_party: Annotated[int, typer.Option("--as", help="An officer, or the authority.")] = 1, as_json: AsJson = False
) -> None:
    """Witnesses, what each signed last, and alarms: signatures on what this chain does not have.

    Example: `einvoice witnesses list --json`
    """
    with open_ledger() as ledger:
        found = ledger.witnessing.listed(ledger.caller(as_party))
    if as_json:
        print_json(asdict(found))
        return
    print_line(f"needed: {found.needed}")
    for one in found.witnesses:
        print_line(_line(one))
    for alarm in found.alarms:
        own = alarm.own_hash or "nothing"
        complain(
            f"alarm {alarm.received_at.isoformat()}: {alarm.name} signed block {alarm.block} as {alarm.block_hash}, "
            f"here is {own}; --json shows the note",
            "见证方看到了另一份历史",
        )


def _print(view: WitnessView, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(view))
    else:
        print_line(_line(view))


def _line(view: WitnessView) -> str:
    state = "admitted" if view.withdrawn_at is None else f"withdrawn {view.withdrawn_at.isoformat()}"
    last = "nothing signed yet" if view.signed_at is None else f"block {view.block} at {view.signed_at.isoformat()}"
    return f"{state}  {view.key}  {last}"
