"""The public check takes PDFs that were passed on, and a scan of their QR code opens it with the invoice's values."""

from __future__ import annotations

from html import unescape
from urllib.parse import parse_qs, urlsplit

import pypdfium2
import pytest
import zxingcpp

from api.pools import CHECK_THREADS_MAX
from api.web.check_file_words import FILE_WORDS
from api.web.form_file import PARTS_MAX, fields_of
from api.web.words import WORDS
from ledger.documents import read_evidence
from tests.api.conftest import Answer, Client
from tests.api.test_check_page import outline
from tests.api.test_life_of_an_invoice import GROSS_FEN, World, key
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too
from tests.api.test_problem_shapes import assert_problem
from tests.documents import pdf_edits as edits
from tests.documents.pdf_resaving import ordered_for_the_web

BOUNDARY = b"----edge"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}


def form(**fields: bytes) -> bytes:
    """A form as browsers send it."""
    parts = []
    for name, value in fields.items():
        more = (
            b'; filename="\xe5\x8f\x91\xe7\xa5\xa8 (1).pdf"\r\ncontent-type: application/pdf' if name == "file" else b""
        )
        parts.append(
            b'--%s\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
            % (BOUNDARY, name.encode(), more, value)
        )
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def upload(client: Client, data: bytes, language: str = "en") -> Answer:
    answer = client.request("POST", "/check", form(file=data, lang=language.encode()), FORM)
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    outline(answer.text)
    return answer


