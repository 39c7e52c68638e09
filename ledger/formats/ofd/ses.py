"""The signed value of an electronic seal: SES_Signature of GB/T 38540 (version 4) and of GM/T 0031 (version 1).

Only what is checked is taken apart; the rest stays as the bytes it was signed as. DER is read by `cryptography`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from ledger.formats.ofd.sm2 import SM2_CURVE

SIGNED_VALUE_SIZE_MAX = 1 << 20  # bytes; real ones take 6 KB, most of it the seal's picture
NAME_PARTS_MAX = 16  # parts of a certificate's name that are shown
NAME_PART_LENGTH_MAX = 200  # characters

_COMMON_NAME = "2.5.4.3"
_NAME_PARTS = {
    "2.5.4.6": "C",
    "2.5.4.8": "ST",
    "2.5.4.7": "L",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    _COMMON_NAME: "CN",
}
_STRINGS = {b"\x0c": "utf-8", b"\x13": "ascii", b"\x16": "ascii", b"\x14": "latin-1", b"\x1e": "utf-16-be"}

Decoded = TypeVar("Decoded")


class NotASealError(Exception):
    """The signed value is no SES_Signature; `foreign` when it is whole, but of another kind."""

    def __init__(self, *, foreign: bool) -> None:
        self.foreign = foreign
        super().__init__("another kind of signature" if foreign else "damaged signature")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is used of a certificate. `point` is the SM2 key (04, x, y), empty for a key on another curve."""

    der: bytes
    common_name: str
    subject: str
    issuer: str
    point: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature over `message` by the owner of `certificate`; `algorithm` an object identifier."""

    message: bytes
    certificate: Certificate
    algorithm: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class SealSignature:
    """A signed value taken apart.

    `data_hash` digest of the file Signature.xml, 32 bytes for SM3. `document` the signature over it, `seal` the seal
    maker's signature over the seal, `seal_der` the seal's bytes. `signed_at` None where it is not written as
    the standard says.
    """

    data_hash: bytes
    document: Signed
    seal: Signed
    seal_der: bytes
    signed_at: datetime | None


@asn1.sequence
class _NamePart:
    kind: ObjectIdentifier
    value: asn1.TLV


@asn1.sequence
class _Algorithm:
    kind: ObjectIdentifier
    curve: ObjectIdentifier


@asn1.sequence
class _PublicKey:
    algorithm: asn1.TLV
    key: asn1.BitString


@asn1.sequence
class _CertificateBody:
    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    serial: asn1.TLV
    algorithm: asn1.TLV
    issuer: list[asn1.SetOf[_NamePart]]
    validity: asn1.TLV
    subject: list[asn1.SetOf[_NamePart]]
    public_key: _PublicKey
    issuer_id: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    subject_id: Annotated[asn1.BitString | None, asn1.Implicit(2)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Explicit(3)]


@asn1.sequence
class _Certificate:
    body: _CertificateBody
    algorithm: asn1.TLV
    signature: asn1.BitString


@asn1.sequence
class _Seal:
    information: asn1.TLV
    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString


@asn1.sequence
class _SealMaker:
    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString


@asn1.sequence
class _OldSeal:
    information: asn1.TLV
    maker: _SealMaker


@asn1.sequence
class _Body:
    version: int
    seal: asn1.TLV
    signed_at: asn1.TLV
    data_hash: asn1.BitString
    property: asn1.TLV
    extensions: Annotated[list[asn1.TLV] | None, asn1.Explicit(0)]


@asn1.sequence
class _OldBody:
    version: int
    seal: asn1.TLV
    signed_at: asn1.TLV
    data_hash: asn1.BitString
    property: asn1.TLV
    certificate: bytes
    algorithm: ObjectIdentifier


@asn1.sequence
class _SealSignature:
    body: asn1.TLV
    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString
    time_stamp: Annotated[asn1.BitString | None, asn1.Explicit(0)]


@asn1.sequence
class _OldSealSignature:
    body: asn1.TLV
    signature: asn1.BitString


@asn1.sequence
class _MessageSignature:
    """ContentInfo of a signature without a seal (GM/T 0010, CMS)."""

    kind: ObjectIdentifier
    content: asn1.TLV


@asn1.sequence
class _Numbers:
    r: int
    s: int


def read_seal_signature(data: bytes) -> SealSignature:
    """Seal signature of the bytes of SignedValue.dat.

    Raises: NotASealError for damaged bytes and for other kinds of signature.
    """
    if len(data) > SIGNED_VALUE_SIZE_MAX:
        raise NotASealError(foreign=False)
    new = _decode(_SealSignature, data)
    if new is not None:
        return _read_new(new)
    old = _decode(_OldSealSignature, data)
    if old is not None:
        return _read_old(old)
    raise NotASealError(foreign=_decode(_MessageSignature, data) is not None)


def signature_numbers(signature: bytes) -> tuple[int, int] | None:
    """(r, s) of a DER signature, None when it is none."""
    numbers = _decode(_Numbers, signature)
    return None if numbers is None else (numbers.r, numbers.s)


def _read_new(outer: _SealSignature) -> SealSignature:
    message = asn1.encode_der(outer.body)
    body = _required(_decode(_Body, message))
    seal_der = asn1.encode_der(body.seal)
    seal = _required(_decode(_Seal, seal_der))
    return SealSignature(
        data_hash=body.data_hash.as_bytes(),
        document=_signed(message, outer.certificate, outer.algorithm, outer.signature),
        seal=_signed(asn1.encode_der(seal.information), seal.certificate, seal.algorithm, seal.signature),
        seal_der=seal_der,
        signed_at=_time(body.signed_at),
    )


def _read_old(outer: _OldSealSignature) -> SealSignature:
    message = asn1.encode_der(outer.body)
    body = _required(_decode(_OldBody, message))
    seal_der = asn1.encode_der(body.seal)
    seal = _required(_decode(_OldSeal, seal_der))
    maker = seal.maker
    return SealSignature(
        data_hash=body.data_hash.as_bytes(),
        document=_signed(message, body.certificate, body.algorithm, outer.signature),
        seal=_signed(asn1.encode_der(seal.information), maker.certificate, maker.algorithm, maker.signature),
        seal_der=seal_der,
        signed_at=None,
    )


def _signed(message: bytes, certificate: bytes, algorithm: ObjectIdentifier, signature: asn1.BitString) -> Signed:
    return Signed(message, _read_certificate(certificate), algorithm.dotted_string, signature.as_bytes())


def _read_certificate(der: bytes) -> Certificate:
    # Not x509.load_der_x509_certificate: it warns of names over 64 characters, which tax bureaus have.
    body = _required(_decode(_Certificate, der)).body
    algorithm = _decode(_Algorithm, asn1.encode_der(body.public_key.algorithm))
    on_curve = algorithm is not None and algorithm.curve.dotted_string == SM2_CURVE
    return Certificate(
        der=der,
        common_name=_name(body.subject, only=_COMMON_NAME),
        subject=_name(body.subject),
        issuer=_name(body.issuer),
        point=body.public_key.key.as_bytes() if on_curve else b"",
    )


def _time(value: asn1.TLV) -> datetime | None:
    decoded = _decode(asn1.GeneralizedTime, asn1.encode_der(value))
    return None if decoded is None else decoded.as_datetime()


def _name(parts: list[asn1.SetOf[_NamePart]], only: str = "") -> str:
    texts = []
    for part in [one for group in parts for one in group.as_list()][:NAME_PARTS_MAX]:
        kind = part.kind.dotted_string
        encoding = _STRINGS.get(part.value.tag_bytes)
        if encoding is None or (only and kind != only):
            continue
        raw = bytes(part.value.data)[: 4 * NAME_PART_LENGTH_MAX].decode(encoding, "replace")
        text = "".join(char if char.isprintable() else "?" for char in raw[:NAME_PART_LENGTH_MAX])
        texts.append(text if only else f"{_NAME_PARTS.get(kind, kind)}={text}")
    return ", ".join(texts)


def _decode(kind: type[Decoded], data: bytes) -> Decoded | None:
    try:
        return asn1.decode_der(kind, data)
    except (ValueError, TypeError, OverflowError):
        return None


def _required(decoded: Decoded | None) -> Decoded:
    if decoded is None:
        raise NotASealError(foreign=False)
    return decoded
