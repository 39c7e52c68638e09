"""`einvoice audit`, `rebuild`, `upgrade`, `backup` and `restore`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ledger.cli.opening import open_ledger, quiet_log, read_settings
from ledger.cli.output import EXIT_USAGE, AsJson, bar, fail, phases, print_json, print_line, spoken_errors

if TYPE_CHECKING:
    from ledger.projection.audit_words import Difference
    from verifier.trust import Trust


def audit(
    full: Annotated[
        bool,
        typer.Option("--full", help="From genesis: execute every block again, check every key and ground row too."),
    ] = False,
    state: Annotated[
        Path | None, typer.Option("--state", help="File where a full audit goes on; kept. Default: DATA_DIR.audit.")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", help="Trust file that you got from the authority: the ledger it must be.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every derived row from the chain and every commitment from its document; name the first difference.

    Exit code 1 when something differs; `einvoice rebuild` mends derived tables (`p_...`), a backup the others.

    Example: `einvoice audit --json`, `einvoice audit --full`
    """
    if full:
        _full_audit(state, trust, as_json=as_json)
        return
    if state is not None or trust is not None:
        fail("--state and --trust are of a full audit: add --full", "--state、--trust 需与 --full 一起使用", EXIT_USAGE)
    with open_ledger() as ledger, bar("audit") as moved:
        from ledger.service import audit as audit_ledger

        report = audit_ledger(ledger.context, moved)
    if as_json:
        print_json(asdict(report))
    else:
        print_line(
            f"block {report.block}: {report.rows} rows, {report.invoices} invoices against the contract, "
            f"{report.documents} documents against their commitments, {report.erased} erased, "
            f"{report.entries} entries of the audit log"
        )
    if report.difference is not None:
        _fail_with(report.difference)


def _full_audit(state: Path | None, trust_file: Path | None, *, as_json: bool) -> None:
    trust = None if trust_file is None else _read_trust(trust_file)
    with open_ledger() as ledger, phases("audit") as moved:
        from ledger.service.full_audit import full_audit

        report = full_audit(ledger.context, moved, state_path=state, trust=trust)
    if as_json:
        print_json(asdict(report))
    else:
        resumed = f" (went on after block {report.resumed_after})" if report.resumed_after is not None else ""
        print_line(f"block {report.block}: {report.executed} blocks executed{resumed}")
        print_line(
            f"{report.rows} rows, {report.invoices} invoices, {report.documents} documents, {report.erased} erased, "
            f"{report.ground} ground items, {report.signatures} signatures under certificates"
        )
    if report.difference is not None:
        _fail_with(report.difference)


def _read_trust(path: Path) -> Trust:
    from verifier.errors import TrustError
    from verifier.trust import TRUST_SIZE_MAX, parse_trust

    try:
        with path.open("rb") as file:
            return parse_trust(file.read(TRUST_SIZE_MAX + 1))
    except OSError as error:
        fail(f"{path}: {error.strerror}", "信任文件无法读取")
    except TrustError as error:
        fail(f"{path}: no trust file: {error}", "不是信任文件")


def _fail_with(difference: Difference) -> NoReturn:
    at = f"{difference.table} {difference.key}"
    column = f"{difference.column}: " if difference.column else ""
    fail(
        f"{at}: {column}stored {difference.stored}, recomputed {difference.recomputed}",
        f"{at}：{column}存储值与重算值不一致",
    )


def rebuild(as_json: AsJson = False) -> None:
    """Drop every derived table and derive it again from the chain. Stop the node first.

    Example: `einvoice rebuild`
    """
    with open_ledger() as ledger, bar("rebuild") as moved:
        from ledger.service import rebuild as rebuild_ledger

        last = rebuild_ledger(ledger.context, moved)
    if as_json:
        print_json({"block": last})
    else:
        print_line(f"derived again up to block {last}")


def upgrade() -> None:
    """Bring the database to this program's version. Stop node and API first, and make a backup.

    Example: `einvoice upgrade`
    """
    quiet_log()
    with spoken_errors():
        from ledger.service import upgrade as upgrade_ledger

        upgrade_ledger(read_settings())
    print_line("the database is of this program's version")


def backup(
    target: Annotated[Path, typer.Argument(help="New directory for the copy.")],
    with_master_key: Annotated[
        bool, typer.Option("--with-master-key", help="Copy the master key as well; then guard the copy.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the whole ledger of one moment while it runs.

    Example: `einvoice backup /backup/einvoice-2026-11-21`
    """
    with open_ledger() as ledger, bar("backup", of_bytes=True) as moved:
        from ledger.service import backup as backup_ledger

        report = backup_ledger(ledger.context, target, master_key=with_master_key, progress=moved)
    if as_json:
        print_json(asdict(report))
        return
    print_line(f"{report.directory}: up to block {report.block}, {report.size} bytes")
    if not report.master_key:
        print_line("the master key is not in it: keep that apart, without it the copy cannot be read")


def restore(
    source: Annotated[Path, typer.Argument(help="Directory that `einvoice backup` wrote.")],
    master_key_file: Annotated[Path | None, typer.Option(help="Master key to put beside it.")] = None,
    erasures: Annotated[
        Path | None, typer.Option(help="List of `einvoice erasures`: what was erased since the backup goes again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup into the data directory, which must be absent or empty; every byte is checked against its manifest.

    Example: `EINVOICE_DATA_DIR=/srv/einvoice einvoice restore /backup/einvoice-2026-11-21 --master-key-file key`
    """
    quiet_log()
    settings = read_settings()
    with spoken_errors(), bar("restore", of_bytes=True) as moved:
        from ledger.service import restore as restore_ledger

        report = restore_ledger(settings, source, master_key_file=master_key_file, erasures=erasures, progress=moved)
    if as_json:
        print_json(asdict(report))
        return
    print_line(f"restored into {report.directory}; `einvoice audit` checks it, `einvoice serve` runs it")
    if report.erased is not None:
        print_line(f"erased again: {report.erased.erased} of {report.erased.listed} on the list")
    else:
        print_line("what was erased after this backup is in it again: restore with --erasures and the latest list")
    if not report.master_key:
        print_line(f"it has no master key yet: put it at {settings.master_key_path} with mode 0600")
