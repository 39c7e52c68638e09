from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ledger.documents.invoice_pdf import write_pdf
from ledger.domain.document import parse_issuable
from ledger.formats import FieldsRefusedError, FileRefusedError, FormatError, Source, image_process, read_file, read_pdf
from ledger.formats.crc import crc16_umts
from ledger.formats.pdf import ATTACHMENTS_MAX, PAGES_MAX, PDF_SIZE_MAX

A4 = (595, 842)


def with_figures(text: str) -> str:
    return f"{text}{crc16_umts(text.encode()):04X}"


NATIONAL = with_figures("01,31,,26442000000000000001,319.06,20261105,,")
OTHER = with_figures("01,31,,26442000000000000002,319.06,20261105,,")
OTHER_AMOUNT = with_figures("01,31,,26442000000000000001,3190.60,20261105,,")


def pdf(*pages: list[str], attachments: tuple[bytes, ...] = (), size: tuple[float, float] = A4) -> bytes:
    """A PDF with the QR codes of each page's texts, 20 mm wide as on real invoices, and with attached files."""
    document = pypdfium2.PdfDocument.new()
    for texts in pages:
        page = document.new_page(*size)
        for index, text in enumerate(texts):
            pixels = memoryview(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(2))
            rows, columns = pixels.shape
            image = pypdfium2.PdfImage.new(document)
            image.set_bitmap(pypdfium2.PdfBitmap.from_pil(Image.frombytes("L", (columns, rows), pixels.tobytes())))
            image.set_matrix(pypdfium2.PdfMatrix().scale(57, 57).translate(20 + 90 * index, size[1] - 80))
            page.insert_obj(image)
        page.gen_content()
    for index, content in enumerate(attachments):
        document.new_attachment(f"file{index}.xml").set_data(content)
    file = io.BytesIO()
    document.save(file)
    document.close()
    return file.getvalue()


