"""Evidence from the real contract on the embedded chain: the two implementations of every rule agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ledger.domain.blocks import InvoiceWritten, SequencedGroup
from tests.chain.world import OFFICER, SEALER_KEY, SELLER, Actor, Ledger
from tests.verifier.bundle_factory import CURVE, DOCUMENT, ROOT_KEY, SEED, certificate, point
from verifier.bundle import Bundle, SignedEvent, build, parties_of, proof_keys
from verifier.commitment import commit, disclose
from verifier.hashing import keccak256
from verifier.operations import Code, Operation
from verifier.report import Result
from verifier.steps import examine
from verifier.trust import Trust, TrustedContract
from verifier.words import NUMBER_SPACE_FIRST

EMPLOYER, PERSON, FINANCE = 5, 6, 7
NUMBER = NUMBER_SPACE_FIRST
CLAIM_ID = 77
DAY = timedelta(days=1)
NOW = datetime.now(UTC)
ROOT = certificate("authority", ROOT_KEY, "authority", ROOT_KEY, is_authority=True, start=NOW - DAY, end=NOW + DAY)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ledger = Ledger(Path(tmp_path_factory.mktemp("chain")))
    ledger.seller_certificate = keccak256(certificate_of(ledger.seller, "seller"))
    ledger.ready_to_issue()
    yield ledger
    ledger.close()


def person_actor(role: str) -> Actor:
    actor = Actor(role)
    actor.identity = keccak256(f"person:{role}".encode())
    return actor


@cache
def certificate_of(actor: Actor, name: str) -> bytes:
    """What the authority certifies of the actor's key, once."""
    key = ec.derive_private_key(int.from_bytes(actor.key.secret, "big"), CURVE)
    kind = "person" if name in {"person", "finance"} else "enterprise"
    return certificate(name, key, "authority", ROOT_KEY, identity=f"{kind}:{name}", start=NOW - DAY, end=NOW + DAY)


def enrol(world: Ledger, actor: Actor, kind: int, name: str) -> None:
    world.do(
        world.officer,
        OFFICER,
        Operation(
            code=Code.ENROL,
            subject=OFFICER,
            number=int.from_bytes(actor.identity, "big") >> 176,
            month=world.month if kind == 3 else 0,
            option=kind,
            terms=int.from_bytes(actor.address, "big"),
            who=actor.identity,
            ref=keccak256(certificate_of(actor, name)),
        ),
    )


def grant(world: Ledger, employer: Actor, person: int, bits: int, version: int) -> None:
    operation = Operation(Code.GRANT, EMPLOYER, person, version=version, party=person, option=bits)
    world.do(employer, EMPLOYER, operation)


def events_of(groups: list[tuple[int, SequencedGroup]], certificates: dict[int, bytes]) -> list[SignedEvent]:
    found = []
    for time_s, group in groups:
        signed = group.signed
        operations = list(signed.group.operations)
        at = next(index for index, operation in enumerate(operations) if operation.number == NUMBER)
        hashes = [operation.hash() for operation in operations]
        written = next(one for one in group.events if isinstance(one, InvoiceWritten) and one.number == NUMBER)
        actor = signed.group.actor
        found.append(
            SignedEvent(
                time_s=time_s,
                operation=operations[at],
                state=written.state,
                actor=actor,
                valid_until=signed.group.valid_until,
                before=tuple(hashes[:at]),
                after=tuple(hashes[at + 1 :]),
                r=signed.r,
                s=signed.s,
                certificate=certificates[actor],
            )
        )
    return found


