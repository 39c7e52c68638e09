"""X.509 certificates: who a signer is, as the authority says it.

A party's certificate carries its identity text as the URI `urn:einvoice:<identity>` and chains, directly or
over one intermediate, to the authority root of the trust file. Keys are on secp256k1, signatures are ECDSA
with SHA-256. Each certificate is read once; everything in it is hostile until its chain is verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

from verifier.errors import CheckError
from verifier.operations import SECP256K1_ORDER
from verifier.reasons import Reason
from verifier.signatures import address_of, point_of

IDENTITY_URN = "urn:einvoice:"
AUTHORITY, OFFICER, ENTERPRISE, PERSON = "authority", "officer", "enterprise", "person"  # kinds of identities
CERTIFICATE_SIZE_MAX = 4096  # bytes of DER; a party's certificate has about 500
CHAIN_DEPTH_MAX = 3  # party, intermediate, root
CERTIFICATES_KEPT_MAX = 512  # read ones a process remembers, 5 MB at most: the files of one batch share their signers
ECDSA_SHA256_DER = bytes.fromhex("300a06082a8648ce3d040302")  # AlgorithmIdentifier ecdsa-with-SHA256
KNOWN_CRITICAL = frozenset(
    {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.SUBJECT_ALTERNATIVE_NAME}
)
_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, read but not yet trusted. Times are seconds since 1970, UTC, both inclusive."""

    der: bytes
    identity: str  # identity text of the one urn:einvoice URI; "" when it has none
    key: ec.EllipticCurvePublicKey
    address: bytes
    not_before_s: int
    not_after_s: int
    is_authority: bool
    path_length: int | None
    may_sign: bool
    may_certify: bool
    subject: bytes
    issuer: bytes
    signed_part: bytes
    signature: bytes

    def is_issued_by(self, issuer: Certificate) -> bool:
        """Whether `issuer` is named as issuer and its key signed this certificate."""
        if self.issuer != issuer.subject:
            return False
        return is_signed_by(issuer.der, self.signature, self.signed_part)

    def is_valid_at(self, time_s: int) -> bool:
        """Whether `time_s` lies in the validity window."""
        return self.not_before_s <= time_s <= self.not_after_s


@lru_cache(maxsize=CERTIFICATES_KEPT_MAX)
def is_signed_by(issuer: bytes, signature: bytes, signed_part: bytes) -> bool:
    """Whether the key of the certificate `issuer` (DER) made `signature` over `signed_part`."""
    try:
        read_certificate(issuer).key.verify(signature, signed_part, _ECDSA_SHA256)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=CERTIFICATES_KEPT_MAX)
def read_certificate(der: bytes) -> Certificate:
    """The certificate that exactly these DER bytes are.

    Raises: CheckError when they are none, are not in canonical DER, use another algorithm or curve, or hold an
    unknown critical extension.
    """
    if len(der) > CERTIFICATE_SIZE_MAX:
        raise CheckError(Reason.CERTIFICATE_MALFORMED, f"more than {CERTIFICATE_SIZE_MAX} bytes")
    try:
        return _read(der)
    except CheckError:
        raise
    except Exception as err:  # over hostile DER the library raises no closed set of errors
        raise CheckError(Reason.CERTIFICATE_MALFORMED, type(err).__name__) from err


def chain_of(leaf: Certificate, others: tuple[Certificate, ...], root: Certificate) -> tuple[Certificate, ...]:
    """The certificates from `leaf` to `root`, both included; `others` may hold the intermediate, `leaf` be the root.

    Raises: CheckError when there is no such chain of at most CHAIN_DEPTH_MAX.
    """
    if leaf.der == root.der:
        if not root.may_sign:
            raise CheckError(Reason.CERTIFICATE_NOT_FOR_SIGNING, root.identity)
        return (root,)  # the authority signs with the root's own key
    if leaf.is_issued_by(root):
        chain: tuple[Certificate, ...] = (leaf, root)
    else:
        between = (other for other in others if leaf.is_issued_by(other) and other.is_issued_by(root))
        intermediate = next(between, None)
        if intermediate is None:
            raise CheckError(Reason.CERTIFICATE_UNTRUSTED, leaf.identity)
        chain = (leaf, intermediate, root)
    for depth, authority in enumerate(chain[1:]):
        too_long = authority.path_length is not None and authority.path_length < depth
        if not authority.is_authority or not authority.may_certify or too_long:
            raise CheckError(Reason.CERTIFICATE_UNTRUSTED, f"an issuer of {leaf.identity} may not certify")
    if leaf.is_authority or not leaf.may_sign:
        raise CheckError(Reason.CERTIFICATE_NOT_FOR_SIGNING, leaf.identity)
    return chain


def kind_of(identity: str) -> str:
    """What an identity text says somebody is: `enterprise`, `person`, `officer`, `calendar` or `authority`."""
    return identity.partition(":")[0]


def _read(der: bytes) -> Certificate:
    certificate = x509.load_der_x509_certificate(der)
    if certificate.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        raise CheckError(Reason.CERTIFICATE_UNSUPPORTED, certificate.signature_algorithm_oid.dotted_string)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256K1):
        raise CheckError(Reason.CERTIFICATE_UNSUPPORTED, "the key is not on secp256k1")
    signed_part, signature = certificate.tbs_certificate_bytes, certificate.signature
    if der != _sequence(signed_part + ECDSA_SHA256_DER + _tagged(0x03, b"\0" + signature)):
        raise CheckError(Reason.CERTIFICATE_MALFORMED, "not in canonical DER")
    r, s = utils.decode_dss_signature(signature)
    if s > SECP256K1_ORDER // 2:
        raise CheckError(Reason.CERTIFICATE_MALFORMED, "signature with a high s: the same statement in other bytes")
    if utils.encode_dss_signature(r, s) != signature:
        raise CheckError(Reason.CERTIFICATE_MALFORMED, "signature not in canonical DER")
    constraints: x509.BasicConstraints | None = None
    usage: x509.KeyUsage | None = None
    identities: list[str] = []
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in KNOWN_CRITICAL:
            raise CheckError(Reason.CERTIFICATE_UNSUPPORTED, f"critical extension {extension.oid.dotted_string}")
        if isinstance(extension.value, x509.BasicConstraints):
            constraints = extension.value
        elif isinstance(extension.value, x509.KeyUsage):
            usage = extension.value
        elif isinstance(extension.value, x509.SubjectAlternativeName):
            identities = _identities(extension.value)
    if len(identities) > 1:
        raise CheckError(Reason.CERTIFICATE_MALFORMED, "more than one identity")
    return Certificate(
        der=der,
        identity=identities[0] if identities else "",
        key=key,
        address=address_of(point_of(key)),
        not_before_s=int(certificate.not_valid_before_utc.timestamp()),
        not_after_s=int(certificate.not_valid_after_utc.timestamp()),
        is_authority=constraints is not None and constraints.ca,
        path_length=constraints.path_length if constraints is not None else None,
        may_sign=usage is not None and usage.digital_signature,
        may_certify=usage is not None and usage.key_cert_sign,
        subject=certificate.subject.public_bytes(),
        issuer=certificate.issuer.public_bytes(),
        signed_part=signed_part,
        signature=signature,
    )


def _identities(names: x509.SubjectAlternativeName) -> list[str]:
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return [uri.removeprefix(IDENTITY_URN) for uri in uris if uri.startswith(IDENTITY_URN)]


def _sequence(body: bytes) -> bytes:
    return _tagged(0x30, body)


def _tagged(tag: int, body: bytes) -> bytes:
    """DER tag, shortest length, body."""
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 + len(length)]) + length + body
