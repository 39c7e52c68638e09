"""`einvoice audit-log`: who signed in, was refused, used a kept key, changed a right, looked at whose record."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import every_row, open_ledger
from ledger.cli.output import EXIT_USAGE, AsJson, fail, print_json, print_line

if TYPE_CHECKING:
    from ledger.service.audit_log_reading import AuditEntryView

LISTED_MAX = 100_000  # entries of one answer; more are asked for by time

app = typer.Typer(
    no_args_is_help=True,
    help="""Read the audit log; `einvoice audit` tells whether it was changed.

    Example: `einvoice audit-log list --kind officer_query --about 94403260911000000001`
    """,
)


@app.command("list")
def list_entries(
    kind: Annotated[str | None, typer.Option(help="sign_in_failed, refused, key_used, officer_query ...")] = None,
    actor: Annotated[int | None, typer.Option(help="Party that acted.")] = None,
    about: Annotated[str | None, typer.Option(help="Invoice number, claim, party or another id.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on, for example 2026-11-05T02:30:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LISTED_MAX, help="Entries at most.")] = 50,
    as_party: Annotated[int, typer.Option("--as", help="The authority, or an auditor.")] = 1,
    as_json: AsJson = False,
) -> None:
    """List entries, newest first.

    Example: `einvoice audit-log list --kind refused --since 2026-11-05T00:00:00+08:00 --json`
    """
    first, last = _time("--since", since), _time("--until", until)
    with open_ledger() as ledger:
        caller = ledger.caller(as_party)
        rows = every_row(
            ledger,
            lambda cursor, size: ledger.audit_log.entries(
                caller, kind=kind, actor=actor, about=about, since=first, until=last, cursor=cursor, limit=size
            ),
        )
        found = list(islice(rows, limit))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        print_line(_line(one))


def _time(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        fail(
            f"{option}: write a time with its offset, as 2026-11-05T02:30:00Z", f"{option} 须为带时区的时间", EXIT_USAGE
        )
    return moment.astimezone(UTC)


def _line(one: AuditEntryView) -> str:
    said = " ".join(f"{name}={value}" for name, value in sorted(one.detail.items()))
    actor = f"party {one.actor}" if one.actor is not None else "-"
    return f"{one.seq}  {one.noted_at.isoformat()}  {one.kind}  {actor}  {one.about or '-'}  {said}"
