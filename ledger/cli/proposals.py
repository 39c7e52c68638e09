"""`einvoice proposal`: what one officer proposed, and the second one's decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import every_row, new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written

if TYPE_CHECKING:
    from ledger.service.proposal_views import ProposalView

app = typer.Typer(
    no_args_is_help=True,
    help="""Suspending a party and flagging an invoice take two officers: one proposes, a second one confirms.

    Example: `einvoice proposal list --as 3 --open`
    """,
)


AsParty = Annotated[int, typer.Option("--as", help="Party that decides or asks.")]
ProposalId = Annotated[str, typer.Argument(help="Id of the proposal, 32 hex digits.")]


@app.command("list")
def list_proposals(
    as_party: AsParty,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that can still be decided on.")] = False,
    as_json: AsJson = False,
) -> None:
    """List proposals about what an officer oversees, newest first.

    Example: `einvoice proposal list --as 3 --open`
    """
    with open_ledger() as ledger:
        caller, page = ledger.caller(as_party), ledger.proposals.page
        found = list(
            every_row(ledger, lambda cursor, limit: page(caller, only_open=only_open, cursor=cursor, limit=limit))
        )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        print_line(_line(one))


@app.command()
def show(proposal_id: ProposalId, as_party: AsParty, as_json: AsJson = False) -> None:
    """Show who proposed what, why, until when, and who decided.

    Example: `einvoice proposal show 4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e --as 3`
    """
    with open_ledger() as ledger:
        found = ledger.proposals.proposal(ledger.caller(as_party), proposal_id)
    print_proposal(found, as_json=as_json)


@app.command()
def confirm(proposal_id: ProposalId, as_party: AsParty, as_json: AsJson = False) -> None:
    """Confirm another officer's proposal: it is signed in your name and recorded.

    Example: `einvoice proposal confirm 4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e --as 3`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.proposals.confirm(ledger.caller(as_party), proposal_id, idempotency_key=new_key())
        print_written(written, as_json=as_json)


@app.command()
def refuse(proposal_id: ProposalId, as_party: AsParty, as_json: AsJson = False) -> None:
    """Refuse another officer's proposal, or take your own back.

    Example: `einvoice proposal refuse 4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e --as 3`
    """
    with open_ledger(looking=False) as ledger:
        decided = ledger.proposals.refuse(ledger.caller(as_party), proposal_id, idempotency_key=new_key())
    print_proposal(decided, as_json=as_json)


def print_proposal(proposal: ProposalView, *, as_json: bool) -> None:
    """A proposal, and what to do with an open one."""
    if as_json:
        print_json(asdict(proposal))
        return
    print_line(_line(proposal))
    if proposal.state == "open":
        print_line(f"a second officer confirms: einvoice proposal confirm {proposal.proposal_id} --as PARTY")


def _line(one: ProposalView) -> str:
    about = one.number or f"party {one.party} {one.party_name}"
    return (
        f"{one.proposal_id}  {one.kind}  {about}  by {one.proposer} {one.proposer_name} "
        f"until {one.expires_at:%Y-%m-%d %H:%M}Z  {one.state}  why: {one.reason}"
    )
