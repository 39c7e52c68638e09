"""The verdict on the national signature, on real signed files and on files sealed here."""

from __future__ import annotations

import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.formats import FormatError, Strength, read_file
from ledger.formats.ofd.read_ofd import check_ofd_signature
from ledger.formats.ofd.signature import SIGNATURES_MAX
from ledger.formats.ofd.sm2 import DEFAULT_SIGNER_ID
from ledger.formats.ofd.verdict import NationalSignature, SignatureVerdict
from tests.formats.ofd_making import (
    EINVOICE,
    FOLDER,
    INTACT,
    INVOICE,
    KEY_FIELDS,
    LEFT_OUT,
    OFD,
    PAGE,
    SAMPLES,
    TEMPLATE,
    Signer,
    ofd_files,
    pack,
    page,
    replaced,
    sealed,
    unpack,
)

with_samples = pytest.mark.skipif(not INTACT.is_file(), reason="the sample folder ../shared/samples is not there")
INTACT_VERDICT, ALTERED = SignatureVerdict.SIGNED_INTACT, SignatureVerdict.ALTERED
NOT_COVERED, CANNOT_CHECK = SignatureVerdict.NOT_COVERED, SignatureVerdict.CANNOT_CHECK


@cache
def signer() -> Signer:
    return Signer()


def judged(files: dict[str, bytes]) -> NationalSignature:
    return check_ofd_signature(pack(files))


def outcome(signature: NationalSignature) -> tuple[SignatureVerdict, str]:
    assert signature.reason.message_en
    assert signature.reason.message_zh
    return signature.verdict, signature.reason.code


@with_samples
@pytest.mark.parametrize("path", [INTACT, LEFT_OUT], ids=lambda path: path.name)
def test_intact_signed_file_is_signed_and_intact(path) -> None:
    expected = json.loads((SAMPLES / "ofd" / "expected.json").read_text(encoding="utf-8"))[path.name]["ses_signature"]
    invoice = read_file(path.read_bytes())
    signature = invoice.signature
    assert signature is not None
    assert outcome(signature) == (INTACT_VERDICT, "signature_intact")
    assert f"Common Name: {signature.signer}," in expected["signer"]
    assert "CN=税务测试CA2(SM2)" in signature.issuer
    assert signature.algorithm == "SM2-with-SM3"
    assert signature.signed_at is not None
    assert invoice.strength is Strength.SIGNED_ORIGINAL
    assert set(signature.uncovered) == {name for name in expected.get("unreferenced", []) if "/Signs/" not in name}


@with_samples
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (INVOICE, "BuyerName>科游迈利", "BuyerName>科游迈科"),
        (INVOICE, "14754822929856772523</fp", "14754822929856772524</fp"),
        (PAGE, "318.00", "918.00"),
        ("OFD.xml", "0eb8011566b14d9f942a38d7df30f2de", "0eb8011566b14d9f942a38d7df30f2df"),
        (TEMPLATE, "</ofd:TextCode>", " </ofd:TextCode>"),
    ],
)
def test_signed_file_with_one_change_is_altered_and_no_source_of_registration(name: str, old: str, new: str) -> None:
    data = replaced(INTACT.read_bytes(), name, old, new)
    signature = check_ofd_signature(data)
    assert outcome(signature) == (ALTERED, "signature_file_altered")
    assert name in signature.reason.message_en
    assert name in signature.reason.message_zh
    if name != "OFD.xml" and "BuyerName" not in old:
        invoice = read_file(data)
        assert invoice.strength is None
        assert invoice.warnings[0] == signature.reason


@with_samples
def test_altered_digit_that_breaks_the_sums_names_the_alteration_first() -> None:
    with pytest.raises(FormatError) as caught:
        read_file(replaced(INTACT.read_bytes(), INVOICE, ">318.00<", ">918.00<"))
    codes = [problem.code for problem in caught.value.problems]
    assert codes[0] == "signature_file_altered"
    assert len(codes) > 1


@with_samples
def test_file_with_a_reference_dropped_is_altered() -> None:
    data = INTACT.read_bytes()
    text = unpack(data)[FOLDER + "Signature.xml"].decode()
    start = text.index(f'<ofd:Reference FileRef="/{INVOICE}"')
    end = text.index("</ofd:Reference>", start) + len("</ofd:Reference>")
    dropped = replaced(data, FOLDER + "Signature.xml", text[start:end], "")
    assert outcome(check_ofd_signature(dropped)) == (ALTERED, "signature_list_altered")


@with_samples
@pytest.mark.parametrize("where", [0, 100, 700, 5_090, 5_200, 6_370, -1, -30])
def test_file_with_a_byte_of_the_signed_value_changed_is_altered(where: int) -> None:
    files = unpack(INTACT.read_bytes())
    value = bytearray(files[FOLDER + "SignedValue.dat"])
    value[where] ^= 1
    files[FOLDER + "SignedValue.dat"] = bytes(value)
    assert judged(files).verdict is ALTERED


