"""An archive checked: every file against the index, the index against the manifest, the manifest against a digest.

The bytes are hostile until they are checked: directory, names and sizes are bounded before anything is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass

from ledger.documents.archive import (
    ARCHIVE_FORMAT,
    ARCHIVE_SIZE_MAX,
    FILE_SIZE_MAX,
    FILES_MAX,
    INDEX_COLUMNS,
    INDEX_CSV,
    INDEX_JSON,
    MANIFEST,
    ArchivedFile,
)
from ledger.documents.archive_names import PATH_SIZE_MAX, is_safe_path, same_place
from ledger.documents.errors import ArchiveAlteredError, ArchiveRefusedError

ZIP_SIZE_MAX = ARCHIVE_SIZE_MAX + (4 << 20)  # bytes; files that do not shrink, and the directory
DIRECTORY_SIZE_MAX = (FILES_MAX + 3) * (46 + PATH_SIZE_MAX + 32)  # bytes; one header, name and extra field a file
INDEX_SIZE_MAX = FILES_MAX * 1_024  # bytes; a line of the index has up to 450
CONTENT_SIZE_MAX = ARCHIVE_SIZE_MAX + 3 * INDEX_SIZE_MAX  # bytes unpacked; the files, both indexes, the manifest
CHUNK_SIZE = 1 << 20  # bytes hashed at a time

_END = struct.Struct("<4s4H2LH")
_LINK = 0o120000
_UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError, RuntimeError)


@dataclass(frozen=True, slots=True)
class CheckedArchive:
    """An archive whose files are what its index says; `digest` is to be compared with the one kept elsewhere."""

    digest: str
    about: dict[str, str]
    files: tuple[ArchivedFile, ...]


def check_archive(data: bytes, *, digest: str = "") -> CheckedArchive:
    """Check an archive's bytes, and its digest (hex) when one is given.

    Raises: ArchiveRefusedError when it is no archive of ours or beyond the limits; ArchiveAlteredError naming the
    first file, in the order of the index, that is missing, not listed, or has another SHA-256.
    """
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _check(archive, digest.lower())
    except _UNREADABLE as err:
        raise ArchiveRefusedError("zip_broken", path="") from err


def _check_directory(data: bytes) -> None:
    """Bound the directory before the library reads it: it ends the file, is short, and nothing stands behind it."""
    if len(data) > ZIP_SIZE_MAX:
        raise ArchiveRefusedError("zip_size", count=len(data), limit=ZIP_SIZE_MAX)
    if len(data) < _END.size or not data.startswith(b"PK\x03\x04"):
        raise ArchiveRefusedError("zip_unknown")
    signature, _, _, _, count, size, start, comment = _END.unpack(data[-_END.size :])
    if signature != b"PK\x05\x06" or comment or start + size + _END.size != len(data):
        raise ArchiveRefusedError("zip_broken", path="")
    if count > FILES_MAX + 3 or size > DIRECTORY_SIZE_MAX or data[-_END.size - 20 :][:4] == b"PK\x06\x07":
        raise ArchiveRefusedError("zip_broken", path="")


def _check(archive: zipfile.ZipFile, digest: str) -> CheckedArchive:
    members = _members(archive)
    manifest = _small(archive, members, MANIFEST)
    found = hashlib.sha256(manifest).hexdigest()
    if digest and digest != found:
        raise ArchiveAlteredError("root_differs", path="", found=found, expected=digest[:64])
    stated = _object(manifest, MANIFEST)
    for name in (INDEX_JSON, INDEX_CSV):
        _compare(name, hashlib.sha256(_small(archive, members, name)).hexdigest(), str(stated.get(name)))
    about, files = _read_index(_small(archive, members, INDEX_JSON))
    for file in files:
        member = members.get(file.path)
        if member is None:
            raise ArchiveAlteredError("file_missing", path=file.path)
        _compare(file.path, _digest(archive, member), file.sha256)
        if member.file_size != file.size:
            raise ArchiveRefusedError("index_broken", path=INDEX_JSON)
    listed = {file.path for file in files} | {MANIFEST, INDEX_JSON, INDEX_CSV}
    for name in members:
        if name not in listed:
            raise ArchiveAlteredError("file_extra", path=name)
    return CheckedArchive(found, about, files)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Members by name, all of a kind that an archive has."""
    members: dict[str, zipfile.ZipInfo] = {}
    places: set[str] = set()
    size = 0
    for member in archive.infolist():
        name = member.filename
        shown = name[:PATH_SIZE_MAX]
        if not is_safe_path(name) or same_place(name) in places:
            raise ArchiveRefusedError("file_name", path=shown, limit=PATH_SIZE_MAX)
        plain = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not member.flag_bits & 1
        if not plain or (member.external_attr >> 16) & 0o170000 == _LINK or member.is_dir():
            raise ArchiveRefusedError("zip_form", path=shown)
        if member.file_size > FILE_SIZE_MAX:
            raise ArchiveRefusedError("file_size", path=shown, count=member.file_size, limit=FILE_SIZE_MAX)
        size += member.file_size
        places.add(same_place(name))
        members[name] = member
    if size > CONTENT_SIZE_MAX:
        raise ArchiveRefusedError("content_size", count=size, limit=CONTENT_SIZE_MAX)
    return members


