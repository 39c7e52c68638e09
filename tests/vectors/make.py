"""Makes tests/vectors/evidence-v1*: evidence and statements of ledgers that lived, with what each is judged to be.

    python -m tests.vectors.make

The vectors were made once, by the first release with this format, and are kept for ever: every later release must judge
them alike. So the script makes only the sets that are not there: `evidence-v1`, and `evidence-v1-erased`, of a
ledger whose authority erased documents. `index.json` names for each file its trust file, verdict, number,
block, and every step with result and reason; and for some of them changes of one value (`path`, and its new `value` or
`remove`) with the steps that are not valid then. Texts are not recorded: words may change, codes never.

A ledger of short epochs is founded (so that a header that lists sealers is near) and lives through everything that
evidence can show: claims, reds, an invoice of elsewhere, deduction, flags, a revoked certificate, witnesses, and a
succession of its contract. Keys, salts and numbers are random; the vectors hold no secret of any of them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from ledger.chain import create_chain
from ledger.domain.references import new_reference
from ledger.projection import parties
from ledger.service import Caller
from ledger.service.deductions import WantedSelection
from ledger.service.outside_facts import item_of_fields
from ledger.service.witness_views import Witnessed
from ledger.service.writing import Draft, request_hash, submit, written
from tests.service.conftest import Cast
from tests.service.red_acts import confirmed, opened, reddened
from tests.service.signers import checkpoint, note, signer
from tests.service.world import must
from tests.succession.handing_over import Town
from verifier import parse_trust, verify
from verifier.canonical import Json, dumps
from verifier.operations import SECP256K1_ORDER, Code, Operation
from verifier.parsing import parse
from verifier.report import Report

HERE = Path(__file__).parent
EPOCH_LENGTH = 16
PUBLIC = ("number", "issued_on", "seller.name", "gross_fen", "lines.0.name")
WITNESSES = tuple(map(signer, ("witness.example/audit", "witness.example/chamber", "witness.example/university")))

REMOVE = object()  # instead of a new value
Change = tuple[list[str | int], Any]


def judged(report: Report) -> dict[str, Json]:
    """What is recorded of a report: codes, no texts."""
    return {
        "verdict": report.verdict.value,
        "number": report.number,
        "block": report.block,
        "steps": [[step.name, step.result.value, step.reason.value] for step in report.steps],
    }


def not_valid(report: Report) -> list[Json]:
    """Name, result and reason of the steps that are not valid."""
    return [[step.name, step.result.value, step.reason.value] for step in report.steps if step.result != "valid"]


def altered(value: Json, path: list[str | int], replacement: Any) -> bytes:
    """The file with one value changed or removed, in canonical form."""
    changed = json.loads(dumps(value))
    at = changed
    for key in path[:-1]:
        at = at[key]
    if replacement is REMOVE:
        del at[path[-1]]
    else:
        at[path[-1]] = replacement
    return dumps(changed)


class Vectors:
    """The files as they are made, and what the index says of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.index: list[Json] = []

    def trust(self, name: str, content: bytes) -> str:
        """Keeps a trust file."""
        parse_trust(content)
        (self.directory / name).write_bytes(content)
        return name

    def add(self, name: str, what: str, content: bytes, trust: str, expected: str, *changes: Change) -> None:
        """Keeps a file that must be judged `expected`, and says how it is judged after each change."""
        known = parse_trust((self.directory / trust).read_bytes())
        report = verify(content, known)
        assert report.verdict.value == expected, f"{name}: {report.to_text('en')}"
        (self.directory / name).write_bytes(content)
        twins: list[Json] = []
        for path, value in changes:
            twin = verify(altered(json.loads(content), path, value), known)
            assert twin.verdict.value not in {"valid", "erased"}, f"{name}: {path}"
            change: dict[str, Json] = {"path": list(path)} | ({"remove": True} if value is REMOVE else {"value": value})
            twins.append(change | {"verdict": twin.verdict.value, "not_valid": not_valid(twin)})
        self.index.append({"file": name, "what": what, "trust": trust, **judged(report), "altered": twins})