@pytest.fixture(scope="module")
def evidence(world: Ledger) -> tuple[Bundle, Trust]:
    employer, person, finance = Actor("employer"), person_actor("person"), person_actor("finance")
    roles = {SELLER: (world.seller, "seller"), EMPLOYER: (employer, "employer"), PERSON: (person, "person")}
    roles[FINANCE] = (finance, "finance")
    enrol(world, employer, 3, "employer")
    enrol(world, person, 4, "person")
    enrol(world, finance, 4, "finance")
    grant(world, employer, PERSON, 4, 1)
    grant(world, employer, FINANCE, 2, 2)
    year, month = divmod(world.month, 12)
    document = DOCUMENT | {
        "number": f"{NUMBER:020d}",
        "issued_on": f"{2000 + year}-{month + 1:02d}-01",
        "seller": {"name": "甲", "tax_id": "seller"},
        "buyer": {"name": "乙", "tax_id": "employer"},
    }
    issue = Operation(
        code=Code.ISSUE,
        subject=SELLER,
        number=NUMBER,
        party=PERSON,
        month=world.month,
        option=2 << 2,
        terms=11300 | 1300 << 48,
        who=employer.identity,
        ref=commit(document, SEED),
    )
    moves = [
        (world.seller, SELLER, (issue, *(world.issue(index) for index in range(1, 13)))),
        (person, PERSON, (Operation(Code.LOCK, PERSON, NUMBER, version=1, party=EMPLOYER, terms=CLAIM_ID),)),
        (person, PERSON, (Operation(Code.UNLOCK, PERSON, NUMBER, version=2, terms=CLAIM_ID),)),
        (person, PERSON, (Operation(Code.LOCK, PERSON, NUMBER, version=3, party=EMPLOYER, terms=CLAIM_ID),)),
        (finance, FINANCE, (Operation(Code.SETTLE, EMPLOYER, NUMBER, version=4, terms=CLAIM_ID),)),
        (finance, FINANCE, (Operation(Code.BOOK, EMPLOYER, NUMBER, version=5, option=1),)),
        (employer, EMPLOYER, (Operation(Code.WITHDRAW_BOOKING, EMPLOYER, NUMBER, version=6),)),
    ]
    groups = []
    for actor, party, operations in moves:
        head, done = world.commit(world.signed(actor, party, *operations))
        assert done[0].outcome == "applied", (operations[0], done[0].reason)
        groups.append((head.time_s, done[0]))
    certificates = {party: certificate_of(actor, name) for party, (actor, name) in roles.items()}
    events = events_of(groups, certificates)
    parties = parties_of((event.actor, event.operation, event.state) for event in events)
    assert parties == (SELLER, EMPLOYER, PERSON, FINANCE)
    proof = world.reader.proof(proof_keys(NUMBER, parties, certificates.values()))
    identity = world.identity
    bundle = build(
        chain_id=identity.chain_id,
        contracts=proof.contracts,
        genesis=identity.genesis_hash,
        number=NUMBER,
        document=disclose(document, SEED),
        events=events,
        parties={party: (roles[party][0].identity, None) for party in parties},
        header=proof.header_rlp,
        account_nodes=proof.account_nodes,
        storage_nodes=proof.storage_nodes,
    )
    sealer = point(ec.derive_private_key(int.from_bytes(SEALER_KEY, "big"), CURVE))
    contracts = tuple(map(TrustedContract, identity.contracts, identity.code_hashes))
    trust = Trust(identity.chain_id, identity.genesis_hash, contracts, (sealer,), ROOT)
    return bundle, trust


def test_history_that_the_contract_wrote_is_valid(evidence: tuple[Bundle, Trust]) -> None:
    bundle, trust = evidence
    report = examine(bundle.to_bytes(), trust)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert examine(bundle.redacted(["number"]).to_bytes(), trust).verdict is Result.VALID


def test_history_that_the_contract_did_not_write_is_invalid(evidence: tuple[Bundle, Trust]) -> None:
    bundle, trust = evidence
    short = replace(bundle, history=bundle.history[:-1])
    assert examine(short.to_bytes(), trust).verdict is Result.INVALID
    late = replace(bundle.history[-1], time_s=bundle.history[-1].time_s + 1)
    changed = replace(bundle, history=(*bundle.history[:-1], late))
    assert examine(changed.to_bytes(), trust).verdict is Result.INVALID
