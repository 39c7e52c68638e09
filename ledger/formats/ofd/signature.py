"""The verdict on an OFD's national signatures: every digest, then the signature over the digests, then who is left out.

Steps of one signature, each failing under its own code:

    1  every file named in Signature.xml has the digest it gives
    2  the signed value holds the digest of Signature.xml
    3  the seal's maker signed the seal, and the seal names the signer's certificate
    4  the signer signed the signed value (SM2 with SM3)

Not checked: the certificates against a root, their validity and revocation (docs/FORMATS.md).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest

from lxml import etree

from ledger.domain.errors import FieldProblem
from ledger.formats.errors import format_problem
from ledger.formats.ofd.archive import Archive
from ledger.formats.ofd.coverage import first_repeating
from ledger.formats.ofd.layout import ROOT_FILE, Layout
from ledger.formats.ofd.ses import NotASealError, SealSignature, Signed, read_seal_signature, signature_numbers
from ledger.formats.ofd.sm2 import SM2_WITH_SM3, digest, sm2_verifies, sm3
from ledger.formats.ofd.verdict import NationalSignature, SignatureVerdict
from ledger.formats.xml_fields import local_name, shown
from ledger.formats.xml_tree import parse_xml

SIGNATURES_MAX = 4  # of one file; an invoice has one, and each costs two SM2 checks of 30 ms
ALGORITHM_NAME = "SM2-with-SM3"

_VALUE_FILE = "signedvalue.dat"
_DEFAULT_METHOD = "MD5"  # GB/T 33190: where CheckMethod is left out


@dataclass(slots=True)
class _Checked:
    """One signature as far as it was checked. `covered` files with the right digest, `own` the signature's files."""

    own: set[str] = field(default_factory=set)
    covered: set[str] = field(default_factory=set)
    altered: FieldProblem | None = None
    unknown: FieldProblem | None = None
    signer: str = ""
    subject: str = ""
    issuer: str = ""
    signed_at: datetime | None = None

    def alter(self, code: str, **values: object) -> None:
        self.altered = self.altered or format_problem("", code, **values)

    def leave(self, code: str, **values: object) -> None:
        self.unknown = self.unknown or format_problem("", code, **values)


def check_signatures(layout: Layout, values: Collection[str]) -> NationalSignature:
    """Verdict on all signatures of an OFD. `values` are texts of its invoice, to know files that repeat them.

    Raises: FileRefusedError for hostile or broken XML among the signature's files.
    """
    archive = layout.archive
    lists = archive.resolve(layout.signatures_location, ROOT_FILE) if layout.signatures_location else ""
    if layout.signatures_location and not lists:
        return _altered("signature_file_missing", name=shown(layout.signatures_location))
    places = _signature_places(archive, lists) if lists else []
    if not places:
        if any(name.casefold().endswith(_VALUE_FILE) for name in archive.files):
            return _altered("signature_removed")
        return NationalSignature(SignatureVerdict.UNSIGNED, format_problem("", "signature_none"))
    if len(places) > SIGNATURES_MAX:
        reason = format_problem("", "signature_count", count=len(places), limit=SIGNATURES_MAX)
        return NationalSignature(SignatureVerdict.CANNOT_CHECK, reason)
    checked = [_check_one(archive, place) for place in places]
    own = {lists}.union(*(one.own for one in checked))
    covered: set[str] = set().union(*(one.covered for one in checked))
    uncovered = tuple(name for name in archive.files if name not in own and name not in covered)
    return _verdict(layout, checked, uncovered, values)


def _altered(code: str, **values: object) -> NationalSignature:
    return NationalSignature(SignatureVerdict.ALTERED, format_problem("", code, **values))


def _signature_places(archive: Archive, lists: str) -> list[str]:
    """Names of the Signature.xml files; one that is missing is given as it is called."""
    places = []
    for element in parse_xml(archive.files[lists]).iter():
        location = str(element.get("BaseLoc", ""))
        if local_name(element) == "Signature" and location:
            places.append(archive.resolve(location, lists) or location)
    return places


