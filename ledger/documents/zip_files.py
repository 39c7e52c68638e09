"""Members of ZIP files whose bytes depend on the content alone: fixed time, fixed system, fixed rights."""

from __future__ import annotations

import zipfile

_UNIX = 3
_READABLE_FILE = 0o100644 << 16


def zip_member(name: str) -> zipfile.ZipInfo:
    """A compressed member dated 1980-01-01, the first day that ZIP knows."""
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = _UNIX
    member.external_attr = _READABLE_FILE
    return member


def add_file(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Write one member."""
    archive.writestr(zip_member(name), data, compresslevel=6)
