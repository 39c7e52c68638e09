"""`einvoice key new`, `address`, `sign`, `prove`, `draft`, `submit`: keys that parties keep themselves.

The first four need no ledger: a key's owner runs them where the key is, which need not be where the ledger is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.keys import app
from ledger.cli.opening import open_ledger
from ledger.cli.output import EXIT_USAGE, AsJson, err, fail, print_json, print_line, print_written

PASSWORD_VARIABLE = "EINVOICE_KEY_PASSWORD"  # noqa: S105 - a name, not a password
TYPED_DATA_SIZE_MAX = 1 << 20  # bytes; 256 operations take 100 KB

KeyFile = Annotated[Path, typer.Argument(help="File of the key, encrypted.")]
PasswordFile = Annotated[
    Path | None, typer.Option(help=f"File with the password; else {PASSWORD_VARIABLE}, else it is asked for.")
]
AsParty = Annotated[int, typer.Option("--as", help="Party that signs.")]


@app.command()
def new(file: KeyFile, password_file: PasswordFile = None) -> None:
    """Make a key of your own, in a new file under a password; prints its address, never the key.

    Whoever loses file or password loses the key: keep a copy of both, apart. The authority can replace a lost key.

    Example: `einvoice key new my.key`
    """
    from ledger.identity.key_files import create_key_file

    with _spoken():
        if file.exists():
            fail(f"{file} exists; a key file is never written over", "文件已存在，不会覆盖")
        password = password_of(password_file, confirm=True)
        print_line(f"0x{create_key_file(file, password).hex()}")


@app.command()
def address(file: KeyFile) -> None:
    """Print the address of a key file; needs no password.

    Example: `einvoice key address my.key`
    """
    from ledger.identity.key_files import address_in

    with _spoken():
        print_line(f"0x{address_in(file).hex()}")


@app.command()
def sign(
    file: KeyFile,
    typed_data: Annotated[Path, typer.Argument(help="Typed data of a draft, proof or challenge; `-` reads input.")],
    password_file: PasswordFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
) -> None:
    """Sign typed data of an e-invoice ledger; says in words what is signed, and prints the signature.

    Nothing but this ledger's groups, proofs and challenges is signed. The words come from the signed bytes themselves.

    Example: `einvoice key sign my.key typed.json`
    """
    from ledger.identity import sign_digest
    from ledger.identity.key_files import read_key_file
    from ledger.identity.signing import signature_text

    with _spoken():
        digest, says = _what_is_signed(typed_data)
        for line in says:
            err.print(line, highlight=False, markup=False)
        if not yes and str(typed_data) != "-" and sys.stdin.isatty():
            typer.confirm("Sign this? 是否签名", abort=True, err=True)
        key = read_key_file(file, password_of(password_file))
        print_line(signature_text(sign_digest(key, digest)))


@app.command()
def prove(
    file: KeyFile,
    identity: Annotated[str, typer.Option(help="enterprise:TAXID, person@EMPLOYERS_TAXID; party:ID to replace a key.")],
    name: Annotated[str, typer.Option(help="Name that is to be enrolled; leave out when replacing a key.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="For another key of an enrolled party.")] = False,
    trust: Annotated[
        Path | None, typer.Option(help="Trust file of the ledger; else that of EINVOICE_DATA_DIR.")
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    """Prove that you hold a key: prints address, time and signature as JSON, good for 24 hours.

    Example: `einvoice key prove my.key --identity enterprise:91310112703255042R --name 某公司 --trust trust.json`
    """
    from ledger.domain.key_proof import KeyProof, Purpose
    from ledger.identity import address_of, sign_digest
    from ledger.identity.key_files import read_key_file
    from ledger.identity.signing import signature_text

    if replace != identity.startswith("party:") or not identity.startswith(("party:", "enterprise:", "person@")):
        fail(
            "--identity is party:ID with --replace, else enterprise:TAXID or person@EMPLOYERS_TAXID",
            "--identity：更换密钥时为 party:ID 并加 --replace，否则为 enterprise:税号 或 person@雇主税号",
            EXIT_USAGE,
        )
    with _spoken():
        domain = _domain(trust)
        key = read_key_file(file, password_of(password_file))
        purpose = Purpose.REPLACE_KEY if replace else Purpose.ENROL
        proof = KeyProof(purpose, identity, name, address_of(key), int(time.time()))
        signature = signature_text(sign_digest(key, proof.digest(domain)))
    print_json({"address": f"0x{proof.address.hex()}", "time": proof.time, "signature": signature})


@app.command()
def drafts(as_party: AsParty, as_json: AsJson = False) -> None:
    """List what waits for a party's own signature.

    Example: `einvoice key drafts --as 4`
    """
    with open_ledger(looking=False) as ledger:
        found = ledger.drafts.drafts(ledger.caller(as_party))
    if as_json:
        print_json([{"digest": one.digest, "sign_by": one.sign_by, "says": one.says} for one in found])
        return
    for one in found:
        print_line(f"{one.digest}  until {one.sign_by.isoformat()}  {one.says[0]}")


@app.command()
def draft(digest: Annotated[str, typer.Argument(help="Digest of the draft.")], as_party: AsParty) -> None:
    """Print the typed data of a draft, for a wallet or `einvoice key sign`.

    Example: `einvoice key draft 5b5b...5b --as 4 > typed.json`
    """
    with open_ledger(looking=False) as ledger:
        print_json(ledger.drafts.draft(ledger.caller(as_party), digest).typed_data)


@app.command()
def submit(
    digest: Annotated[str, typer.Argument(help="Digest of the draft.")],
    signature: Annotated[str, typer.Argument(help="r, s and v as the wallet gave them.")],
    as_party: AsParty,
    as_json: AsJson = False,
) -> None:
    """Give the signature of a draft; the ledger then records it.

    Example: `einvoice key submit 5b5b...5b 0x1c1c...1c --as 4`
    """
    with open_ledger(writing=True) as ledger:
        print_written(ledger.drafts.sign(ledger.caller(as_party), digest, signature), as_json=as_json)


# -- how -----------------------------------------------------------------------------------------


def read_own_key(path: Path) -> Any:
    """A proof that `key prove` printed, as the service takes it."""
    from ledger.service.key_proofs import OwnKey

    try:
        given = json.loads(path.read_bytes()[:TYPED_DATA_SIZE_MAX])
        own = OwnKey(given["address"], given["time"], given["signature"])
    except (ValueError, KeyError, TypeError):
        own = OwnKey("", 0, "")
    if not isinstance(own.address, str) or type(own.time) is not int or not isinstance(own.signature, str):
        own = OwnKey("", 0, "")
    if not own.address:
        fail(
            f"{path} is no proof; make one with `einvoice key prove`", "不是密钥持有证明，请用 einvoice key prove 生成"
        )
    return own


@contextmanager
def _spoken() -> Iterator[None]:
    from ledger.cli.output import spoken_errors
    from ledger.domain.typed_data import TypedDataError

    with spoken_errors():
        try:
            yield
        except TypedDataError as error:
            fail(f"not signed: {error}", "未签名：不是本系统的 typed data")


def password_of(file: Path | None, *, confirm: bool = False) -> str:
    """The password: from a file's first line, the environment, or asked for; there is none by default."""
    if file is not None:
        return file.read_text(encoding="utf-8").partition("\n")[0]
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        fail(
            f"the key file has a password: give --password-file, or {PASSWORD_VARIABLE} in the environment",
            f"密钥文件有口令：请用 --password-file 或环境变量 {PASSWORD_VARIABLE} 提供",
        )
    return str(typer.prompt("Password of the key 密钥口令", hide_input=True, confirmation_prompt=confirm, err=True))