@with_samples
@pytest.mark.parametrize("name", [INVOICE, "OFD.xml", FOLDER + "Signature.xml", FOLDER + "SignedValue.dat", PAGE])
def test_file_with_a_part_taken_out_is_not_intact(name: str) -> None:
    files = unpack(INTACT.read_bytes())
    del files[name]
    if name == "OFD.xml":
        with pytest.raises(FormatError):
            judged(files)
    else:
        assert outcome(judged(files)) == (ALTERED, "signature_file_missing")


@with_samples
def test_file_with_a_page_added_is_not_covered_and_one_with_an_empty_file_is() -> None:
    files = unpack(INTACT.read_bytes())
    added = judged({**files, "Doc_0/Pages/Page_1/Content.xml": page("壹万圆整")})
    assert outcome(added) == (NOT_COVERED, "signature_not_covering")
    assert added.uncovered == ("Doc_0/Pages/Page_1/Content.xml",)
    assert judged({**files, "Doc_0/Tags/Empty.xml": b""}).verdict is INTACT_VERDICT


@with_samples
def test_second_invoice_in_a_signed_file_is_refused() -> None:
    files = unpack(INTACT.read_bytes())
    with pytest.raises(FormatError) as caught:
        judged({**files, "Doc_0/Attachs/other.xml": EINVOICE.encode()})
    assert [problem.code for problem in caught.value.problems] == ["ofd_invoices"]


@with_samples
def test_template_left_out_with_figures_in_it_is_not_covered() -> None:
    files = unpack(LEFT_OUT.read_bytes())
    name = "Doc_0/TPLS/TPL_0/Content.xml"
    for text, verdict in (
        ("备 注", INTACT_VERDICT),
        ("10001.00", NOT_COVERED),
        ("①", NOT_COVERED),
        ("玖", NOT_COVERED),
        ("百望股份有限公司", NOT_COVERED),
    ):
        code = f"<ofd:TextObject><ofd:TextCode>{text}</ofd:TextCode></ofd:TextObject></ofd:Layer>".encode()
        changed = {**files, name: files[name].replace(b"</ofd:Layer>", code, 1)}
        assert changed[name] != files[name]
        assert judged(changed).verdict is verdict


@with_samples
def test_file_whose_list_of_signatures_was_taken_out_is_altered() -> None:
    data = replaced(INTACT.read_bytes(), "OFD.xml", "<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>", "")
    assert outcome(check_ofd_signature(data)) == (ALTERED, "signature_removed")


@pytest.mark.parametrize("old", [False, True], ids=["GB/T 38540", "GM/T 0031"])
@pytest.mark.parametrize("einvoice", ["", EINVOICE], ids=["key fields", "2019"])
def test_file_sealed_by_either_standard_is_intact(old: bool, einvoice: str) -> None:
    fields = {} if einvoice else KEY_FIELDS
    files = sealed(ofd_files(fields, einvoice=einvoice, signatures=True), signer(), old=old)
    invoice = read_file(pack(files))
    assert invoice.signature is not None
    assert outcome(invoice.signature) == (INTACT_VERDICT, "signature_intact")
    assert invoice.signature.signer == signer().name
    assert invoice.strength is Strength.SIGNED_ORIGINAL
    files[PAGE] = page("26442000000000000001", "919.06")
    assert outcome(judged(files)) == (ALTERED, "signature_file_altered")


@pytest.mark.parametrize(
    ("left_out", "verdict"),
    [
        (INVOICE, NOT_COVERED),
        ("OFD.xml", NOT_COVERED),
        (PAGE, NOT_COVERED),
        (TEMPLATE, INTACT_VERDICT),
        ("Doc_0/Document.xml", INTACT_VERDICT),
    ],
)
def test_signature_that_leaves_out_invoice_data_does_not_count(left_out: str, verdict: SignatureVerdict) -> None:
    fields = {"发票代码": "044002600111", "发票号码": "00000017"}
    files = sealed(ofd_files(fields, einvoice=EINVOICE, signatures=True), signer(), leave_out=[left_out])
    invoice = read_file(pack(files))
    assert invoice.signature is not None
    assert invoice.signature.verdict is verdict
    assert invoice.signature.uncovered == (left_out,)
    assert invoice.strength is (None if verdict is NOT_COVERED else Strength.SIGNED_ORIGINAL)


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (b"\x89PNG\r\n\x1a\n....", NOT_COVERED),
        (b"\0\1\2", NOT_COVERED),
        (page(extra='<ofd:ImageObject ResourceID="7"/>'), NOT_COVERED),
        (page("甲"), NOT_COVERED),
        (page(), INTACT_VERDICT),
        (f'<ofd:Res {OFD} BaseLoc="Res"><ofd:Font ID="28" FontName="楷体"/></ofd:Res>'.encode(), INTACT_VERDICT),
        (f'<ofd:Res {OFD} BaseLoc="上海示例科技有限公司"/>'.encode(), NOT_COVERED),
    ],
)
def test_file_left_out_repeats_data_unless_it_can_be_seen_not_to(content: bytes, verdict: SignatureVerdict) -> None:
    files = sealed(ofd_files(signatures=True), signer())
    files["Doc_0/Res/left"] = content
    assert judged(files).verdict is verdict


