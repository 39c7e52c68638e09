"""Files written out: an invoice as JSON, XML and PDF, lists, the archive of a booked claim."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from api.downloads import CSV, JSON, PDF, XLSX, XML, ZIP, file_answer
from api.pools import downloads
from api.routes.declared import Authenticated, Door, file_answers, router
from api.schemas.answers import Problem
from api.schemas.bulk import Language, SheetFormat
from api.schemas.values import ClaimId, ClaimState, Month, Number, PathParty, QueryFen
from api.uploads import OCTETS
from ledger.service.papers import ListFilter, Paper

DIGEST_HEADER = "x-archive-digest"

routes = router("papers")


@routes.get(
    "/invoices/export",
    responses=file_answers(CSV, XLSX),
    response_class=Response,
    summary="List of invoices as a file",
)
@downloads
def export_invoices(
    ledger: Door, caller: Authenticated,
    number: Annotated[Number | None, Query()] = None,
    party: Annotated[PathParty | None, Query(description="Seller, buyer or holder.")] = None,
    month: Annotated[Month | None, Query()] = None,
    state: Annotated[ClaimState | None, Query(description="Claim state.")] = None,
    gross_min_fen: Annotated[QueryFen | None, Query()] = None,
    gross_max_fen: Annotated[QueryFen | None, Query()] = None,
    format: Annotated[SheetFormat, Query()] = "csv",  # noqa: A002 - its name on the wire
    lang: Annotated[Language, Query()] = "zh",
) -> Response:  # fmt: skip
    """Every invoice the search finds and the caller may see, newest first, at most 20,000."""
    wanted = ListFilter(number, party, month, state, gross_min_fen, gross_max_fen)
    return _answer(ledger.papers.invoice_list(caller, wanted, kind=format, language=lang))


@routes.get(
    "/invoices/{number}/document",
    responses=file_answers(JSON, XML, PDF),
    response_class=Response,
    summary="An invoice as a file",
)
@downloads
def read_document(
    ledger: Door, caller: Authenticated, number: Number,
    format: Annotated[Literal["json", "xml", "pdf"], Query()] = "pdf",  # noqa: A002 - its name on the wire
) -> Response:  # fmt: skip
    """PDF with QR code and evidence inside, XML of the national form, or the canonical JSON; of others' only JSON."""
    return _answer(ledger.papers.document(caller, number, kind=format))


@routes.get(
    "/invoices/{number}/original",
    responses=file_answers(OCTETS),
    response_class=Response,
    summary="Original of an outside invoice",
)
@downloads
def read_original(ledger: Door, caller: Authenticated, number: Number) -> Response:
    """The file an invoice of elsewhere was registered from, byte for byte: a stranger's file."""
    return _answer(ledger.papers.original(caller, number))


@routes.get(
    "/claims/{claim_id}/archive",
    responses={**file_answers(ZIP), 409: {"model": Problem, "description": "Not settled and booked as a whole."}},
    response_class=Response,
    summary="Archive of a booked claim",
)
@downloads
def read_archive(ledger: Door, caller: Authenticated, claim_id: ClaimId) -> Response:
    """Originals, documents, evidence and their index in one ZIP; keep `X-Archive-Digest` apart from it."""
    return _answer(ledger.papers.archive(caller, claim_id))


def _answer(paper: Paper) -> Response:
    headers = {DIGEST_HEADER: paper.digest} if paper.digest else None
    return file_answer(paper.name, paper.media_type, paper.data, headers)
