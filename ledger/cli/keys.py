"""`einvoice key`: keys that sign and credentials of programs."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written

if TYPE_CHECKING:
    from ledger.service.api_key_views import ApiKeyView
    from verifier.canonical import Json

app = typer.Typer(
    no_args_is_help=True,
    help="""Keys of your own; rotate and recover signing keys; API keys.

    Example: `einvoice key api 4 --label till-1`
    """,
)

AsParty = Annotated[int, typer.Option("--as", help="Party that signs.")]


@app.command()
def api(
    party: Annotated[int, typer.Argument(help="Party the key acts as.")],
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, issue, claim, finance, manage, supervise or all (as without); repeat for several."),
    ] = None,
    days: Annotated[int | None, typer.Option(help="Days until it ends, 1,825 at most; without, a year.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key for a party; it is printed once and stored hashed.

    Example: `einvoice key api 4 --label till-1 --scope issue --scope read --days 90`
    """
    with open_ledger() as ledger:
        made = ledger.api_keys.make_for(party, label, scopes=scope or None, lifetime_days=days)
    if as_json:
        print_json({**_described(made), "api_key": made.secret})
    else:
        print_line(made.secret)


@app.command(name="list")
def list_keys(
    party: Annotated[int, typer.Argument(help="Party whose keys.")],
    as_json: AsJson = False,
) -> None:
    """List API keys of a party, newest first: what for, until when, when used last.

    Example: `einvoice key list 4`
    """
    with open_ledger(looking=False) as ledger:
        views = ledger.api_keys.keys(ledger.caller(party))
    if as_json:
        print_json({"items": [_described(view) for view in views]})
        return
    for view in views:
        until = f"until {view.expires_at:%Y-%m-%d}" if view.expires_at else "without end"
        used = f"used {view.last_used_at:%Y-%m-%d %H:%M}Z" if view.last_used_at else "never used"
        print_line(f"{view.key_id}  {view.state:<9}  {' '.join(view.scopes)}  {until}  {used}  {view.label}")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's public part, the 16 digits after einv_.")],
    as_party: Annotated[int, typer.Option("--as", help="The party whose key it is, an officer, or the authority.")],
    as_json: AsJson = False,
) -> None:
    """End an API key and those made with it, at once and for good.

    Example: `einvoice key revoke 0a1b2c3d4e5f6071 --as 4`
    """
    with open_ledger(looking=False) as ledger:
        view = ledger.api_keys.revoke(ledger.caller(as_party), key_id, idempotency_key=new_key())
    if as_json:
        print_json(_described(view))
    else:
        print_line(f"{view.key_id}  {view.state}")


def _described(view: ApiKeyView) -> dict[str, Json]:
    """A key without its secret, times as RFC 3339."""
    found: dict[str, Json] = {}
    for field in fields(view):
        value = getattr(view, field.name)
        found[field.name] = value.isoformat() if isinstance(value, datetime) else value
    del found["secret"]
    return {**found, "scopes": list(view.scopes)}


@app.command()
def rotate(
    as_party: AsParty,
    own: Annotated[
        Path | None, typer.Option(help="Proof of a key the party keeps itself, from `einvoice key prove --replace`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a party a new signing key, signed by the old one; also cancels a recovery in progress.

    Example: `einvoice key rotate --as 4`
    """
    from ledger.cli.own_keys import read_own_key

    proof = None if own is None else read_own_key(own)
    with open_ledger(writing=True) as ledger:
        answer = ledger.rotate_key(ledger.caller(as_party), own=proof, idempotency_key=new_key())
        print_written(answer, as_json=as_json)


@app.command()
def renew(as_party: AsParty, as_json: AsJson = False) -> None:
    """Renew a party's certificate: the same key, before the certificate it has ends.

    Example: `einvoice key renew --as 4`
    """
    with open_ledger(writing=True) as ledger:
        answer = ledger.renew_certificate(ledger.caller(as_party), idempotency_key=new_key())
        print_written(answer, as_json=as_json)


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