def scanned(pdf: bytes) -> str:
    """Text of the QR code on the first page, as a telephone reads it off a screen."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        (code,) = zxingcpp.read_barcodes(document[0].render(scale=2).to_pil())
        return code.text
    finally:
        document.close()


@pytest.fixture(scope="module")
def number(world: World) -> str:
    return world.issue()


@pytest.fixture(scope="module")
def pdf(world: World, number: str) -> bytes:
    return world.claimant.client.get(f"/v1/invoices/{number}/document?format=pdf").body


def test_a_scan_of_the_code_opens_the_check_with_the_invoices_values(
    world: World, public_door: Client, number: str, pdf: bytes
) -> None:
    link = urlsplit(scanned(pdf))
    asked = {name: values[0] for name, values in parse_qs(link.query, strict_parsing=True).items()}
    assert (link.path, asked["bill_num"], asked["total_amount"]) == ("/check", number, str(GROSS_FEN))
    commitment = world.claimant.client.get(f"/v1/invoices/{number}").json()["commitment"]
    assert asked["hash"] == "00" + commitment.removeprefix("0x")
    answer = public_door.get(f"{link.path}?{link.query}&lang=en")
    assert answer.status == 200
    for shown in (WORDS["en"]["match"], number, "¥106.00", commitment.removeprefix("0x")):
        assert shown in answer.text
    other = f"{link.path}?{link.query.replace(str(GROSS_FEN), str(GROSS_FEN + 1))}&lang=en"
    assert WORDS["en"]["no_match"] in public_door.get(other).text


def test_a_scan_of_a_reds_code_opens_the_check_of_the_red(world: World, public_door: Client) -> None:
    blue = world.issue(first_holder=None)
    answer = world.issuer.client.post(f"/v1/invoices/{blue}/red", {"reason": "issued_in_error"}, key=key())
    assert answer.status == 201, answer.text
    (red,) = [one for one in answer.json()["numbers"] if one != blue]
    link = urlsplit(scanned(world.issuer.client.get(f"/v1/invoices/{red}/document?format=pdf").body))
    shown = public_door.get(f"{link.path}?{link.query}&lang=en").text
    assert WORDS["en"]["match"] in shown
    assert red in shown


@pytest.mark.parametrize(("language", "said"), [("zh", "页面与证据一致"), ("en", "the page shows what it says")])
def test_an_uploaded_pdf_is_judged_with_its_page(
    public_door: Client, number: str, pdf: bytes, language: str, said: str
) -> None:
    for copy in (pdf, ordered_for_the_web(pdf)):
        answer = upload(public_door, copy, language)
        assert answer.status == 200
        assert said in answer.text
        assert number in answer.text
        assert 'class="verdict match"' in answer.text
        assert FILE_WORDS[language]["today"] in unescape(answer.text)


@pytest.mark.parametrize(("language", "said"), [("zh", "页面与证据不符"), ("en", "page differs from the evidence")])
def test_an_edited_pdf_is_shown_as_differing(public_door: Client, pdf: bytes, language: str, said: str) -> None:
    answer = upload(public_door, edits.drawn_over(pdf, edits.words("<b>PAID", 100, 118)), language)
    assert answer.status == 200
    assert said in answer.text
    assert "&lt;b&gt;PAID" in answer.text
    assert "<b>" not in answer.text
    assert 'class="verdict match"' not in answer.text


def test_evidence_alone_is_judged_too_and_forged_evidence_is_invalid(public_door: Client, pdf: bytes) -> None:
    evidence = read_evidence(pdf)
    assert 'class="verdict match"' in upload(public_door, evidence).text
    forged = upload(public_door, evidence.replace(b"10600", b"90600")).text
    assert 'class="verdict match"' not in forged
    assert "invalid" in forged


@pytest.mark.parametrize("data", [b"%PDF-1.7 nothing", b"GIF89a", b"{}", b"\x00" * 1000])
def test_other_files_could_not_be_checked(public_door: Client, data: bytes) -> None:
    answer = upload(public_door, data)
    assert answer.status == 200
    assert 'class="verdict match"' not in answer.text


def test_an_encrypted_pdf_says_what_to_do(public_door: Client, pdf: bytes) -> None:
    writer = edits.cloned(pdf)
    writer.encrypt("secret", algorithm="AES-256")
    assert "encrypted" in upload(public_door, edits.bytes_of(writer)).text
    assert "已加密" in upload(public_door, edits.bytes_of(writer), "zh").text


def test_a_form_without_a_file_asks_for_one(anyone: Client) -> None:
    for body in (form(lang=b"en"), form(file=b"", lang=b"en")):
        answer = anyone.request("POST", "/check", body, FORM)
        assert answer.status == 400
        assert FILE_WORDS["en"]["missing"] in answer.text
        outline(answer.text)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"file=x", "application/x-www-form-urlencoded"),
        (b"%PDF-1.7", "application/pdf"),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=" + "b" * 71),
        (b"no boundary in here", FORM["content-type"]),
        (form(file=b"x")[:-20], FORM["content-type"]),
        (form(**{f"f{at}": b"x" for at in range(PARTS_MAX + 1)}), FORM["content-type"]),
        (b"--" + BOUNDARY + b"\r\n" + b"x" * 10_000 + b": y\r\n\r\n", FORM["content-type"]),
    ],
)
def test_other_bodies_are_refused(anyone: Client, body: bytes, media_type: str) -> None:
    assert_problem(anyone.request("POST", "/check", body, {"content-type": media_type}), "unsupported-media-type")


def test_a_form_may_be_as_large_as_an_upload_and_no_larger(anyone: Client) -> None:
    small = anyone.request("POST", "/check", form(file=b"x" * 100_000), FORM)  # beyond EINVOICE_BODY_SIZE_MAX here
    assert small.status != 413
    assert_problem(anyone.request("POST", "/check", form(file=bytes(17 << 20)), FORM), "body-too-large")


def test_an_outage_is_not_a_verdict_about_the_file(anyone: Client, recording: object) -> None:
    """The recording double has no answer to a file."""
    answer = anyone.request("POST", "/check", form(file=b"x", lang=b"en"), FORM)
    assert answer.status == 503
    assert FILE_WORDS["en"]["outage"] in answer.text
    assert "invalid" not in answer.text


def test_fields_come_as_they_were_sent_and_the_first_of_a_name_counts() -> None:
    data = bytes(range(256)) * 50
    assert fields_of(form(file=data, lang=b"zh"), BOUNDARY) == {"file": data, "lang": b"zh"}
    twice = form(lang=b"zh")[: -len(BOUNDARY) - 6] + form(lang=b"en")
    assert fields_of(twice, BOUNDARY) == {"lang": b"zh"}


def test_both_languages_have_the_same_words() -> None:
    assert FILE_WORDS["zh"].keys() == FILE_WORDS["en"].keys()
    assert CHECK_THREADS_MAX > 0