def changes_of(content: bytes) -> list[Change]:
    """One change for each kind of thing that a file holds."""
    value = json.loads(content)
    first, last = value["history"][0], len(value["history"]) - 1
    changes: list[Change] = [
        (["version"], 2),
        (["chain", "chain_id"], value["chain"]["chain_id"] + 1),
        (["number"], f"{int(value['number']) - 1:020d}"),
        (["history", 0, "time_s"], first["time_s"] + 1),
        (["history", 0, "group", "valid_until"], first["group"]["valid_until"] + 1),
        (["history", 0, "group", "s"], first["group"]["r"]),
        (["history", last, "state"], first["operation"][1]),
        (["history", last], REMOVE) if last else (["history"], value["history"] * 2),
        (["parties", 0, "hash"], "00" * 32),
        (["proof", "header"], value["proof"]["header"][:-4] + "AAAA"),
        (["proof", "account", 0], REMOVE),
        (["proof", "storage", len(value["proof"]["storage"]) - 1], REMOVE),
    ]
    for at, leaf in enumerate(value["document"].get("shown", ())):
        if leaf[1] == "gross_fen":
            changes.append((["document", "shown", at, 3], leaf[3] + 1))
    return changes


def changes_of_erased(content: bytes, document: Json) -> list[Change]:
    """As `changes_of`, and of the erasure itself; `document` is one that is there."""
    erasure = json.loads(content)["document"]["erasure"]
    both = {**json.loads(dumps(document)), "erasure": erasure}
    return [
        *changes_of(content),
        (["document", "erasure", "number"], f"{int(erasure['number']) + 1:020d}"),
        (["document", "erasure", "at"], erasure["at"] + 1),
        (["document", "erasure", "at"], 1),
        (["document", "erasure", "r"], erasure["s"]),
        (["document", "erasure", "s"], f"{SECP256K1_ORDER - int(erasure['s'], 16):064x}"),
        (["document", "erasure", "s"], REMOVE),
        (["document"], both),
        (["document"], {}),
    ]


