"""`einvoice witness`: a process of somebody else's, who follows the chain and signs what the operator cannot take back.

Uses `ledger.witness` alone: no ledger, no settings, no data directory. Exit code 3 means that it refuses to sign.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.far_ledger import bytes_of, rpc_source
from ledger.cli.output import EXIT_REFUSED, EXIT_USAGE, AsJson, complain, fail, print_json, print_line
from verifier.shape import utc_text

if TYPE_CHECKING:
    from ledger.witness import Home, Refusal, Source, Told

API_KEY_VARIABLE = "EINVOICE_WITNESS_API_KEY"

app = typer.Typer(help="Follow the chain from outside and sign checkpoints.", no_args_is_help=True)
Directory = Annotated[Path, typer.Option("--directory", "-d", help="The witness's own directory.")]
TrustFile = Annotated[Path, typer.Option("--trust", help="The ledger's trust file, from the authority.")]


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The key's name: an address without a scheme, such as witness.example/w1.")],
    trust: TrustFile,
    directory: Directory = Path("witness"),
    as_json: AsJson = False,
) -> None:
    """Make the witness's directory with a new key, and pin the ledger. Prints the public key for others to trust.

    Example: `einvoice witness init --name witness.example/w1 --trust trust.json`
    """
    with _spoken():
        from ledger.witness import found_home
        from verifier.trust import TRUST_SIZE_MAX

        home = found_home(directory, name=name, trust_data=bytes_of(trust, TRUST_SIZE_MAX))
    line = home.key.verifier.to_text()
    if as_json:
        print_json({"directory": str(directory), "origin": home.origin, "key": line})
        return
    print_line(line)
    print_line(f"origin {home.origin}")
    print_line(f"keep {directory}/witness.key to yourself; next: einvoice witness run -d {directory} --url URL")


@app.command()
def run(
    url: Annotated[str, typer.Option(help="The operator's JSON-RPC, such as https://host/rpc.")] = "",
    export: Annotated[Path | None, typer.Option(help="Instead: a directory of `einvoice chain export`, once.")] = None,
    key_file: Annotated[Path | None, typer.Option(help=f"API key of an officer; else {API_KEY_VARIABLE}.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Bring each checkpoint to the operator of --url.")] = False,
    publish_to: Annotated[
        str, typer.Option(help="Bring each to this address, such as https://host/v1/checkpoints.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="One look, then end.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, max=86_400, help="Seconds between looks.")] = 5.0,
    directory: Directory = Path("witness"),
    as_json: AsJson = False,
) -> None:
    """Follow the chain until interrupted: check every header, sign the head, refuse what contradicts it.

    Exit code 3: refused, and `einvoice witness status` says why. An outage is waited for; with --once it ends with 1.

    Example: `einvoice witness run --url https://invoices.example/rpc --key-file officer.key`
    """
    if publish and not (url or publish_to):
        fail("--publish needs --url; with --export say --publish-to", "--publish 须与 --url 同用", EXIT_USAGE)
    if bool(url) == (export is not None):
        fail("give either --url or --export", "请给出 --url 或 --export 之一", EXIT_USAGE)
    with _spoken(), _stopping() as stop:
        from ledger.witness import checkpoints_url, locked, open_home, witness, witness_once

        home = open_home(directory)
        target = publish_to or (checkpoints_url(url) if publish else "")
        with (
            locked(directory),
            closing(_source(url, export, key_file)) as source,
            _telling(home, target, as_json=as_json) as tell,
        ):
            if once or export is not None:
                told = witness_once(home, source, stop=stop)
                tell(told)
                refusal = told.refusal
            else:
                refusal = witness(home, source, tell, stop, interval_s=interval)
    if refusal is not None:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def status(directory: Directory = Path("witness"), as_json: AsJson = False) -> None:
    """What was witnessed and signed, clock skew, and refusals. Exit code 3 after a second history.

    Example: `einvoice witness status --json`
    """
    with _spoken():
        from ledger.witness import open_home

        home = open_home(directory)
        state, signed = home.state(), home.signed()
    if as_json:
        print_json(_status_of(home))
    else:
        print_line(f"origin {home.origin}")
        print_line(f"key {home.key.verifier.to_text()}")
        print_line(f"head: block {state.height}, {state.hash.hex()}")
        if signed is None:
            print_line("nothing signed yet")
        else:
            print_line(f"signed: block {signed.checkpoint.height} at {utc_text(signed.time_s)}")
        skew = state.skew
        print_line(
            f"clock: last {skew.last_s} s, at most {skew.ahead_max_s} s ahead (block {skew.ahead_block}) and "
            f"{skew.behind_max_s} s behind (block {skew.behind_block}); {skew.over_limit} blocks beyond the limit"
        )
        for refusal in state.refusals:
            print_line(_refusal_line(refusal))
    if state.is_forked:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def check(
    proof: Annotated[Path, typer.Argument(help="A conviction file, from a witness's proofs.")],
    trust: TrustFile,
    as_json: AsJson = False,
) -> None:
    """Check offline that one sealer sealed two blocks of one height. Exit code 0 when the file proves it.

    Example: `einvoice witness check fork-812-5f3c.json --trust trust.json`
    """
    with _spoken():
        from ledger.witness import HomeError, check_conviction
        from ledger.witness.conviction import CONVICTION_SIZE_MAX
        from verifier.errors import TrustError
        from verifier.trust import TRUST_SIZE_MAX, parse_trust

        try:
            pinned = parse_trust(bytes_of(trust, TRUST_SIZE_MAX))
        except TrustError as err:
            raise HomeError(f"{trust}: {err}: get the trust file from the authority") from err
        found = check_conviction(bytes_of(proof, CONVICTION_SIZE_MAX), pinned)
    if as_json:
        print_json(
            {
                "height": found.height,
                "sealer": found.sealer.hex(),
                "witnessed": found.witnessed_hash.hex(),
                "shown": found.shown_hash.hex(),
                "joined": found.is_joined,
            }
        )
        return
    print_line(f"proven: sealer {found.sealer.hex()} sealed two blocks {found.height}:")
    print_line(f"  {found.witnessed_hash.hex()}\n  {found.shown_hash.hex()}")
    parent = "both on the same parent: two histories of one chain" if found.is_joined else "on different parents"
    print_line(parent)


def _source(url: str, export: Path | None, key_file: Path | None) -> Source:
    from ledger.witness import ExportedSource

    return ExportedSource(export) if export is not None else rpc_source(url, key_file, API_KEY_VARIABLE)


@contextmanager
def _telling(home: Home, target: str, *, as_json: bool) -> Iterator[Callable[[Told], None]]:
    """What prints all that happens and, where `target` is an address, brings each checkpoint there."""
    from ledger.witness import Publisher

    printing = threading.Lock()  # the publisher speaks from a thread of its own

    def tell(told: Told) -> None:
        with printing:
            _print_told(told, as_json=as_json)

    def say(height: int, wrong: str) -> None:
        with printing:
            _print_published(height, wrong, as_json=as_json)

    if not target:
        yield tell
        return
    with Publisher(target, say) as publisher:
        signed = home.signed()
        if signed is not None:  # the last one may not have been brought before the process ended
            publisher.put(signed.checkpoint.height, signed.note)

        def tell_and_bring(told: Told) -> None:
            tell(told)
            for one in (told.passed, told.signed):
                if one is not None:
                    publisher.put(one.checkpoint.height, one.note)

        yield tell_and_bring


def _print_published(height: int, wrong: str, *, as_json: bool) -> None:
    if wrong:
        complain(f"the checkpoint of block {height} was not taken: {wrong}", "检查点未被账本接收")
    elif as_json:
        _print_json_line({"published": height})
    else:
        print_line(f"published: block {height}")


def _status_of(home: Home) -> dict[str, object]:
    state, signed = home.state(), home.signed()
    skew = state.skew
    return {
        "origin": home.origin,
        "key": home.key.verifier.to_text(),
        "block": state.height,
        "block_hash": state.hash.hex(),
        "signed": None
        if signed is None
        else {"block": signed.checkpoint.height, "at": utc_text(signed.time_s), "note": signed.note},
        "skew": {
            "last_s": skew.last_s,
            "ahead_max_s": skew.ahead_max_s,
            "ahead_block": skew.ahead_block,
            "behind_max_s": skew.behind_max_s,
            "behind_block": skew.behind_block,
            "over_limit": skew.over_limit,
        },
        "forked": state.is_forked,
        "refusals": [_refusal_of(one) for one in state.refusals],
    }


def _refusal_of(refusal: Refusal) -> dict[str, object]:
    return {
        "kind": refusal.kind.value,
        "block": refusal.height,
        "text": refusal.text,
        "at": utc_text(refusal.at_s),
        "proof": refusal.proof,
    }


def _refusal_line(refusal: Refusal) -> str:
    proof = f"; proof: proofs/{refusal.proof}" if refusal.proof else ""
    return f"refused at {utc_text(refusal.at_s)}: {refusal.kind.value}: {refusal.text}{proof}"


def _print_told(told: Told, *, as_json: bool) -> None:
    """One line for each thing that happened; JSON lines for scripts."""
    if told.signed is not None:
        point = told.signed.checkpoint
        if as_json:
            _print_json_line(
                {"signed": point.height, "hash": point.block_hash.hex(), "at": utc_text(told.signed.time_s)}
            )
        else:
            print_line(f"signed: block {point.height} {point.block_hash.hex()}")
    if told.refusal is not None:
        if as_json:
            _print_json_line({"refused": _refusal_of(told.refusal)})
        complain(_refusal_line(told.refusal), "拒绝签署：链被回退或出现第二份历史，详见 einvoice witness status")
    if told.outage is not None:
        complain(f"{told.outage.message}; trying again", told.outage.message_zh)
    if told.ahead_s:
        complain(f"the head is {told.ahead_s} s ahead of this clock: not signed", "区块时间超前于本机时钟，暂不签署")


def _print_json_line(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _spoken() -> Iterator[None]:
    """Says what went wrong in one line of each language instead of a traceback."""
    from ledger.witness import WitnessError

    try:
        yield
    except WitnessError as error:
        fail(error.message, error.message_zh)
    except BrokenPipeError:
        raise  # whoever read our output has gone
    except OSError as error:
        what = error.strerror or str(error)
        fail(f"{error.filename}: {what}" if error.filename else what, "文件无法读写")