def _what_is_signed(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """The digest of typed data, and in words what it says. Raises: TypedDataError for what is not this ledger's."""
    from ledger.domain.challenge import CHALLENGE_TYPE, read_challenge
    from ledger.domain.key_proof import PROOF_TYPE, read_proof
    from ledger.domain.operation_texts import group_texts
    from ledger.domain.typed_data import TypedDataError, read_group

    with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as source:
        content = source.read(TYPED_DATA_SIZE_MAX + 1)
    try:
        given = json.loads(content) if len(content) <= TYPED_DATA_SIZE_MAX else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise TypedDataError("not JSON, or too large")
    if given.get("primaryType") == PROOF_TYPE:
        proof, domain = read_proof(given)
        says: tuple[str, ...] = (
            f"that you hold key 0x{proof.address.hex()}, to {proof.purpose} of {proof.identity} {proof.name}",
        )
        digest = proof.digest(domain)
    elif given.get("primaryType") == CHALLENGE_TYPE:
        challenge, domain = read_challenge(given)
        says = (f"that party {challenge.party} signs in for an hour, for: {challenge.scopes}",)
        digest = challenge.digest(domain)
    else:
        group, domain = read_group(given)
        says, digest = group_texts(group), group.digest(domain)
    return digest, (*says, f"ledger: chain {domain.chain_id}, contract 0x{domain.contract.hex()}")


def _domain(trust: Path | None) -> Any:
    """The ledger that a proof is for: that of a trust file's newest contract, or of this machine."""
    from ledger.domain.groups import ChainDomain

    if trust is None:
        with open_ledger() as ledger:
            return ledger.context.domain
    from verifier.errors import TrustError
    from verifier.trust import parse_trust

    try:
        known = parse_trust(trust.read_bytes())
    except TrustError as error:
        fail(f"{trust}: {error}", "信任文件无法读取")
    return ChainDomain(known.chain_id, known.contracts[-1].address)