class Life:
    """A ledger whose parties do what the vectors show."""

    def __init__(self, directory: Path) -> None:
        with mock.patch("ledger.chain.create_chain", partial(create_chain, epoch_length=EPOCH_LENGTH)):
            self.town = Town(directory)
        town = self.town
        self.other_cashier = town.person("赵财务", (town.other_employer, ["finance"]))
        self.bookkeeper = town.person("吴会计", (town.seller, ["finance"]))
        self.clerk = town.person("周开票", (town.seller, ["issue"]))
        self.cast = Cast(
            seller=town.seller,
            employer=town.employer,
            other_employer=town.other_employer,
            stranger=town.other_employer,
            claimant=town.claimant,
            cashier=town.cashier,
            other_cashier=self.other_cashier,
            clerk=self.clerk,
            bookkeeper=self.bookkeeper,
        )

    def trust(self) -> bytes:
        return dumps(self.town.ledger.trust())

    def evidence(self, number: str, caller: Caller | None = None, witnessed: Witnessed = Witnessed.NONE) -> bytes:
        return self.town.ledger.evidence(caller or self.town.officer, number, witnessed=witnessed)

    def lived(self, *, buyer: Caller | None = None) -> str:
        """An invoice that was claimed, settled and booked."""
        town = self.town
        number = town.issued(self.clerk, town.claimant, buyer)
        claim_id = town.claimed(town.claimant, town.employer, number)
        must(town.ledger.withdraw_claim(town.claimant, claim_id, idempotency_key=town.key()))
        town.settled(town.claimed(town.claimant, town.employer, number))
        must(town.ledger.book(town.cashier, number, deductible=True, idempotency_key=town.key()))
        return number

    def reds(self) -> tuple[str, str]:
        """(blue, red): settled, then reddened in agreement."""
        number = self.lived()
        must(opened(self.town, self.clerk, number, reason="return"))
        must(confirmed(self.town, self.town.cashier, number))
        (red,) = must(reddened(self.town, self.clerk, number)).numbers
        return number, red

    def outside(self) -> str:
        """An invoice of elsewhere, settled."""
        town = self.town
        fields = {"code": "144031809110", "number": "00000042", "gross": "1060.00", "tax": "60.00"}
        item = item_of_fields({**fields, "issued_on": "2026-10-05"}, "outside.0.typed")
        claim = town.ledger.open_claim(
            town.claimant,
            [],
            employer=town.employer.party,
            reference="BX-7",
            outside=[item],
            idempotency_key=town.key(),
        )
        claim_id = must(claim).claim_id
        assert claim_id is not None
        town.settled(claim_id)
        return item.read.number

    def deducted(self) -> str:
        """A special invoice that its buyer selected."""
        town = self.town
        draft = town.draft(town.employer, kind="special")
        (number,) = must(town.ledger.issue(town.seller, draft, idempotency_key=town.key())).numbers
        wanted = [WantedSelection(number)]
        must(town.ledger.deductions.select(town.cashier, town.month, wanted, idempotency_key=town.key()))
        return number

    def flagged(self) -> str:
        """An invoice that an officer marked and unmarked, and marked again."""
        town, number = self.town, self.town.issued(self.town.seller, self.town.claimant)
        supervising = town.ledger.supervising
        must(town.flagged(number, reason="销方失联"))
        must(supervising.clear_flag(town.officer, number, reason="已找到", idempotency_key=town.key()))
        must(town.flagged(number, reason="再次失联"))
        return number

    def revoke(self, party: Caller) -> None:
        """An officer records that the party's certificate counts no more."""
        town = self.town
        with town.ledger.context.reading() as connection:
            record = parties.party(connection, party.party)
        assert record is not None
        time.sleep(1.1)  # what was signed in the second of a revocation counts as after it
        operation = Operation(
            code=Code.REVOKE_CERTIFICATE,
            subject=town.officer.party,
            number=party.party,
            version=town.ledger.party(town.officer, party.party).version,
            who=record.certificate_hash,
            terms=1,
        )
        hashed = request_hash("revoke", {"reference": new_reference("").ref.hex()})
        submitted = submit(town.ledger.context, town.officer, town.key(), hashed, lambda _: Draft((operation,)))
        must(written(town.ledger.context, town.officer, submitted))

    def at_epoch(self) -> None:
        """Goes on until the head is a block that lists the sealers."""
        while self.town.ledger.health().chain_block % EPOCH_LENGTH:
            self.town.issued(self.town.seller)

    def witness(self, count: int) -> None:
        """The head signed by `count` witnesses, all of which the ledger knows, two of which it needs."""
        town = self.town
        for key in WITNESSES:
            town.ledger.witnessing.admit(town.authority, key.verifier.to_text())
        town.ledger.witnessing.need(town.authority, 2)
        town.ledger.witnessing.take(note(checkpoint(town.ledger), *WITNESSES[:count]))


def first_contract(life: Life, vectors: Vectors) -> str:
    """The files as of blocks of the first contract; the number of the invoice that lives on."""
    town = life.town
    lived, (blue, red) = life.lived(buyer=town.employer), life.reds()
    outside, deducted, flagged = life.outside(), life.deducted(), life.flagged()
    trust = vectors.trust("trust.json", life.trust())
    plain = life.evidence(lived)
    vectors.add("plain.json", "issued, claimed twice, settled, booked", plain, trust, "valid", *changes_of(plain))
    redacted = parse(plain).redacted(PUBLIC).to_bytes()
    vectors.add("redacted.json", "the same, few fields shown", redacted, trust, "valid", *changes_of(redacted))
    nothing = parse(plain).redacted(()).to_bytes()
    vectors.add("hidden.json", "the same, no field shown", nothing, trust, "valid")
    for name, what, number in (
        ("blue.json", "settled, then reddened by agreement", blue),
        ("red.json", "the red of it", red),
        ("outside.json", "registered from elsewhere, settled", outside),
        ("deducted.json", "special, selected for deduction", deducted),
        ("flagged.json", "marked and unmarked by an officer", flagged),
    ):
        content = life.evidence(number)
        vectors.add(name, what, content, trust, "valid", *changes_of(content))
    life.at_epoch()
    epoch = life.evidence(lived)
    vectors.add("epoch.json", "proven by a header that lists the sealers", epoch, trust, "valid", *changes_of(epoch))
    for says, number, caller in (("not_issued", unissued(life), town.officer), ("not_settled", deducted, town.cashier)):
        stated = town.ledger.statements.statement(
            caller, number, says, witnessed=Witnessed.NONE, disclosing=caller is town.officer
        )
        changes: list[Change] = [
            (["says"], "not_settled" if says == "not_issued" else "not_issued"),
            (["number"], lived if says == "not_settled" else deducted),
            (["proof", "storage", 0], REMOVE),
        ]
        vectors.add(f"statement-{says}.json", f"statement: {says}", stated, trust, "valid", *changes)
    return lived


