"""`einvoice receipt`: was what the operator signed to have accepted put on chain?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.far_ledger import bytes_of, rpc_source
from ledger.cli.opening import quiet_log, read_settings
from ledger.cli.output import EXIT_FAILED, EXIT_USAGE, AsJson, bar, complain, fail, print_json, print_line
from verifier.shape import utc_text

if TYPE_CHECKING:
    from ledger.chain import ChainReader
    from ledger.evidence import ReceiptReport, SignedReceipt
    from verifier.trust import Trust

EXIT_WAITING = 3
EXIT_BROKEN = 4
API_KEY_VARIABLE = "EINVOICE_RECEIPT_API_KEY"
_IF_OWN = "If that was the sender's key, the operator kept its word; if not, it altered the signature: keep this file"


def receipt(
    file: Annotated[Path, typer.Argument(help="A write's JSON answer as it came, or its `receipt` alone.")],
    trust: Annotated[
        Path | None, typer.Option(help="The ledger's trust file; without: the ledger of EINVOICE_DATA_DIR.")
    ] = None,
    url: Annotated[str, typer.Option(help="The operator's JSON-RPC, such as https://host/rpc; needs --trust.")] = "",
    key_file: Annotated[Path | None, typer.Option(help=f"API key of an officer; else {API_KEY_VARIABLE}.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a receipt: the operator's signature, and whether the group is on chain. Keep the file on exit code 4.

    Exit codes: 0 on chain (applied or refused), 1 not this operator's receipt or altered, 2 could not check, 3 not on
    chain and no block is past the deadline yet, 4 NOT on chain although a block is past the deadline.

    Example: `einvoice receipt answer.json --trust trust.json --url https://invoices.example/rpc --key-file officer.key`
    """
    quiet_log()
    if url and trust is None:
        fail(
            "--url needs --trust: whose signature counts is not for --url to say", "--url 须与 --trust 同用", EXIT_USAGE
        )
    with _spoken(as_json=as_json):
        from ledger.evidence import RECEIPT_FILE_SIZE_MAX, check_receipt, read_receipt
        from verifier.trust import TRUST_SIZE_MAX

        given = read_receipt(bytes_of(file, RECEIPT_FILE_SIZE_MAX))
        pinned = None if trust is None else _trust_of(bytes_of(trust, TRUST_SIZE_MAX))
        with _chain(url, key_file, pinned) as (reader, believed), bar("receipt") as moved:
            report = check_receipt(given, believed, reader, moved)
    _print(given, report, as_json=as_json)


@contextmanager
def _chain(url: str, key_file: Path | None, pinned: Trust | None) -> Iterator[tuple[ChainReader, Trust]]:
    """The chain to ask, and whom to believe: the pinned ones, else the ledger's own trust file."""
    if url:
        from ledger.chain.remote import HttpReader

        assert pinned is not None, "--url without --trust was refused"
        with HttpReader(url, _posting(url, key_file)) as remote:
            yield remote, pinned
        return
    from ledger.service import Ledger
    from verifier.canonical import dumps

    with Ledger.open(read_settings()) as ledger:
        yield ledger.context.reader, pinned or _trust_of(dumps(ledger.trust()))


def _posting(url: str, key_file: Path | None) -> Callable[[bytes], bytes]:
    """How bodies are brought to a stranger's door: limits, no redirects, the API key never in the clear."""
    from ledger.chain import RemoteChainError
    from ledger.witness import SourceError

    source = rpc_source(url, key_file, API_KEY_VARIABLE)

    def post(body: bytes) -> bytes:
        try:
            return source.post(body)
        except SourceError as err:
            raise RemoteChainError(err.message) from err

    return post


def _trust_of(data: bytes) -> Trust:
    from verifier.trust import parse_trust

    return parse_trust(data)


def _print(given: SignedReceipt, report: ReceiptReport, *, as_json: bool) -> None:
    """The answer in both languages or JSON, and the exit code that goes with it."""
    from ledger.evidence import Answer

    by, newest = utc_text(given.by_s), f"block {report.block} of {utc_text(report.block_time_s)}"
    code, said, said_zh = {
        Answer.APPLIED: (0, f"on chain: applied, as of {newest}", "已上链：操作已生效"),
        Answer.REFUSED: (0, f"on chain: refused by the contract, as of {newest}", "已上链：操作被合约拒绝，留有记录"),
        Answer.MALFORMED: (
            EXIT_USAGE,
            f"in block {report.found_in}, but malformed; signed there by {report.signer.hex() or 'nobody'}. {_IF_OWN}",
            "已入块但签名不被合约承认：若该签名出自发送方当时的密钥，则运营方已守诺；否则系运营方改动，请保存此文件",
        ),
        Answer.WAITING: (
            EXIT_WAITING,
            f"not on chain yet; promised by {by}, and no block is past that: newest is {newest}. Ask again later",
            "尚未上链，且最新区块时间未过承诺期限，请稍后再查",
        ),
        Answer.BROKEN: (
            EXIT_BROKEN,
            f"NOT on chain: promised by {by}, and {newest} is past it. Keep this file: it convicts the operator",
            "未上链：承诺期限已过，链上并无此操作。请保存此文件，它可证明运营方失信",
        ),
    }[report.answer]
    if as_json:
        print_json(
            {
                "answer": report.answer.value,
                "digest": given.digest.hex(),
                "accepted_at": utc_text(given.accepted_at_s),
                "by": by,
                "signed_by": report.sealer.hex(),
                "block": report.block,
                "block_time": utc_text(report.block_time_s),
                "found_in": report.found_in,
                "group_signed_by": report.signer.hex() or None,
                "message": said,
                "message_zh": said_zh,
            }
        )
    else:
        print_line(f"signed by {report.sealer.hex()}: accepted at {utc_text(given.accepted_at_s)}, on chain by {by}")
        print_line(f"digest {given.digest.hex()}")
        print_line(said)
        print_line(said_zh)
    raise typer.Exit(code)


@contextmanager
def _spoken(*, as_json: bool) -> Iterator[None]:
    """Ends with 1 for a receipt that the operator did not sign, with 2 for whatever could not be read or asked."""
    from ledger.chain import ChainError
    from ledger.evidence import ReceiptError, ReceiptInvalidError
    from ledger.identity import IdentityError
    from ledger.projection import StorageError
    from ledger.service import ServiceError
    from ledger.witness import WitnessError
    from verifier.errors import TrustError

    try:
        yield
    except ReceiptError as error:
        is_invalid = isinstance(error, ReceiptInvalidError)
        code = EXIT_FAILED if is_invalid else EXIT_USAGE
        _end("invalid" if is_invalid else "unchecked", error.message, error.message_zh, code, as_json=as_json)
    except (ServiceError, WitnessError) as error:
        _end("unchecked", error.message, error.message_zh, EXIT_USAGE, as_json=as_json)
    except TrustError as error:
        _end("unchecked", f"the trust file: {error}", "信任文件无法使用", EXIT_USAGE, as_json=as_json)
    except (ChainError, StorageError, IdentityError) as error:
        _end("unchecked", str(error), "账本数据无法读取", EXIT_USAGE, as_json=as_json)
    except BrokenPipeError:
        raise  # whoever read our output has gone
    except OSError as error:
        what = error.strerror or str(error)
        said = f"{error.filename}: {what}" if error.filename else what
        _end("unchecked", said, "文件无法读取", EXIT_USAGE, as_json=as_json)


def _end(answer: str, message: str, message_zh: str, code: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"answer": answer, "message": message, "message_zh": message_zh})
    complain(message, message_zh)
    raise typer.Exit(code)
