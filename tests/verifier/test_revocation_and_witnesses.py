"""What was revoked when, and what witnesses signed: each accepting case with its refusing twin."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from ledger.witness.checkpoint import Checkpoint, origin_of
from ledger.witness.note import SignerKey, parse_note, parse_verifier_key
from tests.verifier.bundle_factory import (
    CHAIN_ID,
    CLERK,
    EMPLOYEE,
    GENESIS,
    IDENTITIES,
    MOVES,
    ROOT_KEY,
    SEALER_KEY,
    START_S,
    Scenario,
    Witness,
    certificate,
    default_certificate,
    point,
    private_key,
    sealed_header,
)
from tests.verifier.judging import TRUST, failure
from verifier.bundle import revocation_key
from verifier.errors import CheckError, ShapeError
from verifier.hashing import keccak256
from verifier.header import parse_header
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.signatures import address_of
from verifier.steps import examine
from verifier.trust import parse_trust
from verifier.witnesses import WitnessKey, parse_cosignature, parse_witness_key

TIMES = [START_S + sum(move.wait_s for move in MOVES[: at + 1]) for at in range(len(MOVES))]
EMPLOYEES_LAST = 3  # index of the employee's last operation


def judge(scenario: Scenario) -> Report:
    return examine(scenario.data, scenario.trust)


def revoked(der: bytes, time_s: int, **changes: object) -> Scenario:
    word = time_s | 1 << 40 | EMPLOYEE << 48
    return Scenario(words={revocation_key(der): word}, **changes)


# --- revocation --------------------------------------------------------------------------------------------


def test_operations_before_the_revocation_stay_valid_and_it_is_named() -> None:
    report = judge(revoked(default_certificate(EMPLOYEE), TIMES[EMPLOYEES_LAST] + 1))
    assert report.verdict is Result.VALID, report.to_text("en")
    (step,) = [step for step in report.steps if step.name == "revocations"]
    (said,) = [value for name, value in step.compared.items() if name.startswith("revoked_")]
    assert str(said).startswith(IDENTITIES[EMPLOYEE])
    assert str(said).endswith("reason 1")
    assert step.compared["revoked"] == 1


@pytest.mark.parametrize("time_s", [TIMES[EMPLOYEES_LAST], TIMES[EMPLOYEES_LAST] - 1, TIMES[0], 1])
def test_operation_at_or_after_the_revocation_is_invalid(time_s: int) -> None:
    report = judge(revoked(default_certificate(EMPLOYEE), time_s))
    assert failure(report, "revocations") is Reason.CERTIFICATE_REVOKED
    assert report.reasons == (Reason.CERTIFICATE_REVOKED,)


def test_certificate_that_the_contract_does_not_know_is_invalid() -> None:
    """The lie: a certificate of the authority for the party's key, which the party was never given on chain."""
    unknown = Scenario(words={revocation_key(default_certificate(EMPLOYEE)): 0})
    assert failure(judge(unknown), "revocations") is Reason.CERTIFICATE_UNREGISTERED


def test_certificate_issued_after_the_revoked_one_is_another() -> None:
    """A party whose certificate was revoked goes on with a new one."""
    old = default_certificate(EMPLOYEE)
    new = certificate("again", private_key(EMPLOYEE), "authority", ROOT_KEY, identity=IDENTITIES[EMPLOYEE])
    assert judge(revoked(old, 1, certificates={EMPLOYEE: new})).verdict is Result.VALID
    refused = revoked(new, 1, certificates={EMPLOYEE: new})
    assert failure(judge(refused), "revocations") is Reason.CERTIFICATE_REVOKED


def test_what_stands_below_a_revoked_intermediate_is_invalid() -> None:
    key = private_key(500)
    between = certificate("bureau", key, "authority", ROOT_KEY, is_authority=True, path_length=0)
    clerk = certificate("clerk", private_key(CLERK), "bureau", key, identity=IDENTITIES[CLERK])
    settings = {"moves": MOVES[:2], "certificates": {CLERK: clerk}, "authorities": (between,)}
    assert judge(revoked(between, TIMES[0] + 1, **settings)).verdict is Result.VALID
    assert failure(judge(revoked(between, TIMES[0], **settings)), "revocations") is Reason.CERTIFICATE_REVOKED


def test_revocation_cannot_be_left_out() -> None:
    """The lie: the word is there, and a file without the nodes that lead to it is handed on."""
    scenario = revoked(default_certificate(EMPLOYEE), TIMES[0])
    storage = scenario.bundle.proof.storage
    for at in range(len(storage)):
        proof = replace(scenario.bundle.proof, storage=(*storage[:at], *storage[at + 1 :]))
        report = examine(replace(scenario.bundle, proof=proof).to_bytes(), scenario.trust)
        assert Reason.PROOF_INCOMPLETE in report.reasons