def unissued(life: Life) -> str:
    """A number of the seller's segment that was never used."""
    used = int(life.town.issued(life.town.seller))
    return f"{used + 5000:020d}"


def witnessed(life: Life, vectors: Vectors, number: str) -> None:
    """Files that witnesses signed, enough and too few."""
    life.witness(3)
    trust = vectors.trust("trust-witnesses.json", life.trust())
    content = life.evidence(number, witnessed=Witnessed.PREFERRED)
    value = json.loads(content)
    changes: list[Change] = [
        (["checkpoint"], value["checkpoint"].replace("block-time 1", "block-time 2")),
        (["witnesses", 0], value["witnesses"][1]),
        (["witnesses"], value["witnesses"][::-1]),
        (["witnesses", 0], value["witnesses"][0][:-8] + "AAAAAA=="),
        (["witnesses", 0], value["witnesses"][0].replace("witness.example", "stranger.example")),
    ]
    assert len(value["witnesses"]) == 2
    vectors.add("witnessed.json", "signed by as many witnesses as are needed", content, trust, "valid", *changes)
    text = value["checkpoint"]
    lines: list[Json] = [*sorted(witness.sign(text, 1_790_000_000).rstrip("\n") for witness in WITNESSES)]
    more = dumps(value | {"witnesses": lines})
    vectors.add("witnessed-more.json", "the same, signed by one more", more, trust, "valid")
    one = dumps(value | {"witnesses": value["witnesses"][:1]})
    vectors.add("witnessed-once.json", "the same, one of the lines", one, trust, "could_not_check")
    bare = dumps(value | {"witnesses": [], "checkpoint": None})
    vectors.add("unwitnessed.json", "the same, no line", bare, trust, "could_not_check")


def revoked(life: Life, vectors: Vectors) -> None:
    """Files of operations before and after their signer's certificate was revoked."""
    town = life.town
    before = town.issued(town.seller, town.claimant)
    town.claimed(town.claimant, town.employer, before)
    held = town.issued(town.seller, town.claimant)
    life.revoke(town.claimant)
    content = life.evidence(before)
    what = "claimed before the claimant's certificate was revoked"
    vectors.add("revoked-later.json", what, content, "trust.json", "valid", *changes_of(content))
    town.claimed(town.claimant, town.employer, held, reference="BX-8")
    content = life.evidence(held)
    vectors.add(
        "revoked-before.json", "claimed with a certificate that was revoked by then", content, "trust.json", "invalid"
    )


def second_contract(life: Life, vectors: Vectors, lived: str) -> None:
    """Files as of blocks of the second contract."""
    town = life.town
    going_on = town.issued(town.seller, buyer=town.employer)
    stale = life.evidence(lived)
    town.succeeded()
    must(town.ledger.book(town.cashier, going_on, deductible=True, idempotency_key=town.key()))
    vectors.trust("trust-before-succession.json", (vectors.directory / "trust.json").read_bytes())
    trust = vectors.trust("trust-succession.json", _without_witnesses(life.trust()))
    for name, what, number in (
        ("succession-carried.json", "nothing happened to it under the second contract", lived),
        ("succession-continued.json", "issued under the first contract, booked under the second", going_on),
        ("succession-new.json", "issued under the second contract", town.issued(town.seller)),
    ):
        content = life.evidence(number)
        value = json.loads(content)
        changes = changes_of(content)
        changes.append((["chain", "contracts"], value["chain"]["contracts"][::-1]))
        changes.append((["history", 0, "group", "contract"], 1 - value["history"][0]["group"]["contract"]))
        vectors.add(name, what, content, trust, "valid", *changes)
    content = (vectors.directory / "succession-carried.json").read_bytes()
    what = "the same, with a trust file from before the succession"
    vectors.add("succession-unknown.json", what, content, "trust-before-succession.json", "could_not_check")
    vectors.add("before-succession.json", "of a block before it, with the new trust file", stale, trust, "valid")
    value = json.loads(content)
    value["chain"]["contracts"] = value["chain"]["contracts"][:1]
    what = "the second contract left out: the words of a retired one shown as current"
    vectors.add("succession-hidden.json", what, dumps(value), trust, "invalid")


