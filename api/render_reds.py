"""Red letters and exceptions as plain JSON values."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from api.render import optional_refusal, time_text
from ledger.service import red_views as views
from verifier.canonical import Json


def slip_json(view: views.SlipView) -> dict[str, Json]:
    return _flat(view)


def outlook_json(view: views.RedOutlook) -> dict[str, Json]:
    return {
        "number": view.number,
        "way": view.way,
        "other_side": view.other_side,
        "other_side_name": view.other_side_name,
        "gross_fen": view.gross_fen,
        "credited_fen": view.credited_fen,
        "left_fen": view.left_fen,
        "lines": [_flat(line) for line in view.lines],
        "reds": [_flat(red) for red in view.reds],
        "slip": slip_json(view.slip) if view.slip is not None else None,
        "refusal": optional_refusal(view.refusal),
    }


def exception_json(view: views.ExceptionView) -> dict[str, Json]:
    return {**_flat(view), "kinds": list(view.kinds)}


def _flat(view: views.SlipView | views.LineLeftView | views.RedOf | views.ExceptionView) -> dict[str, Json]:
    """Fields of a view that are plain already, and times."""
    found = {}
    for field in fields(view):
        value = getattr(view, field.name)
        found[field.name] = time_text(value) if isinstance(value, datetime) else value
    return found
