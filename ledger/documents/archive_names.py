"""Names of files in an archive, safe on every system it may be unpacked on."""

from __future__ import annotations

import re
import unicodedata

PATH_SIZE_MAX = 240  # bytes; Windows takes 260 characters with the folder
DEPTH_MAX = 4  # an archive has a folder an invoice, and one more at most
NAME_SIZE_MAX = 100  # bytes of a name made of somebody else's

_RESERVED_SIGNS = re.compile(r'[<>:"|?*\\/]')
_RESERVED_NAMES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def is_safe_path(path: str) -> bool:
    """Whether a relative path with / between its parts unpacks to itself everywhere, and below the folder chosen."""
    parts = path.split("/")
    if len(path.encode("utf-8", "surrogatepass")) > PATH_SIZE_MAX or len(parts) > DEPTH_MAX:
        return False
    return all(_is_safe_part(part) for part in parts)


def safe_name(name: str, *, fallback: str = "file") -> str:
    """A safe name made of a name from outside: what follows its last slash, signs replaced, at most NAME_SIZE_MAX."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(char if _is_plain(char) else "_" for char in unicodedata.normalize("NFC", last))
    plain = _RESERVED_SIGNS.sub("_", plain).strip(". ")
    stem, dot, suffix = plain.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, suffix = plain, ""
    tail = f".{suffix}" if suffix else ""
    room = NAME_SIZE_MAX - len(tail.encode())
    stem = stem.encode()[:room].decode(errors="ignore").strip(". ")
    made = f"{stem or fallback}{tail}"
    return f"_{made}" if _RESERVED_NAMES.fullmatch(made) else made


def same_place(path: str) -> str:
    """What two paths have in common that are one file on systems without upper and lower case."""
    return unicodedata.normalize("NFC", path).casefold()


def _is_safe_part(part: str) -> bool:
    return (
        bool(part)
        and part.strip(". ") == part
        and not _RESERVED_SIGNS.search(part)
        and not _RESERVED_NAMES.fullmatch(part)
        and unicodedata.normalize("NFC", part) == part
        and all(_is_plain(char) for char in part)
    )


def _is_plain(char: str) -> bool:
    """No control, format, surrogate or unassigned character, and no line separator."""
    category = unicodedata.category(char)
    return not category.startswith("C") and category not in ("Zl", "Zp")
