"""What programs do to a PDF without touching its pages: save it, pack it otherwise, append, order it for the web."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pypdf
import pypdfium2
from pypdf.generic import ByteStringObject, IndirectObject, NameObject, StreamObject


def bytes_of(writer: pypdf.PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def cloned(pdf: bytes) -> pypdf.PdfWriter:
    return pypdf.PdfWriter(clone_from=io.BytesIO(pdf))


def saved_again(pdf: bytes) -> bytes:
    return bytes_of(cloned(pdf))


def with_other_metadata(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    writer.add_metadata({"/Title": "报销", "/Producer": "another program", "/Keywords": "x"})
    del writer.root_object[NameObject("/Metadata")]
    return bytes_of(writer)


def compressed(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    for page in writer.pages:
        page.compress_content_streams(level=9)
    writer.compress_identical_objects()
    return bytes_of(writer)


def unpacked(pdf: bytes) -> bytes:
    """Every stream without a filter, as programs for repairing write them."""
    writer = cloned(pdf)
    for index, found in enumerate(writer._objects):
        if isinstance(found, StreamObject) and "/Filter" in found:
            plain = StreamObject()
            plain.update(
                {key: value for key, value in found.items() if key not in ("/Filter", "/DecodeParms", "/Length")}
            )
            plain.set_data(found.get_data())
            writer._objects[index] = plain
    return bytes_of(writer)


def appended(pdf: bytes) -> bytes:
    """A revision at the end, over a file that stays as it was byte for byte."""
    writer = pypdf.PdfWriter(io.BytesIO(pdf), incremental=True)
    writer.add_metadata({"/Title": "报销"})
    found = bytes_of(writer)
    assert found.startswith(pdf)
    return found


def saved_by_a_browser(pdf: bytes) -> bytes:
    """As the engine of browsers saves a document."""
    document = pypdfium2.PdfDocument(pdf)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def with_object_streams(pdf: bytes) -> bytes:
    """Objects packed into one stream and the table of objects as a stream, as PDF 1.5 has them."""
    objects, root = _objects(pdf)
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    packed = [number for number, (_, is_stream) in objects.items() if not is_stream]
    places: dict[int, tuple[int, int, int]] = {}
    for number, (text, is_stream) in objects.items():
        if is_stream:
            places[number] = (1, len(out), 0)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    pack, table = max(objects) + 1, max(objects) + 2
    heads, body = [], bytearray()
    for index, number in enumerate(packed):
        heads.append(b"%d %d" % (number, len(body)))
        body += objects[number][0] + b"\n"
        places[number] = (2, pack, index)
    head = b" ".join(heads) + b" "
    content = zlib.compress(head + bytes(body))
    places[pack] = (1, len(out), 0)
    out += b"%d 0 obj\n<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n" % (
        pack, len(packed), len(head), len(content),
    )  # fmt: skip
    out += content + b"\nendstream\nendobj\n"
    places[table] = (1, len(out), 0)
    rows = b"".join(
        struct.pack(">BIH", *places.get(number, (0, 0, 65535 if number == 0 else 0))) for number in range(table + 1)
    )
    rows = zlib.compress(rows)
    start = len(out)
    out += b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 2] /Root %d 0 R /Filter /FlateDecode /Length %d >>\nstream\n" % (
        table, table + 1, root, len(rows),
    )  # fmt: skip
    return bytes(out + rows + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start)


def ordered_for_the_web(pdf: bytes) -> bytes:
    """A linearised file: the first part's table of objects at the front, that of the rest at the end."""
    objects, root = _objects(pdf)
    numbers = sorted(objects)
    first = {number for number in numbers if not objects[number][1]}
    marker = max(numbers) + 1
    texts = {number: b"%d 0 obj\n%s\nendobj\n" % (number, objects[number][0]) for number in numbers}

    def table(listed: list[int], offsets: dict[int, int]) -> bytes:
        rows = b"".join(b"%d 1\n%010d 00000 n \n" % (number, offsets.get(number, 0)) for number in listed)
        return b"xref\n0 1\n0000000000 65535 f \n" + rows

    def laid_out(offsets: dict[int, int], second: int, size: int) -> tuple[bytes, dict[int, int], int]:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        found = {marker: len(out)}
        out += b"%d 0 obj\n<< /Linearized 1 /L %010d /N 1 /T %010d >>\nendobj\n" % (marker, size, second)
        start = len(out)
        out += table([*sorted(first), marker], offsets)
        out += b"trailer\n<< /Size %d /Root %d 0 R /Prev %010d >>\nstartxref\n0\n%%%%EOF\n" % (marker + 1, root, second)
        for number in [*sorted(first), *(one for one in numbers if one not in first)]:
            found[number] = len(out)
            out += texts[number]
        later = len(out)
        out += table([one for one in numbers if one not in first], offsets)
        out += b"trailer\n<< /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (marker + 1, start)
        return bytes(out), found, later

    drafted, offsets, second = laid_out({}, 0, 0)
    return laid_out(offsets, second, len(drafted))[0]


def _objects(pdf: bytes) -> tuple[dict[int, tuple[bytes, bool]], int]:
    """Every object of a file as it is written, with whether it is a stream; and the catalog's number."""
    reader = pypdf.PdfReader(io.BytesIO(saved_again(pdf)))
    found: dict[int, tuple[bytes, bool]] = {}
    for number in sorted(reader.xref[0]):
        if number:
            entry = reader.get_object(IndirectObject(number, 0, reader))
            assert entry is not None
            buffer = io.BytesIO()
            entry.write_to_stream(buffer)
            found[number] = (buffer.getvalue(), isinstance(entry, StreamObject))
    root = reader.trailer.raw_get("/Root")
    assert isinstance(root, IndirectObject)
    return found, root.idnum


def with_another_id(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    writer._ID = pypdf.generic.ArrayObject([ByteStringObject(b"x" * 16), ByteStringObject(b"y" * 16)])
    return bytes_of(writer)


RESAVINGS: tuple[Callable[[bytes], bytes], ...] = (
    saved_again, with_other_metadata, compressed, unpacked, appended, saved_by_a_browser, with_object_streams,
    ordered_for_the_web, with_another_id, lambda pdf: appended(with_object_streams(saved_by_a_browser(pdf))),
)  # fmt: skip
