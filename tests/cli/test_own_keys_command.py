"""A key of one's own on the command line: made, shown, used, and never printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.cli.app import app
from ledger.domain.challenge import Challenge
from ledger.domain.groups import ChainDomain, Group, SignedGroup
from ledger.domain.typed_data import group_typed_data
from ledger.identity import KeyFileError, address_of_public_key, public_key_of_signature, signer_of
from ledger.identity.key_files import address_in, create_key_file, read_key_file
from ledger.identity.signing import read_signature
from verifier.operations import Code, Operation

PASSWORD = "correct horse battery"
DOMAIN = ChainDomain(1_316_190_437, b"\x5f" * 20)
GROUP = Group(
    5, 1_793_851_800,
    (Operation(code=Code.ISSUE, subject=5, number=94403260911000000001, month=322, terms=10_600 | 600 << 48),),
)  # fmt: skip


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "my.key"
    create_key_file(path, PASSWORD)
    return path


def run(*words: object, password: str | None = PASSWORD) -> Any:
    env = {} if password is None else {"EINVOICE_KEY_PASSWORD": password}
    return CliRunner().invoke(app, [*map(str, words)], env=env)


def test_a_new_key_is_private_and_shows_its_address_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.key"
    made = run("key", "new", path)
    assert made.exit_code == 0, made.output
    key = read_key_file(path, PASSWORD)
    assert made.stdout.strip() == f"0x{address_in(path).hex()}"
    assert key.hex() not in made.output + path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert run("key", "new", path).exit_code == 1
    assert path.read_bytes() == before


def test_a_short_password_makes_no_key(tmp_path: Path) -> None:
    assert run("key", "new", tmp_path / "short.key", password="short").exit_code == 1
    assert not (tmp_path / "short.key").exists()


def test_without_a_password_nothing_is_made(tmp_path: Path) -> None:
    refused = run("key", "new", tmp_path / "none.key", password=None)
    assert refused.exit_code == 1
    assert "--password-file" in refused.stderr
    assert "EINVOICE_KEY_PASSWORD" in refused.stderr
    assert not (tmp_path / "none.key").exists()


def test_signing_says_what_is_signed(key_file: Path, tmp_path: Path) -> None:
    typed = tmp_path / "typed.json"
    typed.write_text(json.dumps(group_typed_data(GROUP, DOMAIN)))
    signed = run("key", "sign", key_file, typed)
    assert signed.exit_code == 0, signed.output
    for word in ("issue", "94403260911000000001", "gross 106.00 yuan", "party 5", "chain 1316190437"):
        assert word in signed.stderr
    v, r, s = read_signature(signed.stdout.strip())
    assert signer_of(SignedGroup(GROUP, v, r, s), DOMAIN) == address_in(key_file)


def test_typed_data_comes_by_standard_input_too(key_file: Path) -> None:
    typed = json.dumps(group_typed_data(GROUP, DOMAIN))
    words = ["key", "sign", str(key_file), "-"]
    signed = CliRunner().invoke(app, words, input=typed, env={"EINVOICE_KEY_PASSWORD": PASSWORD})
    assert signed.exit_code == 0, signed.output
    v, r, s = read_signature(signed.stdout.strip())
    assert signer_of(SignedGroup(GROUP, v, r, s), DOMAIN) == address_in(key_file)


def test_a_wrong_password_is_said_of_the_key_file(key_file: Path, tmp_path: Path) -> None:
    typed = tmp_path / "typed.json"
    typed.write_text(json.dumps(group_typed_data(GROUP, DOMAIN)))
    refused = run("key", "sign", key_file, typed, password="something else")
    assert refused.exit_code == 1
    assert "密钥文件" in refused.stderr


@pytest.mark.parametrize(
    "said",
    [
        ["--identity", "party:5"],
        ["--identity", "enterprise:91310112703255042R", "--replace"],
        ["--identity", "91310112703255042R"],
    ],
)
def test_a_proof_that_nobody_would_take_is_not_made(key_file: Path, said: list[str]) -> None:
    refused = run("key", "prove", key_file, *said)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--replace" in refused.stderr


def test_a_challenge_is_signed_and_one_that_says_more_is_not(key_file: Path, tmp_path: Path) -> None:
    challenge, typed = Challenge(5, "read issue", b"\x0d" * 32, 1_793_845_920), tmp_path / "challenge.json"
    value = json.loads(json.dumps(challenge.typed_data(DOMAIN)))
    typed.write_text(json.dumps(value))
    signed = run("key", "sign", key_file, typed)
    assert signed.exit_code == 0, signed.output
    for word in ("party 5 signs in", "read issue", "chain 1316190437"):
        assert word in signed.stderr
    point = public_key_of_signature(challenge.digest(DOMAIN), *read_signature(signed.stdout.strip()))
    assert address_of_public_key(point) == address_in(key_file)
    value["message"]["more"] = 1
    typed.write_text(json.dumps(value))
    refused = run("key", "sign", key_file, typed)
    assert (refused.exit_code, refused.stdout) == (1, "")


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["types"]["Group"].append({"name": "x", "type": "uint8"}),
        lambda value: value["domain"].update(name="Another Ledger"),
        lambda value: value["domain"].update(salt="0x00"),
        lambda value: value["message"].update(more=1),
        lambda value: value["message"].update(actor=-1),
        lambda value: value["message"].update(operations=[]),
        lambda value: value["message"]["operations"][0].update(what="0x1"),
        lambda value: value["message"]["operations"][0].update(terms=str(1 << 256)),
        lambda value: value.update(primaryType="Permit"),
        lambda value: value.clear(),
    ],
)  # fmt: skip
def test_what_is_no_group_of_this_form_is_not_signed(key_file: Path, tmp_path: Path, change: Any) -> None:
    value = json.loads(json.dumps(group_typed_data(GROUP, DOMAIN)))
    change(value)
    (tmp_path / "typed.json").write_text(json.dumps(value))
    signed = run("key", "sign", key_file, tmp_path / "typed.json")
    assert signed.exit_code == 1
    assert signed.stdout == ""
    assert "not signed" in signed.stderr


def test_an_unknown_operation_is_named_as_such(key_file: Path, tmp_path: Path) -> None:
    odd = Group(5, 1, (Operation(code=200, subject=5, number=1),))
    (tmp_path / "typed.json").write_text(json.dumps(group_typed_data(odd, DOMAIN)))
    assert "do not sign" in run("key", "sign", key_file, tmp_path / "typed.json").stderr


def test_another_password_or_a_broken_file_opens_nothing(key_file: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        read_key_file(key_file, PASSWORD + "x")
    value = json.loads(key_file.read_text())
    for number, change in enumerate(
        [
            {"address": "00" * 20},
            {"crypto": {**value["crypto"], "mac": "00" * 32}},
            {"crypto": {**value["crypto"], "kdfparams": {**value["crypto"]["kdfparams"], "n": 1 << 30}}},
            {"crypto": []},
        ]
    ):
        path = tmp_path / f"{number}.key"
        path.write_text(json.dumps({**value, **change}))
        with pytest.raises(KeyFileError):
            read_key_file(path, PASSWORD)
    (tmp_path / "no.key").write_bytes(b"\xff" * 20_000)
    with pytest.raises(KeyFileError):
        read_key_file(tmp_path / "no.key", PASSWORD)
