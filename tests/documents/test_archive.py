from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.documents import (
    ArchiveAlteredError,
    ArchiveEntry,
    ArchiveRefusedError,
    DocumentsError,
    NotWritableError,
    archive,
    archive_check,
    check_archive,
    safe_name,
    write_archive,
)
from ledger.documents.archive_names import NAME_SIZE_MAX, is_safe_path
from tests.documents.making import NUMBER

ABOUT = {"claim": "C-2026-1", "company": "上海示例科技有限公司"}
ENTRIES = (
    ArchiveEntry(f"{NUMBER}/发票.pdf", b"%PDF-1.7" + b"x" * 1_000, "document", NUMBER),
    ArchiveEntry(f"{NUMBER}/invoice.json", b"{}", "document", NUMBER),
    ArchiveEntry(f"{NUMBER}/evidence.json", b'{"a": 1}', "evidence", NUMBER),
    ArchiveEntry("original/=1+1.xml", b"<EInvoice/>", "original"),
)
WRITTEN = write_archive(ENTRIES, about=ABOUT)


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return {name: book.read(name) for name in book.namelist()}


def packed(files: Mapping[str, bytes], **form: int) -> bytes:
    """A ZIP of files as another program would write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = form.get("compress_type", zipfile.ZIP_DEFLATED)
            info.external_attr = form.get("external_attr", 0)
            book.writestr(info, data)
    return buffer.getvalue()


def changed(change: Callable[[dict[str, bytes]], object]) -> bytes:
    files = members(WRITTEN.data)
    change(files)
    return packed(files)


def refusal(data: bytes) -> ArchiveRefusedError:
    with pytest.raises(ArchiveRefusedError) as caught:
        check_archive(data)
    return caught.value


def altered(data: bytes, digest: str = "") -> ArchiveAlteredError:
    with pytest.raises(ArchiveAlteredError) as caught:
        check_archive(data, digest=digest)
    return caught.value


def test_what_is_written_is_found_whole() -> None:
    checked = check_archive(WRITTEN.data, digest=WRITTEN.digest)
    assert checked.digest == WRITTEN.digest
    assert checked.about == ABOUT
    assert checked.files == WRITTEN.files
    assert [(file.path, file.size) for file in checked.files] == sorted((one.path, len(one.data)) for one in ENTRIES)
    files = members(WRITTEN.data)
    assert all(files[entry.path] == entry.data for entry in ENTRIES)


def test_any_system_can_check_it_by_the_lists_inside() -> None:
    files = members(WRITTEN.data)
    assert hashlib.sha256(files["manifest.json"]).hexdigest() == WRITTEN.digest
    manifest = json.loads(files["manifest.json"])
    for name in ("index.csv", "index.json"):
        assert manifest[name] == hashlib.sha256(files[name]).hexdigest()
    heads, *rows = csv.reader(io.StringIO(files["index.csv"].decode("utf-8-sig"), newline=""))
    assert heads == ["path", "role", "number", "size", "sha256"]
    assert [row[4] for row in rows] == [one["sha256"] for one in json.loads(files["index.json"])["files"]]
    for row in rows:
        assert hashlib.sha256(files[row[0]]).hexdigest() == row[4]


def test_the_same_files_in_any_order_give_the_same_bytes_and_others_do_not() -> None:
    assert write_archive(reversed(ENTRIES), about=ABOUT) == WRITTEN
    assert write_archive(ENTRIES[1:], about=ABOUT).digest != WRITTEN.digest
    assert write_archive(ENTRIES, about={"claim": "C-2026-2"}).digest != WRITTEN.digest


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path)
def test_a_changed_file_is_named(entry: ArchiveEntry) -> None:
    found = altered(changed(lambda files: files.update({entry.path: entry.data + b" "})))
    assert (found.code, found.path) == ("digest_differs", entry.path)
    assert entry.path in found.message_en
    assert entry.path in found.message_zh


def test_the_first_of_several_changed_files_is_named() -> None:
    found = altered(changed(lambda files: files.update({entry.path: b"" for entry in ENTRIES})))
    assert found.path == min(entry.path for entry in ENTRIES)


@pytest.mark.parametrize("name", ["index.json", "index.csv"])
def test_a_changed_index_is_named(name: str) -> None:
    assert altered(changed(lambda files: files.update({name: files[name] + b" "}))).path == name


def test_a_missing_and_an_added_file_are_named() -> None:
    gone = ENTRIES[1].path
    found = altered(changed(lambda files: files.pop(gone)))
    assert (found.code, found.path) == ("file_missing", gone)
    found = altered(changed(lambda files: files.update({"note.txt": b""})))
    assert (found.code, found.path) == ("file_extra", "note.txt")
    assert altered(changed(lambda files: files.pop("manifest.json"))).path == "manifest.json"


def test_an_archive_made_anew_differs_from_the_digest_kept_elsewhere() -> None:
    forged = write_archive([*ENTRIES[1:], ArchiveEntry(ENTRIES[0].path, b"forged", "document", NUMBER)], about=ABOUT)
    assert check_archive(forged.data).digest != WRITTEN.digest
    assert altered(forged.data, WRITTEN.digest).code == "root_differs"
    assert check_archive(WRITTEN.data, digest=WRITTEN.digest.upper()).digest == WRITTEN.digest


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "C:\\x", "a\\b", "a:b", "nul", "COM1.txt", "a.", " a", "a\n",
        "a\u202egpj.exe", "e\u0301", "x" * 241, "a/b/c/d/e", "a\ud800",
    ],
)  # fmt: skip
def test_an_unsafe_name_goes_neither_in_nor_is_it_read(path: str) -> None:
    with pytest.raises(NotWritableError) as caught:
        write_archive([ArchiveEntry(path, b"", "original")], about=ABOUT)
    assert caught.value.code == "file_name"
    if path and path.isprintable() and "\\" not in path:
        assert refusal(packed({**members(WRITTEN.data), path: b""})).code in ("file_name", "zip_form")


@pytest.mark.parametrize("path", ["INDEX.csv", "Manifest.json", ENTRIES[1].path.upper()])
def test_two_files_in_one_place_are_refused(path: str) -> None:
    with pytest.raises(NotWritableError) as caught:
        write_archive([*ENTRIES, ArchiveEntry(path, b"", "original")], about=ABOUT)
    assert caught.value.code == "file_twice"
    assert refusal(packed({**members(WRITTEN.data), path: b""})).code == "file_name"


def test_limits_hold_on_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    def code(entries: tuple[ArchiveEntry, ...], about: Mapping[str, str] = ABOUT) -> str:
        with pytest.raises(NotWritableError) as caught:
            write_archive(entries, about=about)
        return caught.value.code

    assert code(()) == "archive_empty"
    assert code((replace(ENTRIES[0], role="Original File"),)) == "entry_words"
    assert code((replace(ENTRIES[0], number="FP1"),)) == "entry_words"
    assert code(ENTRIES, {"claim": ""}) == "about_text"
    assert code(ENTRIES, {"claim": "a\nb"}) == "about_text"
    assert code(ENTRIES, {str(at): "x" for at in range(archive.ABOUT_MAX + 1)}) == "about_text"
    whole = sum(len(entry.data) for entry in ENTRIES)
    for name, exact, expected in (
        ("FILES_MAX", 4, "too_many_files"),
        ("FILE_SIZE_MAX", 1_008, "file_size"),
        ("ARCHIVE_SIZE_MAX", whole, "archive_size"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(archive, name, exact)
            assert write_archive(ENTRIES, about=ABOUT) == WRITTEN
            patch.setattr(archive, name, exact - 1)
            assert code(ENTRIES) == expected


def test_limits_hold_on_checking(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, exact, expected in (
        ("ZIP_SIZE_MAX", len(WRITTEN.data), "zip_size"),
        ("FILES_MAX", 4, "zip_broken"),
        ("FILE_SIZE_MAX", 1_008, "file_size"),
        ("CONTENT_SIZE_MAX", sum(map(len, members(WRITTEN.data).values())), "content_size"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(archive_check, name, exact)
            assert check_archive(WRITTEN.data).digest == WRITTEN.digest
            patch.setattr(archive_check, name, exact - 1)
            assert refusal(WRITTEN.data).code == expected


@pytest.mark.parametrize("data", [b"", b"PK", b"%PDF-1.7", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_no_archive(data: bytes) -> None:
    assert refusal(data).code in ("zip_unknown", "zip_broken")


def test_bytes_before_behind_or_instead_of_the_directory_are_refused() -> None:
    for data in (b"MZ" + WRITTEN.data, WRITTEN.data + b"x", WRITTEN.data[:-1], WRITTEN.data[:-30]):
        assert refusal(data).code in ("zip_unknown", "zip_broken")
    end = bytearray(WRITTEN.data)
    struct.pack_into("<H", end, len(end) - 12, 60_000)
    assert refusal(bytes(end)).code == "zip_broken"


def test_links_and_other_compressions_are_refused() -> None:
    files = members(WRITTEN.data)
    assert refusal(packed(files, external_attr=0o120777 << 16)).code == "zip_form"
    assert refusal(packed(files, compress_type=zipfile.ZIP_BZIP2)).code == "zip_form"
    assert check_archive(packed(files, compress_type=zipfile.ZIP_STORED)).digest == WRITTEN.digest


def test_a_file_that_unpacks_to_more_than_it_says_is_refused() -> None:
    bomb = packed({**members(WRITTEN.data), "bomb.bin": bytes(archive.FILE_SIZE_MAX + 1)})
    assert len(bomb) < 100_000
    assert refusal(bomb).code == "file_size"


@pytest.mark.parametrize(
    "index", [b"", b"[]", b"{}", b'{"format": "einvoice archive 1", "about": {}, "files": [{}]}', b"[" * 5_000]
)
def test_an_index_of_another_form_is_refused(index: bytes) -> None:
    def forge(files: dict[str, bytes]) -> None:
        files["index.json"] = index
        manifest = json.loads(files["manifest.json"]) | {"index.json": hashlib.sha256(index).hexdigest()}
        files["manifest.json"] = json.dumps(manifest).encode()

    assert refusal(changed(forge)).code == "index_broken"


@given(at=st.integers(min_value=0, max_value=len(WRITTEN.data) - 1), byte=st.integers(min_value=0, max_value=255))
@settings(max_examples=200)
def test_no_changed_byte_gives_other_files(at: int, byte: int) -> None:
    """A byte of the ZIP's own dates and rights may change; what the archive says and holds may not."""
    data = bytearray(WRITTEN.data)
    data[at] = byte
    with contextlib.suppress(DocumentsError):
        assert check_archive(bytes(data), digest=WRITTEN.digest).files == WRITTEN.files


@given(name=st.text(max_size=150))
@settings(max_examples=200)
def test_any_name_from_outside_becomes_a_safe_one(name: str) -> None:
    made = safe_name(name)
    assert is_safe_path(made)
    assert "/" not in made
    assert len(made.encode()) <= NAME_SIZE_MAX + 1
    assert safe_name(made) == made


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("发票.pdf", "发票.pdf"), ("../../etc/passwd", "passwd"), ("C:\\a\\b.xml", "b.xml"), ("a:b?.ofd", "a_b_.ofd"),
        ("", "file"), ("...", "file"), ("nul.txt", "_nul.txt"), ("发" * 90 + ".pdf", "发" * 32 + ".pdf"),
    ],
)  # fmt: skip
def test_names_keep_what_is_harmless(name: str, safe: str) -> None:
    assert safe_name(name) == safe
