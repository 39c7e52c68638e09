"""Commands of `einvoice`; `einvoice COMMAND --help` shows examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli import keys, parties
from ledger.cli.output import (
    bar,
    err,
    fail,
    new_key,
    open_ledger,
    out,
    print_json,
    print_written,
    quiet_log,
    read_master_key,
    spoken_errors,
)
from ledger.cli.reissue import draft_of_file
from ledger.service import audit as audit_ledger
from ledger.service import backup as backup_ledger
from ledger.service import found
from ledger.service import rebuild as rebuild_ledger
from ledger.service import restore as restore_ledger
from ledger.settings import Settings

app = typer.Typer(
    name="einvoice",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""An e-invoice ledger on a local chain. 区块链电子发票账本。

    The ledger lives in one data directory: `EINVOICE_DATA_DIR`, by default `data/`.
    """,
)
app.add_typer(parties.app, name="party")
app.add_typer(keys.app, name="key")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command()
def init(
    authority: Annotated[str, typer.Option(help="Name of the tax authority.")] = "税务局",
    officer: Annotated[str, typer.Option(help="Name of its first officer.")] = "税务人员",
    as_json: AsJson = False,
) -> None:
    """Set a new ledger up: chain, contract, keys, certificates, first officer, this month opened.

    Example: `EINVOICE_DATA_DIR=/srv/einvoice einvoice init --authority 深圳市税务局`
    """
    quiet_log()
    settings = Settings()
    with spoken_errors():
        founded = found(settings, authority_name=authority, officer_name=officer)
    if as_json:
        print_json(
            {
                "data_dir": str(settings.data_dir),
                "chain_id": founded.identity.chain_id,
                "contract": founded.identity.contract.hex(),
                "officer": founded.officer,
                "calendar": founded.calendar,
            }
        )
        return
    out.print(f"ledger set up in {settings.data_dir}: chain {founded.identity.chain_id}", highlight=False)
    out.print(f"authority is party 1, first officer {founded.officer}, calendar {founded.calendar}", highlight=False)
    out.print(f"keep {settings.master_key_path} safe and apart from backups: it opens everything", highlight=False)


@app.command()
def serve(
    init_missing: Annotated[bool, typer.Option("--init", help="Set the ledger up first if there is none.")] = False,
) -> None:
    """Run the node and the API until interrupted.

    Example: `EINVOICE_PORT=8080 einvoice serve`
    """
    from ledger.cli.serving import serve_until_signal

    settings = Settings()
    if init_missing and not (settings.data_dir.exists() and any(settings.data_dir.iterdir())):
        init()
    raise typer.Exit(serve_until_signal(settings))


@app.command()
def node() -> None:
    """Run the node alone: sequencer, chain and projection. `einvoice serve` runs it with the API.

    Example: `einvoice node`
    """
    from ledger.cli.serving import run_node_process

    raise typer.Exit(run_node_process(Settings()))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the data of the last demo.")] = False,
    serve_after: Annotated[bool, typer.Option("--serve", help="Leave the server running at the end.")] = False,
    directory: Annotated[Path, typer.Option(help="Where the demo's ledger lives.")] = Path("demo-data"),
) -> None:
    """One invoice's whole life, among others, on real processes; checked offline at the end.

    Example: `einvoice demo --serve`
    """
    from ledger.cli.demo import run_demo

    raise typer.Exit(run_demo(directory, keep=keep, serve=serve_after))


