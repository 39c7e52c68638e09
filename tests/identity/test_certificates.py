"""Certificates carry the identity text and the party's key, signed by the root."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from ledger.identity import (
    CertificateError,
    certificate_hash,
    create_root,
    issue_certificate,
    new_key,
    public_key_of,
    read_certificate,
)
from verifier.hashing import keccak256

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=3 * 365)
ROOT_KEY, PARTY_KEY = new_key(), new_key()
ROOT = create_root(ROOT_KEY, "深圳市税务局", NOW, identity_text="authority:shenzhen")
IDENTITY = "enterprise:91440300MA5DC0QF37"


def _issue(**changes: object) -> bytes:
    arguments: dict[str, object] = {
        "root_key": ROOT_KEY,
        "root_der": ROOT,
        "public_key": public_key_of(PARTY_KEY),
        "identity_text": IDENTITY,
        "common_name": "深圳某某科技有限公司",
        "not_before": NOW,
        "not_after": LATER,
    }
    return issue_certificate(**{**arguments, **changes})  # type: ignore[arg-type]


def test_certificate_says_who_and_which_key() -> None:
    facts = read_certificate(_issue())
    assert facts.identity_text == IDENTITY
    assert facts.common_name == "深圳某某科技有限公司"
    assert facts.public_key == public_key_of(PARTY_KEY)
    assert (facts.not_before, facts.not_after, facts.is_authority) == (NOW, LATER, False)


def test_root_signed_it_and_another_root_did_not() -> None:
    certificate = x509.load_der_x509_certificate(_issue())
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(ROOT))
    stranger = x509.load_der_x509_certificate(create_root(new_key(), "深圳市税务局", NOW))
    with pytest.raises(InvalidSignature):
        certificate.verify_directly_issued_by(stranger)


def test_root_is_an_authority_and_a_party_is_not() -> None:
    assert read_certificate(ROOT).is_authority
    party = x509.load_der_x509_certificate(_issue())
    usage = party.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign


def test_serials_and_hashes_differ() -> None:
    first, second = _issue(), _issue()
    assert x509.load_der_x509_certificate(first).serial_number != x509.load_der_x509_certificate(second).serial_number
    assert certificate_hash(first) == keccak256(first) != certificate_hash(second)


def test_long_company_name_is_cut_at_a_character() -> None:
    facts = read_certificate(_issue(common_name="深圳市前海某某某某供应链管理服务股份有限公司福田分公司"))
    assert facts.common_name == "深圳市前海某某某某供应链管理服务股份有限公"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root_key": new_key()}, "another key"),
        ({"public_key": bytes(65)}, "secp256k1"),
        ({"not_before": NOW.replace(tzinfo=None)}, "aware"),
        ({"not_after": NOW}, "ends after"),
        ({"common_name": ""}, "common name"),
        ({"common_name": "x" * 201}, "common name"),
        ({"identity_text": "企业:1"}, "ASCII"),
        ({"root_der": b"\x30\x00"}, "DER"),
    ],
)
def test_certificate_out_of_range_is_not_made(changes: dict[str, object], message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        _issue(**changes)


@pytest.mark.parametrize("der", [b"", b"\x30\x00", ROOT[:-1]])
def test_bytes_that_are_no_certificate_are_refused(der: bytes) -> None:
    with pytest.raises(CertificateError):
        read_certificate(der)
