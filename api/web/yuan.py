"""Yuan as people write them, to fen and back, without a float in between."""

from __future__ import annotations

import re

from ledger.domain.invoice import AMOUNT_FEN_MAX

_YUAN = re.compile(r"[¥￥]?[ ]?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.([0-9]{1,2}))?[ ]?元?", re.ASCII)


def parse_yuan(text: str) -> int | None:
    """Fen of `1234.5`, `1,234.50` or `¥1234.50`; None for any other form and beyond what an invoice can hold."""
    match = _YUAN.fullmatch(text.strip(" "))
    if match is None:
        return None
    fen = int(match.group(1).replace(",", "")) * 100 + int((match.group(2) or "").ljust(2, "0"))
    return fen if fen <= AMOUNT_FEN_MAX else None


def format_yuan(fen: int) -> str:
    """`1,234.50` of 123450."""
    sign, rest = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{rest // 100:,}.{rest % 100:02d}"
