"""Hostile ZIP archives made safe: everything is checked in the directory before a byte is unpacked.

Nothing is written anywhere; names are only ever compared. Refused by name are archives that another program could
read differently (the same name twice, links, paths out of the archive) and those made to exhaust.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from posixpath import dirname, join, normpath

from ledger.formats.errors import FileRefusedError
from ledger.formats.xml_fields import shown
from ledger.formats.xml_tree import XML_SIZE_MAX, decode_xml

ARCHIVE_SIZE_MAX = 8 << 20  # bytes packed; invoices take 10 KB to 1 MB, with pictures more
ENTRIES_MAX = 1_024  # files; an invoice of 2,000 lines has about 100 pages
ENTRY_SIZE_MAX = XML_SIZE_MAX  # bytes unpacked of one file: the limit of the XML that is read out of it
TOTAL_SIZE_MAX = 16 << 20  # bytes unpacked of all: pages and tags repeat the lines two or three times
RATIO_MAX = 200  # unpacked by packed; 2,000 equal lines come to about 100, a bomb to 1,000
RATIO_FREE_SIZE = 64 << 10  # bytes unpacked below which the ratio is not looked at: blank pages pack well
NAME_LENGTH_MAX = 255  # characters

ZIP_START = b"PK\x03\x04"

_DIRECTORY_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # flag bits: encrypted, strong encryption, masked directory
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:]|^/|//|(?:^|/)\.{1,2}(?:/|$)")
_DECLARATION = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
    KeyError,
    IndexError,
)


@dataclass(frozen=True, slots=True)
class Archive:
    """Unpacked files by name, in the archive's order; names differ in more than capitals."""

    files: dict[str, bytes]
    names: dict[str, str]  # folded name: name

    def find(self, name: str) -> str:
        """Name of a file as the archive writes it, "" when there is none. Producers mix TPLS and Tpls."""
        return self.names.get(name.casefold(), "")

    def resolve(self, location: str, base: str = "") -> str:
        """Name of the file that the file `base` calls `location`, "" when there is none.

        A location with a leading slash counts from the archive's root, another from the folder of `base`, and where
        nothing is there from the root, which is how some producers mean it.
        """
        location = location.strip()
        if location.startswith("/"):
            return self.find(normpath(location).lstrip("/"))
        return self.find(normpath(join(dirname(base), location))) or self.find(normpath(location))


def open_archive(data: bytes) -> Archive:
    """Files of ZIP bytes, unpacked in memory.

    Raises: FileRefusedError beyond the limits above, for names, links and encryption that no invoice has, for an
    archive within the archive, a document type or entity in any XML, and for broken archives.
    """
    if len(data) > ARCHIVE_SIZE_MAX:
        raise FileRefusedError("file_too_large", count=len(data), limit=ARCHIVE_SIZE_MAX)
    if data.count(_DIRECTORY_ENTRY) > ENTRIES_MAX:  # before the directory is read, whose objects take memory
        raise FileRefusedError("zip_too_many", limit=ENTRIES_MAX)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = opened.infolist()
            _check_directory(entries)
            files = {one.filename: _unpack(opened, one) for one in entries if not one.is_dir()}
    except _BROKEN as err:
        raise FileRefusedError("zip_broken") from err
    for name, content in files.items():
        _check_content(name, content)
    return Archive(files, {name.casefold(): name for name in files})


def _check_directory(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > ENTRIES_MAX:
        raise FileRefusedError("zip_too_many", limit=ENTRIES_MAX)
    seen: set[str] = set()
    total = 0
    for entry in entries:
        name = shown(entry.orig_filename)
        _check_entry(entry, name)
        folded = entry.filename.rstrip("/").casefold()
        if folded in seen:
            raise FileRefusedError("zip_repeated", name=name)
        seen.add(folded)
        total += entry.file_size
    if total > TOTAL_SIZE_MAX:
        raise FileRefusedError("zip_too_large", limit=TOTAL_SIZE_MAX)


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    # The name as written, since ZipInfo cuts it at a zero byte.
    if _UNSAFE.search(entry.orig_filename) or not 0 < len(entry.orig_filename) <= NAME_LENGTH_MAX:
        raise FileRefusedError("zip_name", name=name)
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise FileRefusedError("zip_link", name=name)
    if entry.flag_bits & _ENCRYPTED:
        raise FileRefusedError("zip_encrypted", name=name)
    if entry.compress_type not in _METHODS:
        raise FileRefusedError("zip_method", name=name)
    if entry.file_size > ENTRY_SIZE_MAX or (entry.is_dir() and entry.file_size):
        raise FileRefusedError("zip_entry_too_large", name=name, limit=ENTRY_SIZE_MAX)
    if entry.file_size > max(RATIO_FREE_SIZE, entry.compress_size * RATIO_MAX):
        raise FileRefusedError("zip_ratio", name=name, limit=RATIO_MAX)


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Bytes of one file. The directory's size bounds what is unpacked, the checksum what it is."""
    with opened.open(entry) as stream:
        content = stream.read(entry.file_size + 1)
        if len(content) != entry.file_size or stream.read(1):
            raise zipfile.BadZipFile("another size than the directory says")
    return content


def _check_content(name: str, content: bytes) -> None:
    if content.startswith(ZIP_START):
        raise FileRefusedError("zip_nested", name=shown(name))
    if name.casefold().endswith(".xml") and _DECLARATION.search(decode_xml(content)):
        raise FileRefusedError("xml_dtd")
