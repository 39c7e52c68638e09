"""`einvoice enrolment`: ask to be enrolled under a key of one's own; officers grant and refuse."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import every_row, new_key, open_ledger
from ledger.cli.output import (
    EXIT_REFUSED,
    EXIT_USAGE,
    AsJson,
    bar,
    fail,
    print_json,
    print_line,
    print_written,
    write_file,
)
from ledger.cli.own_keys import read_own_key

if TYPE_CHECKING:
    from ledger.service.enrolment_views import EnrolmentRequestView

app = typer.Typer(
    no_args_is_help=True,
    help="""Requests to be enrolled under one's own key, and what officers decide.

    Example: `einvoice enrolment list --as 2`
    """,
)

AsOfficer = Annotated[int, typer.Option("--as", help="Officer who decides.")]
RequestId = Annotated[str, typer.Argument(help="Request id.")]
RequestIds = Annotated[list[str], typer.Argument(help="Request ids, at most 100.")]


@app.command()
def ask(
    name: Annotated[str, typer.Argument(help="Name of the enterprise or person.")],
    tax_id: Annotated[str, typer.Option(help="Unified social credit code; of a person the employer's.")],
    proof: Annotated[Path, typer.Option(help="Proof from `einvoice key prove`.")],
    person: Annotated[bool, typer.Option("--person", help="A person at that employer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask to be enrolled; prints the request's id and, once, the token that reads its status.

    Example: `einvoice enrolment ask 某公司 --tax-id 91310112703255042R --proof proof.json`
    """
    with open_ledger() as ledger:
        kind = "person" if person else "enterprise"
        asked = ledger.enrolment.ask(kind=kind, name=name, tax_id=tax_id, own=read_own_key(proof))
    if as_json:
        print_json({"request_id": asked.request_id, "token": asked.token})
    else:
        print_line(f"request {asked.request_id}")
        print_line(f"token   {asked.token}")


@app.command()
def status(
    request_id: RequestId,
    token: Annotated[str, typer.Option(help="Token that `ask` printed.")],
    as_json: AsJson = False,
) -> None:
    """Say how far a request is.

    Example: `einvoice enrolment status 7f7f...7f --token d4d4...d4`
    """
    with open_ledger() as ledger:
        found = ledger.enrolment.status(request_id, token)
    if as_json:
        print_json(asdict(found))
        return
    become = f" as party {found.party}" if found.party is not None else ""
    why = f": {found.reason}" if found.reason else ""
    print_line(f"{found.state}{become}{why}")


@app.command("list")
def list_requests(
    as_officer: AsOfficer,
    state: Annotated[str | None, typer.Option(help="waiting, approved or refused.")] = "waiting",
    as_json: AsJson = False,
) -> None:
    """List requests of an officer's district, newest first.

    Example: `einvoice enrolment list --as 2`
    """
    with open_ledger() as ledger:
        caller = ledger.caller(as_officer)
        rows = list(
            every_row(
                ledger, lambda cursor, limit: ledger.enrolment.page(caller, state=state, cursor=cursor, limit=limit)
            )
        )
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print_line(_line(row))


@app.command()
def approve(
    request_id: RequestId,
    as_officer: AsOfficer,
    quota_fen: Annotated[int, typer.Option(help="Gross it may issue a month, in fen.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Grant a request: a certificate for the requester's key, and the party with it on chain.

    Example: `einvoice enrolment approve 7f7f...7f --as 2 --quota-fen 100000000`
    """
    with open_ledger(writing=True) as ledger:
        answer = ledger.enrolment.approve(
            ledger.caller(as_officer), request_id, quota_fen=quota_fen, idempotency_key=new_key()
        )
        print_written(answer, as_json=as_json)


@app.command()
def refuse(
    request_ids: RequestIds,
    as_officer: AsOfficer,
    reason: Annotated[str, typer.Option(help="Why; the requester reads it.")],
    as_json: AsJson = False,
) -> None:
    """Refuse a request, or up to 100 with one reason, all of them or none.

    Example: `einvoice enrolment refuse 7f7f...7f --as 2 --reason "licence not found"`
    """
    with open_ledger(looking=False) as ledger:
        officer = ledger.caller(as_officer)
        refused = ledger.enrolment.refuse_many(officer, request_ids, reason=reason, idempotency_key=new_key())
        rows = [ledger.enrolment.request(officer, one) for one in refused]
    for row in rows:
        if as_json:
            print_json(asdict(row))
        else:
            print_line(_line(row))


@app.command()
def register(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX with name, tax id and class; up to 30,000 rows.")],
    as_officer: AsOfficer,
    quota: Annotated[list[str], typer.Option(help="CLASS=FEN: gross a month of a class; once for each class.")],
    results: Annotated[Path | None, typer.Option(help="CSV to write, a row a row of the file.")] = None,
    first_month: Annotated[str | None, typer.Option(help="First month they may issue in; else this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Enrol a whole register of enterprises, 256 in a signed group; the same file again goes on after a break.

    Columns address, signed_at and signature, all or none in a row, are for a key that the enterprise keeps itself.

    Example: `einvoice enrolment register firms.xlsx --as 2 --quota A=100000000 --quota B=5000000 --results done.csv`
    """
    from ledger.service.register_views import ENROLLED, RowStatus

    quotas = dict(map(_quota, quota))
    data = file.read_bytes() if file.exists() else fail(f"{file} does not exist", "文件不存在")
    with open_ledger(writing=True) as ledger, bar("enrol") as moved:
        caller = ledger.caller(as_officer)
        done = ledger.register_file.enrol(
            caller, data, quotas=quotas, first_month=first_month, file_name=file.name, moved=moved
        )
        if results is not None:
            write_file(results, ledger.register_file.results(caller, done.job))
    counts = {status.value: done.counts.get(status, 0) for status in RowStatus}
    if as_json:
        print_json({"job": done.job, **counts})
    else:
        print_line(f"job {done.job}: " + ", ".join(f"{count} {status}" for status, count in counts.items() if count))
    if done.stopped is not None:
        print_line(f"stopped: {done.stopped.message} {done.stopped.message_zh}")
    if sum(done.counts.get(status, 0) for status in ENROLLED) < done.row_count:
        raise typer.Exit(EXIT_REFUSED)


def _quota(text: str) -> tuple[str, int]:
    name, equals, fen = text.partition("=")
    if not (name and equals and fen.isascii() and fen.isdigit()):
        fail(f"--quota {text}: write CLASS=FEN, for example A=100000000", "额度格式为 等级=分", code=EXIT_USAGE)
    return name, int(fen)


def _line(row: EnrolmentRequestView) -> str:
    who = row.tax_id
    if row.kind == "person":
        who = f"at {row.tax_id}" + (f" (party {row.employer})" if row.employer else "")
    return f"{row.request_id}  {row.state:<8}  {row.kind:<10}  {row.name}  {who}  {row.address}"
