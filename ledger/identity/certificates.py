"""X.509 certificates that tie a party's identity text to its public key.

The authority's root signs one certificate a party key; the URI `urn:einvoice:<identity text>` in the subject
alternative name carries the identity whose hash is on chain (docs/OPERATIONS.md). Keys are secp256k1, the
curve the parties sign with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from ledger.identity.errors import CertificateError
from ledger.identity.signing import public_key_of
from verifier.hashing import keccak256
from verifier.operations import SECP256K1_ORDER

IDENTITY_URN = "urn:einvoice:"
ROOT_LIFETIME = timedelta(days=30 * 365)  # vouchers are archived for 30 years
COMMON_NAME_SIZE_MAX = 64  # bytes of UTF-8 a common name holds; longer names are cut, the identity URI is what counts
NAME_LENGTH_MAX = 200  # characters of a display name, longer than any registered company's
_SEQUENCE, _BIT_STRING = 0x30, 0x03  # DER tags
_CURVE = ec.SECP256K1


@dataclass(frozen=True)
class CertificateFacts:
    """What a certificate says; times are aware UTC, `public_key` has 65 bytes."""

    identity_text: str
    common_name: str
    public_key: bytes
    not_before: datetime
    not_after: datetime
    is_authority: bool


def certificate_hash(der: bytes) -> bytes:
    """Keccak-256 of the DER bytes, 32 bytes: the certificate hash on chain."""
    return keccak256(der)


def create_root(key: bytes, name: str, now: datetime, *, identity_text: str | None = None) -> bytes:
    """DER of a self-signed root of the authority `name`, valid for 30 years from `now` (aware UTC).

    Raises: CertificateError when the name is empty or too long, SigningError when `key` is no private key.
    """
    private = _private(key)
    subject = _name(name)
    builder = (
        _builder(subject, subject, private.public_key(), now, now + ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
    )
    if identity_text is not None:
        builder = builder.add_extension(_alternative_name(identity_text), critical=False)
    return _signed(builder, private)


class CertificateIssuer:
    """A root with its key, opened once for as many certificates as are wanted: opening costs as much as signing."""

    def __init__(self, root_key: bytes, root_der: bytes) -> None:
        """Raises: CertificateError when the root is not of `root_key`."""
        root = _load(root_der)
        if _point(root.public_key()) != public_key_of(root_key):
            raise CertificateError("the root certificate is of another key")
        self._issuer = root.subject
        self._key = _private(root_key)

    def issue(
        self, public_key: bytes, identity_text: str, common_name: str, not_before: datetime, not_after: datetime
    ) -> bytes:
        """DER of a certificate for `public_key` (33 or 65 bytes) of the party `identity_text`, signed by the root.

        Raises: CertificateError when a time is naive or reversed, or a text is out of range.
        """
        try:
            subject_key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE(), public_key)
        except ValueError as err:
            raise CertificateError("not a secp256k1 public key (33 or 65 bytes)") from err
        builder = (
            _builder(_name(common_name), self._issuer, subject_key, not_before, not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(_alternative_name(identity_text), critical=False)
        )
        return _signed(builder, self._key)


def issue_certificate(
    root_key: bytes,
    root_der: bytes,
    public_key: bytes,
    identity_text: str,
    common_name: str,
    not_before: datetime,
    not_after: datetime,
) -> bytes:
    """One certificate of a root that is opened for it; see CertificateIssuer. Raises: CertificateError."""
    issuer = CertificateIssuer(root_key, root_der)
    return issuer.issue(public_key, identity_text, common_name, not_before, not_after)


def read_certificate(der: bytes) -> CertificateFacts:
    """What the certificate says; its signature is not checked here (verifier/ does).

    Raises: CertificateError when the bytes are no such certificate.
    """
    certificate = _load(der)
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        uris = _uris(certificate)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (x509.ExtensionNotFound, ValueError) as err:
        raise CertificateError("a certificate without basic constraints or with broken extensions") from err
    identities = [uri.removeprefix(IDENTITY_URN) for uri in uris if uri.startswith(IDENTITY_URN)]
    if len(identities) > 1 or (not identities and not constraints.ca):
        raise CertificateError(f"a party's certificate has exactly one URI {IDENTITY_URN}<identity>")
    return CertificateFacts(
        identity_text=identities[0] if identities else "",
        common_name=str(names[0].value) if names else "",
        public_key=_point(certificate.public_key()),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_authority=constraints.ca,
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    """DER of the certificate with a low s, the one form of a signature the verifier takes.

    Of (r, s) and (r, n - s), which both sign the same bytes, half of all signatures come as the one with the high s.
    """
    certificate = builder.sign(key, hashes.SHA256())
    der = certificate.public_bytes(serialization.Encoding.DER)
    r, s = utils.decode_dss_signature(certificate.signature)
    if s <= SECP256K1_ORDER // 2:
        return der
    old = certificate.signature
    signed = _der(_BIT_STRING, b"\0" + utils.encode_dss_signature(r, SECP256K1_ORDER - s))
    tail = _der(_BIT_STRING, b"\0" + old)
    body = der[_header_size(der) :]
    assert body.endswith(tail)  # a certificate ends with its signature (RFC 5280, 4.1)
    return _der(_SEQUENCE, body[: -len(tail)] + signed)


def _der(tag: int, content: bytes) -> bytes:
    """A DER element: tag, length in its shortest form, content."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _header_size(der: bytes) -> int:
    """Bytes of tag and length that a DER element begins with."""
    return 2 if der[1] < 128 else 2 + (der[1] & 0x7F)


def _load(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as err:
        raise CertificateError("not a DER certificate") from err


def _private(key: bytes) -> ec.EllipticCurvePrivateKey:
    public_key_of(key)  # refuses what is no private key with this package's error
    return ec.derive_private_key(int.from_bytes(key, "big"), _CURVE())


def _point(public_key: object) -> bytes:
    if not isinstance(public_key, ec.EllipticCurvePublicKey) or not isinstance(public_key.curve, _CURVE):
        raise CertificateError("the certificate's key is not on secp256k1")
    return public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _name(common_name: str) -> x509.Name:
    if not 1 <= len(common_name) <= NAME_LENGTH_MAX:
        raise CertificateError(f"a common name has 1..{NAME_LENGTH_MAX} characters")
    shortened = common_name.encode()[:COMMON_NAME_SIZE_MAX].decode(errors="ignore")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, shortened)])


def _alternative_name(identity_text: str) -> x509.SubjectAlternativeName:
    if not identity_text.isascii() or ":" not in identity_text:
        raise CertificateError("an identity text is ASCII of the form <kind>:<id>")
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(IDENTITY_URN + identity_text)])


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(uri) for uri in extension.value.get_values_for_type(x509.UniformResourceIdentifier)]


def _usage(*, authority: bool) -> x509.KeyUsage:
    """digitalSignature for everyone; a root signs certificates and revocation lists as well."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    if not_before.tzinfo is None or not_after.tzinfo is None:
        raise CertificateError("a certificate's times are aware UTC")
    if not_after <= not_before:
        raise CertificateError("a certificate ends after it begins")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
