"""`einvoice succeed`: the ledger goes on under another contract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import open_ledger
from ledger.cli.output import EXIT_USAGE, AsJson, fail, print_json, print_line, steps

if TYPE_CHECKING:
    from ledger.service import SuccessionPlan


def succeed(
    artifact: Annotated[
        Path | None, typer.Option(help="Compiled contract (contracts.build); without: this program's own.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without: only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Retire the contract: the tax authority hands every word and history over to a new one. Stop the node first.

    What waits is recorded first. Cut short at any moment, run it again: it ends the same. There is no way back.

    Example: `einvoice succeed --yes`
    """
    with open_ledger() as ledger:
        from ledger.service import open_succession
        from ledger.service.succession import STEPS

        with open_succession(ledger.context, artifact) as succession:
            plan = succession.plan()
            if not as_json:
                _say(plan)
            if not yes:
                fail("nothing was done; run it again with --yes", "未作任何改动，确认后请加 --yes", code=EXIT_USAGE)
            with steps("succeed", len(STEPS)) as began:
                done = succession.run(began)
    if as_json:
        print_json(
            {
                "predecessor": done.predecessor.hex(),
                "successor": done.successor.hex(),
                "contracts": done.contracts,
                "block": done.block,
            }
        )
        return
    print_line(f"contract {done.predecessor.hex()} is retired, {done.successor.hex()} carries the ledger on")
    print_line(f"{done.contracts} contracts so far, block {done.block}")
    print_line("next: hand the new trust file out (einvoice trust -o trust.json); files made from now on need it")


def _say(plan: SuccessionPlan) -> None:
    if plan.handed_over:
        print_line(f"an earlier run handed over to contract {plan.contract.hex()}; its end is seen to")
        return
    if plan.resumes:
        print_line("an earlier run was cut short; this one goes on with what it created")
    print_line(f"contract {plan.index + 1} of this ledger, {plan.contract.hex()}, retires for good")
    print_line(f"its successor is compiled from source {plan.source_sha256}")
    print_line(f"{plan.waiting} waiting groups are recorded first")
    if not plan.of_this_release:
        print_line("this program's node will not run on it: install the program that carries that contract afterwards")
