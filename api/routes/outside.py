"""Invoices of elsewhere: look at a file before claiming it, or register and claim one large file."""

from __future__ import annotations

import base64
import binascii
import threading
from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import Query, Response

from api.pools import FILE_THREADS_MAX, readings, uploads
from api.problems import BUSY, INVALID_PARAMETER, ProblemError, field_failure
from api.render import answer, check_written, optional_refusal, written_answer
from api.routes.declared import (
    Authenticated,
    Door,
    FileName,
    IdempotencyKey,
    UploadedFile,
    read_answers,
    router,
    write_answers,
)
from api.schemas import outside, outside_items
from api.schemas.answers import ClaimOpened
from api.schemas.values import ExternalId, QueryFen, Reference
from api.uploads import upload_body
from ledger.domain.invoice import InvoiceKind
from ledger.service.outside import OutsideReading
from ledger.service.outside_facts import OutsideItem, item_of_fields, item_of_file, item_of_qr
from ledger.service.problems import invalid, service_problem
from verifier.canonical import Json

routes = router("outside invoices")
FILE_KINDS = ("application/pdf", "application/ofd", "application/xml", "text/plain", "image/png", "image/jpeg")

_READING = threading.BoundedSemaphore(FILE_THREADS_MAX)  # guards how many claims of this process read files at once

Gross = Annotated[QueryFen | None, Query(description="Gross in fen, where the file does not hold it.")]
Tax = Annotated[QueryFen | None, Query(description="Tax in fen, where the file does not hold it.")]
Day = Annotated[outside_items.Day | None, Query(description="Issue date, where the file does not hold it.")]
Kind = Annotated[outside_items.Kind | None, Query(description="Kind, where the file does not hold it.")]


@routes.post(
    "/outside-readings",
    responses=read_answers(outside.OutsideReading, body=True),
    summary="Read an invoice of elsewhere",
    openapi_extra=upload_body(*FILE_KINDS),
)
@readings
def read_outside(
    ledger: Door, caller: Authenticated, file: UploadedFile, file_name: FileName = "",
    employer: Annotated[outside_items.QueryEmployer | None, Query()] = None, gross_fen: Gross = None,
    tax_fen: Tax = None, issued_on: Day = None, kind: Kind = None,
) -> Response:  # fmt: skip
    """What an OFD, XML, PDF, picture or QR text says, and what would become of it; nothing is stored."""
    item = completed(item_of_file(file.data, file_name, "file"), gross_fen, tax_fen, issued_on, kind, query=True)
    return answer(reading_json(ledger.outside.read(caller, item, employer=employer)))


@routes.post(
    "/outside-invoices",
    status_code=201,
    responses=write_answers(ClaimOpened),
    summary="Claim an invoice of elsewhere",
    openapi_extra=upload_body(*FILE_KINDS),
)
@uploads
def register_outside(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, file: UploadedFile,
    employer: Annotated[outside_items.QueryEmployer, Query()], reference: Annotated[Reference, Query()],
    file_name: FileName = "", gross_fen: Gross = None, tax_fen: Tax = None, issued_on: Day = None, kind: Kind = None,
    external_id: Annotated[ExternalId | None, Query(description="Your own id of the claim.")] = None,
) -> Response:  # fmt: skip
    """Registers the invoice in the file and locks it under a new claim, in one operation."""
    item = completed(item_of_file(file.data, file_name, "file"), gross_fen, tax_fen, issued_on, kind, query=True)
    claimed = ledger.open_claim(
        caller, [], employer=employer, reference=reference, outside=[item], external_id=external_id, idempotency_key=key
    )
    lines: list[Json] = [{"number": line.number, "refusal": optional_refusal(line.refusal)} for line in claimed.lines]
    check_written(claimed.written, {"lines": lines, "remaining": None})
    claim_id = claimed.written.claim_id
    return written_answer(
        claimed.written, location=f"/v1/claims/{claim_id}" if claim_id else None,
        extra={"disputed": [*claimed.disputed]},
    )  # fmt: skip


def items_of(given: list[outside_items.OutsideInvoice]) -> list[OutsideItem]:
    """Items of a claim's `outside`. Raises: ProblemError, busy among them; InvalidRequest naming `outside.N...`.

    A claim runs among the writes: files, which cost seconds, must not take the threads that tills issue with.
    """
    if not any(one.file is not None for one in given):
        return _items(given)
    if not _READING.acquire(blocking=False):
        raise ProblemError(
            BUSY, "too many files are being read; nothing was stored", "正在读取的文件过多，未保存任何内容"
        )
    try:
        return _items(given)
    finally:
        _READING.release()


def _items(given: list[outside_items.OutsideInvoice]) -> list[OutsideItem]:
    items = []
    for index, one in enumerate(given):
        path = f"outside.{index}"
        if sum(source is not None for source in (one.file, one.qr, one.typed)) != 1:
            raise invalid(path, "outside_source")
        if one.file is not None:
            item = item_of_file(_decoded(one.file, f"{path}.file"), one.file_name, f"{path}.file")
        elif one.qr is not None:
            item = item_of_qr(one.qr, f"{path}.qr")
        else:
            item = item_of_fields(one.typed, f"{path}.typed")
        items.append(completed(item, one.gross_fen, one.tax_fen, one.issued_on, one.kind, path=path))
    return items


def completed(
    item: OutsideItem, gross_fen: int | None, tax_fen: int | None, issued_on: str | None, kind: str | None, *,
    path: str = "", query: bool = False,
) -> OutsideItem:  # fmt: skip
    """An item with what was typed beside it. Raises: ProblemError for a day that no calendar has."""
    day = None
    if issued_on is not None:
        try:
            day = date.fromisoformat(issued_on)
        except ValueError:
            if query:
                wrong = service_problem("query.issued_on", "day_unknown")
                raise field_failure(INVALID_PARAMETER, [wrong]) from None
            raise invalid(f"{path}.issued_on", "day_unknown") from None
    return replace(
        item, gross_fen=gross_fen, tax_fen=tax_fen, issued_on=day, kind=InvoiceKind(kind) if kind is not None else None
    )


def reading_json(view: OutsideReading) -> dict[str, Json]:
    """JSON of a reading."""
    problems: list[Json] = [_problem_json(one) for one in view.problems]
    warnings: list[Json] = [_problem_json(one) for one in view.warnings]
    return {
        "number": view.number,
        "code": view.code,
        "printed_number": view.printed_number,
        "source": view.source,
        "strength": view.strength,
        "signature": view.signature,
        "signer": view.signer,
        "kind": view.kind,
        "colour": view.colour,
        "issued_on": view.issued_on.isoformat() if view.issued_on is not None else None,
        "net_fen": view.net_fen,
        "tax_fen": view.tax_fen,
        "gross_fen": view.gross_fen,
        "seller_name": view.seller_name,
        "seller_tax_id": view.seller_tax_id,
        "buyer_name": view.buyer_name,
        "buyer_tax_id": view.buyer_tax_id,
        "file_sha256": view.file_sha256,
        "problems": problems,
        "warnings": warnings,
        "refusal": optional_refusal(view.refusal),
    }


def _problem_json(one: tuple[str, str, str, str]) -> dict[str, Json]:
    path, code, english, chinese = one
    return {"path": path, "code": code, "message": english, "message_zh": chinese}


def _decoded(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(path, "base64_form") from None
