"""`einvoice demo`: one invoice's whole life among others, on real processes, checked offline at the end."""

from __future__ import annotations

import secrets
import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ledger.cli.demo.cast import LIVES, Casting
from ledger.cli.demo.client import Client, DemoError
from ledger.cli.demo.proof import (
    CROWD_MIN,
    count_sealed,
    newest_crowd,
    show_invoices,
    show_timeline,
    verify_offline,
    verify_turns,
)
from ledger.cli.demo.story import Teller
from ledger.cli.demo.turns import REDDENED
from ledger.cli.opening import quiet_log, read_settings
from ledger.cli.output import fail, out, spoken_errors, steps
from ledger.cli.reissue import draft_of_file
from ledger.cli.serving import ProcessEndedError, Servers
from ledger.service import Ledger, NotReady, audit, found, node_if_none_runs
from ledger.settings import EMBEDDED_CHAIN, Settings
from verifier.words import AUTHORITY_PARTY

INVOICE_FILE = Path(__file__).parent / "invoice.xml"
OFFICER = 2  # the first party appointed
BATCH_INTERVAL_MS = 150  # groups gather a little longer, so that blocks are crowded as on a busy ledger
POST_WAIT_MS = 20_000
SERVE_POLL_S = 0.5
PAGES = ("/check", "/sign-in", "/v1/openapi.json")  # what a newcomer opens first
CROWD_TRIES = 8
CROWD_WANTED = 8  # other parties in the newest block
MARK = "DEMO"  # file that says a directory is a demo's: nothing without it is ever deleted or written to
STEP_COUNT = 7


def run_demo(directory: Path, *, keep: bool, serve: bool) -> int:
    """Runs the demo in `directory`; 0 only if everything held."""
    quiet_log()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the servers too, as Ctrl-C does
    settings = read_settings(
        data_dir=directory,
        database_url="",
        chain_url=EMBEDDED_CHAIN,
        port=0,
        batch_interval_ms=BATCH_INTERVAL_MS,
        post_wait_ms=POST_WAIT_MS,
        log_level="warning",
    )
    with spoken_errors():
        officer_keys = _set_up(settings, keep=keep)
        try:
            with Servers(settings) as servers:
                _play(settings, servers, officer_keys, fresh=not keep)
                if serve:
                    _stay(servers)
        except (DemoError, ProcessEndedError) as error:
            fail(f"the demo failed: {error}")
    return 0


def _set_up(settings: Settings, *, keep: bool) -> tuple[str, str]:
    """A fresh ledger, or the one that is there; API keys of its first officer and of the authority."""
    directory = settings.data_dir
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).is_file():
            fail(
                f"{directory} is not empty and no demo ledger: remove it, or name another --directory",
                f"{directory} 不是演示账本，请用 --directory 另选目录",
            )
        _require_idle(settings)
        if not keep:
            old = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
            directory.rename(old)  # at once: a directory half deleted would no longer be known as a demo's
            shutil.rmtree(old)
    if not directory.exists() or not any(directory.iterdir()):
        out.print(f"setting a ledger up in {directory}", highlight=False)
        found(settings, authority_name="国家税务总局深圳市税务局（示例）", officer_name="示例税务员")
        (directory / MARK).write_text("made by `einvoice demo`, deleted by the next one\n", encoding="ascii")
    with Ledger.open(settings) as ledger:
        label = f"demo {secrets.token_hex(4)}"
        return ledger.new_api_key(OFFICER, label), ledger.new_api_key(AUTHORITY_PARTY, label)


def _require_idle(settings: Settings) -> None:
    """Ends the command when a node runs on the demo's ledger."""
    try:
        with Ledger.open(settings) as ledger, node_if_none_runs(ledger.context) as idle:
            pass
    except NotReady:
        return  # what cannot be opened has no node
    if not idle:
        fail(f"a demo runs in {settings.data_dir}: end it first", f"{settings.data_dir} 中的演示仍在运行，请先结束")


def _play(settings: Settings, servers: Servers, officer_keys: tuple[str, str], *, fresh: bool) -> None:
    client = Client(servers.url)
    draft = draft_of_file(INVOICE_FILE, None, None)
    if not isinstance(draft, dict):
        raise DemoError(f"{INVOICE_FILE.name} gave no draft")
    with ThreadPoolExecutor(max_workers=LIVES) as pool, steps("demo", STEP_COUNT) as step:
        casting = Casting(client, officer_keys, pool)
        teller = Teller(client, casting, pool, step)
        story = teller.tell(draft)
        step("crowd the newest block")
        for _ in range(CROWD_TRIES):  # so that the newest block, which the evidence is of, is crowded
            if newest_crowd(settings) >= CROWD_WANTED:
                break
            teller.crowd(story.lives)
        step("count what is sealed")
        count, shown = count_sealed(settings, story, fresh=fresh)
    crowd = min(count.crowd, newest_crowd(settings))
    if crowd < CROWD_MIN:
        raise DemoError(
            f"only {crowd} other parties share the shown invoice's blocks, {CROWD_MIN} should: the machine is too busy "
            "to fill them; try again"
        )
    show_invoices(client, story)
    for at in sorted({shown, REDDENED}):
        show_timeline(client, story, at)
    out.print("refused as they should be, each an event in a sealed block:", highlight=False)
    for tried, reason in sorted(set(story.refusals.expected.values())):
        out.print(f"  {tried}: {reason}", highlight=False)
    verify_offline(client, story, shown, settings.data_dir)
    verify_turns(client, story, settings.data_dir)
    with Ledger.open(settings) as ledger:
        difference = audit(ledger.context).difference
    if difference is not None:
        raise DemoError(f"the audit found a difference: {difference}")
    out.print(
        f"demo: {count.invoices} invoices, {count.events} events, {count.refused} refused as they should be, "
        "verified offline",
        highlight=False,
    )


def _stay(servers: Servers) -> None:
    """Leaves the servers running until interrupted."""
    pages = " or ".join(servers.url + page for page in PAGES)
    out.print(f"the server runs; open {pages}; Ctrl-C ends it", highlight=False)
    try:
        while not servers.ended():
            time.sleep(SERVE_POLL_S)
    except KeyboardInterrupt:
        out.print("ending", highlight=False)
