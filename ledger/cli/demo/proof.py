"""What the demo shows at the end, read from the sealed chain and checked by the verifier in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ledger.cli.demo.client import Client, DemoError
from ledger.cli.demo.story import Story
from ledger.cli.demo.turns import REDDENED
from ledger.cli.output import out
from ledger.domain.blocks import ChainBlock, Outcome
from ledger.service import sealed_blocks
from ledger.settings import Settings
from verifier.operations import Code, Reason

CROWD_MIN = 3  # other parties in the newest block, and in the one the shown invoice was claimed in; 15 when idle


@dataclass(frozen=True)
class Count:
    """What the sealed blocks hold; `crowd` is how many others act in the block the shown invoice was claimed in."""

    invoices: int
    events: int
    refused: int
    crowd: int


def show_invoices(client: Client, story: Story) -> None:
    """A table of the invoices that lived a whole life, as their sellers see them."""
    table = Table(title="invoices", show_lines=False)
    for heading in ("number", "seller", "holder", "gross fen", "claim", "entry"):
        table.add_column(heading)
    for life, number in zip(story.lives, story.numbers, strict=True):
        row = json.loads(client.read(f"/v1/invoices/{number}", life.seller.key))
        table.add_row(
            number, row["seller_name"], row["holder_name"], str(row["gross_fen"]), row["claim_state"], row["entry"]
        )
    out.print(table)


def show_timeline(client: Client, story: Story, at: int) -> None:
    """The history of one invoice, refused attempts included."""
    life, number = story.lives[at], story.numbers[at]
    table = Table(title=f"timeline of {number}")
    for heading in ("time (UTC)", "block", "operation", "by", "outcome"):
        table.add_column(heading)
    history: dict[str, Any] = json.loads(client.read(f"/v1/invoices/{number}/history", life.cashier.key))
    for entry in history["items"]:
        outcome = entry["outcome"] if entry["reason"] is None else f"{entry['outcome']}: {entry['reason']}"
        table.add_row(entry["at"], str(entry["block"]), entry["operation"], entry["actor_name"], outcome)
    out.print(table)


def count_sealed(settings: Settings, story: Story, *, fresh: bool) -> tuple[Count, int]:
    """Counts over every sealed block, and which of the story's invoices was claimed in the most crowded one.

    Raises: DemoError when a refusal that was answered is on no block or has another reason, or when a `fresh` ledger
    holds refusals nobody expected.
    """
    invoices = events = 0
    refused: dict[str, str] = {}
    crowds: dict[str, int] = {}
    for block in sealed_blocks(settings):
        for group in block.groups:
            events += len(group.events) + (group.outcome is not Outcome.APPLIED)
            if group.outcome is Outcome.REFUSED:
                refused[group.digest.hex()] = Reason(group.reason).name.lower()
            elif group.outcome is Outcome.APPLIED:
                codes = [operation.code for operation in group.signed.group.operations]
                invoices += codes.count(Code.ISSUE) + codes.count(Code.ISSUE_RED) + codes.count(Code.REGISTER_OUTSIDE)
                if Code.LOCK in codes:
                    crowds[f"{group.signed.group.operations[0].number:020d}"] = crowd_of(
                        block, group.signed.group.actor
                    )
    for digest, (tried, reason) in story.refusals.expected.items():
        if refused.get(digest) != reason:
            raise DemoError(f"no sealed block refuses to {tried} as {reason}")
    if fresh and len(refused) != len(story.refusals.expected):
        raise DemoError(f"{len(refused)} groups are refused on chain, {len(story.refusals.expected)} should be")
    best = max(story.numbers, key=lambda number: crowds.get(number, 0))
    return Count(invoices, events, len(refused), crowds.get(best, 0)), story.numbers.index(best)


def newest_crowd(settings: Settings) -> int:
    """Parties that act in the newest block."""
    blocks = deque(sealed_blocks(settings), maxlen=1)
    return crowd_of(blocks[0], 0) if blocks else 0


def verify_offline(client: Client, story: Story, at: int, directory: Path) -> None:
    """Downloads evidence and trust file and has the verifier check them without network; prints its steps.

    Raises: DemoError when the verdict is not valid, or an altered copy is not refused.
    """
    life, number = story.lives[at], story.numbers[at]
    evidence = client.read(f"/v1/invoices/{number}/evidence", life.employee.key)
    evidence_file, trust_file = directory / "evidence.json", directory / "trust.json"
    evidence_file.write_bytes(evidence)
    trust_file.write_bytes(client.read("/v1/trust"))
    result = _verifier(evidence_file, trust_file)
    out.print(result.stdout, highlight=False, markup=False)
    if result.returncode != 0:
        raise DemoError("the verifier does not find the evidence valid")
    forged = directory / "evidence-forged.json"
    forged.write_bytes(evidence.replace("午餐".encode(), "晚餐".encode()))
    if _verifier(forged, trust_file).returncode != 1:
        raise DemoError("the verifier takes an altered evidence file")
    out.print(f"the same file with one word of the invoice changed: invalid ({forged})", highlight=False)


def verify_turns(client: Client, story: Story, directory: Path) -> None:
    """Checks the evidence of the reddened invoice, its red, the deducted one and the outside one, a line for each.

    Raises: DemoError when one of them is not valid.
    """
    turned, trust_file = story.turned, directory / "trust.json"
    reddened, deducted, elsewhere = story.lives[REDDENED], story.lives[3], story.lives[0]
    for what, number, key in (
        ("reddened after settlement", turned.blue, reddened.cashier.key),
        ("its red invoice", turned.red, reddened.seller.key),
        ("selected for deduction", turned.deducted, deducted.cashier.key),
        ("of elsewhere, claimed at two companies", turned.outside, elsewhere.employee.key),
    ):
        evidence_file = directory / f"evidence-{number}.json"
        evidence_file.write_bytes(client.read(f"/v1/invoices/{number}/evidence", key))
        if _verifier(evidence_file, trust_file).returncode != 0:
            raise DemoError(f"the verifier does not find {evidence_file} valid")
        out.print(f"{number} ({what}): valid", highlight=False)


def _verifier(evidence: Path, trust: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "verifier", str(evidence), "--trust", str(trust), "--offline"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def crowd_of(block: ChainBlock, actor: int) -> int:
    """Parties other than `actor` that act in the block."""
    return len({group.signed.group.actor for group in block.groups} - {actor})
