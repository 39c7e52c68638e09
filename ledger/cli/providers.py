"""`einvoice sign-in-provider`: an enterprise's own OpenID Connect provider, through which its people sign in."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line

if TYPE_CHECKING:
    from ledger.service.provider_views import ProviderView

SECRET_VARIABLE = "EINVOICE_CLIENT_SECRET"  # noqa: S105 - a name, not a secret

app = typer.Typer(
    no_args_is_help=True,
    help="""Register an enterprise's own sign-in provider (OpenID Connect), list and remove them.

    Example: `einvoice sign-in-provider add https://login.example.com einvoice --as 4`
    """,
)

AsParty = Annotated[int, typer.Option("--as", help="The enterprise.")]


@app.command()
def add(
    issuer: Annotated[str, typer.Argument(help="Issuer, as the provider's metadata has it.")],
    client_id: Annotated[str, typer.Argument(help="The client registered there for this ledger.")],
    as_party: AsParty,
    secret: Annotated[
        str,
        typer.Option(
            "--secret", envvar=SECRET_VARIABLE, prompt="Client secret", hide_input=True, show_default=False,
            help=f"Its secret; asked for when neither this nor {SECRET_VARIABLE} is given.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Register a provider; prints the redirect address to enter there and the page people begin at.

    Example: `einvoice sign-in-provider add https://login.example.com einvoice --as 4`
    """
    with open_ledger(looking=False) as ledger:
        view = ledger.sign_in_providers.register(
            ledger.caller(as_party), issuer=issuer, client_id=client_id, client_secret=secret,
            idempotency_key=new_key(),
        )  # fmt: skip
    _print(view, as_json=as_json)


@app.command("list")
def list_providers(as_party: AsParty, as_json: AsJson = False) -> None:
    """List the providers of an enterprise.

    Example: `einvoice sign-in-provider list --as 4`
    """
    with open_ledger(looking=False) as ledger:
        found = ledger.sign_in_providers.providers(ledger.caller(as_party))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        print_line(_line(one))


@app.command()
def remove(
    provider_id: Annotated[str, typer.Argument(help="Id of the provider, as `list` shows it.")],
    as_party: AsParty,
    as_json: AsJson = False,
) -> None:
    """Remove a provider: every link to it and every session it opened ends.

    Example: `einvoice sign-in-provider remove 3f9c... --as 4`
    """
    with open_ledger(looking=False) as ledger:
        links = ledger.sign_in_providers.remove(ledger.caller(as_party), provider_id, idempotency_key=new_key())
    if as_json:
        print_json({"links": links})
    else:
        print_line(f"removed; {links} people had linked an account")


def _print(view: ProviderView, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(view))
        return
    print_line(_line(view))
    print_line(f"redirect address to enter there: {view.redirect_uri}")
    print_line(f"page your people begin at: {view.sign_in}")


def _line(view: ProviderView) -> str:
    made = view.created_at.isoformat()
    return f"{view.provider_id}  {view.issuer}  client {view.client_id}  {view.linked_count} linked  since {made}"
