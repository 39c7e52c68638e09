"""Answers as tables: CSV beside JSON, asked for by `format=csv` or `Accept: text/csv`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response

CSV = "text/csv"
CSV_TYPE = "text/csv; charset=utf-8; header=present"
NEXT_CURSOR = "x-next-cursor"

Format = Annotated[
    Literal["json", "csv"] | None, Query(description="`csv`: a table; left out: what `Accept` asks for, else JSON.")
]
Language = Annotated[Literal["zh", "en"], Query(description="Headings of a table.")]


def wants_csv(request: Request, chosen: Literal["json", "csv"] | None) -> bool:
    """Whether the answer is to be CSV: `format` decides, without it an `Accept` that names text/csv and not JSON."""
    if chosen is not None:
        return chosen == "csv"
    accepted = {
        one.partition(";")[0].strip().lower() for value in request.headers.getlist("accept") for one in value.split(",")
    }
    return CSV in accepted and "application/json" not in accepted


def csv_answer(data: bytes, name: str, next_cursor: str | None = None) -> Response:
    """A CSV file; where rows are left, `X-Next-Cursor` has the cursor of the next ones."""
    headers = {"content-disposition": f'attachment; filename="{name}"', "vary": "accept"}
    if next_cursor is not None:
        headers[NEXT_CURSOR] = next_cursor
    return Response(data, 200, headers, CSV_TYPE)
