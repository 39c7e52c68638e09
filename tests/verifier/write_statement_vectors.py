"""Writes tests/vectors/statement-v1: statements of a real ledger over a succession, with witnesses, and lies about it.

    python -m tests.verifier.write_statement_vectors DIRECTORY

The directory must be empty: vectors are kept for ever, and never written again over old ones.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from ledger.service import Caller, Witnessed
from ledger.service.errors import StatementDiscloses
from tests.service.signers import checkpoint, note, signer
from tests.succession.handing_over import Town
from verifier import parse_trust, verify
from verifier.bundle import proof_nodes
from verifier.canonical import Json, dumps, loads
from verifier.statement import Says, Statement, Word, build_statement, statement_key
from verifier.statement_steps import parse_statement
from verifier.words import NUMBER_SPACE_FIRST

WITNESS_TIME_S = 1_790_000_000
FILE_SIZE_MAX = 1 << 20


@dataclass
class Written:
    """Files by name, and what the verifier says of each with which trust file."""

    town: Town
    files: dict[str, bytes] = field(default_factory=dict)
    cases: list[Json] = field(default_factory=list)

    def trust(self, name: str) -> None:
        self.files[name] = dumps(self.town.ledger.trust())

    def case(self, name: str, about: str, data: bytes, trust: str = "trust.json") -> None:
        """Keeps the file with what its report says; the file's name says what that has to be."""
        report = verify(data, parse_trust(self.files[trust]))
        failed = [step for step in report.steps if step.reason.value != "ok"]
        self.files[name] = data
        self.cases.append(
            {
                "file": name,
                "trust": trust,
                "about": about,
                "verdict": report.verdict.value,
                "step": failed[0].name if failed else "",
                "reason": failed[0].reason.value if failed else "ok",
                "number": report.number,
                "says": report.says,
                "block": report.block,
                "block_time_s": report.block_time_s,
            }
        )


def main(directory: Path) -> None:
    """Writes the vectors into an empty directory."""
    if directory.exists() and any(directory.iterdir()):
        sys.exit(f"{directory} is not empty: vectors are not written over")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        town = Town(Path(place))
        try:
            written = _lived(town)
        finally:
            town.close()
    for name, data in written.files.items():
        (directory / name).write_bytes(data)
    text = json.dumps(written.cases, ensure_ascii=False, indent=2)
    (directory / "cases.json").write_text(text + "\n", encoding="utf-8")


def _lived(town: Town) -> Written:
    written = Written(town)
    door = town.ledger.statements
    written.trust("trust-first.json")
    issued, locked = (town.issued(town.seller, town.claimant) for _ in range(2))
    paid = town.issued(town.seller, town.claimant)
    town.claimed(town.claimant, town.employer, locked)
    never = _never(town, town.cashier)
    before = door.statement(town.claimant, paid, "not_settled")
    written.case("not-issued.json", "a number never issued", door.statement(town.cashier, never, "not_issued"),
                 "trust-first.json")  # fmt: skip
    written.case("not-settled-locked.json", "a claimed invoice", door.statement(town.claimant, locked, "not_settled"),
                 "trust-first.json")  # fmt: skip
    town.settled(town.claimed(town.claimant, town.employer, paid, reference="BX-2"))
    town.succeeded()
    since = town.issued(town.seller, town.claimant)
    for name in ("w.example/1", "w.example/2"):
        town.ledger.witnessing.admit(town.authority, signer(name).verifier.to_text())
    town.ledger.witnessing.need(town.authority, 2)
    point = checkpoint(town.ledger)
    town.ledger.witnessing.take(note(point, *map(signer, ("w.example/1", "w.example/2")), time_s=WITNESS_TIME_S))
    written.trust("trust-witnessed.json")
    written.files["trust.json"] = dumps(_without_witnesses(town))
    _after(written, never=never, issued=issued, locked=locked, since=since)
    _lies(written, before=before, paid=paid, issued=issued, since=since, never=never)
    return written


