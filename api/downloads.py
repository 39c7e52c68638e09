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
    """A download. `name` is plain ASCII but for what its UTF-8 form says (RFC 6266).

    Slashes and what is not seen become `_`: the name leads into no folder and looks like what it is. Quotes and percent
    signs would end the plain form, or mean something to some client.
    """
    shown = "".join(sign if sign.isprintable() and sign not in "/\\" else "_" for sign in name)
    plain = "".join(sign if sign.isascii() and sign not in '"%' else "_" for sign in shown)
    disposition = f'attachment; filename="{plain}"'
    if plain != shown:
        disposition += f"; filename*=UTF-8''{quote(shown, safe='')}"
    return Response(data, 200, {"content-disposition": disposition, **(headers or {})}, media_type)
