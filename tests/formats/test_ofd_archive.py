"""Archives made to exhaust, escape or confuse: each is refused by its own code, and no bytes raise anything else."""

from __future__ import annotations

import io
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.errors import FieldProblem
from ledger.formats import FileRefusedError, FormatError, ReadInvoice, read_file
from ledger.formats.ofd.archive import (
    ARCHIVE_SIZE_MAX,
    ENTRIES_MAX,
    ENTRY_SIZE_MAX,
    RATIO_FREE_SIZE,
    RATIO_MAX,
    TOTAL_SIZE_MAX,
    open_archive,
)
from tests.formats.ofd_making import INTACT, ofd_files, pack, unpack

PACKS_TENFOLD = b"".join(randbytes(40) + b"\0" * 360 for randbytes in [random.Random(7).randbytes] * 10_000)
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><OFD>&b;</OFD>'


def entry(name: str = "OFD.xml", mode: int = 0, method: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = method
    return info


def archive(*entries: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        for info, content in entries:
            opened.writestr(info, content, compress_type=info.compress_type)
    return out.getvalue()


def named(name: bytes) -> bytes:
    """An archive with a file whose name the library would not write."""
    data = archive((entry("x" * len(name)), b"1"))
    return data.replace(b"x" * len(name), name)


def twice(first: str, second: str) -> bytes:
    data = archive((entry(first), b"1"), (entry("y" * len(second)), b"2"))
    return data.replace(b"y" * len(second), second.encode())


def encrypted() -> bytes:
    data = bytearray(archive((entry(), b"1")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def deflated(size: int) -> bytes:
    return archive((entry(method=zipfile.ZIP_DEFLATED), b"\0" * size))


def lying(size: int) -> bytes:
    """A directory that says `size` bytes of a file that unpacks to 4 MB."""
    data = bytearray(archive((entry(method=zipfile.ZIP_DEFLATED), zlib.compress(b"\0" * 9, 9) * 9)))
    start = data.index(b"PK\x01\x02")
    data[start + 24 : start + 28] = struct.pack("<I", size)
    return bytes(data)


def attempted(data: bytes) -> tuple[tuple[FieldProblem, ...], ReadInvoice | None]:
    try:
        return (), read_file(data)
    except FormatError as err:
        return err.problems, None


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (lambda: deflated(ENTRY_SIZE_MAX), "zip_ratio"),
    "large entry": (lambda: deflated(ENTRY_SIZE_MAX + 1), "zip_entry_too_large"),
    "large in all": (lambda: pack({f"{i}": PACKS_TENFOLD for i in range(5)}), "zip_too_large"),
    "many": (lambda: archive(*((entry(f"{i}"), b"") for i in range(ENTRIES_MAX + 1))), "zip_too_many"),
    "lying small": (lambda: lying(1), "zip_broken"),
    "lying large": (lambda: lying(5_000), "zip_broken"),
    "lying huge": (lambda: lying(0xFFFFFFF0), "zip_entry_too_large"),
    "parent": (lambda: named(b"../OFD.xml"), "zip_name"),
    "parent inside": (lambda: named(b"Doc_0/../../OFD.xml"), "zip_name"),
    "dot": (lambda: named(b"./OFD.xml"), "zip_name"),
    "absolute": (lambda: named(b"/etc/passwd"), "zip_name"),
    "drive": (lambda: named(b"C:OFD.xml"), "zip_name"),
    "backslash": (lambda: named(b"..\\OFD.xml"), "zip_name"),
    "zero": (lambda: named(b"OFD.xml\0.txt"), "zip_name"),
    "line feed": (lambda: named(b"OFD\n.xml"), "zip_name"),
    "double slash": (lambda: named(b"Doc_0//OFD.xml"), "zip_name"),
    "long name": (lambda: archive((entry("a" * 256), b"")), "zip_name"),
    "symlink": (lambda: archive((entry(mode=stat.S_IFLNK | 0o777), b"/etc/passwd")), "zip_link"),
    "device": (lambda: archive((entry(mode=stat.S_IFCHR | 0o777), b"")), "zip_link"),
    "same name": (lambda: twice("OFD.xml", "OFD.xml"), "zip_repeated"),
    "same but capitals": (lambda: twice("OFD.xml", "ofd.XML"), "zip_repeated"),
    "file and folder": (lambda: twice("Doc", "Doc/"), "zip_entry_too_large"),
    "encrypted": (encrypted, "zip_encrypted"),
    "method": (lambda: archive((entry(method=zipfile.ZIP_BZIP2), b"1")), "zip_method"),
    "nested": (lambda: pack({**ofd_files(), "Doc_0/inner.ofd": pack(ofd_files())}), "zip_nested"),
    "entities": (lambda: pack({**ofd_files(), "OFD.xml": LAUGHS}), "xml_dtd"),
    "entities elsewhere": (lambda: pack({**ofd_files(), "Doc_0/Tags/a.XML": LAUGHS}), "xml_dtd"),
    "entities in utf-16": (lambda: pack({**ofd_files(), "a.xml": LAUGHS.decode().encode("utf-16")}), "xml_dtd"),
    "deep": (lambda: pack({**ofd_files(), "OFD.xml": b"<OFD>" + b"<a>" * 1_000}), "xml_too_deep"),
    "wide": (lambda: archive((entry(), b"<OFD>" + b"<a/><b/>" * 40_000)), "xml_too_many"),
    "cut": (lambda: pack(ofd_files())[:-30], "zip_broken"),
    "start alone": (lambda: b"PK\x03\x04", "zip_broken"),
    "too large packed": (lambda: b"PK\x03\x04" + b"\0" * ARCHIVE_SIZE_MAX, "file_too_large"),
    "no ofd": (lambda: pack({"word/document.xml": b"<a/>"}), "ofd_unknown"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archive_is_refused_by_its_own_code(name: str) -> None:
    build, code = HOSTILE[name]
    with pytest.raises(FileRefusedError) as caught:
        read_file(build())
    assert [problem.code for problem in caught.value.problems] == [code]
    assert all(problem.message_en and problem.message_zh for problem in caught.value.problems)


def test_archive_within_the_limits_is_unpacked() -> None:
    free, packed = b"\0" * RATIO_FREE_SIZE, bytes(range(256)) * 400
    files = {"a/b.bin": free, "c.bin": packed, **{f"{index}": b"" for index in range(ENTRIES_MAX - 2)}}
    opened = open_archive(pack(files))
    assert opened.files == files
    assert opened.resolve("B.BIN", "a/x.xml") == "a/b.bin"
    assert opened.resolve("../c.bin", "a/x.xml") == "c.bin"
    assert opened.resolve("/c.bin", "a/x.xml") == "c.bin"
    assert opened.resolve("../../c.bin", "a/x.xml") == ""
    assert RATIO_MAX * 1024 > RATIO_FREE_SIZE
    assert TOTAL_SIZE_MAX > ENTRY_SIZE_MAX


def test_folders_and_names_beyond_ascii_are_taken() -> None:
    data = archive((entry("Doc_0/", mode=stat.S_IFDIR | 0o755), b""), (entry("Doc_0/发票.xml"), b"<a/>"))
    assert list(open_archive(data).files) == ["Doc_0/发票.xml"]


@settings(max_examples=300)
@given(st.data())
def test_no_bytes_raise_anything_but_a_refusal(data: st.DataObject) -> None:
    original = pack(ofd_files())
    content = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        where = data.draw(st.integers(0, len(content) - 1))
        size = data.draw(st.integers(0, 4))
        content[where : where + size] = data.draw(st.binary(max_size=4))
    problems, invoice = attempted(b"PK\x03\x04" + bytes(content[4:]))
    assert problems or (invoice is not None and invoice.number)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.binary(max_size=100))
def test_arbitrary_bytes_after_the_mark_are_refused(middle: bytes, end: bytes) -> None:
    with pytest.raises(FormatError):
        read_file(b"PK\x03\x04" + middle + b"PK\x05\x06" + end)


@pytest.mark.skipif(not INTACT.is_file(), reason="the sample folder ../shared/samples is not there")
@settings(max_examples=100)
@given(st.data())
def test_real_file_with_any_part_replaced_gives_a_verdict_or_a_refusal(data: st.DataObject) -> None:
    files = unpack(INTACT.read_bytes())
    name = data.draw(st.sampled_from(sorted(files)))
    start = data.draw(st.integers(0, len(files[name])))
    end = data.draw(st.integers(start, len(files[name])))
    changed = files[name][:start] + data.draw(st.binary(max_size=40)) + files[name][end:]
    problems, invoice = attempted(pack({**files, name: changed}))
    assert problems or (invoice is not None and invoice.signature is not None)
    if invoice is not None and changed != files[name] and not name.endswith("Signatures.xml"):
        assert invoice.strength is None
