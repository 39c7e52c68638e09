"""What docs/THREATS.md calls not caught really is not: when one of these fails, the page has a line too many."""

from __future__ import annotations

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import utils

from tests.verifier.bundle_factory import EMPLOYER, IDENTITIES, MOVES, Scenario
from tests.verifier.judging import TRUST, WHOLE
from verifier.certificates import ECDSA_SHA256_DER, read_certificate
from verifier.hashing import keccak256
from verifier.header import parse_header
from verifier.operations import SECP256K1_ORDER
from verifier.report import Result
from verifier.steps import examine


def other_form(der: bytes) -> bytes:
    """The certificate with its issuer's signature (r, s) as (r, n - s): another text of the same statement."""
    read = read_certificate(der)
    r, s = utils.decode_dss_signature(read.signature)
    signature = utils.encode_dss_signature(r, SECP256K1_ORDER - s)
    return tagged(0x30, read.signed_part + ECDSA_SHA256_DER + tagged(0x03, b"\0" + signature))


def tagged(tag: int, body: bytes) -> bytes:
    """DER of a tag and what it holds, up to 65,535 bytes."""
    size = len(body)
    if size < 0x80:
        length = bytes([size])
    elif size < 0x100:
        length = bytes([0x81, size])
    else:
        length = b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


def test_a_certificates_other_form_is_refused() -> None:
    bundle = WHOLE.bundle
    changed = [other_form(der) for der in bundle.certificates]
    assert all(one != two for one, two in zip(changed, bundle.certificates, strict=True))
    order = sorted(range(len(changed)), key=lambda at: changed[at])
    history = tuple(replace(event, certificate=order.index(event.certificate)) for event in bundle.history)
    other = replace(bundle, certificates=tuple(changed[at] for at in order), history=history)
    assert other.to_bytes() != bundle.to_bytes()
    report = examine(other.to_bytes(), TRUST)
    assert report.verdict is Result.INVALID, report.to_text("en")


def test_two_histories_of_one_block_number_both_verify() -> None:
    one, two = Scenario(), Scenario(moves=MOVES[:-1])
    headers = [parse_header(scenario.bundle.proof.header) for scenario in (one, two)]
    assert headers[0].number == headers[1].number
    assert headers[0].state_root != headers[1].state_root
    assert all(examine(scenario.data, TRUST).verdict is Result.VALID for scenario in (one, two))


def test_an_older_file_is_valid_and_says_as_of_which_block() -> None:
    older = examine(Scenario(moves=MOVES[:1]).data, TRUST)
    assert older.verdict is Result.VALID
    assert f"as of block {older.block} (" in older.to_text("en")
    assert f"截至区块 {older.block}（" in older.to_text("zh")


def test_a_suspected_tax_id_can_be_tested_on_a_redacted_file() -> None:
    redacted = WHOLE.bundle.redacted(["number"]).to_bytes()
    assert IDENTITIES[EMPLOYER].partition(":")[2].encode() not in redacted
    assert keccak256(IDENTITIES[EMPLOYER].encode()).hex().encode() in redacted
    assert keccak256(b"enterprise:91440300MA5EXAMP9Z").hex().encode() not in redacted
