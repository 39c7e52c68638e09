from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pypdf
import pypdfium2
import pytest
import zxingcpp
from fpdf import FPDF
from hypothesis import Phase, given, settings

from ledger.documents import EVIDENCE_NAME, Attachment, NotWritableError, check_link, write_pdf
from ledger.documents.invoice_pdf import ATTACHMENT_SIZE_MAX, ATTACHMENTS_MAX
from ledger.documents.pdf_pages import COLUMNS, FRAME_WIDTH, MARGIN
from ledger.documents.pdf_text import Typeface
from ledger.domain.invoice import InvoiceDocument
from ledger.formats import Source, read_qr
from tests.documents.making import ADDRESS, COMMITMENT, NUMBER, documents, invoice, pages, with_first_line

PT_PER_MM = 72 / 25.4
EVIDENCE: Attachment = (EVIDENCE_NAME, "application/json", b'{"a": 1}')


def written(document: InvoiceDocument, **more: Any) -> bytes:
    return write_pdf(document, commitment=COMMITMENT, check_address=ADDRESS, **more)


def codes(pdf: bytes, scale: float = 2.0) -> list[str]:
    """Texts of the QR codes on the first page, as a scanner sees them."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [code.text for code in zxingcpp.read_barcodes(document[0].render(scale=scale).to_pil())]
    finally:
        document.close()


@pytest.fixture
def face() -> Iterator[Typeface]:
    made = Typeface(FPDF())
    yield made
    made.close()


@pytest.mark.parametrize("red", [False, True])
def test_the_code_on_the_page_opens_the_public_check(red: bool) -> None:
    (text,) = codes(written(invoice(red=red)))
    assert text == f"{ADDRESS}/check?hash=00{COMMITMENT.hex()}&bill_num={NUMBER}&total_amount=31906"
    read = read_qr(text)
    assert (read.source, read.number, read.gross_fen) == (Source.QR_ADDRESS, NUMBER, 31906)
    assert read.qr is not None
    assert read.qr.chain_hash == "00" + COMMITMENT.hex()


def test_the_code_is_read_from_a_small_picture() -> None:
    assert len(codes(written(invoice()), scale=1.5)) == 1


def test_names_numbers_and_amounts_stand_on_the_page() -> None:
    pdf = written(invoice(2))
    (text,) = pages(pdf)
    for shown in (
        "电子发票（增值税专用发票）", NUMBER, "2026年11月05日", "上海示例科技有限公司", "91310112703255042R",
        "深圳示例软件有限公司", "91310117759596321B", "*信息技术服务*软件维护", "100.3333333333333", "301.00", "6%",
        "18.06", "¥602.00", "¥36.12", "⊗陆佰叁拾捌圆壹角贰分", "¥638.12", "第二行<&>", "开票人：张三",
        "00" + COMMITMENT.hex(),
    ):  # fmt: skip
        assert shown in text, shown
    other = "".join(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    other = other.replace("\0", "")  # this reader takes a code of two bytes for two characters
    assert sorted(other) == sorted(text), "two readers see the same characters"
    assert "红字" not in text


def test_a_red_invoice_shows_negative_amounts_its_blue_and_its_slip() -> None:
    (text,) = pages(written(invoice(red=True), red_slip="44030000260000000001"))
    for shown in ("红字发票", "-301.00", "-18.06", "¥-319.06", "（负数）叁佰壹拾玖圆零陆分", "94403260911000000000"):
        assert shown in text, shown
    assert "红字发票信息确认单编号：44030000260000000001" in text
    assert "100.3333333333333" in text
    assert "-100.33" not in text, "a price is never negative"


def test_an_ordinary_invoice_has_its_own_title() -> None:
    (text,) = pages(written(invoice(kind="ordinary")))
    assert "电子发票（普通发票）" in text


def test_a_hundred_and_twenty_lines_go_over_pages_with_sums() -> None:
    texts = pages(written(invoice(120)))
    assert len(texts) == 3
    assert sum(text.count("*信息技术服务*软件维护") for text in texts) == 120
    counts = [text.count("*信息技术服务*软件维护") for text in texts]
    assert all(f"共3页第{at}页" in text for at, text in enumerate(texts, 1))
    assert [("小计" in text, "合计" in text) for text in texts] == [(True, False), (True, False), (False, True)]
    for count, text in zip(counts[:2], texts, strict=False):
        assert f"¥{301 * count}.00" in text
    assert "¥36120.00" in texts[2]
    assert "价税合计（大写）" not in texts[0]


def test_the_largest_invoice_is_written() -> None:
    assert sum(text.count("301.00") for text in pages(written(invoice(2_000)))) >= 2_000


def test_long_names_wrap_inside_their_boxes() -> None:
    name = "很长的公司名称" * 28 + "有限公司"
    item = "超长商品名称" * 33 + "甲乙"
    document = with_first_line(invoice(buyer={"name": name, "tax_id": "91310112703255042R"}), name=item)
    pdf = written(document)
    (text,) = pages(pdf)
    assert name in text
    half = (MARGIN + FRAME_WIDTH / 2) * PT_PER_MM
    column = (MARGIN + COLUMNS[0][1]) * PT_PER_MM
    rights = {"长公司名": half, "超商": column}
    found = dict.fromkeys(rights, 0)
    for char, (left, _, right, _) in characters(pdf):
        assert left >= MARGIN * PT_PER_MM - 0.1
        assert right <= (MARGIN + FRAME_WIDTH) * PT_PER_MM + 0.1
        for group, limit in rights.items():
            if char in group and right > 0:
                found[group] += right <= limit
    assert found["超商"] == 66
    assert found["长公司名"] >= 28 * 5


def characters(pdf: bytes) -> list[tuple[str, tuple[float, float, float, float]]]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0].get_textpage()
        whole = page.get_text_range()
        return [(char, page.get_charbox(at)) for at, char in enumerate(whole) if not char.isspace()]
    finally:
        document.close()


def test_the_font_has_every_character_of_the_national_set(face: Typeface) -> None:
    pairs = [bytes([high, low]) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)]
    national = "".join(pair.decode("gb2312", errors="ignore") for pair in pairs)
    assert len(national) == 6_763
    assert face.shown(national) == national
    assert (
        face.shown("￥¥⊗（）零壹贰叁肆伍陆柒捌玖拾佰仟万亿圆角分整") == "￥¥⊗（）零壹贰叁肆伍陆柒捌玖拾佰仟万亿圆角分整"
    )


def test_a_character_the_font_lacks_is_named_and_never_dropped() -> None:
    document = with_first_line(invoice(note="笑😀到\u00ad此"), name="𠮷野家\u200d套餐𪚥")
    (text,) = pages(written(document))
    assert "笑[U+1F600]到[U+00AD]此" in text
    assert "[U+200D]" in text
    assert "[U+2A6A5]" in text


@pytest.mark.slow
@given(document=documents())
@settings(max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_every_name_is_on_the_page(document: InvoiceDocument) -> None:
    made = Typeface(FPDF())
    try:
        shown = [made.shown(name) for name in (document.buyer.name, document.seller.name)]
    finally:
        made.close()
    text = "".join(pages(written(document)))
    assert document.number in text
    for name in shown:
        assert all(text.count(char) >= name.count(char) for char in set(name) if read_back(char)), name


def read_back(char: str) -> bool:
    """Whether the reader gives a character back as it is: not a blank, a hyphen at a line's end, a ligature."""
    return not char.isspace() and char != "-" and unicodedata.normalize("NFKC", char) == char