def lived(life: Life, vectors: Vectors) -> None:
    """The set `evidence-v1`."""
    number = first_contract(life, vectors)
    revoked(life, vectors)
    witnessed(life, vectors, number)
    second_contract(life, vectors, number)


def erased(life: Life, vectors: Vectors) -> None:
    """The set `evidence-v1-erased`: files without their documents, and some of before."""
    town = life.town
    number, (blue, red), outside = life.lived(buyer=town.employer), life.reds(), life.outside()
    trust = vectors.trust("trust.json", life.trust())
    before, stands = life.evidence(number), life.evidence(life.lived())
    document = json.loads(stands)["document"]

    def erase(target: str) -> None:
        town.ledger.erasing.invoice(town.authority, target, reason="data_subject_request", idempotency_key=town.key())

    for target in (number, blue, outside):
        erase(target)
    vectors.add("before.json", "of before its document was erased", before, trust, "valid", *changes_of(before))
    for name, what, target in (
        ("erased.json", "issued, claimed twice, settled, booked, then erased", number),
        ("blue.json", "settled, reddened by agreement, then erased", blue),
        ("red.json", "the red of it, erased with it", red),
        ("outside.json", "registered from elsewhere, settled, then erased", outside),
    ):
        content = life.evidence(target)
        vectors.add(name, what, content, trust, "erased", *changes_of_erased(content, document))
    redacted = parse((vectors.directory / "erased.json").read_bytes()).redacted(()).to_bytes()
    vectors.add("texts-kept-back.json", "erased, identity texts kept back", redacted, trust, "erased")
    value = json.loads(stands)
    value["document"] = json.loads((vectors.directory / "erased.json").read_bytes())["document"]
    vectors.add("stripped.json", "the erasure of another in a document's place", dumps(value), trust, "invalid")
    both = json.loads((vectors.directory / "erased.json").read_bytes())
    both["document"] |= document
    vectors.add("both.json", "a document beside an erasure", dumps(both), trust, "could_not_check")
    town.succeeded()
    must(town.ledger.withdraw_booking(town.cashier, number, reason="return", idempotency_key=town.key()))
    trust = vectors.trust("trust-succession.json", life.trust())
    content = life.evidence(number)
    what = "erased under the first contract, its booking withdrawn under the second"
    vectors.add("succession.json", what, content, trust, "erased", *changes_of_erased(content, document))


SETS: dict[str, Callable[[Life, Vectors], None]] = {"evidence-v1": lived, "evidence-v1-erased": erased}


def _without_witnesses(content: bytes) -> bytes:
    return dumps(json.loads(content) | {"witnesses": {"needed": 0, "keys": []}})


def make(name: str) -> None:
    """Makes one set, in a directory that must not be there yet."""
    building = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=HERE))
    with tempfile.TemporaryDirectory(prefix="einvoice-vectors-") as directory:
        life, vectors = Life(Path(directory)), Vectors(building)
        try:
            SETS[name](life, vectors)
        finally:
            life.town.close()
    rows = (json.dumps(entry, ensure_ascii=False, sort_keys=True) for entry in vectors.index)
    (building / "index.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
    building.chmod(0o755)
    building.rename(HERE / name)


def main() -> None:
    """Makes the sets that are not there."""
    missing = [name for name in SETS if not (HERE / name).exists()]
    if not missing:
        sys.exit(f"{', '.join(SETS)}: vectors are kept, never made again")
    for name in missing:
        make(name)


if __name__ == "__main__":
    main()
