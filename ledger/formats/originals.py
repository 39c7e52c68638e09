"""The blue invoice that a red one names in its remark, where no field of the file does."""

from __future__ import annotations

import re

from verifier.canonical import Json

# Remarks of the tax platform and of the machines before it: 被红冲蓝字数电发票号码：..., 对应正数发票代码:...号码:...
_NATIONAL = re.compile(r"被红冲蓝字(?:数电)?(?:发票|票)?号码[:：]?\s*([0-9]{20})(?![0-9])", re.ASCII)
_CODED = re.compile(
    r"(?:蓝字|正数|原)?发票代码[:：]?\s*([0-9]{12}|[0-9]{10})\s{0,4}[,，;；]?\s{0,4}"
    r"(?:被红冲蓝字|对应正数|原)?(?:发票)?号码[:：]?\s*([0-9]{8})(?![0-9])",
    re.ASCII,
)


def original_in_note(note: str) -> dict[str, Json] | None:
    """`code` and `number` of the blue invoice that a red one's remark names; None when it names none."""
    national, coded = _NATIONAL.search(note), _CODED.search(note)
    if national is not None:
        return {"code": "", "number": national.group(1)}
    return {"code": coded.group(1), "number": coded.group(2)} if coded is not None else None