@pytest.mark.slow
def test_characters_that_count_as_there_are_drawn_and_read_back() -> None:
    """Every twelfth of them: all take a minute."""
    pdf = FPDF()
    made = Typeface(pdf)
    try:
        every = [chr(code) for code in [*range(0x20, 0x10000), *range(0x20000, 0x2FA20)]]
        there = [char for char in every if made.shown(char) == char and read_back(char)]
        assert len(there) > 25_000
        there = there[::12]
        for start in range(0, len(there), 2_000):
            pdf.add_page()
            for at, char in enumerate(there[start : start + 2_000]):
                pdf.text(5 + at % 40 * 5, 8 + at // 40 * 5.5, char)
        assert set(there) <= set("".join(pages(bytes(pdf.output()))))
    finally:
        made.close()


def test_what_a_box_cannot_hold_goes_on_in_the_note() -> None:
    document = replace(
        with_first_line(invoice(), name="😀" * 200),
        drawer="很长的名字" * 12,
        payee="😀" * 60,
        note="\n".join(f"行{at}" for at in range(190)),
        buyer=replace(invoice().buyer, name="😀" * 200, address="𪚥" * 300),
    )
    texts = pages(written(document))
    whole = "".join(texts)
    assert whole.count("U+1F600") >= 440  # those that a line break between two pages does not split
    assert "购买方信息（续）：" in whole
    assert "收款人：见备注" in whole
    assert all(f"行{at}" in whole for at in range(190))
    assert "很长的名字" * 12 in whole


def test_lines_join_to_the_text_and_fit_the_width(face: Typeface) -> None:
    text = "软件（含 maintenance-and-support-contract-2026-11），第3期。" * 5
    lines = face.wrap(text, 30, 8)
    assert "".join(lines) == text
    assert all(face.width(line, 8) <= 30.01 for line in lines)
    assert not any(line.startswith(("，", "。", "）")) for line in lines)
    assert face.wrap("", 30, 8) == []
    assert face.wrap("a\n\nb", 30, 8) == ["a", "", "b"]


def test_the_same_invoice_gives_the_same_bytes_and_another_does_not() -> None:
    first = written(invoice(), attachments=[EVIDENCE])
    assert first == written(invoice(), attachments=[EVIDENCE])
    assert first != written(invoice())


def test_the_font_is_inside_and_only_what_is_used_of_it() -> None:
    pdf = written(invoice())
    assert len(pdf) < 100_000
    fonts = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]["/Font"]
    for font in fonts.values():
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert "/FontFile3" in descriptor
        assert descriptor["/FontName"].endswith("+NotoSansSC")


