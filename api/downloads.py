"""Files as answers: bytes as they are, named, never shown inside a page."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = "application/pdf"
XML = "application/xml"
ZIP = "application/zip"
JSON = "application/json"


def file_answer(name: str, media_type: str, data: bytes, headers: dict[str, str] | None = None) -> Response:
    """A download. `name` is ASCII but for what its UTF-8 form says (RFC 6266)."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    disposition = f'attachment; filename="{plain}"'
    if plain != name:
        disposition += f"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(data, 200, {"content-disposition": disposition, **(headers or {})}, media_type)
