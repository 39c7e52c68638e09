"""`einvoice outside`: invoices of elsewhere looked at, and registered and claimed in one operation."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import EXIT_USAGE, AsJson, fail, print_json, print_line, print_written

if TYPE_CHECKING:
    from ledger.service.outside import OutsideReading
    from ledger.service.outside_facts import OutsideItem
    from ledger.service.views import LineRefusal

app = typer.Typer(
    no_args_is_help=True,
    help="""Invoices that were not issued here: read a file, claim it once and for all.

    Example: `einvoice outside read invoice.ofd --as 6 --employer 5`
    """,
)

AsParty = Annotated[
    int, typer.Option("--as", help="Party that asks or signs: the claimant, or the employer's finance.")
]
File = Annotated[Path | None, typer.Argument(help="OFD, XML, PDF, PNG or JPEG, or JSON of what is printed.")]
Files = Annotated[list[Path] | None, typer.Argument(help="OFD, XML, PDF, PNG or JPEG, or JSON of what is printed.")]
Qr = Annotated[str | None, typer.Option(help="Text of the invoice's QR code, as a scanner gives it.")]
GrossFen = Annotated[int | None, typer.Option(help="Gross in fen, where the source does not hold it.")]
TaxFen = Annotated[int | None, typer.Option(help="Tax in fen, where the source does not hold it.")]
Day = Annotated[str | None, typer.Option("--issued-on", help="Issue date YYYY-MM-DD, where the source has none.")]
Special = Annotated[bool, typer.Option("--special", help="A special invoice, where the source does not say.")]


@app.command()
def read(
    as_party: AsParty,
    file: File = None,
    qr: Qr = None,
    employer: Annotated[
        int | None, typer.Option(help="Enterprise it would be claimed from: looks at the title.")
    ] = None,
    gross_fen: GrossFen = None,
    tax_fen: TaxFen = None,
    issued_on: Day = None,
    special: Special = False,
    as_json: AsJson = False,
) -> None:
    """Show what a file says, how much it proves and what would become of it; nothing is stored.

    Exit code 1 when it cannot be claimed as it is.

    Example: `einvoice outside read invoice.ofd --as 6 --employer 5`
    """
    with open_ledger(looking=False) as ledger:
        items = _items([file] if file else [], qr)
        if len(items) != 1:
            fail("give a file or --qr, one of them", "请给出文件或 --qr 其中之一", EXIT_USAGE)
        item = _completed(items, gross_fen, tax_fen, issued_on, special=special)[0]
        found = ledger.outside.read(ledger.caller(as_party), item, employer=employer)
    if as_json:
        print_json(asdict(found))
    else:
        for text in _lines(found):
            print_line(text)
    if found.problems or found.refusal is not None:
        raise typer.Exit(1)


@app.command()
def claim(
    as_party: AsParty,
    employer: Annotated[int, typer.Option(help="Enterprise that reimburses.")],
    files: Files = None,
    qr: Qr = None,
    number: Annotated[
        list[str] | None, typer.Option(help="An invoice of this ledger for the same claim; may be given again.")
    ] = None,
    reference: Annotated[str, typer.Option(help="Your own reference, such as the number of the expense report.")] = "",
    gross_fen: GrossFen = None,
    tax_fen: TaxFen = None,
    issued_on: Day = None,
    special: Special = False,
    as_json: AsJson = False,
) -> None:
    """Register and lock invoices of elsewhere in one claim, all or none.

    Example: `einvoice outside claim taxi.pdf hotel.ofd --as 6 --employer 5 --reference BX-2026-0311`
    """
    with open_ledger(writing=True) as ledger:
        items = _items(files or [], qr)
        if not items:
            fail("give at least one file or --qr", "请至少给出一个文件或 --qr", EXIT_USAGE)
        items = _completed(items, gross_fen, tax_fen, issued_on, special=special)
        claimed = ledger.open_claim(
            ledger.caller(as_party), number or [], employer=employer, reference=reference, outside=items,
            idempotency_key=new_key(),
        )  # fmt: skip
        if not as_json:
            for line in claimed.lines:
                print_line(_refused_line(line))
        extra: dict[str, object] = {}
        if claimed.written.claim_id:
            extra["claim"] = claimed.written.claim_id
        if claimed.disputed:
            extra["disputed"] = list(claimed.disputed)
        print_written(claimed.written, as_json=as_json, extra=extra)


def _items(files: list[Path], qr: str | None) -> list[OutsideItem]:
    from ledger.cli.reissue import json_object
    from ledger.formats import FILE_SIZE_MAX
    from ledger.service.outside_facts import item_of_fields, item_of_file, item_of_qr

    items = []
    for file in files:
        with file.open("rb") as opened:
            data = opened.read(FILE_SIZE_MAX + 1)
        if data.lstrip()[:1] == b"{":
            items.append(item_of_fields(json_object(file, data), str(file)))
        else:
            items.append(item_of_file(data, file.name, str(file)))
    if qr is not None:
        items.append(item_of_qr(qr, "--qr"))
    return items


def _completed(
    items: list[OutsideItem], gross_fen: int | None, tax_fen: int | None, issued_on: str | None, *, special: bool
) -> list[OutsideItem]:
    """The one item with what was typed beside it; of several nobody could tell which is meant."""
    from ledger.domain.invoice import InvoiceKind

    if gross_fen is None and tax_fen is None and issued_on is None and not special:
        return items
    if len(items) != 1:
        fail("complete one invoice at a time", "补录内容时一次只能处理一张发票", EXIT_USAGE)
    try:
        day = date.fromisoformat(issued_on) if issued_on is not None else None
    except ValueError:
        fail("write the issue date as YYYY-MM-DD", "开票日期格式为 YYYY-MM-DD", EXIT_USAGE)
    kind = InvoiceKind.SPECIAL if special else None
    return [replace(items[0], gross_fen=gross_fen, tax_fen=tax_fen, issued_on=day, kind=kind)]


def _lines(found: OutsideReading) -> list[str]:
    known = (("net", found.net_fen), ("tax", found.tax_fen), ("gross", found.gross_fen))
    amounts = [f"{name} {fen} fen" for name, fen in known if fen is not None]
    lines = [
        f"number: {found.number or 'not whole'} (not issued here)",
        f"proof: {found.strength or 'none'} by {found.source}"
        + (f", signature {found.signature} {found.signer}".rstrip() if found.signature else ""),
        ", ".join([*amounts, f"issued on {found.issued_on}" if found.issued_on else "no issue date"]),
    ]
    for side, name, tax_id in (
        ("seller", found.seller_name, found.seller_tax_id),
        ("buyer", found.buyer_name, found.buyer_tax_id),
    ):
        if name or tax_id:
            lines.append(f"{side}: {' '.join(text for text in (name, tax_id) if text)}")
    lines += [f"problem: {path}: {english} / {chinese} [{code}]" for path, code, english, chinese in found.problems]
    lines += [f"note: {path}: {english} / {chinese} [{code}]" for path, code, english, chinese in found.warnings]
    if found.refusal is not None:
        lines.append(f"would be refused: {found.refusal.reason}: {found.refusal.message} {found.refusal.message_zh}")
        if found.refusal.hold is not None:
            hold = found.refusal.hold
            lines.append(f"claimed by {hold.claimant_name} at {hold.employer_name} since {hold.since:%Y-%m-%d}")
    return lines


def _refused_line(line: LineRefusal) -> str:
    if line.refusal is None:
        return f"{line.number}: would be taken alone"
    hold = line.refusal.hold
    where = f", claim {hold.claim_id} at {hold.employer_name} since {hold.since:%Y-%m-%d}" if hold is not None else ""
    return f"{line.number}: {line.refusal.reason}{where}"
