"""`einvoice party`: the register, as an officer or an enterprise signs it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.members import import_members
from ledger.cli.opening import every_row, new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written
from ledger.cli.proposals import print_proposal

if TYPE_CHECKING:
    from ledger.service import PartyView

app = typer.Typer(
    no_args_is_help=True,
    help="""Enrol parties; give quotas, segments and grants; revoke certificates.

    Example: `einvoice party enrol 深圳某公司 --as 2 --tax-id 91310112703255042R --quota-fen 100000000`
    """,
)


AsParty = Annotated[int, typer.Option("--as", help="Party that signs.")]
Party = Annotated[int, typer.Argument(help="Party id.")]
ForEnterprise = Annotated[
    int | None, typer.Option(help="Enterprise in whose name its administrator acts; without: the party itself.")
]


@app.command()
def enrol(
    name: Annotated[str, typer.Argument(help="Name of the enterprise or person.")],
    as_party: AsParty,
    tax_id: Annotated[
        str | None, typer.Option(help="Unified social credit code: an enterprise; without: a person.")
    ] = None,
    quota_fen: Annotated[int, typer.Option(help="Gross it may issue a month, in fen.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Enrol an enterprise or a person, with a key made and kept here; prints its API key once.

    Example: `einvoice party enrol 深圳某公司 --as 2 --tax-id 91310112703255042R --quota-fen 100000000`
    """
    with open_ledger(writing=True) as ledger:
        kind = "person" if tax_id is None else "enterprise"
        written, api_key = ledger.enrol(
            ledger.caller(as_party), kind=kind, name=name, tax_id=tax_id, quota_fen=quota_fen, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json, extra={"api_key": api_key})


@app.command()
def quota(
    party: Party,
    fen: Annotated[int, typer.Argument(help="Gross a month, in fen.")],
    as_party: AsParty,
    as_json: AsJson = False,
) -> None:
    """Set what an enterprise may issue in a month.

    Example: `einvoice party quota 4 100000000 --as 2`
    """
    with open_ledger(writing=True) as ledger:
        print_written(ledger.set_quota(ledger.caller(as_party), party, fen, idempotency_key=new_key()), as_json=as_json)


@app.command()
def segment(
    party: Party,
    as_party: AsParty,
    blocks: Annotated[int, typer.Option(help="Blocks of 10,000 numbers.")] = 1,
    area: Annotated[str | None, typer.Option(help="Area, 4 digits; 4403 is Shenzhen.")] = None,
    as_json: AsJson = False,
) -> None:
    """Allot the next free numbers to an enterprise.

    Example: `einvoice party segment 4 --as 2 --blocks 2`
    """
    with open_ledger(writing=True) as ledger:
        caller = ledger.caller(as_party)
        before = set(ledger.party(caller, party).segments)
        written = ledger.allot_segment(caller, party, blocks=blocks, area=area, idempotency_key=new_key())
        new = sorted(set(ledger.party(caller, party).segments) - before)
        extra: dict[str, object] = {"first_number": new[0][0], "last_number": new[-1][1]} if new else {}
        print_written(written, as_json=as_json, extra=extra)


@app.command()
def grant(
    person: Annotated[int, typer.Argument(help="Party id of the person.")],
    grants: Annotated[list[str], typer.Argument(help="issue, finance, claim")],
    as_party: AsParty,
    subject: ForEnterprise = None,
    as_json: AsJson = False,
) -> None:
    """An enterprise, or its administrator, lets a person issue, do finance, or claim.

    Example: `einvoice party grant 6 claim finance --as 4`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.grant(ledger.caller(as_party), person, grants, subject=subject, idempotency_key=new_key())
        print_written(written, as_json=as_json)


@app.command()
def revoke(
    person: Annotated[int, typer.Argument(help="Party id of the person.")],
    grants: Annotated[list[str], typer.Argument(help="issue, finance, claim")],
    as_party: AsParty,
    subject: ForEnterprise = None,
    as_json: AsJson = False,
) -> None:
    """An enterprise, or its administrator, takes grants away.

    Example: `einvoice party revoke 6 claim --as 4`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.revoke(ledger.caller(as_party), person, grants, subject=subject, idempotency_key=new_key())
        print_written(written, as_json=as_json)


@app.command()
def suspend(
    party: Party,
    as_party: AsParty,
    reason: Annotated[str, typer.Option(help="Why, for the second officer; kept sealed.")],
    as_json: AsJson = False,
) -> None:
    """Propose to suspend an enterprise or a person; a second officer confirms with `einvoice proposal confirm`.

    Example: `einvoice party suspend 4 --as 2 --reason "returns overdue"`
    """
    with open_ledger(looking=False) as ledger:
        made = ledger.proposals.suspension(ledger.caller(as_party), party, reason=reason, idempotency_key=new_key())
    print_proposal(made, as_json=as_json)