def _verdict(
    layout: Layout, checked: Sequence[_Checked], uncovered: tuple[str, ...], values: Collection[str]
) -> NationalSignature:
    altered = next((one.altered for one in checked if one.altered), None)
    unknown = next((one.unknown for one in checked if one.unknown), None)
    files = layout.archive.files
    if altered:
        verdict, reason = SignatureVerdict.ALTERED, altered
    elif unknown:
        verdict, reason = SignatureVerdict.CANNOT_CHECK, unknown
    else:
        contents = {name: files[name] for name in uncovered}
        repeating = first_repeating(contents, values, layout.backgrounds)
        if repeating:
            verdict = SignatureVerdict.NOT_COVERED
            reason = format_problem("", "signature_not_covering", name=shown(repeating))
        else:
            verdict, reason = SignatureVerdict.SIGNED_INTACT, format_problem("", "signature_intact")
    return NationalSignature(
        verdict=verdict,
        reason=reason,
        signer="; ".join(one.signer for one in checked if one.signer),
        subject="; ".join(one.subject for one in checked if one.subject),
        issuer="; ".join(one.issuer for one in checked if one.issuer),
        algorithm=ALGORITHM_NAME if checked[0].signer else "",
        signed_at=checked[0].signed_at,
        uncovered=uncovered,
    )


def _check_one(archive: Archive, place: str) -> _Checked:
    checked = _Checked(own={place})
    if place not in archive.files:
        checked.alter("signature_file_missing", name=shown(place))
        return checked
    root = parse_xml(archive.files[place])
    _check_references(archive, place, root, checked)
    value_file = archive.resolve(_text(root, "SignedValue") or "SignedValue.dat", place)
    if not value_file:
        checked.alter("signature_file_missing", name="SignedValue.dat")
        return checked
    checked.own.add(value_file)
    try:
        sealed = read_seal_signature(archive.files[value_file])
    except NotASealError as err:
        if err.foreign:
            checked.leave("signature_kind")
        else:
            checked.alter("signature_damaged", name=shown(value_file))
        return checked
    seal_file = archive.resolve(_seal_location(root), place) if _seal_location(root) else ""
    if seal_file and archive.files[seal_file] == sealed.seal_der:
        checked.own.add(seal_file)
    certificate = sealed.document.certificate
    checked.signer, checked.subject = certificate.common_name or certificate.subject, certificate.subject
    checked.issuer, checked.signed_at = certificate.issuer, sealed.signed_at
    _check_values(archive.files[place], sealed, checked)
    return checked


def _check_references(archive: Archive, place: str, root: etree._Element, checked: _Checked) -> None:
    method = _DEFAULT_METHOD
    digests: dict[tuple[str, str], bytes | None] = {}
    for element in root.iter():
        name = local_name(element)
        if name == "References":
            method = str(element.get("CheckMethod", _DEFAULT_METHOD))
        if name != "Reference":
            continue
        location = str(element.get("FileRef", ""))
        file = archive.resolve(location, place)
        if not file:
            checked.alter("signature_file_missing", name=shown(location))
            continue
        if (method, file) not in digests:  # once a file, however often it is named
            digests[method, file] = digest(method, archive.files[file])
        computed = digests[method, file]
        if computed is None:
            checked.leave("signature_digest_method", name=shown(method))
        elif compare_digest(computed, _base64(_text(element, "CheckValue"))):
            checked.covered.add(file)
        else:
            checked.alter("signature_file_altered", name=shown(file))


def _check_values(signature_xml: bytes, sealed: SealSignature, checked: _Checked) -> None:
    for signed in (sealed.document, sealed.seal):
        if signed.algorithm != SM2_WITH_SM3 or not signed.certificate.point:
            checked.leave("signature_algorithm", name=signed.algorithm)
            return
    if not compare_digest(sm3(signature_xml), sealed.data_hash):
        checked.alter("signature_list_altered")
    certificate = sealed.document.certificate.der
    # What the seal's maker signed is searched as bytes: nothing gets in there without the maker's key.
    if certificate not in sealed.seal.message and sm3(certificate) not in sealed.seal.message:
        checked.alter("signature_seal_foreign")
    if not checked.altered and not (_verifies(sealed.document) and _verifies(sealed.seal)):
        checked.alter("signature_wrong")


def _verifies(signed: Signed) -> bool:
    numbers = signature_numbers(signed.signature)
    return numbers is not None and sm2_verifies(signed.certificate.point, signed.message, *numbers)


def _text(root: etree._Element, name: str) -> str:
    return next(((one.text or "").strip() for one in root.iter() if local_name(one) == name), "")


def _seal_location(root: etree._Element) -> str:
    seal = next((one for one in root.iter() if local_name(one) == "Seal"), None)
    return "" if seal is None else _text(seal, "BaseLoc")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
