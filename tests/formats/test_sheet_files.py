"""Files of sheets: encodings, columns, limits, workbooks, whatever bytes somebody sends."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.document import parse_issuable
from ledger.formats import FieldsRefusedError, FileRefusedError, FormatError, Source, sheets_rows
from ledger.formats.image import PIXELS_MAX
from ledger.formats.image_process import CPU_S_MAX, MEMORY_SIZE_MAX
from ledger.formats.pdf import ATTACHMENTS_MAX, PAGE_PIXELS_MAX, PAGES_MAX
from ledger.formats.sheets import read_sheet
from ledger.formats.sheets_cells import CELL_LENGTH_MAX
from ledger.formats.sheets_columns import COLUMNS, REFERENCE_LENGTH_MAX, column_named
from ledger.formats.sheets_lines import divided, read_share
from ledger.formats.sheets_rows import COLUMNS_MAX, HEAD_ROWS_MAX, ROWS_MAX, SHEET_SIZE_MAX
from tests.formats.sheet_making import BUYER_ID, HEAD, LINE, SELLER, csv_of, line, read, refused, xlsx_of

# files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_in_the_encodings_people_save(encoding: str, separator: str) -> None:
    data = csv_of({**LINE, "备注": "𠮷野家"}, encoding=encoding, separator=separator)
    draft = read_sheet(data, SELLER).invoices[0].draft
    assert draft is not None
    assert draft["note"] == "𠮷野家"
    assert refused(data + b"\n\x81\xff\xfe") == "sheet_encoding"


def test_names_of_columns_are_found_in_both_languages_and_below_a_title() -> None:
    chinese = csv_of({**LINE, "购买方税号": BUYER_ID})
    english = csv_of(
        {
            "Buyer Name": LINE["购买方名称"],
            "buyer_tax_id": BUYER_ID,
            "name": "*餐饮服务*餐费",
            "net": "100",
            "Rate": "6%",
        },
        head=["Buyer Name", "buyer_tax_id", "name", "net", "Rate"],
    )
    starred = chinese.replace("购买方名称".encode(), "* 购买方名称（必填）".encode())
    titled = "十一月开票,,\n\n".encode() + chinese
    drafts = [read_sheet(data, SELLER).invoices[0] for data in (chinese, english, starred, titled)]
    assert [draft.draft for draft in drafts] == [drafts[0].draft] * 4
    assert [draft.row for draft in drafts] == [2, 2, 2, 4]
    for column in COLUMNS:
        assert column_named(column.zh) is column_named(column.en) is column


def test_unknown_columns_are_told_and_left_out() -> None:
    sheet = read_sheet(csv_of({**LINE, "部门": "餐饮"}, head=[*HEAD, "部门"]), SELLER)
    assert [warning.code for warning in sheet.warnings] == ["sheet_column_unknown"]
    assert "部门" in sheet.warnings[0].message_zh
    assert sheet.refused_count == 0


def test_columns_that_are_missing_or_twice_are_refused_by_name() -> None:
    with pytest.raises(FieldsRefusedError) as caught:
        read_sheet(csv_of(LINE, head=["购买方名称", "备注", "单位"]), SELLER)
    named = [problem.message_zh for problem in caught.value.problems]
    assert [problem.code for problem in caught.value.problems] == ["sheet_column_missing"] * 3
    assert [any(name in text for text in named) for name in ("项目名称", "税率", "金额")] == [True] * 3
    assert refused(csv_of(LINE, head=[*HEAD, "购方名称"])) == "sheet_column_twice"


def test_cell_right_of_the_last_column_is_a_problem() -> None:
    data = csv_of(LINE) + b"\n" + b",".join([b""] * len(HEAD) + [b"6%"])
    found = read_sheet(data, SELLER).invoices[1].problems
    assert "cell_without_column" in [problem.problem.code for problem in found]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b" \n", "file_empty"),
        (b",,,\n,,\n", "sheet_empty"),
        (b"a,b,c\n1,2,3", "sheet_head_missing"),
        (b"\n".join([b"title"] * HEAD_ROWS_MAX) + b"\n" + csv_of(LINE), "sheet_head_missing"),
        (csv_of(), "sheet_empty"),
        (b"a\0b", "sheet_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "sheet_old"),
        (csv_of(LINE) + b'\n"open', "sheet_quotes"),
        (csv_of(LINE) + b"\n" + b"x," * COLUMNS_MAX + b"x", "sheet_columns"),
        (b"PK\x03\x04" + bytes(100), "sheet_damaged"),
        (b"%PDF-1.7", "sheet_head_missing"),
    ],
)
def test_file_that_is_no_sheet_is_refused_by_name(data: bytes, code: str) -> None:
    assert refused(data) == code


@pytest.mark.slow
def test_sheet_at_the_size_limit_is_read_and_one_byte_more_is_not() -> None:
    data = csv_of(LINE)
    assert read_sheet(data + b"\n" * (SHEET_SIZE_MAX - len(data)), SELLER).accepted_count == 1
    assert refused(data + b"\n" * (SHEET_SIZE_MAX - len(data) + 1)) == "file_too_large"


def test_limits_of_rows_and_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    data = csv_of(LINE)
    row = csv_of(LINE).split(b"\n")[1]
    monkeypatch.setattr("ledger.formats.sheets.ROWS_MAX", 5)
    assert read_sheet(data + b"\n" + b"\n".join([row] * 4), SELLER).accepted_count == 5
    assert refused(data + b"\n" + b"\n".join([row] * 5)) == "sheet_rows"
    monkeypatch.setattr(sheets_rows, "CHARACTERS_MAX", 50)
    assert refused(data) == "sheet_cells"


@pytest.mark.slow
def test_thirty_thousand_rows_are_read_and_one_more_is_not() -> None:
    row = csv_of(LINE).split(b"\n")[1] + b"\n"
    head = csv_of() + b"\n"
    assert read_sheet(head + row * ROWS_MAX, SELLER).accepted_count == ROWS_MAX
    assert refused(head + row * (ROWS_MAX + 1)) == "sheet_rows"
    assert refused(head + row * (ROWS_MAX + HEAD_ROWS_MAX + 1)) == "sheet_rows"


# workbooks


def test_workbook_is_read_as_the_same_csv_would_be() -> None:
    rows = [HEAD, *([row.get(name, "") or None for name in HEAD] for row in (LINE, {**LINE, "购买方税号": BUYER_ID}))]
    assert read_sheet(xlsx_of(rows), SELLER) == read(LINE, {**LINE, "购买方税号": BUYER_ID})


def test_numbers_of_a_workbook_are_read_as_people_see_them() -> None:
    head = ["购买方名称", "项目名称", "数量", "单价", "金额", "税率", "税额"]
    rows = [head, ["甲", "乙", 3, 0.1 + 0.2, 0.9, 0.06, 0.05], ["甲", "乙", 1, 15841.5841584158, 15841.58, 6, None]]
    first, second = read_sheet(xlsx_of(rows), SELLER).invoices
    assert (line(first)["price"], line(first)["net_fen"], line(first)["tax_fen"]) == ("0.3", 90, 5)
    assert (line(second)["price"], line(second)["rate_bp"]) == ("15841.5841584158", 600)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("项目名称", "=1+1", "cell_formula"),
        ("金额", "=SUM(A1:A9)", "cell_formula"),
        ("购买方税号", 913101127032550421, "cell_digits_lost"),
        ("金额", "#N/A", "cell_error"),
        ("备注", "a" * 2001, "cell_too_long"),
    ],
)
def test_wrong_cell_of_a_workbook_is_named(column: str, value: object, code: str) -> None:
    cells = {**LINE, column: value}
    invoice = read_sheet(xlsx_of([HEAD, [cells.get(name) for name in HEAD]]), SELLER).invoices[0]
    assert (2, column, code) in [(one.row, one.column, one.problem.code) for one in invoice.problems]
    assert invoice.draft is None


def test_formula_is_refused_even_with_a_value_computed_before() -> None:
    data = xlsx_of([HEAD, [LINE.get(name) for name in HEAD]])
    cell = b'<c r="I2" t="inlineStr"><is><t>100.00</t></is></c>'
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                start = content.index(b'<c r="I2"')
                end = content.index(b"</c>", start) + 4
                content = content[:start] + b'<c r="I2"><f>99+1</f><v>100</v></c>' + content[end:]
            new.writestr(name, content)
    assert cell not in data
    invoice = read_sheet(changed.getvalue(), SELLER).invoices[0]
    assert [problem.problem.code for problem in invoice.problems] == ["cell_formula"]


def archive(*added: tuple[str, bytes], base: bytes | None = None) -> bytes:
    file = io.BytesIO(base if base is not None else xlsx_of([HEAD, [LINE.get(name) for name in HEAD]]))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as out:
        for name, content in added:
            out.writestr(name, content)
    return file.getvalue()


@pytest.mark.slow
def test_workbook_with_macros_links_or_a_bomb_is_refused() -> None:
    assert read_sheet(archive(), SELLER).accepted_count == 1
    assert refused(archive(("xl/vbaProject.bin", b"x"))) == "sheet_macros"
    assert refused(archive(("xl/externalLinks/externalLink1.xml", b"<a/>"))) == "sheet_links"
    assert refused(archive(("xl/media/a.png", bytes(130 << 20)))) == "sheet_unpacks_too_large"
    assert refused(archive(*((f"xl/{index}", b"") for index in range(1001)))) == "sheet_unpacks_too_large"
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    assert refused(archive(("word/document.xml", b"<a/>"), base=empty.getvalue())) == "sheet_unknown"


def sheet_xml(rows: bytes) -> bytes:
    """A workbook whose one sheet is written by hand."""
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_of([["a"]]))) as old, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
                content = b"<worksheet %s><sheetData>%s</sheetData></worksheet>" % (space, rows)
            new.writestr(name, content)
    return data.getvalue()


@pytest.mark.slow
def test_crafted_sheets_are_refused_within_the_limits() -> None:
    text = b'<c r="%s1" t="inlineStr"><is><t>x</t></is></c>'
    assert refused(sheet_xml(b'<row r="1">' + text % b"XFD" + text % b"A" + b"</row>")) == "sheet_head_missing"
    wide = b"".join(text % name for name in (b"A", b"DY", b"DZ"))
    assert refused(sheet_xml(b'<row r="1">' + wide + b"</row>")) == "sheet_columns"
    assert refused(sheet_xml(b'<row r="999999999">' + text % b"A" + b"</row>")) == "sheet_rows"
    assert refused(sheet_xml(b'<row r="-1"><c r="!!"/></row>')) in ("sheet_damaged", "sheet_empty")
    assert refused(sheet_xml(b'<row r="1"><c r="A1"><v>1e999</v></c></row>')) == "sheet_head_missing"
    assert refused(sheet_xml(b"<row>")) == "sheet_damaged"


@pytest.mark.slow
def test_sheet_of_endless_cells_is_stopped_by_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.formats.image_process.CPU_S_MAX", 2)
    assert refused(sheet_xml(b"<row>" + b"<c/>" * 20_000_000 + b"</row>")) == "sheet_too_costly"


# properties

WORKBOOK = archive()


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_rounding_is_half_away_from_zero(amount: int, divisor: int) -> None:
    rounded = divided(amount, divisor)
    assert abs(2 * (amount - rounded * divisor)) <= divisor
    assert divided(-amount, divisor) == -rounded
    assert (divided(5, 10), divided(-5, 10), divided(4, 10)) == (1, -1, 0)


@given(st.integers(0, 10_000))
def test_percentage_is_read_exactly_and_a_bare_number_only_as_a_rate_in_force(rate_bp: int) -> None:
    assert read_share(f"{rate_bp // 100}.{rate_bp % 100:02d}%") == rate_bp
    in_force = {1300, 900, 600, 500, 300, 150, 100, 50, 0}
    assert read_share(f"0.{rate_bp:04d}") in {rate_bp if rate_bp in in_force else None, 50, 0}
    assert read_share("-6%") is None
    assert read_share("101%") is None


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, below_a_head: bool) -> None:
    with contextlib.suppress(FormatError):
        assert read_sheet(csv_of() + b"\n" + data if below_a_head else data, SELLER).invoices


@given(st.lists(st.lists(st.text(max_size=12) | st.sampled_from(["6%", "1", "A", "-1"]), max_size=16), max_size=4))
def test_any_cells_are_read_or_named(table: list[list[str]]) -> None:
    body = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table)
    with contextlib.suppress(FormatError):
        sheet = read_sheet(csv_of() + b"\n" + body.encode("utf-8", "replace"), SELLER)
        for invoice in sheet.invoices:
            assert (invoice.draft is None) == bool(invoice.problems)
            if invoice.draft is not None:
                assert parse_issuable(invoice.draft).to_json() == invoice.draft


@pytest.mark.slow
@settings(max_examples=30)
@given(st.data())
def test_any_altered_workbook_is_read_or_refused(data: st.DataObject) -> None:
    base = bytearray(WORKBOOK)
    for _ in range(data.draw(st.integers(1, 6))):
        base[data.draw(st.integers(4, len(base) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        assert read_sheet(bytes(base), SELLER).invoices


def test_sheet_is_refused_before_its_rows_when_the_file_is_too_large() -> None:
    with pytest.raises(FileRefusedError):
        read_sheet(b"PK\x03\x04" + bytes(SHEET_SIZE_MAX), SELLER)


def test_columns_and_limits_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "FORMATS.md").read_text(encoding="utf-8")
    for column in COLUMNS:
        assert f"| {column.zh} | `{column.en}` | {'head' if column.of_head else 'line'} |" in page, column.key
    assert f"| sheet file | {SHEET_SIZE_MAX >> 20} MiB |" in page
    assert f"| rows | {ROWS_MAX:,} |" in page
    assert f"| columns of a sheet | {COLUMNS_MAX} |" in page
    assert f"| cell | {CELL_LENGTH_MAX:,} characters |" in page
    assert f"| all cells | {sheets_rows.CHARACTERS_MAX:,} characters |" in page
    assert f"| unpacked workbook | {sheets_rows.UNPACKED_SIZE_MAX >> 20} MiB |" in page
    assert f"| reference, external id | {REFERENCE_LENGTH_MAX} characters |" in page
    assert f"| picture | {PIXELS_MAX:,} pixels |" in page
    assert f"| page of a PDF | {PAGE_PIXELS_MAX:,} pixels |" in page
    assert f"| pages, attached files looked at | {PAGES_MAX}, {ATTACHMENTS_MAX} |" in page
    assert f"| processor time, memory | {CPU_S_MAX} s, {MEMORY_SIZE_MAX >> 30} GiB |" in page
    for source in (Source.PDF_XML, Source.PDF_QR, Source.IMAGE_QR, Source.TYPED):
        assert f"`{source.value}`" in page
