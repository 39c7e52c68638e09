"""Certificates of every other kind: refused with a reason, by verifier and enrolment alike, within two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from ledger.identity import CertificateError
from ledger.identity.certificates import read_certificate as read_facts
from tests.formats.ofd_making import Signer
from tests.verifier.bundle_factory import CLERK, IDENTITIES, MOVES, ROOT_KEY, START, Scenario, certificate, private_key
from tests.verifier.bundle_factory import party_certificate as made
from tests.verifier.judging import TRUST, failure
from verifier.certificates import CERTIFICATE_SIZE_MAX, chain_of, read_certificate
from verifier.errors import CheckError
from verifier.parsing import CERTIFICATES_MAX
from verifier.reasons import Reason
from verifier.report import Result
from verifier.steps import examine

CLEAN_S = 2.0
SCENARIO = Scenario(moves=MOVES[:1], others=4)


@contextmanager
def quickly() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < CLEAN_S


def of_key(key: object, signer: object, algorithm: hashes.HashAlgorithm | None, name: str = "x") -> bytes:
    """A certificate for another kind of key, or signed by one."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    uri = x509.UniformResourceIdentifier(f"urn:einvoice:{IDENTITIES[CLERK]}")
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .sign(signer, algorithm)  # type: ignore[arg-type]
    )
    return built.public_bytes(serialization.Encoding.DER)


def longer_length(der: bytes) -> bytes:
    """The same certificate with its outer length in one byte more than it needs: BER, not DER."""
    assert der[:2] == b"\x30\x82"
    return b"\x30\x83\x00" + der[2:]


def indefinite(der: bytes) -> bytes:
    return b"\x30\x80" + der[4:] + b"\0\0"


def deep(levels: int) -> bytes:
    """Sequences in sequences, as far as a certificate's size allows."""
    found = b"\x05\x00"
    for _ in range(levels):
        size = len(found)
        found = (b"\x30" + bytes([size]) if size < 128 else b"\x30\x82" + size.to_bytes(2, "big")) + found
    return found


P256, RSA, ED = (
    ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(65_537, 2_048),
    ed25519.Ed25519PrivateKey.generate(),
)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "SM2": lambda: Signer().certificate,
    "P-256 key": lambda: of_key(P256, ROOT_KEY, hashes.SHA256()),
    "RSA key": lambda: of_key(RSA, ROOT_KEY, hashes.SHA256()),
    "Ed25519 key": lambda: of_key(ED, ROOT_KEY, hashes.SHA256()),
    "RSA signature": lambda: of_key(private_key(CLERK), RSA, hashes.SHA256()),
    "Ed25519 signature": lambda: of_key(private_key(CLERK), ED, None),
    "SHA-1 would be weak: SHA-512 is other": lambda: made(CLERK, algorithm=hashes.SHA512()),
    "PEM": lambda: b"-----BEGIN CERTIFICATE-----\n" + b"A" * 400,
    "length of one byte more": lambda: longer_length(made(CLERK)),
    "indefinite length": lambda: indefinite(made(CLERK)),
    "bytes behind": lambda: made(CLERK) + b"\0",
    "cut": lambda: made(CLERK)[:-1],
    "nested": lambda: deep(900),
    "a length of 4 GB": lambda: b"\x30\x84\xff\xff\xff\xff" + bytes(100),
    "too large": lambda: bytes(CERTIFICATE_SIZE_MAX + 1),
    "empty": lambda: b"",
    "a request, no certificate": lambda: (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(private_key(CLERK), hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_other_certificates_are_refused_cleanly(kind: str) -> None:
    der = HOSTILE[kind]()
    with quickly(), pytest.raises(CheckError) as caught:
        read_certificate(der)
    assert caught.value.reason in (Reason.CERTIFICATE_MALFORMED, Reason.CERTIFICATE_UNSUPPORTED)
    if der and len(der) <= CERTIFICATE_SIZE_MAX:
        with quickly():
            report = examine(replace(SCENARIO.bundle, certificates=(der,)).to_bytes(), TRUST)
        assert report.verdict is Result.INVALID
        assert failure(report, "certificates") is caught.value.reason


@pytest.mark.parametrize("kind", ["SM2", "P-256 key", "RSA key", "Ed25519 key", "PEM", "cut", "nested", "empty"])
def test_where_certificates_are_stored_they_are_refused_too(kind: str) -> None:
    der = HOSTILE[kind]()
    with quickly(), pytest.raises(CertificateError):
        read_facts(der)


def test_a_certificate_of_the_right_kind_is_read() -> None:
    assert read_certificate(made(CLERK)).identity == IDENTITIES[CLERK]
    assert read_facts(made(CLERK)).identity_text == IDENTITIES[CLERK]


def test_a_chain_longer_than_allowed_is_untrusted_and_quick() -> None:
    """Every certificate is signed by the next: the verifier looks one intermediate far, whatever comes."""
    keys = [ec.generate_private_key(ec.SECP256K1()) for _ in range(40)]
    names = [f"ca {at}" for at in range(len(keys))]
    chain = [
        certificate(names[at], keys[at], names[at + 1], keys[at + 1], is_authority=True) for at in range(len(keys) - 1)
    ]
    leaf = certificate("x", private_key(CLERK), names[0], keys[0], identity=IDENTITIES[CLERK])
    read = [read_certificate(der) for der in chain]
    with quickly(), pytest.raises(CheckError) as caught:
        chain_of(read_certificate(leaf), tuple(read), read_certificate(TRUST.authority_root))
    assert caught.value.reason is Reason.CERTIFICATE_UNTRUSTED


def test_as_many_certificates_as_a_file_may_hold_are_judged_in_time() -> None:
    key = ec.generate_private_key(ec.SECP256K1())
    many = [certificate(f"ca {at}", key, "ca", key, is_authority=True) for at in range(CERTIFICATES_MAX - 1)]
    leaf = certificate("x", private_key(CLERK), "ca", key, identity=IDENTITIES[CLERK])
    bundle = replace(SCENARIO.bundle, certificates=tuple(sorted([leaf, *many])))
    data = bundle.to_bytes()
    with quickly():
        assert examine(data, TRUST).verdict is Result.INVALID