# --- witnesses ---------------------------------------------------------------------------------------------

ONE, TWO, THREE = Witness("witness.example/1"), Witness("witness.example/2", START_S), Witness("审计.example")
SIGNED = Scenario(moves=MOVES[:2], others=4, witnesses=(ONE, TWO, THREE), needed=2)


def signed_with(scenario: Scenario = SIGNED, **changes: object) -> Report:
    return examine(replace(scenario.bundle, **changes).to_bytes(), scenario.trust)


def test_enough_witnesses_are_valid_and_named() -> None:
    report = judge(SIGNED)
    assert report.verdict is Result.VALID, report.to_text("en")
    (step,) = [step for step in report.steps if step.name == "witnesses"]
    assert (step.compared["signed"], step.compared["needed"]) == (3, 2)
    assert step.compared["witness 审计.example"] == "2026-11-02T02:06:40Z"
    for count in (2, 3):
        fewer = signed_with(witnesses=SIGNED.bundle.witnesses[:count])
        assert fewer.verdict is Result.VALID


def test_too_few_witnesses_could_not_be_checked() -> None:
    for report in (
        signed_with(witnesses=SIGNED.bundle.witnesses[:1]),
        signed_with(witnesses=(), checkpoint=None),
    ):
        assert report.verdict is Result.UNCHECKED
        assert report.reasons == (Reason.WITNESSES_MISSING,)


def test_no_witness_is_needed_when_the_trust_file_asks_for_none() -> None:
    lax = replace(SIGNED.trust, witnesses_needed=0)
    assert examine(replace(SIGNED.bundle, witnesses=(), checkpoint=None).to_bytes(), lax).verdict is Result.VALID
    assert examine(SIGNED.data, lax).verdict is Result.VALID


def test_line_of_a_key_that_is_not_trusted_could_not_be_checked() -> None:
    """Its witness may have been admitted after the trust file, or withdrawn before it."""
    fewer = replace(SIGNED.trust, witnesses=SIGNED.trust.witnesses[:2], witnesses_needed=1)
    for trust in (fewer, TRUST):
        report = examine(SIGNED.data, trust)
        assert report.verdict is Result.UNCHECKED
        assert report.reasons == (Reason.WITNESS_UNKNOWN,)


def test_unknown_line_does_not_hide_a_forged_one() -> None:
    fewer = replace(SIGNED.trust, witnesses=SIGNED.trust.witnesses[:1], witnesses_needed=1)
    known = next(line for line in SIGNED.bundle.witnesses if fewer.witnesses[0].name in line)
    forged = known[:-6] + ("AAAA==" if not known.endswith("AAAA==") else "BBBB==")
    lines = tuple(sorted(forged if line == known else line for line in SIGNED.bundle.witnesses))
    report = examine(replace(SIGNED.bundle, witnesses=lines).to_bytes(), fewer)
    assert failure(report, "witnesses") is Reason.WITNESS_SIGNATURE_INVALID


def test_witness_counts_once() -> None:
    text = SIGNED.bundle.checkpoint
    again = replace(ONE, time_s=ONE.time_s + 60).line(text)
    lines = tuple(sorted((ONE.line(text), again)))
    assert failure(signed_with(witnesses=lines), "witnesses") is Reason.WITNESS_SURPLUS


def test_lines_out_of_order_or_twice_are_invalid() -> None:
    lines = SIGNED.bundle.witnesses
    for changed in (lines[::-1], (lines[0], *lines)):
        assert failure(signed_with(witnesses=changed), "witnesses") is Reason.WITNESS_SURPLUS


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        ONE.line("another checkpoint\n"),
        replace(ONE, time_s=5).line(SIGNED.bundle.checkpoint)[:-4] + "AAA=",
        ONE.line(SIGNED.bundle.checkpoint) + "\n",
        ONE.line(SIGNED.bundle.checkpoint) + "=",
        ONE.line(SIGNED.bundle.checkpoint).replace("\u2014", "-"),
        f"\u2014 {ONE.name} " + base64.b64encode(ONE.key.key_id + b"\xff" * 72).decode(),
        f"\u2014 {ONE.name} " + base64.b64encode(ONE.key.key_id + bytes(64)).decode(),
    ],
)
def test_line_that_is_no_signature_of_the_checkpoint_is_invalid(line: str) -> None:
    assert failure(signed_with(witnesses=(line,)), "witnesses") is Reason.WITNESS_SIGNATURE_INVALID


