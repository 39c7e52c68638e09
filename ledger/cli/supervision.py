"""`einvoice supervision`: officers' lists over all parties."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.opening import every_row, open_ledger
from ledger.cli.output import EXIT_USAGE, AsJson, fail, print_json, print_line, write_file

if TYPE_CHECKING:
    from ledger.service import Caller, Ledger


class Kind(StrEnum):
    """Which list."""

    NONFILERS = "nonfilers"
    EXCEPTIONS = "exceptions"
    REFUSALS = "refusals"
    DUPLICATES = "duplicates"


def supervision(
    kind: Annotated[Kind, typer.Argument(help="Which list.")],
    as_party: Annotated[int, typer.Option("--as", help="Officer that asks.")],
    month: Annotated[str | None, typer.Option(help="YYYY-MM; without: this month, of nonfilers the last one.")] = None,
    party: Annotated[int | None, typer.Option(help="Rows of one party; not of nonfilers.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write it as a table to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """List who has not filed, exceptions, refused attempts, or invoices claimed twice, of a month.

    Example: `einvoice supervision nonfilers --as 2 --month 2026-10 --csv nonfilers.csv`
    """
    asked: dict[str, Any] = {"month": month}
    if party is not None:
        if kind is Kind.NONFILERS:
            fail("nonfilers are listed for all parties; leave --party out", "nonfilers 不支持 --party", code=EXIT_USAGE)
        asked["party"] = party
    with open_ledger() as ledger:
        caller = ledger.caller(as_party)
        if csv is not None:
            _write_tables(ledger, caller, kind, asked, csv)
            return
        rows = _every(ledger, caller, kind, asked)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        print_line(_line(kind, row))


def _write_tables(ledger: Ledger, caller: Caller, kind: Kind, asked: dict[str, Any], file: Path) -> None:
    """All rows in one file: the heading of the first piece alone."""
    read = getattr(ledger.supervision, f"{kind.value}_table")
    data, cursor = read(caller, **asked)
    while cursor is not None:
        more, cursor = read(caller, **asked, cursor=cursor)
        data += more.partition(b"\r\n")[2]
    write_file(file, data)
    print_line(f"{file}: {len(data)} bytes")


def _every(ledger: Ledger, caller: Caller, kind: Kind, asked: dict[str, Any]) -> list[Any]:
    read = getattr(ledger.supervision, kind.value)
    return list(every_row(ledger, lambda cursor, limit: read(caller, **asked, cursor=cursor, limit=limit)))


def _line(kind: Kind, row: Any) -> str:
    gross = f"{row.gross_fen or 0} fen"
    if kind is Kind.NONFILERS:
        return f"{row.party:>6}  {row.area:<4}  filed through {row.filed_through}  {gross}  {row.name}"
    if kind is Kind.EXCEPTIONS:
        return f"{row.number}  {', '.join(row.kinds)}  {gross}  {row.party_name}"
    if kind is Kind.REFUSALS:
        at = f"{row.refused_at:%Y-%m-%d %H:%M:%S}Z"
        return f"{at}  {row.reason}  {row.operation}  {row.number or '-'}  {row.party_name}"
    return f"{row.number}  {row.kind}  {row.first_employer_name or '-'} / {row.second_employer_name}  {gross}"
