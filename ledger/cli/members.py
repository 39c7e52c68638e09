"""`einvoice party import`: a file of members, granted with one signature and invited."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger
from ledger.cli.output import EXIT_USAGE, STANDARD_OUTPUT, AsJson, fail, print_line, print_written, write_file
from ledger.formats.sheets_cells import safe_cell

if TYPE_CHECKING:
    from ledger.domain.errors import FieldProblem
    from ledger.formats.member_rows import MemberRow
    from ledger.service.members import ImportedMember

LINKS_MODE = 0o600  # whoever reads a link can become that person
_LINKS_HEAD = ("person", "link", "expires_at")


def import_members(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX with columns person, grants and, if wanted, invite.")],
    as_party: Annotated[int, typer.Option("--as", help="The enterprise, or its administrator.")],
    subject: Annotated[
        int | None, typer.Option(help="Enterprise in whose name its administrator acts; without: the party itself.")
    ] = None,
    links: Annotated[
        Path | None,
        typer.Option(help="New file for the invitations' links, which only its owner reads; - prints them."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key: the same file again is then granted once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import up to 200 members: everybody's grants in one signature, all or none, and a result for each row.

    Example: `einvoice party import staff.csv --as 4 --links staff-links.csv`
    """
    from ledger.service import InvalidRequest
    from ledger.service.members import NewMember
    from ledger.service.sign_in_views import invitation_link

    with open_ledger(writing=True) as ledger:
        rows = _rows(file)
        _open_links(links, wanted=any(row.invite for row in rows))
        members = [NewMember(row.person, row.grants, row.invite) for row in rows]
        try:
            done = ledger.import_members(
                ledger.caller(as_party), members, subject=subject, idempotency_key=key or new_key()
            )
        except BaseException as error:
            if links is not None and links != STANDARD_OUTPUT:
                links.unlink(missing_ok=True)  # made by this command, and still empty
            if isinstance(error, InvalidRequest):
                raise InvalidRequest(tuple(_in_file(one, rows) for one in error.problems)) from error
            raise
        public_url = ledger.context.settings.public_url
        urls = {one.person: invitation_link(public_url, one.invitation.token) for one in done.rows if one.invitation}
        if links is not None and links != STANDARD_OUTPUT:
            write_file(links, _links_file(done.rows, urls), LINKS_MODE)
    shown = urls if links == STANDARD_OUTPUT else {}
    results = [
        {"row": row.number, "person": one.person, "grants": list(one.grants), "state": one.state,
         "invited": one.invitation is not None, **({"link": shown[one.person]} if one.person in shown else {})}
        for row, one in zip(rows, done.rows, strict=True)
    ]  # fmt: skip
    if not as_json:
        for row, one in zip(rows, done.rows, strict=True):
            invited = shown.get(one.person, "invited") if one.invitation is not None else ""
            print_line(f"row {row.number}\t{one.person}\t{' '.join(one.grants)}\t{one.state}\t{invited}".rstrip())
    print_written(done.written, as_json=as_json, extra={"rows": results} if as_json else None)


def _rows(file: Path) -> tuple[MemberRow, ...]:
    """Rows of the file, of which every cell can be read. Raises: InvalidRequest."""
    from ledger.formats import FormatError
    from ledger.formats.member_rows import read_members
    from ledger.service import InvalidRequest
    from ledger.service.members import MEMBERS_MAX
    from ledger.service.problems import service_problem

    try:
        rows = read_members(file.read_bytes(), rows_max=MEMBERS_MAX)
    except FormatError as err:
        raise InvalidRequest(tuple(replace(one, path="file") for one in err.problems)) from err
    flaws = tuple(
        service_problem(f"row {row.number}: {column}", "member_invite" if column == "invite" else "register_cell")
        for row in rows
        for column in row.flaws
    )
    if flaws:
        raise InvalidRequest(flaws)
    return rows


def _open_links(links: Path | None, *, wanted: bool) -> None:
    """Makes the file before anything is signed: links that find no place would be lost."""
    if links is None:
        if wanted:
            fail(
                "rows invite people: give --links with a new file for their links, or - to print them",
                "名单含邀请：请用 --links 指定存放链接的新文件，或 - 直接显示",
                EXIT_USAGE,
            )
        return
    if links == STANDARD_OUTPUT:
        return
    if links.exists() or links.is_symlink():
        fail(f"{links} is there already; give a new file", f"{links} 已存在，请指定新文件", EXIT_USAGE)
    write_file(links, b"", LINKS_MODE)


def _links_file(rows: tuple[ImportedMember, ...], urls: dict[int, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_LINKS_HEAD)
    for one in rows:
        if one.invitation is not None:
            cells = (str(one.person), urls[one.person], one.invitation.expires_at.isoformat())
            writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue().encode()


def _in_file(problem: FieldProblem, rows: tuple[MemberRow, ...]) -> FieldProblem:
    """A problem of `rows.N.field` at the row as the spreadsheet counts it."""
    name, _, rest = problem.path.partition(".")
    index, _, field = rest.partition(".")
    if name != "rows" or not index:
        return problem
    return replace(problem, path=f"row {rows[int(index)].number}: {field}")