def test_checkpoint_must_be_that_of_the_header() -> None:
    """The lie: witnesses signed another history's block of the same height."""
    text = SIGNED.bundle.checkpoint
    assert text is not None
    lines = text.split("\n")
    for at, line in ((0, "einvoice.example/1/00"), (1, "79"), (2, base64.b64encode(bytes(32)).decode())):
        changed = "\n".join([*lines[:at], line, *lines[at + 1 :]])
        signed = tuple(sorted(witness.line(changed) for witness in SIGNED.witnesses))
        report = signed_with(checkpoint=changed, witnesses=signed)
        assert failure(report, "witnesses") is Reason.CHECKPOINT_DIFFERS
    for changed in (text[:-1], text + "\n", text + "more 1\n", ""):
        assert failure(signed_with(checkpoint=changed), "witnesses") is Reason.CHECKPOINT_DIFFERS


def test_checkpoint_and_lines_are_the_note_that_the_witness_writes() -> None:
    """The two implementations of the note agree: this package's and the witness's."""
    header = parse_header(SIGNED.bundle.proof.header)
    checkpoint = Checkpoint(
        origin_of(CHAIN_ID, GENESIS), header.number + 1, header.hash, header.state_root, header.time_s
    )
    assert SIGNED.bundle.checkpoint == checkpoint.to_text()
    whole = SIGNED.bundle.checkpoint + "\n" + "".join(f"{line}\n" for line in SIGNED.bundle.witnesses)
    note = parse_note(whole.encode())
    for witness in SIGNED.witnesses:
        key = parse_verifier_key(witness.key.to_text())
        assert note.signed_by(key) is not None
    signer = SignerKey(ONE.name, 4, keccak256(ONE.name.encode()))
    assert signer.sign(checkpoint.to_text(), ONE.time_s) == ONE.line(checkpoint.to_text()) + "\n"
    assert signer.verifier.to_text() == ONE.key.to_text()


def test_witness_keys_read_back_from_the_trust_file() -> None:
    assert parse_trust(SIGNED.trust.to_bytes()) == SIGNED.trust
    assert parse_witness_key(ONE.key.to_text()) == ONE.key


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+00000000",
        ONE.key.to_text()[:-1],
        ONE.key.to_text().replace("+", " "),
        ONE.key.to_text().replace("witness", "another"),
        "a b" + ONE.key.to_text(),
        "\ud800" + ONE.key.to_text(),
        "x" * 300 + "+00000000+" + base64.b64encode(b"\4" + bytes(32)).decode(),
        f"{ONE.name}+{ONE.key.key_id.hex()}+{base64.b64encode(b'1' + ONE.key.public_key).decode()}",
        f"{ONE.name}+{ONE.key.key_id.hex().upper()}+{base64.b64encode(b'4' + ONE.key.public_key).decode()}",
    ],
)
def test_what_is_no_witness_key_is_refused(line: str) -> None:
    with pytest.raises(ShapeError):
        parse_witness_key(line)


def test_key_that_is_no_point_signs_nothing() -> None:
    line = ONE.line("text")
    one = parse_cosignature(line)
    assert not WitnessKey(ONE.name, b"\xff" * 32).is_cosigned("text", one.time_s, one.signature)
    assert ONE.key.is_cosigned("text", one.time_s, one.signature)


# --- headers that list sealers -----------------------------------------------------------------------------

SEALER = address_of(point(SEALER_KEY))
OTHERS = sorted([bytes([1]) * 20, bytes([255]) * 20])


def test_header_that_lists_its_sealer_is_valid() -> None:
    header = sealed_header(bytes(32), START_S, SEALER_KEY, f12=bytes(32) + b"".join(sorted([SEALER, *OTHERS])))
    found = parse_header(header)
    assert found.sealers == tuple(sorted([SEALER, *OTHERS]))
    assert found.sealed_by(TRUST.sealers) == point(SEALER_KEY)


def test_header_whose_sealer_was_voted_out_is_invalid() -> None:
    header = sealed_header(bytes(32), START_S, SEALER_KEY, f12=bytes(32) + b"".join(OTHERS))
    with pytest.raises(CheckError) as caught:
        parse_header(header).sealed_by(TRUST.sealers)
    assert caught.value.reason is Reason.SEAL_INVALID


@pytest.mark.parametrize("listed", [SEALER[:-1], b"".join(OTHERS[::-1]), SEALER * 2])
def test_list_of_sealers_out_of_form_is_invalid(listed: bytes) -> None:
    with pytest.raises(CheckError) as caught:
        parse_header(sealed_header(bytes(32), START_S, SEALER_KEY, f12=bytes(32) + listed))
    assert caught.value.reason is Reason.HEADER_MALFORMED
