"""A program of its own: what is inside one PDF, from hostile bytes: attachments, and every page as digests.

    python -I pdf_structure.py <most attachments> <attachment bytes> <most pages> <name taken out> ...   < file

It runs apart from the ledger, within limits of time and memory (`ledger.formats.image_process`), so it imports
nothing of it; our own pages go through `describe` as well, to be compared. All it says is one JSON object:
`attachments` (name, and base64 of those asked for), `catalog` and `pages`, or `stopped` with a code of
docs/DOCUMENTS.md and its `values`.

A digest stands for what a key of a page leads to, all of it: streams as they unpack, numbers to a thousandth, names
and order of entries as PDF means them. Saving a file again changes where its objects lie and how they are packed,
never what a page is made of; so a page that was only saved again has the digests it had.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import sys
from typing import Any, NamedTuple

NODES_MAX = 200_000  # values looked at in one file; our longest invoice, of 667 pages, has a tenth of it
DEPTH_MAX = 64  # of values in values; ours nest 12 deep
UNPACKED_SIZE_MAX = 256 << 20  # bytes of all streams; ours unpack to under 100 MB with 2,000 lines
ANNOTATIONS_MAX = 20  # told of one file
TEXT_LENGTH_MAX = 80  # characters repeated of an annotation
STREAM_KEYS = frozenset({"/Length", "/Filter", "/DecodeParms", "/DL"})  # how a stream is packed, not what it says
# What no viewer shows on a page: where it hangs in the file, who changed it when, a picture of it for lists.
PAGE_KEYS_PASSED_OVER = frozenset(
    {"/Type", "/Parent", "/LastModified", "/PieceInfo", "/Thumb", "/Metadata", "/StructParents", "/Tabs", "/ID"}
)
CATALOG_KEYS_PASSED_OVER = frozenset(
    {"/Type", "/Pages", "/Metadata", "/AF", "/PageMode", "/PageLayout", "/ViewerPreferences", "/Lang", "/Version",
     "/Extensions", "/PieceInfo", "/PageLabels"}
)  # fmt: skip
PLAIN_NAMES = frozenset({"/EmbeddedFiles", "/Dests"})  # of the catalog's /Names: attachments, places to go to
PAGE_DEFAULTS = {"/Rotate": (0,), "/UserUnit": (1,), "/Annots": ([],)}


class Limits(NamedTuple):
    """What is looked at, at most."""

    attachments: int
    attachment_size: int
    pages: int


class RefusedError(Exception):
    """The file is not looked into; its code and values go to the one who asked."""

    def __init__(self, code: str, **values: int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def main(arguments: list[str]) -> dict[str, object]:
    """What is found in the file on standard input."""
    limits = Limits(*(int(text) for text in arguments[:3]))
    data = sys.stdin.buffer.read()
    try:
        return describe(data, limits, frozenset(arguments[3:]))
    except RefusedError as err:
        return {"stopped": err.code, "values": err.values}
    except (MemoryError, RecursionError):
        return {"stopped": "pdf_costly", "values": {}}
    except Exception:  # noqa: BLE001  the library raises anything over crafted bytes; whatever it is, the file is broken
        return {"stopped": "pdf_broken", "values": {}}


def describe(data: bytes, limits: Limits, wanted: frozenset[str]) -> dict[str, object]:
    """Attachments, page count, digests of the catalog and of the first pages, by key.

    Raises: RefusedError, and whatever the library raises over a damaged file.
    """
    from pypdf import PdfReader, apply_configuration

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings repeat the file's bytes, which are private
    with apply_configuration(_configuration(limits)):
        reader = PdfReader(io.BytesIO(data), root_object_recovery_limit=1_000, xref_stream_maximum_entries=100_000)
        if reader.is_encrypted:
            raise RefusedError("pdf_locked")
        attachments = _attachments(reader, limits, wanted)
        digests = Digests()
        root: Any = reader.trailer["/Root"]
        count = len(reader.pages)
        shown = [reader.pages[index] for index in range(min(count, limits.pages))]
        return {
            "attachments": attachments,
            "catalog": {key: digests.of(value).hex() for key, value in _catalog(root).items()},
            "page_count": count,
            "pages": [_page(page, digests) for page in shown],
            "annotations": _annotations(shown),
        }


class Digests:
    """Digests of values of one file; each object of it is taken once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bytes] = {}
        self._nodes = 0
        self._unpacked = 0

    def of(self, value: Any, depth: int = 0) -> bytes:
        """32 bytes for a value and all it leads to; an object that leads to itself stands there as a loop."""
        from pypdf.generic import IndirectObject

        self._nodes += 1
        if self._nodes > NODES_MAX or depth > DEPTH_MAX:
            raise RefusedError("pdf_costly")
        if not isinstance(value, IndirectObject):
            return self._direct(value, depth)
        place = (value.idnum, value.generation)
        if place not in self._known:
            self._known[place] = b"loop".ljust(32)
            self._known[place] = self._direct(value.get_object(), depth)
        return self._known[place]

    def stream(self, value: Any) -> bytes:
        """What a stream unpacks to; one that cannot be unpacked is told apart by its packed bytes."""
        try:
            data = bytes(value.get_data())
        except Exception:  # noqa: BLE001  a filter the library lacks, or damage: ours have neither
            data = b"packed " + bytes(getattr(value, "_data", b""))
        self._unpacked += len(data)
        if self._unpacked > UNPACKED_SIZE_MAX:
            raise RefusedError("pdf_costly")
        return data

    def _direct(self, value: Any, depth: int) -> bytes:
        from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NullObject, StreamObject

        if isinstance(value, DictionaryObject):
            passed = STREAM_KEYS if isinstance(value, StreamObject) else frozenset({"/ProcSet"})
            parts = [b"dictionary"]
            for key in sorted(key for key in value if key not in passed):
                entry = value.raw_get(key)
                if not isinstance(entry, NullObject):
                    parts += [hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest(), self.of(entry, depth + 1)]
            if isinstance(value, StreamObject):
                parts += [b"stream", hashlib.sha256(self.stream(value)).digest()]
            return hashlib.sha256(b"".join(parts)).digest()
        if isinstance(value, ArrayObject):
            return hashlib.sha256(b"array" + b"".join(self.of(entry, depth + 1) for entry in list(value))).digest()
        if isinstance(value, bytes):
            plain = b"string" + value
        elif isinstance(value, NameObject):
            plain = b"name" + str(value).encode("utf-8", "surrogatepass")
        elif isinstance(value, str):
            plain = b"string" + str(value).encode("utf-8", "surrogatepass")
        elif isinstance(value, (int, float)):
            plain = b"number" + f"{float(value):.3f}".replace("-0.000", "0.000").encode()
        else:
            plain = repr(value).encode("utf-8", "surrogatepass")  # true, false, null
        return hashlib.sha256(plain).digest()


