"""`einvoice chain`: the chain as files that another client executes again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.opening import quiet_log, read_settings
from ledger.cli.output import AsJson, bar, print_json, print_line, spoken_errors

app = typer.Typer(help="The chain itself: export for an independent replay.", no_args_is_help=True)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="New directory for genesis.json and blocks.rlp.")],
    as_json: AsJson = False,
) -> None:
    """Write every block up to now, while the node runs, in the form that geth imports. docs/REPLAY.md goes on.

    The files tell what the chain tells: party numbers, amounts, months and states. Guard them.

    Example: `einvoice chain export /srv/replay`
    """
    quiet_log()
    settings = read_settings()
    with spoken_errors(), bar("export") as moved:
        from ledger.service import export_blocks

        report = export_blocks(settings, target, moved)
    block_hash, state_root = report.block_hash.hex(), report.state_root.hex()
    if as_json:
        print_json(
            {
                "directory": str(report.directory),
                "block": report.block,
                "block_hash": block_hash,
                "state_root": state_root,
                "size": report.size,
            }
        )
        return
    print_line(f"{report.directory}: genesis.json and blocks.rlp, blocks 1 to {report.block}, {report.size} bytes")
    print_line(f"head {block_hash}, state root {state_root}")
    print_line(f"next: geth --datadir NEW init {target}/genesis.json; geth --datadir NEW import {target}/blocks.rlp")