def _after(written: Written, *, never: str, issued: str, locked: str, since: str) -> None:
    """True statements over two contracts, witnessed and not."""
    town = written.town
    door = town.ledger.statements
    bare = Witnessed.NONE
    written.case("not-issued-two-contracts.json", "a number that neither contract holds",
                 door.statement(town.officer, never, "not_issued", witnessed=bare, disclosing=True))  # fmt: skip
    elsewhere = _never(town, town.cashier, 14403180911000000001)
    written.case("not-issued-elsewhere.json", "a number of elsewhere that nobody registered",
                 door.statement(town.cashier, elsewhere, "not_issued", witnessed=bare))  # fmt: skip
    by_head = _of(town, never, Says.NOT_ISSUED, Word.HEAD)
    written.case("not-issued-by-head.json", "the same by the absence of the head", by_head.to_bytes())
    for name, number in (("first", issued), ("second", since)):
        written.case(f"not-settled-{name}.json", f"an invoice that the {name} contract holds",
                     door.statement(town.claimant, number, "not_settled", witnessed=bare))  # fmt: skip
    witnessed = door.statement(town.claimant, locked, "not_settled", witnessed=Witnessed.REQUIRED)
    written.case("not-settled-witnessed.json", "two witnesses signed its block", witnessed, "trust-witnessed.json")
    written.case("unwitnessed.json", "two witnesses are asked for, none signed",
                 _of(town, never, Says.NOT_ISSUED).to_bytes(), "trust-witnessed.json")  # fmt: skip


def _lies(written: Written, *, before: bytes, paid: str, issued: str, since: str, never: str) -> None:
    town = written.town
    written.case("old-true.json", "not settled as of a block before it was: true of that block", before)
    for name, number, says in (
        ("lie-issued-first", issued, Says.NOT_ISSUED),
        ("lie-issued-second", since, Says.NOT_ISSUED),
        ("lie-settled", paid, Says.NOT_SETTLED),
        ("lie-absent", never, Says.NOT_SETTLED),
    ):
        written.case(f"{name}.json", f"{says.value}, proven otherwise", _of(town, number, says).to_bytes())
    statement = _of(town, since, Says.NOT_ISSUED)
    succession = {node for one in (never, issued) for node in _of(town, one, Says.NOT_ISSUED).proof.storage}
    own = next(node for node in statement.proof.storage if node not in succession)
    fewer = tuple(node for node in statement.proof.storage if node != own)
    written.case(
        "lie-node-left-out.json",
        "an issued number, without a node that leads to it alone",
        replace(statement, proof=replace(statement.proof, storage=fewer)).to_bytes(),
    )
    whole = _of(town, never, Says.NOT_ISSUED)
    retired = replace(whole, contracts=whole.contracts[:1])
    written.case("lie-retired-contract.json", "the retired contract alone, as of a later block", retired.to_bytes())
    storage = proof_nodes({*whole.proof.storage, *statement.proof.storage})
    written.case("surplus-node.json", "true, with nodes too many",
                 replace(whole, proof=replace(whole.proof, storage=storage)).to_bytes())  # fmt: skip
    written.case("other-version.json", "a version of the future",
                 dumps(_json(whole.to_bytes()) | {"version": 2}))  # fmt: skip
    written.case("trust-too-old.json", "two contracts, the trust file has one", whole.to_bytes(), "trust-first.json")


def _of(town: Town, number: str, says: Says, word: Word = Word.STATE) -> Statement:
    """A statement as the chain's proof gives it, whether it is true or not."""
    reader = town.ledger.context.reader
    proof = reader.proof([statement_key(int(number), word)])
    return build_statement(
        chain_id=reader.identity.chain_id,
        contracts=proof.contracts,
        genesis=reader.identity.genesis_hash,
        number=int(number),
        says=says,
        word=word,
        header=proof.header_rlp,
        account_nodes=proof.account_nodes,
        storage_nodes=proof.storage_nodes,
    )


def _never(town: Town, caller: Caller, first: int = NUMBER_SPACE_FIRST + 10**12) -> str:
    for number in itertools.count(first):
        try:
            data = town.ledger.statements.statement(caller, f"{number:020d}", "not_issued", witnessed=Witnessed.NONE)
        except StatementDiscloses:
            continue
        if parse_statement(loads(data, FILE_SIZE_MAX)).word is Word.STATE:
            return f"{number:020d}"
    raise AssertionError("numbers have no end")


def _without_witnesses(town: Town) -> Json:
    return {**town.ledger.trust(), "witnesses": {"needed": 0, "keys": []}}


def _json(data: bytes) -> dict[str, Json]:
    value = loads(data, FILE_SIZE_MAX)
    assert isinstance(value, dict)
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