def _page(page: Any, digests: Digests) -> dict[str, str]:
    """Digests of a page by key, with what it has from the tree above it; keys at their defaults are left out."""
    found = {}
    for key in page:
        value = page.raw_get(key)
        plain = page[key]
        if key in PAGE_KEYS_PASSED_OVER or plain in PAGE_DEFAULTS.get(key, ()):
            continue
        if key == "/CropBox" and "/MediaBox" in page and digests.of(value) == digests.of(page.raw_get("/MediaBox")):
            continue
        if key == "/Contents":
            parts = [entry.get_object() for entry in plain] if isinstance(plain, list) else [plain]
            joined = b"\n".join(digests.stream(part).strip() for part in parts)
            found[key] = hashlib.sha256(joined).hexdigest()
        else:
            found[key] = digests.of(value).hex()
    return found


def _catalog(root: Any) -> dict[str, Any]:
    """Entries of the catalog that may change what is shown; what the names lead to, each as a key of its own."""
    found = {}
    for key in root:
        plain = root[key]
        if key in CATALOG_KEYS_PASSED_OVER or (key == "/OpenAction" and isinstance(plain, list)):
            continue  # an array is a place to open at, not an action
        if key == "/Names":
            found.update({name: plain.raw_get(name) for name in plain if name not in PLAIN_NAMES})
        elif key == "/AcroForm" and not plain.get("/Fields") and "/XFA" not in plain:
            continue
        else:
            found[key] = root.raw_get(key)
    return found


def _attachments(reader: Any, limits: Limits, wanted: frozenset[str]) -> list[list[str | None]]:
    found: list[list[str | None]] = []
    for attachment in reader.attachment_list:
        if len(found) >= limits.attachments:
            raise RefusedError("pdf_attachments", limit=limits.attachments)
        name = str(attachment.name)
        content = None
        if name in wanted:
            content = bytes(attachment.content)
            if len(content) > limits.attachment_size:
                raise RefusedError("evidence_size", limit=limits.attachment_size)
        found.append([name[:TEXT_LENGTH_MAX], None if content is None else base64.b64encode(content).decode()])
    return found


def _annotations(pages: list[Any]) -> list[list[object]]:
    """Page number, kind and text of the first annotations."""
    found: list[list[object]] = []
    for number, page in enumerate(pages, 1):
        listed = page.get("/Annots")
        for entry in listed if isinstance(listed, list) else []:
            note = entry.get_object()
            if len(found) < ANNOTATIONS_MAX and isinstance(note, dict):
                kind = str(note.get("/Subtype", "")).lstrip("/")
                found.append([number, kind[:TEXT_LENGTH_MAX], str(note.get("/Contents", ""))[:TEXT_LENGTH_MAX]])
    return found


def _configuration(limits: Limits) -> Any:
    """Nothing in an invoice's PDF unpacks to more than its largest attachment, or its font."""
    from pypdf import Configuration

    size = limits.attachment_size
    return Configuration(
        maximum_declared_stream_length=4 * size,
        array_based_stream_maximum_output_length=size,
        array_maximum_element_count=100_000,
        dictionary_maximum_element_count=10_000,
        lzw_maximum_output_length=size,
        run_length_maximum_output_length=size,
        zlib_maximum_output_length=size,
        zlib_maximum_recovery_input_length=100_000,
        brotli_maximum_output_length=size,
        stream_decoding_work_maximum_length=UNPACKED_SIZE_MAX,
        jbig2dec_binary=None,
        disable_legacy_handling=True,
    )


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))  # noqa: T201  the one answer