def test_template_drawn_over_the_pages_may_hold_no_text_at_all() -> None:
    for order, verdict in (("Background", INTACT_VERDICT), ("Foreground", NOT_COVERED)):
        files = ofd_files(signatures=True)
        files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(
            b'<ofd:TemplatePage ID="2"', f'<ofd:TemplatePage ID="2" ZOrder="{order}"'.encode()
        )
        assert judged(sealed(files, signer(), leave_out=[TEMPLATE])).verdict is verdict


def test_time_and_property_written_otherwise_do_not_matter() -> None:
    files = sealed(ofd_files(signatures=True), signer())
    files[FOLDER + "SignedValue.dat"] = signer().signed_value(files[FOLDER + "Signature.xml"], odd=True)
    signature = judged(files)
    assert (signature.verdict, signature.signed_at) == (INTACT_VERDICT, None)
    files[PAGE] = page("26442000000000000001", "919.06")
    assert judged(files).verdict is ALTERED


def test_signature_of_another_key_or_under_another_id_is_altered() -> None:
    files = sealed(ofd_files(signatures=True), signer())
    for writer, signer_id in ((Signer("路人"), DEFAULT_SIGNER_ID), (signer(), b"ALICE123@YAHOO.COM")):
        value = signer().signed_value(files[FOLDER + "Signature.xml"], writer=writer, signer_id=signer_id)
        files[FOLDER + "SignedValue.dat"] = value
        assert outcome(judged(files)) == (ALTERED, "signature_wrong")


def test_seal_that_does_not_name_the_signer_is_altered() -> None:
    files = sealed(ofd_files(signatures=True), signer(), listed=Signer("路人").certificate)
    assert outcome(judged(files)) == (ALTERED, "signature_seal_foreign")


@pytest.mark.parametrize("method", ["MD5", "1.3.14.3.2.26", "SHA-1", "", "rot13"])
def test_weak_or_unknown_digest_cannot_be_checked(method: str) -> None:
    files = sealed(ofd_files(signatures=True), signer(), method=method)
    assert outcome(judged(files)) == (CANNOT_CHECK, "signature_digest_method")
    invoice = read_file(pack(files))
    assert invoice.strength is Strength.ORIGINAL
    assert [problem.code for problem in invoice.warnings] == ["signature_digest_method"]


def test_other_curve_and_message_signature_cannot_be_checked() -> None:
    other = Signer(curve="1.2.840.10045.3.1.7")
    assert outcome(judged(sealed(ofd_files(signatures=True), other))) == (CANNOT_CHECK, "signature_algorithm")
    files = sealed(ofd_files(signatures=True), signer())
    files[FOLDER + "SignedValue.dat"] = bytes.fromhex("300d060a2a811ccf550601040202") + b"\x04\x00"[:1]
    assert judged(files).verdict is ALTERED
    files[FOLDER + "SignedValue.dat"] = bytes.fromhex("300e060a2a811ccf5506010402020500")
    assert outcome(judged(files)) == (CANNOT_CHECK, "signature_kind")


def test_more_signatures_than_are_checked_cannot_be_checked_and_a_missing_one_is_altered() -> None:
    files = sealed(ofd_files(signatures=True), signer())
    entry = f'<ofd:Signature ID="1" BaseLoc="/{FOLDER}Signature.xml"/>'
    for count, expected in ((1, "signature_intact"), (SIGNATURES_MAX + 1, "signature_count")):
        files["Doc_0/Signs/Signatures.xml"] = f"<ofd:Signatures {OFD}>{entry * count}</ofd:Signatures>".encode()
        assert judged(files).reason.code == expected
    missing = entry.replace("Sign_0", "Sign_1")
    files["Doc_0/Signs/Signatures.xml"] = f"<ofd:Signatures {OFD}>{entry}{missing}</ofd:Signatures>".encode()
    assert outcome(judged(files)) == (ALTERED, "signature_file_missing")


def test_unsigned_file_is_an_original_of_its_own_strength() -> None:
    invoice = read_file(pack(ofd_files()))
    assert invoice.signature is not None
    assert outcome(invoice.signature) == (SignatureVerdict.UNSIGNED, "signature_none")
    assert invoice.strength is Strength.ORIGINAL


@with_samples
@settings(max_examples=60)
@given(st.data())
def test_no_changed_byte_of_a_signed_file_goes_unnoticed(data: st.DataObject) -> None:
    """Any byte of any file that is covered: never intact. Of the others: never a traceback."""
    files = unpack(INTACT.read_bytes())
    name = data.draw(st.sampled_from(sorted(files)))
    where = data.draw(st.integers(0, len(files[name]) - 1))
    content = bytearray(files[name])
    content[where] ^= data.draw(st.integers(1, 255))
    try:
        signature = judged({**files, name: bytes(content)})
    except FormatError:
        return
    assert signature.verdict is not INTACT_VERDICT or name.endswith("Signatures.xml")