@pytest.mark.parametrize(
    ("attachments", "code"),
    [
        ([EVIDENCE] * 2, "attachment_twice"),
        ([("../evidence.json", "application/json", b"{}")], "attachment_name"),
        ([("证据.json", "application/json", b"{}")], "attachment_name"),
        ([("a" * 65, "application/json", b"{}")], "attachment_name"),
        ([("a.json", "json", b"{}")], "attachment_kind"),
        ([("a.json", "application/json", b"")], "attachment_size"),
        ([("a.json", "application/json", bytes(ATTACHMENT_SIZE_MAX + 1))], "attachment_size"),
        ([(f"{at}.json", "application/json", b"{}") for at in range(ATTACHMENTS_MAX + 1)], "too_many_attachments"),
    ],
)
def test_other_attachments_are_refused(attachments: list[Attachment], code: str) -> None:
    with pytest.raises(NotWritableError) as caught:
        written(invoice(), attachments=attachments)
    assert caught.value.code == code


def test_as_many_attachments_as_may_go_in_do() -> None:
    attachments = [(f"{at}.json", "application/json", b"{}") for at in range(ATTACHMENTS_MAX)]
    reader = pypdf.PdfReader(io.BytesIO(written(invoice(), attachments=attachments)))
    assert sorted(reader.attachments) == [name for name, _, _ in attachments]


@pytest.mark.parametrize(
    "address",
    ["", "ledger.example.cn", "ftp://a.b", "https://a b", "https://a.b?x=1", "https://a@b.c", "https://" + "a" * 200],
)
def test_an_address_that_no_code_can_carry_is_refused(address: str) -> None:
    with pytest.raises(NotWritableError) as caught:
        check_link(invoice(), COMMITMENT, address)
    assert caught.value.code == "check_address"


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "https://ledger.example.cn/", "https://a.b/einvoice"])
def test_an_address_with_port_or_path_is_taken(address: str) -> None:
    assert read_qr(check_link(invoice(), COMMITMENT, address)).number == NUMBER


def test_a_draft_and_a_wrong_commitment_are_refused() -> None:
    with pytest.raises(NotWritableError) as caught:
        written(replace(invoice(), number="", issued_on=None))
    assert caught.value.code == "draft"
    with pytest.raises(NotWritableError) as caught:
        write_pdf(invoice(), commitment=b"\0" * 31, check_address=ADDRESS)
    assert caught.value.code == "commitment_size"