def _small(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str) -> bytes:
    """Bytes of the index or manifest."""
    member = members.get(name)
    if member is None:
        raise ArchiveAlteredError("file_missing", path=name)
    if member.file_size > INDEX_SIZE_MAX:
        raise ArchiveRefusedError("file_size", path=name, count=member.file_size, limit=INDEX_SIZE_MAX)
    try:
        return archive.read(member)
    except _UNREADABLE as err:
        raise ArchiveRefusedError("zip_broken", path=name) from err


def _digest(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    hashed = hashlib.sha256()
    try:
        with archive.open(member) as file:
            while chunk := file.read(CHUNK_SIZE):
                hashed.update(chunk)
    except _UNREADABLE as err:
        raise ArchiveRefusedError("zip_broken", path=member.filename) from err
    return hashed.hexdigest()


def _compare(path: str, found: str, expected: str) -> None:
    if found != expected:
        raise ArchiveAlteredError("digest_differs", path=path, found=found, expected=expected[:64])


def _object(data: bytes, name: str) -> dict[str, object]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as err:
        raise ArchiveRefusedError("index_broken", path=name) from err
    if not isinstance(value, dict) or value.get("format") != ARCHIVE_FORMAT:
        raise ArchiveRefusedError("index_broken", path=name)
    return value


def _read_index(data: bytes) -> tuple[dict[str, str], tuple[ArchivedFile, ...]]:
    index = _object(data, INDEX_JSON)
    about, rows = index.get("about"), index.get("files")
    if not isinstance(about, dict) or not all(isinstance(text, str) for text in about.values()):
        raise ArchiveRefusedError("index_broken", path=INDEX_JSON)
    if not isinstance(rows, list) or not 1 <= len(rows) <= FILES_MAX:
        raise ArchiveRefusedError("index_broken", path=INDEX_JSON)
    return dict(about), tuple(_read_row(row) for row in rows)


def _read_row(row: object) -> ArchivedFile:
    if not isinstance(row, dict) or row.keys() != set(INDEX_COLUMNS):
        raise ArchiveRefusedError("index_broken", path=INDEX_JSON)
    path, role, number, sha256 = (row[name] for name in ("path", "role", "number", "sha256"))
    size = row["size"]
    if not (isinstance(path, str) and isinstance(role, str) and isinstance(number, str) and isinstance(sha256, str)):
        raise ArchiveRefusedError("index_broken", path=INDEX_JSON)
    if type(size) is not int:
        raise ArchiveRefusedError("index_broken", path=INDEX_JSON)
    return ArchivedFile(path, role, number, size, sha256)
