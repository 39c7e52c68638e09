"""Files on the command line: an invoice of somebody's becomes a draft of ours."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.cli.output import fail
from ledger.domain.invoice import PartyDetails
from ledger.formats import FILE_SIZE_MAX, FormatError, read_file
from verifier.canonical import check_depth
from verifier.errors import EvidenceError


def draft_of_file(path: Path, buyer_name: str | None, buyer_tax_id: str | None) -> object:
    """Draft of the invoice in `path`, without seller, number and date; ends the command when it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except OSError as error:
        fail(f"{path}: {error.strerror}", f"{path}：文件无法读取")
    if len(data) > FILE_SIZE_MAX:
        fail(f"{path}: over {FILE_SIZE_MAX} bytes, which no invoice file has", f"{path}：超过 {FILE_SIZE_MAX} 字节")
    draft = json_object(path, data) if data.lstrip()[:1] == b"{" else _read_draft(path, data)
    if buyer_name is not None or buyer_tax_id is not None:
        given = draft.get("buyer")
        buyer = dict(given) if isinstance(given, dict) else {}
        if buyer_name is not None:
            buyer["name"] = buyer_name
        if buyer_tax_id is not None:
            buyer["tax_id"] = buyer_tax_id
        draft["buyer"] = buyer
    return draft


def _read_draft(path: Path, data: bytes) -> dict[str, object]:
    try:
        draft: dict[str, object] = dict(read_file(data, path.name).draft(seller=PartyDetails("")))
    except FormatError as error:
        said = "; ".join(f"{problem.path or path.name}: {problem.message_en}" for problem in error.problems)
        fail(f"{path}: {said}", "；".join(problem.message_zh for problem in error.problems))
    draft.pop("seller", None)
    return draft


def json_object(path: Path, data: bytes) -> dict[str, object]:
    """The JSON object in the bytes of `path`; ends the command when there is none."""
    try:
        text = data.decode()
        check_depth(text)
        value = json.loads(text)
    except (ValueError, EvidenceError) as error:
        fail(f"{path}: not JSON: {error}", f"{path}：不是 JSON")
    if not isinstance(value, dict):
        fail(f"{path}: holds no JSON object", f"{path}：须为 JSON 对象")
    return value