@app.command()
def issue(
    file: Annotated[Path, typer.Argument(help="XML of a national e-invoice, or JSON of a draft.")],
    as_party: Annotated[int, typer.Option("--as", help="Party that signs: the seller, or its clerk.")],
    seller: Annotated[int | None, typer.Option(help="Enterprise it issues for, when it is a clerk of several.")] = None,
    buyer_name: Annotated[str | None, typer.Option(help="Buyer's name instead of the file's.")] = None,
    buyer_tax_id: Annotated[str | None, typer.Option(help="Buyer's tax id instead of the file's; '' for none.")] = None,
    holder: Annotated[int | None, typer.Option(help="Person who holds it first; else the buyer or the seller.")] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a new invoice from a file: its lines and amounts, our seller and number.

    Example: `einvoice issue invoice.xml --as 4 --buyer-name 深圳某公司 --buyer-tax-id 91310112703255042R`
    """
    with open_ledger(writing=True) as ledger:
        caller = ledger.caller(as_party)
        draft = draft_of_file(file, buyer_name, buyer_tax_id)
        written = ledger.issue(caller, draft, subject=seller, first_holder=holder, idempotency_key=new_key())
        print_written(written, as_json=as_json)


@app.command()
def evidence(
    number: Annotated[str, typer.Argument(help="Invoice number, 20 digits.")],
    as_party: Annotated[int, typer.Option("--as", help="Party that asks; it must take part in the invoice.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
) -> None:
    """Write an invoice's evidence file, which `einvoice verify` checks anywhere.

    Example: `einvoice evidence 94403260911000000000 --as 4 -o evidence.json`
    """
    with open_ledger() as ledger:
        output.write_bytes(ledger.evidence(ledger.caller(as_party), number))


@app.command()
def trust(output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")]) -> None:
    """Write this ledger's trust file: what a verifier pins.

    Example: `einvoice trust -o trust.json`
    """
    from verifier.canonical import dumps

    with open_ledger() as ledger:
        output.write_bytes(dumps(ledger.trust()))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def verify(context: typer.Context) -> None:
    """Check an evidence file offline; the same as `python -m verifier`.

    Example: `einvoice verify evidence.json --trust trust.json --offline --lang zh`
    """
    from verifier.__main__ import main as verify_main

    raise typer.Exit(verify_main(context.args))


@app.command()
def audit(as_json: AsJson = False) -> None:
    """Recompute every derived row from the chain and every commitment from its document; name the first difference.

    Exit code 1 when something differs. Example: `einvoice audit --json`
    """
    with open_ledger() as ledger, bar("audit") as moved:
        report = audit_ledger(ledger.context, moved)
    difference = report.difference
    if as_json:
        print_json(
            {
                "block": report.block,
                "rows": report.rows,
                "invoices": report.invoices,
                "documents": report.documents,
                "difference": None
                if difference is None
                else {
                    "table": difference.table,
                    "key": difference.key,
                    "column": difference.column,
                    "stored": difference.stored,
                    "recomputed": difference.recomputed,
                },
            }
        )
    else:
        out.print(
            f"block {report.block}: {report.rows} rows, {report.invoices} invoices against the contract, "
            f"{report.documents} documents against their commitments",
            highlight=False,
        )
    if difference is not None:
        fail(
            f"{difference.table} {difference.key}: {difference.column} is {difference.stored}, "
            f"recomputed {difference.recomputed}"
        )


@app.command()
def rebuild() -> None:
    """Drop every derived table and derive it again from the chain. Stop the node first.

    Example: `einvoice rebuild`
    """
    with open_ledger() as ledger, bar("rebuild") as moved:
        last = rebuild_ledger(ledger.context, moved)
    out.print(f"derived again up to block {last}", highlight=False)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="New directory for the copy.")],
    with_master_key: Annotated[bool, typer.Option(help="Copy the master key as well; then guard the copy.")] = False,
) -> None:
    """Copy the whole ledger of one moment while it runs.

    Example: `einvoice backup /backup/einvoice-2026-11-21`
    """
    with open_ledger() as ledger, err.status("copying"):
        report = backup_ledger(ledger.context, target, master_key=with_master_key)
    out.print(f"{report.directory}: up to block {report.block}, {report.size} bytes", highlight=False)
    if not report.master_key:
        out.print("the master key is not in it: keep that apart, without it the copy cannot be read", highlight=False)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="Directory that `einvoice backup` wrote.")],
    master_key_file: Annotated[Path | None, typer.Option(help="Master key to put beside it.")] = None,
) -> None:
    """Put a backup into the data directory, which must be absent or empty; every byte is checked first.

    Example: `EINVOICE_DATA_DIR=/srv/einvoice einvoice restore /backup/einvoice-2026-11-21 --master-key-file key`
    """
    with spoken_errors(), err.status("restoring"):
        key = read_master_key(master_key_file) if master_key_file is not None else None
        target = restore_ledger(Settings(), source, master_key_hex=key)
    out.print(f"restored into {target}; `einvoice audit` checks it, `einvoice serve` runs it", highlight=False)
