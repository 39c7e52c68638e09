"""Every command run: what it logs holds nobody's name, number or key, and what an officer looks at with it is noted."""

from __future__ import annotations

import inspect
import io
import itertools
import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer.main

from ledger.cli import opening
from ledger.cli.app import app
from ledger.service.copies import backup, restore
from tests.cli.town import Shell
from tests.privacy.planted import WORDS, Planted, leaks
from tests.service.world import settings_of

LEFT_OUT = {
    "serve": "a process of its own, walked in test_logs.py",
    "node": "a process of its own, walked in test_logs.py",
    "demo": "starts the same two",
    "init": "tests/cli: founds another ledger, which knows nobody yet",
    "witness run": "follows another machine's ledger",
}
OFFICER = 2
BY_AUTHORITY = frozenset({"erase", "appoint", "dismiss", "district", "admit", "withdraw", "need", "recover", "export"})
BY_OFFICER = frozenset({"enrol", "quota", "segment", "suspend", "flag", "lift", "unlock", "clear", "void", "reinstate"})
OF_ENTERPRISES = frozenset({"quota", "segment", "lift", "certificates", "supervision"})


@dataclass
class Told:
    """What a walk over all commands logged, what they said on standard error, and how many of them did their work."""

    log: bytes
    errors: bytes
    done: list[str]
    walked: set[str]
    looks: dict[str, set[str]]  # by route, what they were about


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


@pytest.fixture(scope="module")
def told(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Told:
    directory = tmp_path_factory.mktemp("commands")
    backup(planted.world.ledger.context, directory / "copy", master_key=True)
    restore(settings_of(directory / "data"), directory / "copy")
    held, heard = io.StringIO(), Told(b"", b"", [], set(), {})
    factory, shell = structlog.PrintLoggerFactory, Shell(directory / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "WARNING", logging.DEBUG)
        patch.setattr(structlog, "PrintLoggerFactory", lambda _file: factory(held))
        patch.chdir(directory)  # some write a file where they are called
        for path, command in commands(typer.main.get_command(app)):
            if path not in LEFT_OUT:
                answer = shell.run(*path.split(), *arguments(planted, path, command, directory))
                heard.errors += answer.err.encode()
                heard.walked.add(path)
                heard.done += [path] if answer.code == 0 else []
        noted = shell.done("audit-log", "list", "--kind", "officer_query", "--limit", 1_000, "--json").json
    heard.log = held.getvalue().encode()
    for one in noted:
        if one["actor"] == OFFICER:
            heard.looks.setdefault(one["detail"]["route"], set()).add(one["about"])
    return heard


def is_look(command: Any) -> bool:
    """Whether somebody is named who looks: its code opens the ledger neither to write nor for the caller's own."""
    named = {"as_party", "as_officer"} & {one.name for one in command.params}
    return bool(named) and "open_ledger()" in inspect.getsource(command.callback)


def arguments(planted: Planted, path: str, command: Any, directory: Path) -> list[str]:
    """A value for every parameter that needs one or takes words; planted words wherever words are taken."""
    words = itertools.cycle(WORDS.values())
    given = values(planted, path, command, directory)
    found = []
    for one in command.params:
        name = str(one.name)
        value = given.get(name, next(words) if name in TEXTS else None)
        if value is None or not (one.required or name in TEXTS or name in ("as_party", "file")):
            continue
        found += [value] if one.param_type_name == "argument" else [one.opts[0], value]
    return found


TEXTS = frozenset({"name", "reason", "note", "reference", "label", "external_id", "identity", "about"})


def values(planted: Planted, path: str, command: Any, directory: Path) -> dict[str, str]:
    word, number = path.rsplit(maxsplit=1)[-1], planted.number
    officers = word in BY_OFFICER or is_look(command)
    as_party = 1 if word in BY_AUTHORITY else OFFICER if officers else planted.seller.party
    party = planted.seller.party if word in OF_ENTERPRISES else planted.approver.party
    fresh = directory / f"{path.replace(' ', '-')}"
    texts = {
        "issue": json.dumps(planted.world.draft({"name": WORDS["buyer name"]}), ensure_ascii=False),
        "bulk": "单据编号,外部单号,购买方名称,项目名称,金额,税率,税额\r\n"
        f"R1,,{WORDS['sheet buyer']},*餐饮服务*餐费,1.00,6%,0.06\r\n",
        "enrolment register": f"名称,统一社会信用代码,类别\r\n{WORDS['buyer name']},91440300MA5000001A,small\r\n",
        "outside read": WORDS["outside original"],
        "outside claim": WORDS["outside original"],
    }
    file = fresh.with_suffix(".in")
    if path in texts:
        file.write_text(texts[path], encoding="utf-8")
    ids = {
        "number": number, "numbers": number, "claim": planted.claim_id, "party": party,
        "parties": planted.clerk.party, "person": planted.claimant.party, "office": 1, "officer": 999_999,
        "employer": planted.employer.party, "as_party": as_party, "as_officer": OFFICER, "month": planted.world.month,
        "period": planted.world.month, "proposal_id": "0f" * 16, "request_id": "0f" * 16, "request_ids": "0f" * 16,
        "digest": "0f" * 32, "key_id": "0f" * 8, "token": secrets.token_hex(16), "signature": "0x" + "11" * 65,
        "fen": 10**9, "count": 0, "grants": "claim", "where": "4403", "says": "not_settled", "public_key": "02" * 33,
        "tax_id": "91310112703255042R", "quota": "small=100", "line": WORDS["title"], "till": "1", "key": "x",
        "file": file, "files": file, "target": fresh, "output": fresh.with_suffix(".out"), "source": directory / "copy",
        "proof": file, "typed_data": file, "trust": file, "kind": "refusals" if path == "supervision" else "auditor",
    }  # fmt: skip
    ids |= {"party revoke-certificate": {"reason": "superseded"}, "red open": {"reason": "return"}}.get(path, {})
    return {name: str(value) for name, value in ids.items()}


@pytest.mark.slow
def test_what_commands_log_holds_nothing_of_what_they_handle(told: Told, planted: Planted) -> None:
    everything = {path for path, _ in commands(typer.main.get_command(app))}
    assert told.walked == everything - set(LEFT_OUT)
    assert b"sequencing_started" in told.log
    assert {"issue", "evidence", "document", "party list", "party enrol", "party export", "audit"} <= set(told.done)
    assert leaks(told.log, WORDS, planted.secrets) == []
    assert leaks(told.errors, {}, planted.secrets) == []
    assert b"***" not in told.log  # the masks had nothing to hide


@pytest.mark.slow
def test_every_command_that_an_officer_looks_with_leaves_its_name_in_the_log(told: Told, planted: Planted) -> None:
    looks = {path for path, command in commands(typer.main.get_command(app)) if is_look(command)}
    assert told.looks.keys() == {f"einvoice {path}" for path in looks if path != "party export"}  # by the authority
    assert told.looks["einvoice evidence"] == {planted.number}
    assert told.looks["einvoice party certificates"] == {str(planted.seller.party)}


def test_a_commands_log_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        opening.quiet_log()
        structlog.get_logger("x").bind().error("called", phone="13955550139", authorization="Bearer abc")
        said = capsys.readouterr().err
        assert "139****0139" in said
        assert "Bearer abc" not in said
    finally:
        structlog.configure(**before)
