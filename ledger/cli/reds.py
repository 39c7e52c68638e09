"""`einvoice red`: red slips and red invoices."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import every_row, new_key, open_ledger
from ledger.cli.output import AsJson, print_json, print_line, print_written

if TYPE_CHECKING:
    from ledger.domain.red import Credit
    from ledger.service.red_views import RedOutlook, SlipView

app = typer.Typer(
    no_args_is_help=True,
    help="""Credit invoices: ask the other side, answer, issue the red.

    Example: `einvoice red show 94403260911000000000 --as 4`
    """,
)

FORM = "LINE, LINE:QUANTITY or LINE::NET_FEN"

AsParty = Annotated[int, typer.Option("--as", help="Party that signs.")]
Number = Annotated[str, typer.Argument(help="Number of the blue invoice, 20 digits.")]
Subject = Annotated[int | None, typer.Option(help="Enterprise it acts for, where it acts for several.")]
Reason = Annotated[str, typer.Option(help="issued_in_error, return, service_ended or allowance.")]
MaybeReason = Annotated[str | None, typer.Option(help="As of `open`; left out where a slip stands.")]
Part = Annotated[
    list[str] | None,
    typer.Option("--part", help=f"Credit part of a line only: {FORM}; may be given again."),
]
Note = Annotated[str, typer.Option(help="Why; those who see the invoice can read it.")]


@app.command()
def show(number: Number, as_party: AsParty, as_json: AsJson = False) -> None:
    """Show how an invoice can be reddened now, and what is left of it.

    Example: `einvoice red show 94403260911000000000 --as 4`
    """
    with open_ledger() as ledger:
        found = ledger.red_letters.outlook(ledger.caller(as_party), number)
    if as_json:
        print_json(asdict(found))
        return
    for text in _outlook_lines(found):
        print_line(text)


@app.command("open")
def open_slip(
    number: Number, as_party: AsParty, reason: Reason, part: Part = None, subject: Subject = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Open a slip: ask the other side to agree to a red of all that is left, or of parts.

    Example: `einvoice red open 94403260911000000000 --as 4 --reason return --part 1:2`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.red_letters.open_slip(
            ledger.caller(as_party), number, reason=reason, parts=_credits(part), subject=subject,
            idempotency_key=new_key(),
        )  # fmt: skip
        print_written(written, as_json=as_json)


@app.command()
def confirm(
    number: Number, as_party: AsParty, note: Note = "", subject: Subject = None, as_json: AsJson = False
) -> None:
    """Agree to the slip that waits for you.

    Example: `einvoice red confirm 94403260911000000000 --as 5`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.red_letters.confirm_slip(
            ledger.caller(as_party), number, note=note, subject=subject, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def refuse(
    number: Number, as_party: AsParty, note: Note = "", subject: Subject = None, as_json: AsJson = False
) -> None:
    """Do not agree to the slip that waits for you.

    Example: `einvoice red refuse 94403260911000000000 --as 5 --note "nothing was sent back"`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.red_letters.refuse_slip(
            ledger.caller(as_party), number, note=note, subject=subject, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def withdraw(
    number: Number, as_party: AsParty, note: Note = "", subject: Subject = None, as_json: AsJson = False
) -> None:
    """Take your own slip back.

    Example: `einvoice red withdraw 94403260911000000000 --as 4`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.red_letters.withdraw_slip(
            ledger.caller(as_party), number, note=note, subject=subject, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def void(
    number: Number,
    as_party: AsParty,
    reason: Annotated[str, typer.Option(help="Why.")],
    as_json: AsJson = False,
) -> None:
    """An officer ends a slip.

    Example: `einvoice red void 94403260911000000000 --as 2 --reason "under investigation"`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.red_letters.void_slip(
            ledger.caller(as_party), number, reason=reason, idempotency_key=new_key()
        )
        print_written(written, as_json=as_json)


@app.command()
def slips(
    as_party: AsParty,
    number: Annotated[str | None, typer.Option(help="Slips of this invoice only, with their drafts.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those you may answer now.")] = False,
    as_json: AsJson = False,
) -> None:
    """List slips, newest first.

    Example: `einvoice red slips --as 5 --waiting`
    """
    with open_ledger() as ledger:
        caller, read = ledger.caller(as_party), ledger.red_letters.slips
        found = list(
            every_row(
                ledger,
                lambda cursor, limit: read(caller, number=number, waiting=waiting, cursor=cursor, limit=limit),
            )
        )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        print_line(_slip_line(one))


@app.command()
def issue(
    number: Number, as_party: AsParty, reason: MaybeReason = None, part: Part = None, subject: Subject = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Issue the red: what the confirmed slip says, or, where none is needed, all that is left or parts.

    Example: `einvoice red issue 94403260911000000000 --as 4 --reason issued_in_error`
    """
    with open_ledger(writing=True) as ledger:
        written = ledger.red_letters.issue_red(
            ledger.caller(as_party), number, reason=reason, parts=_credits(part), subject=subject,
            idempotency_key=new_key(),
        )  # fmt: skip
        print_written(written, as_json=as_json)


def _credits(parts: list[str] | None) -> list[Credit] | None:
    from ledger.domain.red import Credit

    if not parts:
        return None
    found = []
    for text in parts:
        line, quantity, net_fen = [*text.split(":"), "", ""][:3]
        digits = [one for one in (line, net_fen) if one]
        if not line or text.count(":") > 2 or not all(one.isascii() and one.isdigit() for one in digits):
            raise typer.BadParameter(f"{text!r} is not of the form {FORM}", param_hint="--part")
        found.append(Credit(_small(line), quantity, _small(net_fen) if net_fen else None))
    return found


def _small(digits: str) -> int:
    if len(digits) > 15:
        raise typer.BadParameter(f"{digits[:20]}... is too large", param_hint="--part")
    return int(digits)


def _outlook_lines(found: RedOutlook) -> list[str]:
    ways = {
        "alone": "the seller may issue the red alone",
        "agreement": f"a slip is needed, which party {found.other_side} confirms",
        "waiting": "a slip waits for its answer",
        "confirmed": "the slip is confirmed: the seller may issue the red",
        "none": "it cannot be reddened now",
    }
    lines = [f"{found.number}: {ways[found.way]}", f"left: {found.left_fen} of {found.gross_fen} fen"]
    if found.refusal is not None:
        lines += [f"{found.refusal.reason}: {found.refusal.message}", found.refusal.message_zh]
    lines += [f"  line {one.line}  net {one.net_fen}  tax {one.tax_fen}  {one.name}" for one in found.lines]
    lines += [f"  red {one.number}  {one.reason}  {one.gross_fen} fen" for one in found.reds]
    return [*lines, _slip_line(found.slip)] if found.slip is not None else lines


def _slip_line(one: SlipView) -> str:
    left = f", {one.seconds_left // 3600} h left" if one.seconds_left else ""
    return f"{one.number}  {one.reason}  {one.gross_fen} fen  {one.state}{left}  {one.state_text_zh}"
