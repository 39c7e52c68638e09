"""One ZIP archive of a booked claim: its files, an index of them as CSV and JSON, and a manifest over the index.

    <files>         originals, documents as JSON, XML and PDF, evidence
    index.csv       path, role, invoice number, size and SHA-256 of every file, for people
    index.json      the same in canonical JSON, with what the archive is about
    manifest.json   SHA-256 of both; its own SHA-256 is the digest of the archive

Whoever keeps the digest elsewhere (a booking note, an anchored log) can tell any later change; without it the archive
shows accidents, and a forger would have to change file, index and manifest together. The evidence files inside are
proofs of their own. The same entries give the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.documents.archive_names import PATH_SIZE_MAX, is_safe_path, same_place
from ledger.documents.errors import NotWritableError
from ledger.documents.tables import BYTE_ORDER_MARK
from ledger.documents.zip_files import add_file
from ledger.formats.sheets_cells import safe_cell
from verifier.canonical import Json, dumps

ARCHIVE_FORMAT = "einvoice archive 1"
INDEX_CSV, INDEX_JSON, MANIFEST = "index.csv", "index.json", "manifest.json"
FILES_MAX = 2_000  # a claim of 256 invoices with seven files each
FILE_SIZE_MAX = 16 << 20  # bytes of one file; what an upload or a PDF with attachments may have
ARCHIVE_SIZE_MAX = 256 << 20  # bytes of all files together; it is made and checked in memory
ABOUT_MAX, ABOUT_LENGTH_MAX = 20, 200  # entries, and characters of each, that say what the archive is about
WORD_LENGTH_MAX = 20  # characters of a role and of an invoice number
INDEX_COLUMNS = ("path", "role", "number", "size", "sha256")

_ROLE = re.compile(r"[a-z_]{1,20}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{0,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file to be put in: `role` is original, document, evidence or another word; `number` of its invoice or ""."""

    path: str
    data: bytes
    role: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file of an archive as its index has it: size in bytes, `sha256` 64 lower-case hex digits."""

    path: str
    role: str
    number: str
    size: int
    sha256: str

    def to_json(self) -> dict[str, Json]:
        """Plain JSON of its line in the index."""
        return {
            "path": self.path,
            "role": self.role,
            "number": self.number,
            "size": self.size,
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class WrittenArchive:
    """An archive's bytes, its digest (SHA-256 of its manifest, hex) and the files in it, by path."""

    data: bytes
    digest: str
    files: tuple[ArchivedFile, ...]


def write_archive(entries: Iterable[ArchiveEntry], *, about: Mapping[str, str]) -> WrittenArchive:
    """Archive of files; `about` says what it is of: claim, company, day of booking.

    Raises: NotWritableError without files, beyond the limits above, for an unsafe name or one given twice.
    """
    kept = sorted(entries, key=lambda entry: entry.path)
    check_about(about)
    _check_entries(kept)
    files = tuple(
        ArchivedFile(entry.path, entry.role, entry.number, len(entry.data), hashlib.sha256(entry.data).hexdigest())
        for entry in kept
    )
    index_json = dumps({"format": ARCHIVE_FORMAT, "about": dict(about), "files": [file.to_json() for file in files]})
    index_csv = _index_csv(files)
    manifest = dumps(
        {
            "format": ARCHIVE_FORMAT,
            "files": len(files),
            INDEX_CSV: hashlib.sha256(index_csv).hexdigest(),
            INDEX_JSON: hashlib.sha256(index_json).hexdigest(),
        }
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in ((MANIFEST, manifest), (INDEX_JSON, index_json), (INDEX_CSV, index_csv)):
            add_file(archive, name, data)
        for entry in kept:
            add_file(archive, entry.path, entry.data)
    return WrittenArchive(buffer.getvalue(), hashlib.sha256(manifest).hexdigest(), files)


def check_about(about: Mapping[str, str]) -> None:
    """Accept what an archive says of itself: few, short, printable texts.

    Raises: NotWritableError naming the first that is not.
    """
    for name, text in about.items():
        fits = all(1 <= len(one) <= ABOUT_LENGTH_MAX and one.isprintable() for one in (name, text))
        if not fits or len(about) > ABOUT_MAX:
            raise NotWritableError("about_text", name=name[:ABOUT_LENGTH_MAX], limit=ABOUT_LENGTH_MAX, count=ABOUT_MAX)


def _check_entries(entries: list[ArchiveEntry]) -> None:
    if not entries:
        raise NotWritableError("archive_empty")
    if len(entries) > FILES_MAX:
        raise NotWritableError("too_many_files", count=len(entries), limit=FILES_MAX)
    taken = {INDEX_CSV, INDEX_JSON, MANIFEST}
    for entry in entries:
        if not is_safe_path(entry.path):
            raise NotWritableError("file_name", path=entry.path[:PATH_SIZE_MAX], limit=PATH_SIZE_MAX)
        if same_place(entry.path) in taken:
            raise NotWritableError("file_twice", path=entry.path)
        taken.add(same_place(entry.path))
        if not _ROLE.fullmatch(entry.role) or not _NUMBER.fullmatch(entry.number):
            raise NotWritableError("entry_words", path=entry.path, limit=WORD_LENGTH_MAX)
        if len(entry.data) > FILE_SIZE_MAX:
            raise NotWritableError("file_size", path=entry.path, count=len(entry.data), limit=FILE_SIZE_MAX)
    size = sum(len(entry.data) for entry in entries)
    if size > ARCHIVE_SIZE_MAX:
        raise NotWritableError("archive_size", count=size, limit=ARCHIVE_SIZE_MAX)


def _index_csv(files: tuple[ArchivedFile, ...]) -> bytes:
    buffer = io.StringIO(newline="")
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.writer(buffer)
    writer.writerow(INDEX_COLUMNS)
    for file in files:
        writer.writerow([safe_cell(str(value)) for value in file.to_json().values()])
    return buffer.getvalue().encode()
