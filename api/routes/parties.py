"""Parties: enrolment, quota, segments and suspension by an officer; grants by the enterprise itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.fields import below
from api.pools import reads, writes
from api.render import answer, certificate_json, party_json, written_answer
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    read_answers,
    router,
    write_answers,
)
from api.schemas import answers
from api.schemas.requests import (
    DistrictRequest,
    EnrolRequest,
    GrantRequest,
    KeyChange,
    KeyRotation,
    OfficerRequest,
    QuotaRequest,
    ReasonRequest,
    RevocationRequest,
    SegmentRequest,
)
from api.schemas.values import Cursor, PartyKind, PathParty, TaxId
from ledger.service import InvalidRequest, Written
from ledger.service.key_proofs import OwnKey

routes = router("parties")


@routes.get("/parties", responses=read_answers(answers.PartyPage), summary="List parties")
@reads
def list_parties(
    ledger: Door, caller: Authenticated, limit: PageSize,
    kind: Annotated[PartyKind | None, Query()] = None,
    tax_id: Annotated[TaxId | None, Query()] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Parties the caller may see."""
    page = ledger.parties(caller, kind=kind, tax_id=tax_id, cursor=cursor, limit=limit)
    return answer({"items": [party_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.post(
    "/parties", status_code=201, responses=write_answers(answers.Enrolled), summary="Enrol an enterprise or a person"
)
@writes
def enrol_party(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: EnrolRequest) -> Response:
    """Officers only. `api_key` of the answer is the new party's credential: hand it over and keep no copy."""
    written, api_key = ledger.enrol(
        caller,
        kind=body.kind,
        name=body.name,
        tax_id=body.tax_id,
        quota_fen=body.quota_fen,
        first_month=body.first_month,
        idempotency_key=key,
    )
    return _enrolled_answer(written, api_key)


@routes.get("/parties/{party}", responses=read_answers(answers.Party), summary="Read a party")
@reads
def read_party(ledger: Door, caller: Authenticated, party: PathParty) -> Response:
    """One party; its grants and segments where the caller may see them."""
    return answer(party_json(ledger.party(caller, party)))


@routes.put("/parties/{party}/quota", status_code=201, responses=write_answers(), summary="Set a party's quota")
@writes
def set_quota(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: QuotaRequest
) -> Response:
    """Officers only: gross the enterprise may issue in one month."""
    return written_answer(ledger.set_quota(caller, party, body.quota_fen, idempotency_key=key))


@routes.post("/parties/{party}/segments", status_code=201, responses=write_answers(), summary="Allot numbers")
@writes
def allot_segment(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: SegmentRequest
) -> Response:
    """Officers only: allots the enterprise the next free blocks of 10,000 numbers."""
    return written_answer(ledger.allot_segment(caller, party, blocks=body.blocks, area=body.area, idempotency_key=key))


@routes.post("/parties/{party}/reinstatement", status_code=201, responses=write_answers(), summary="Reinstate a party")
@writes
def reinstate_party(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: ReasonRequest
) -> Response:
    """Officers only: ends a suspension."""
    return written_answer(ledger.reinstate(caller, party, reason=body.reason, idempotency_key=key))


@routes.get(
    "/parties/{party}/certificates", responses=read_answers(answers.CertificateList), summary="List certificates"
)
@reads
def list_certificates(ledger: Door, caller: Authenticated, party: PathParty) -> Response:
    """The party's certificates, newest first, with what is revoked; for itself and officers."""
    return answer({"items": [certificate_json(one) for one in ledger.certificates(caller, party)]})


@routes.post("/parties/{party}/revocations", status_code=201, responses=write_answers(), summary="Revoke a certificate")
@writes
def revoke_certificate(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: RevocationRequest
) -> Response:
    """Officers only, of an officer or the calendar the authority only; for good. Evidence of what is signed under it
    from then on is invalid. The key goes on working until it is rotated, recovered, or its person suspended."""
    written = ledger.revoke_certificate(
        caller, party, reason=body.reason, certificate_hash=body.certificate_hash, idempotency_key=key
    )
    return written_answer(written, location=f"/v1/parties/{party}/certificates")


@routes.post(
    "/parties/{party}/key-recovery", status_code=201, responses=write_answers(), summary="Recover a party's lost key"
)
@writes
def recover_key(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty,
    body: KeyChange,  # noqa: ARG001  # an object without fields: unknown ones are refused
) -> Response:  # fmt: skip
    """The authority only: a new key, effective after 72 hours, in which the old key can cancel it."""
    return written_answer(ledger.recover_key(caller, party, idempotency_key=key))


@routes.post("/key/rotation", status_code=201, responses=write_answers(), summary="Rotate the caller's own key")
@writes
def rotate_key(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: KeyRotation) -> Response:
    """A new key signs for the caller from now on: one made and kept by the server, or one it keeps itself."""
    own = None if body.own is None else OwnKey(body.own.address, body.own.time, body.own.signature)
    try:
        return written_answer(ledger.rotate_key(caller, own=own, idempotency_key=key))
    except InvalidRequest as err:
        raise InvalidRequest(below("own", err.problems)) from err


@routes.post("/key/renewal", status_code=201, responses=write_answers(), summary="Renew the caller's own certificate")
@writes
def renew_certificate(
    ledger: Door, caller: Authenticated, key: IdempotencyKey,
    body: KeyChange,  # noqa: ARG001  # an object without fields: unknown ones are refused
) -> Response:  # fmt: skip
    """A new certificate for the same key, whoever keeps it; the former one stays good for what was signed under it."""
    return written_answer(ledger.renew_certificate(caller, idempotency_key=key))


@routes.post("/officers", status_code=201, responses=write_answers(answers.Enrolled), summary="Appoint an officer")
@writes
def appoint_officer(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: OfficerRequest) -> Response:
    """The authority only, for a district or the whole ledger. `api_key` of the answer is the officer's credential."""
    written, api_key = ledger.appoint_officer(caller, name=body.name, district=body.district, idempotency_key=key)
    return _enrolled_answer(written, api_key)


@routes.put(
    "/officers/{party}/district",
    status_code=201,
    responses=write_answers(answers.Party, waits=False),
    summary="Set an officer's district",
)
@writes
def set_district(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: DistrictRequest
) -> Response:
    """The authority only: the officer sees and acts on this district from its next request on."""
    return answer(party_json(ledger.change_district(caller, party, body.district, idempotency_key=key)), 201)


@routes.post("/officers/{party}/dismissal", status_code=201, responses=write_answers(), summary="Dismiss an officer")
@writes
def dismiss_officer(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: ReasonRequest
) -> Response:
    """The authority only: ends an appointment."""
    return written_answer(ledger.dismiss_officer(caller, party, reason=body.reason, idempotency_key=key))


@routes.post("/grants", status_code=201, responses=write_answers(), summary="Grant a person")
@writes
def grant(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: GrantRequest) -> Response:
    """The enterprise, or its administrator in its name, lets a person issue, keep its finance, or claim from it."""
    return written_answer(
        ledger.grant(caller, body.person, list(body.grants), subject=body.subject, idempotency_key=key)
    )


@routes.post("/grants/revoke", status_code=201, responses=write_answers(), summary="Revoke grants of a person")
@writes
def revoke(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: GrantRequest) -> Response:
    """The enterprise, or its administrator in its name, takes grants away."""
    return written_answer(
        ledger.revoke(caller, body.person, list(body.grants), subject=body.subject, idempotency_key=key)
    )


def _enrolled_answer(written: Written, api_key: str) -> Response:
    location = f"/v1/parties/{written.party}" if written.party is not None else None
    return written_answer(written, location=location, extra={"api_key": api_key})
