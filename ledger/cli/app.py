"""Commands of `einvoice`; `einvoice COMMAND --help` shows examples."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli import (
    audit_log,
    chain,
    deductions,
    enrolment,
    invoices,
    keys,
    months,
    officers,
    offices,
    outside,
    own_keys,  # noqa: F401 - its import adds commands to `key`
    papers,
    parties,
    privacy,
    proposals,
    providers,
    reds,
    risk,
    tills,
    upkeep,
    verifying,
    witness,
    witnesses,
)
from ledger.cli.bulk import bulk
from ledger.cli.opening import quiet_log, read_settings
from ledger.cli.output import AsJson, print_json, print_line, spoken_errors
from ledger.cli.receipts import receipt
from ledger.cli.statements import statement
from ledger.cli.succession import succeed
from ledger.cli.supervision import supervision
from ledger.loading import loading

DISTRIBUTION = "einvoice-ledger"

app = typer.Typer(
    name="einvoice",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""An e-invoice ledger on a local chain. 区块链电子发票账本。

    The ledger lives in one data directory: `EINVOICE_DATA_DIR`, by default `data/`. Begin with `einvoice demo`, or with
    `einvoice init`, `einvoice party enrol`, `einvoice party segment`, `einvoice issue`.

    Exit codes: 0 done, 1 failed, 2 wrong usage or (`verify`) could not check, 3 refused by the contract; of a PDF,
    `verify` has 3 and 4 of its own, and so has `receipt`.
    """,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"einvoice {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def every_command(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before a command; the help text is the application's own."""


@app.command()
def init(
    authority: Annotated[str | None, typer.Option(help="Name of the tax authority; asked for on a terminal.")] = None,
    officer: Annotated[str | None, typer.Option(help="Name of its first officer; asked for on a terminal.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set a new ledger up: chain, contract, keys, certificates, first officer, this month opened.

    Example: `EINVOICE_DATA_DIR=/srv/einvoice einvoice init --authority 深圳市税务局`
    """
    quiet_log()
    settings = read_settings()
    authority = _asked(authority, "Name of the tax authority 税务机关名称", "税务局")
    officer = _asked(officer, "Name of its first officer 首位税务人员", "税务人员")
    with spoken_errors():
        from ledger.service import found

        founded = found(settings, authority_name=authority, officer_name=officer)
    if as_json:
        print_json(
            {
                "data_dir": str(settings.data_dir),
                "chain_id": founded.identity.chain_id,
                "contract": founded.identity.contract.hex(),
                "authority": 1,
                "officer": founded.officer,
                "calendar": founded.calendar,
            }
        )
        return
    print_line(f"ledger set up in {settings.data_dir}: chain {founded.identity.chain_id}")
    print_line(f"authority is party 1, first officer {founded.officer}, calendar {founded.calendar}")
    if settings.master_key is None:
        print_line(f"keep {settings.master_key_path} safe and apart from backups: it opens everything")
    print_line("the authority's and the officer's keys were made and are sealed under that key; none was shown")
    print_line("next, for those who check evidence: einvoice trust -o trust.json")
    print_line(f"next, a credential of the officer: einvoice key api {founded.officer} --label desk")
    print_line(f"next, a party: einvoice party enrol NAME --as {founded.officer} --tax-id CODE --quota-fen FEN")


def _asked(given: str | None, question: str, default: str) -> str:
    """A name that was given, or that somebody at a terminal types; scripts that give none get the plain one."""
    if given is not None:
        return given
    return str(typer.prompt(question, default=default, err=True)) if sys.stdin.isatty() else default


@app.command()
def serve(
    init_missing: Annotated[bool, typer.Option("--init", help="Set the ledger up first if there is none.")] = False,
) -> None:
    """Run the node and the API until interrupted; prints `ready URL` once both answer.

    Example: `EINVOICE_PORT=8080 einvoice serve`
    """
    from ledger.cli.serving import serve_until_signal

    settings = read_settings()
    if init_missing and not (settings.data_dir.exists() and any(settings.data_dir.iterdir())):
        init()
    raise typer.Exit(serve_until_signal(settings))


@app.command()
def node() -> None:
    """Run the node alone: sequencer, chain and projection; `einvoice serve` runs it with the API.

    Example: `einvoice node`
    """
    with loading():
        from ledger.cli.serving import run_node_process

    raise typer.Exit(run_node_process(read_settings()))


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


app.command()(invoices.issue)
app.command()(bulk)
app.command()(papers.document)
app.command()(invoices.evidence)
app.command()(statement)
app.command()(receipt)
app.command()(invoices.trust)
app.command(
    add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)(verifying.verify)  # fmt: skip
app.command()(upkeep.audit)
app.add_typer(audit_log.app, name="audit-log")
app.command()(upkeep.rebuild)
app.command()(upkeep.upgrade)
app.command()(upkeep.backup)
app.command()(upkeep.restore)
app.command()(privacy.erasures)
app.command()(succeed)
parties.app.command("erase")(privacy.erase_person)
parties.app.command("export")(privacy.export_person)
app.add_typer(privacy.app, name="invoice")
app.add_typer(parties.app, name="party")
app.add_typer(keys.app, name="key")
app.add_typer(enrolment.app, name="enrolment")
app.add_typer(offices.app, name="office")
app.add_typer(providers.app, name="sign-in-provider")
app.add_typer(papers.app, name="archive")
app.add_typer(reds.app, name="red")
app.add_typer(risk.app, name="risk")
app.add_typer(officers.app, name="officer")
app.add_typer(proposals.app, name="proposal")
app.add_typer(outside.app, name="outside")
app.add_typer(tills.app, name="till")
app.add_typer(months.app, name="month")
app.add_typer(deductions.app, name="deduction")
app.command()(supervision)
app.add_typer(chain.app, name="chain")
app.add_typer(witness.app, name="witness")
app.add_typer(witnesses.app, name="witnesses")
