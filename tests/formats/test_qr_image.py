from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ledger.formats import FieldsRefusedError, FileRefusedError, FormatError, Source, read_file, read_image, read_qr
from ledger.formats.crc import crc16_umts
from ledger.formats.image import IMAGE_SIZE_MAX, PIXELS_MAX
from ledger.formats.image_codes import choose_code

ROWS = Path(__file__).parents[2] / ".." / "shared" / "samples" / "qr" / "qr_strings.jsonl"
with_samples = pytest.mark.skipif(not ROWS.is_file(), reason="the sample folder ../shared/samples is not there")
HASH = "00" + "ab" * 32


def with_figures(text: str) -> str:
    return f"{text}{crc16_umts(text.encode()):04X}"


NATIONAL = with_figures("01,32,,26442000000000000001,57.00,20261105,,")
OTHER = with_figures("01,32,,26442000000000000002,58.00,20261105,,")
PAYMENT = "wxp://f2f0abcdefghijklmnopqrstuvwxyz"


def picture(*texts: str, scale: int = 4) -> Image.Image:
    """The QR codes beside each other on white, as on a photograph of paper."""
    sheet = Image.new("L", (100 + 420 * max(1, len(texts)), 520), 255)
    for index, text in enumerate(texts):
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale)
        rows, columns = memoryview(code).shape
        sheet.paste(Image.frombytes("L", (columns, rows), memoryview(code).tobytes()), (50 + 420 * index, 50))
    return sheet


def encoded(image: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def refused(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read_file(data)
    return caught.value.problems[0].code


@with_samples
def test_every_real_code_is_read_off_a_picture() -> None:
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        data = encoded(picture(row["text"], scale=3), "PNG")
        if row["class"] == "reject":
            assert refused(data) == "code_missing"
            continue
        invoice, typed = read_file(data), read_qr(row["text"])
        assert invoice.source is Source.IMAGE_QR
        assert (invoice.number, invoice.printed_number, invoice.qr) == (typed.number, typed.printed_number, typed.qr)
        assert (invoice.net_fen, invoice.gross_fen, invoice.warnings) == (
            typed.net_fen,
            typed.gross_fen,
            typed.warnings,
        )


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_code_is_read_turned_and_among_other_codes(form: str) -> None:
    for angle in (0, 90, 180, 7):
        image = picture(PAYMENT, NATIONAL).rotate(angle, expand=True, fillcolor=255)
        assert read_file(encoded(image, form), "photo").number == "26442000000000000001"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_code_is_read_in_every_mode_of_a_png(mode: str) -> None:
    assert read_image(encoded(picture(NATIONAL).convert(mode), "PNG")).gross_fen == 5700


def test_code_on_a_transparent_ground_is_read() -> None:
    grey = picture(NATIONAL)
    clear = Image.new("RGBA", grey.size, (0, 0, 0, 0))
    clear.putalpha(grey.point(lambda shade: 255 - shade))
    assert read_image(encoded(clear, "PNG")).number == "26442000000000000001"


def test_picture_of_two_invoices_is_refused() -> None:
    assert refused(encoded(picture(NATIONAL, OTHER), "PNG")) == "codes_of_two"


def test_picture_without_an_invoice_code_is_refused() -> None:
    assert refused(encoded(picture(), "PNG")) == "code_missing"
    assert refused(encoded(picture(PAYMENT), "JPEG")) == "code_missing"


def test_broken_invoice_code_is_refused_by_its_part() -> None:
    assert refused(encoded(picture("01,32,,26442000000000000001,57.00,20261399,,"), "PNG")) == "qr_date"


def test_the_text_that_says_most_of_one_invoice_is_chosen() -> None:
    coded = f"01,10,144032609110,00000007,91310117759596321B,57.00,20261105,{HASH}"
    address = f"https://bcfp.example.cn/scan?hash={HASH}&bill_num=00000007&total_amount=5700"
    chosen = choose_code([PAYMENT, address, coded, coded], "PNG")
    assert (chosen.number, chosen.source) == ("14403260911000000007", Source.QR_BLOCKCHAIN)
    assert choose_code([address], "PNG").source is Source.QR_ADDRESS
    with pytest.raises(FileRefusedError) as caught:
        choose_code([coded, address.replace("00000007", "00000008")], "PNG")
    assert caught.value.problems[0].code == "codes_of_two"


def test_two_codes_of_one_number_that_contradict_each_other_are_refused() -> None:
    altered = with_figures("01,32,,26442000000000000001,570.00,20261105,,")
    with pytest.raises(FileRefusedError) as caught:
        choose_code([NATIONAL, altered], "PNG")
    assert caught.value.problems[0].code == "codes_differ"
    with pytest.raises(FieldsRefusedError):
        choose_code(["01,3,,1,1,1", PAYMENT], "PNG")


def bomb(width: int, height: int) -> bytes:
    """A PNG whose head promises many pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min(1 << 20, (width + 1) * height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_picture_with_too_many_pixels_is_refused_before_it_is_unpacked() -> None:
    assert refused(bomb(PIXELS_MAX + 1, 1)) == "image_too_large"
    assert refused(bomb(60_000, 60_000)) == "image_too_large"
    assert refused(bomb(1_000, 1_000)) == "code_missing"


def test_picture_of_too_many_bytes_is_refused_by_name() -> None:
    data = encoded(picture(NATIONAL), "PNG")
    assert read_image(data + bytes(IMAGE_SIZE_MAX - len(data))).number
    assert refused(data + bytes(IMAGE_SIZE_MAX - len(data) + 1)) == "file_too_large"


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_cut_off_picture_is_refused_as_damaged(form: str) -> None:
    data = encoded(picture(NATIONAL), form)
    assert refused(data[:60]) == "view_damaged"
    assert refused(data[: len(data) // 3]) == "view_damaged"


@pytest.mark.slow
@settings(max_examples=25)
@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"]), st.binary(max_size=400))
def test_any_bytes_called_a_picture_are_refused(magic: bytes, data: bytes) -> None:
    with pytest.raises(FileRefusedError):
        read_file(magic + data)
