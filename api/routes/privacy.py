"""Erasing of invoices and people, the list of it, and everything that is kept about one person."""

from __future__ import annotations

from fastapi import Response

from api.pools import downloads_one, reads, writes
from api.render import answer, time_text
from api.routes.declared import Authenticated, Door, IdempotencyKey, read_answers, router, write_answers
from api.schemas.privacy import Erasure, ErasureList, ErasureRequest, PersonExport
from api.schemas.values import Number, PathParty
from ledger.service.erasing import ErasureView
from ledger.service.personal_export import ANSWER_SIZE_MAX
from verifier.canonical import Json

routes = router("privacy")


@routes.post(
    "/invoices/{number}/erasure",
    status_code=201,
    responses=write_answers(Erasure, waits=False),
    summary="Erase an invoice's document",
)
@writes
def erase_invoice(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: ErasureRequest
) -> Response:
    """The tax authority only, for good: document, originals, reds and words go, the history on the chain stays."""
    return answer(_json(ledger.erasing.invoice(caller, number, reason=body.reason, idempotency_key=key)), status=201)


@routes.post(
    "/parties/{party}/erasure",
    status_code=201,
    responses=write_answers(Erasure, waits=False),
    summary="Erase who a person is",
)
@writes
def erase_person(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: ErasureRequest
) -> Response:
    """The tax authority only, for good: name, titles and words go; histories go on saying `person N`."""
    return answer(_json(ledger.erasing.person(caller, party, reason=body.reason, idempotency_key=key)), status=201)


@routes.get("/erasures", responses=read_answers(ErasureList), summary="List what was erased")
@reads
def list_erasures(ledger: Door, caller: Authenticated) -> Response:
    """The tax authority only; oldest first. `einvoice erasures` writes it as the list that a restore is held to."""
    return answer({"items": [_json(one) for one in ledger.erasing.listed(caller)]})


@routes.get("/parties/{party}/record", responses=read_answers(PersonExport), summary="Everything kept about a person")
@downloads_one
def read_record(ledger: Door, caller: Authenticated, party: PathParty) -> Response:
    """For the person itself and the tax authority: every table's rows about it, opened, 4 MiB at most, one at a time.

    Noted in the audit log. Of whom more is kept, `einvoice party export` writes all of it.
    """
    return answer(ledger.personal_export(caller, party, size_max=ANSWER_SIZE_MAX))


def _json(one: ErasureView) -> dict[str, Json]:
    return {
        "kind": one.kind,
        "target": one.target,
        "by": one.by,
        "reason": one.reason,
        "at": time_text(one.at),
        "attested": one.attested,
    }
