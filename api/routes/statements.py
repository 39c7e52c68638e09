"""Statements of absence: what the ledger never held of a number, as files for a stranger to check offline."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from api.pools import reads
from api.routes.declared import PROBLEM, Authenticated, Door, read_answers, router
from api.schemas.answers import Statement
from api.schemas.values import Number
from ledger.service.witness_views import Witnessed

routes = router("statements")


@routes.get(
    "/statements/{number}",
    responses={
        **read_answers(Statement),
        409: {
            "description": "The ledger contradicts it, it would show others, or no witness signed.",
            "content": {"application/json": {"schema": PROBLEM}},
        },
    },
    summary="Statement that a number was never issued, or an invoice not settled",
)
@reads
def read_statement(
    ledger: Door, caller: Authenticated, number: Number,
    says: Annotated[
        Literal["not_issued", "not_settled"],
        Query(description="not_issued: of any number, for anyone; not_settled: of an invoice the caller may see."),
    ],
    witnessed: Annotated[Witnessed, Query(description="With which witnesses' signatures.")] = Witnessed.PREFERRED,
    disclosing: Annotated[bool, Query(description="For officers: even if it shows a word of others.")] = False,
) -> Response:  # fmt: skip
    """The file a stranger verifies offline: `python -m verifier FILE --trust trust.json`. True as of its block."""
    data = ledger.statements.statement(caller, number, says, witnessed=witnessed, disclosing=disclosing)
    headers = {"content-disposition": f'attachment; filename="statement-{number}-{says}.json"'}
    return Response(data, 200, headers, "application/json")