def written_pdf(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of objects written by hand, for what no library writes."""
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        trailer,
        len(out),
    )


def one_page(content: bytes, more: bytes = b"", box: bytes = b"0 0 595 842") -> bytes:
    stream = b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), more, content)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R>>" % box
    return written_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream)


def refused(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read_file(data, "invoice.pdf")
    return caught.value.problems[0].code


def test_code_on_the_first_page_is_read() -> None:
    invoice = read_file(pdf([NATIONAL]), "发票.pdf")
    assert (invoice.source, invoice.number, invoice.gross_fen) == (Source.PDF_QR, "26442000000000000001", 31906)
    assert (invoice.file_name, invoice.document, invoice.warnings) == ("发票.pdf", None, ())


def test_code_on_a_later_page_is_read_and_one_beyond_the_limit_is_not() -> None:
    assert read_pdf(pdf(*[[]] * (PAGES_MAX - 1), [NATIONAL])).number == "26442000000000000001"
    assert refused(pdf(*[[]] * PAGES_MAX, [NATIONAL])) == "code_missing"


def test_pages_that_were_not_looked_at_are_told() -> None:
    invoice = read_pdf(pdf([NATIONAL], *[[]] * PAGES_MAX))
    assert [warning.code for warning in invoice.warnings] == ["pages_unread"]


def test_embedded_xml_is_read_as_the_original(xml_with: Callable[..., bytes]) -> None:
    invoice = read_file(pdf([NATIONAL], attachments=(b"notes", xml_with())))
    assert (invoice.source, invoice.number) == (Source.PDF_XML, "26442000000000000001")
    assert invoice.document is not None
    assert invoice.document.lines[0].tax_fen == 1806
    assert read_pdf(pdf([], attachments=(xml_with(),))).document == invoice.document


@pytest.mark.parametrize("text", [OTHER, OTHER_AMOUNT])
def test_embedded_xml_of_another_invoice_than_the_page_shows_is_refused(
    text: str, xml_with: Callable[..., bytes]
) -> None:
    assert refused(pdf([text], attachments=(xml_with(),))) == "pdf_xml_differs"


def test_address_without_a_sign_stands_beside_a_red_original(xml_with: Callable[..., bytes]) -> None:
    red = xml_with(
        ("<Quantity>3", "<Quantity>-3"),
        ("<Amount>301.00", "<Amount>-301.00"),
        ("<ComTaxAm>18.06", "<ComTaxAm>-18.06"),
        ("<TotalAmWithoutTax>301.00", "<TotalAmWithoutTax>-301.00"),
        ("<TotalTaxAm>18.06", "<TotalTaxAm>-18.06"),
        ("<TotalTax-includedAmount>319.06", "<TotalTax-includedAmount>-319.06"),
        ("叁佰壹拾玖圆零陆分", "（负数）叁佰壹拾玖圆零陆分"),
        ("<LabelCode>Y", "<LabelCode>N"),
        ("合同 7", "被红冲蓝字数电发票号码：26442000000000000009"),
    )
    link = f"https://ledger.example/check?hash=00{'ab' * 32}&bill_num=26442000000000000001&total_amount="
    assert read_pdf(pdf([link + "31906"], attachments=(red,))).gross_fen == -31906
    assert refused(pdf([link + "31907"], attachments=(red,))) == "pdf_xml_differs"
    assert refused(pdf([NATIONAL], attachments=(red,))) == "pdf_xml_differs"


def test_pdf_of_this_ledger_is_read_by_its_code() -> None:
    parties = {"seller": {"name": "甲公司", "tax_id": "91310117759596321B"}, "buyer": {"name": "张三", "tax_id": ""}}
    line = {"name": "*餐饮服务*餐费", "net_fen": 10000, "rate_bp": 600, "tax_fen": 600}
    amounts = {"kind": "ordinary", "net_fen": 10000, "tax_fen": 600, "gross_fen": 10600}
    draft = parse_issuable({**parties, **amounts, "lines": [line]})
    document = draft.with_number("94403260911000000001", date(2026, 11, 5))
    written = write_pdf(document, commitment=bytes(32), check_address="https://ledger.example")
    invoice = read_pdf(written)
    assert (invoice.number, invoice.gross_fen) == (document.number, 10600)
    assert invoice.qr is not None
    assert invoice.qr.host == "ledger.example"


def test_two_embedded_originals_are_refused(xml_with: Callable[..., bytes]) -> None:
    other = xml_with(("26442000000000000001", "26442000000000000002"))
    altered = xml_with(("张三", "李四"))
    assert refused(pdf([], attachments=(xml_with(), other))) == "codes_of_two"
    assert refused(pdf([], attachments=(xml_with(), altered))) == "pdf_xml_differs"
    assert read_pdf(pdf([], attachments=(xml_with(), xml_with()))).source is Source.PDF_XML


def test_embedded_original_that_contradicts_itself_is_refused(xml_with: Callable[..., bytes]) -> None:
    with pytest.raises(FieldsRefusedError):
        read_pdf(pdf([NATIONAL], attachments=(xml_with(("<ComTaxAm>18.06", "<ComTaxAm>81.06")),)))


def test_other_attachments_are_passed_over(xml_with: Callable[..., bytes]) -> None:
    hostile = b'<!DOCTYPE a [<!ENTITY x "y">]><EInvoice>&x;</EInvoice>'
    assert read_pdf(pdf([NATIONAL], attachments=(b"\0\1", hostile, b"<xbrl/>"))).source is Source.PDF_QR
    many = pdf([NATIONAL], attachments=(*[b"<xbrl/>"] * 200, xml_with()))
    assert read_pdf(many).source in (Source.PDF_QR, Source.PDF_XML)
    assert ATTACHMENTS_MAX < 200


def test_pages_of_two_invoices_are_refused() -> None:
    assert refused(pdf([NATIONAL], [OTHER])) == "codes_of_two"
    assert refused(pdf([NATIONAL, OTHER])) == "codes_of_two"
    assert read_pdf(pdf([NATIONAL, NATIONAL, "https://example.com/"], [NATIONAL])).number


def test_pdf_that_asks_for_a_password_is_refused_by_name() -> None:
    secret = b"<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (b"ab" * 32, b"cd" * 32)
    data = written_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[]/Count 0>>",
        secret,
        trailer=b"/Encrypt 3 0 R/ID[<00><00>]",
    )
    assert refused(data) == "pdf_encrypted"


@pytest.mark.parametrize("data", [b"%PDF-1.7", b"%PDF-1.7 rubbish" * 99, b"\n\n%PDF-2.0\n%%EOF"])
def test_broken_pdf_is_refused_as_damaged(data: bytes) -> None:
    assert refused(data) == "view_damaged"


def test_pdf_of_too_many_bytes_is_refused_by_name() -> None:
    data = pdf([NATIONAL])
    assert read_pdf(data + bytes(1000)).number
    assert refused(data + bytes(PDF_SIZE_MAX - len(data) + 1)) == "file_too_large"


@pytest.mark.parametrize("box", [b"0 0 2000000 2000000", b"0 0 0 0", b"0 0 1e38 1e38", b"0 0 14400 1", b"5 5 -5 -5"])
def test_page_of_any_size_is_drawn_within_the_limit_of_pixels(box: bytes) -> None:
    assert refused(one_page(b"0 0 100 100 re f", box=box)) == "code_missing"


@pytest.mark.slow
def test_bomb_in_a_page_is_refused_within_the_limits() -> None:
    bomb = zlib.compress(bytes(64 << 20), 9)
    assert refused(one_page(bomb, b"/Filter/FlateDecode")) in ("code_missing", "view_too_costly", "view_damaged")
    twice = zlib.compress(zlib.compress(bytes(1 << 31), 9), 9)
    more = b"/Filter[/FlateDecode/FlateDecode]"
    assert refused(one_page(twice, more)) in ("code_missing", "view_too_costly", "view_damaged")


@pytest.mark.slow
def test_page_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_process, "CPU_S_MAX", 1)
    endless = zlib.compress(b"0 0 595 842 re 0 0 400 400 re f* " * 400_000, 9)
    assert refused(one_page(endless, b"/Filter/FlateDecode")) == "view_too_costly"


def test_waiting_program_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(image_process, "WALL_S_MAX", 0.2)
    with pytest.raises(FileRefusedError) as caught:
        image_process.scan(str(sleeper), [], b"", "PDF")
    assert caught.value.problems[0].code == "view_too_costly"


@pytest.mark.parametrize("program", ["import os; os._exit(3)", "import os; os.abort()", "print('no json')", "print(1)"])
def test_crashed_program_is_told_as_a_damaged_or_costly_file(program: str, tmp_path: Path) -> None:
    script = tmp_path / "crash.py"
    script.write_text(program + "\n")
    with pytest.raises(FileRefusedError) as caught:
        image_process.scan(str(script), [], b"x" * 300_000, "PDF")
    assert caught.value.problems[0].code in ("view_damaged", "view_too_costly")


def test_program_sees_no_environment_and_cannot_write_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EINVOICE_SECRET", "1")
    script, place = tmp_path / "look.py", tmp_path / "written"
    script.write_text(
        "import json, os, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "sys.stdin.buffer.read()\n"
        f"file = os.open({str(place)!r}, os.O_CREAT | os.O_WRONLY)\n"
        "try:\n    size = os.write(file, b'x')\nexcept OSError:\n    size = 0\n"
        "print(json.dumps({'size': size, 'environment': sorted(os.environ)}))\n"
    )
    answer = image_process.scan(str(script), [], b"", "PDF")
    assert answer["size"] == 0
    assert "EINVOICE_SECRET" not in str(answer["environment"])
    assert "PATH" not in str(answer["environment"])


def test_only_so_many_programs_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_process, "WAIT_S_MAX", 0.05)
    data = pdf([NATIONAL])
    for _ in range(image_process.PROCESSES_MAX):
        assert image_process._CORES.acquire(timeout=1)
    try:
        assert refused(data) == "view_busy"
    finally:
        for _ in range(image_process.PROCESSES_MAX):
            image_process._CORES.release()
    assert read_pdf(data).number


@pytest.mark.slow
@settings(max_examples=40)
@given(st.data())
def test_any_altered_pdf_is_read_or_refused(data: st.DataObject) -> None:
    base = bytearray(pdf([NATIONAL], attachments=(b"<xbrl/>",)))
    for _ in range(data.draw(st.integers(1, 8))):
        base[data.draw(st.integers(5, len(base) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(base)))
    with contextlib.suppress(FormatError):
        assert read_pdf(bytes(base[:cut])).source is Source.PDF_QR