@app.command()
def invite(
    parties: Annotated[list[int], typer.Argument(help="Party ids, 1 to 200.")],
    as_party: AsParty,
    as_json: AsJson = False,
) -> None:
    """Invite parties to choose a sign-in name and password; prints a link for each, once, good for 72 hours.

    Example: `einvoice party invite 12 13 --as 2`
    """
    from ledger.service.sign_in_views import invitation_link

    with open_ledger(looking=False) as ledger:
        made = ledger.invitations.invite(ledger.caller(as_party), parties)
        links = {one.party: invitation_link(ledger.context.settings.public_url, one.token) for one in made}
        if as_json:
            print_json({"items": [
                {"party": one.party, "invitation": one.token, "link": links[one.party],
                 "expires_at": one.expires_at.isoformat()}
                for one in made
            ]})  # fmt: skip
            return
        for one in made:
            print_line(f"{one.party}\t{links[one.party]}\tuntil {one.expires_at:%Y-%m-%d %H:%M} UTC")


app.command("import")(import_members)


@app.command()
def leave(
    person: Annotated[int, typer.Argument(help="Party id of the person that leaves.")],
    as_party: AsParty,
    as_json: AsJson = False,
) -> None:
    """Take every grant of an enterprise from a person that leaves it; no session acts for it from then on.

    Example: `einvoice party leave 12 --as 4`
    """
    with open_ledger(writing=True) as ledger:
        done = ledger.remove_member(ledger.caller(as_party), person, idempotency_key=new_key())
        print_written(done, as_json=as_json)


@app.command()
def reinstate(
    party: Party,
    as_party: AsParty,
    reason: Annotated[str, typer.Option(help="Why; kept sealed.")] = "",
    as_json: AsJson = False,
) -> None:
    """End a suspension.

    Example: `einvoice party reinstate 4 --as 2`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.reinstate(ledger.caller(as_party), party, reason=reason, idempotency_key=new_key())
        print_written(written, as_json=as_json)


@app.command("revoke-certificate")
def revoke_certificate(
    party: Party,
    as_party: AsParty,
    reason: Annotated[
        str, typer.Option(help="As in RFC 5280: key_compromise, superseded, cessation_of_operation, ...")
    ],
    certificate: Annotated[
        str | None, typer.Option(help="Hash of the certificate, 64 hex digits; without: the one it has now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a certificate for good; its key goes on until it is rotated, recovered or its person suspended.

    What was signed before stays valid. While the owner has the key: `einvoice key rotate` first, then revoke the
    former certificate, which `einvoice party certificates` names. When a thief has it: revoke, `einvoice party suspend`
    the person, and `einvoice key recover`.

    Example: `einvoice party revoke-certificate 6 --reason key_compromise --as 2`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.revoke_certificate(
            ledger.caller(as_party), party, reason=reason, certificate_hash=certificate, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def certificates(party: Party, as_party: AsParty, as_json: AsJson = False) -> None:
    """List a party's certificates, newest first, and what is revoked.

    Example: `einvoice party certificates 6 --as 2`
    """
    with open_ledger() as ledger:
        rows = ledger.certificates(ledger.caller(as_party), party)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        revoked = (
            "" if row.revoked_at is None else f"revoked {row.revoked_at.isoformat()} by {row.revoked_by}: {row.reason}"
        )
        times = f"{row.made_at.isoformat()}  until {row.ends_at.date().isoformat()}"
        print_line(f"{row.certificate_hash}  {row.state:<10}  {times}  {revoked}".rstrip())


@app.command("list")
def list_parties(as_party: AsParty, as_json: AsJson = False) -> None:
    """List parties, as the given party may see them.

    Example: `einvoice party list --as 1 --json`
    """
    with open_ledger() as ledger:
        caller = ledger.caller(as_party)
        rows = list(every_row(ledger, lambda cursor, limit: ledger.parties(caller, cursor=cursor, limit=limit)))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print_line(f"{row.party:>6}  {row.kind:<10}  {row.name}  {_remarks(row)}".rstrip())


def _remarks(row: PartyView) -> str:
    quota = f"quota {row.quota_fen} fen" if row.quota_fen else ""
    state = "suspended" if row.suspended else "" if row.enrolled else "not enrolled"
    return "  ".join(filter(None, (row.tax_id, quota, state)))
