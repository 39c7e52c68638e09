"""The register of parties: enrolment, appointments, quotas, segments, suspension, grants, keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ledger.domain.districts import WHOLE_LEDGER
from ledger.domain.document import NAME_LENGTH_MAX
from ledger.domain.errors import NumberError
from ledger.domain.identifiers import tax_id_problem
from ledger.domain.identities import Identity, enterprise_identity, new_person_id, officer_identity, person_identity
from ledger.domain.months import Month, cst_date, month_of
from ledger.domain.numbers import ledger_code
from ledger.domain.problems import problem
from ledger.domain.times import utc_time
from ledger.identity import (
    EVERYTHING,
    NewApiKey,
    Scope,
    new_api_key,
)
from ledger.projection import Connection, api_keys, parties, queued
from ledger.service import instructions
from ledger.service.certifying import certify_new_key, name_row
from ledger.service.context import Context
from ledger.service.credentials import KEY_LIFETIME_DEFAULT_S, end_keys, new_stored_key
from ledger.service.districts import checked_district, district_row, need_own_district
from ledger.service.drafts import EndedProposals, Kept
from ledger.service.forms import checked_month, checked_party, checked_text, salted
from ledger.service.offices import acting_for
from ledger.service.people import GRANT_NAMES, need_authority, need_governed, need_officer, need_party, need_scope
from ledger.service.problems import invalid
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code
from verifier.words import (
    SEGMENT_BLOCK_SIZE,
    SEGMENT_BLOCKS_MAX,
    Grant,
    PartyKind,
)

DEFAULT_AREA = "4403"
QUOTA_FEN_MAX = 2**44 - 1
REASON_LENGTH_MAX = 200
LABEL_FIRST = "first key"
WAITING_GROUPS_MAX = 100_000  # groups looked through for another enrolment; a queue is far shorter
WAITING_SIZE_MAX = 1 << 30
CODE_NUMBERS = 10**8  # 8 digits after a 12-digit code


def enrol(
    context: Context, caller: Caller, *, kind: str, name: str, tax_id: str | None, quota_fen: int,
    first_month: str | None, idempotency_key: str,
) -> tuple[Written, str]:  # fmt: skip
    """Enrols an enterprise or a person whose key is made and kept here; (answer, its API key, shown once).

    The API key is "" when the Idempotency-Key was used before: the secret is stored nowhere. It outlives the caller's
    credential, which therefore has to be for everything.

    Raises: NotPermitted, ScopeMissing, InvalidRequest, and the errors of a write.
    """
    need_officer(caller)
    need_scope(caller, Scope.ALL)
    name = checked_name(name)
    if kind == "enterprise":
        identity = checked_enterprise(tax_id or "")
        need_own_district(caller, tax_id or "")
        first = month_of(today(context)) if first_month is None else checked_month(first_month)
    elif kind == "person":
        for path, given in (("tax_id", tax_id), ("quota_fen", quota_fen), ("first_month", first_month)):
            if given:  # left out without a word, an enterprise enrolled as a person would stay one
                raise invalid(path, "person_has_none")
        identity, first = person_identity(new_person_id()), Month(0)
        tax_id = None
    else:
        raise invalid("kind", "kind_unknown")
    check_quota(quota_fen)
    api_key = new_api_key()

    def prepare(connection: Connection) -> Draft:
        version = free_identity(context, connection, identity, tax_id or name)
        certified = certify_new_key(context, connection, identity, name)
        keep_api_key(context, connection, identity, api_key.key_id, api_key.secret_hash, LABEL_FIRST)
        operation = instructions.enrol(
            officer=caller.party,
            identity=identity.hash,
            kind=identity.kind,
            signer=certified.address,
            version=version,
            certificate_hash=certified.certificate_hash,
            quota_fen=quota_fen,
            first_month=first,
        )
        return Draft((operation,), kept=(*certified.rows, name_row(context, identity, name, tax_id)))

    request: Json = {"kind": kind, "name": name, "tax_id": tax_id, "quota_fen": quota_fen, "first_month": first_month}
    submitted = submit(context, caller, idempotency_key, request_hash("enrol", request), prepare)
    return written(context, caller, submitted), "" if submitted.replayed else api_key.text


def appoint_officer(
    context: Context, caller: Caller, *, name: str, district: str = WHOLE_LEDGER, idempotency_key: str
) -> tuple[Written, str]:
    """The authority appoints an officer whose key is made and kept here; (answer, API key, shown once).

    `district` is where: 2, 4 or 6 digits, "" for the whole ledger. Raises: as `enrol`.
    """
    need_authority(caller)
    need_scope(caller, Scope.ALL)
    name = checked_name(name)
    checked_district(district)
    identity = officer_identity(new_person_id())
    api_key = new_api_key()

    def prepare(connection: Connection) -> Draft:
        certified = certify_new_key(context, connection, identity, name)
        keep_api_key(context, connection, identity, api_key.key_id, api_key.secret_hash, LABEL_FIRST)
        operation = instructions.appoint(
            authority=caller.party,
            identity=identity.hash,
            kind=PartyKind.OFFICER,
            signer=certified.address,
            certificate_hash=certified.certificate_hash,
        )
        named = name_row(context, identity, name, None)
        where = district_row(context, identity.hash, district, caller.party)
        return Draft((operation,), kept=(*certified.rows, named, where))

    hashed = request_hash("appoint", {"name": name, "district": district})
    submitted = submit(context, caller, idempotency_key, hashed, prepare)
    return written(context, caller, submitted), "" if submitted.replayed else api_key.text


def set_quota(context: Context, caller: Caller, party: int, quota_fen: int, *, idempotency_key: str) -> Written:
    """Sets what an enterprise may issue in a month, gross."""
    need_officer(caller)
    check_quota(quota_fen)
    return _on_party(context, caller, Code.SET_QUOTA, party, "quota", str(quota_fen), idempotency_key, terms=quota_fen)


def reinstate(context: Context, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> Written:
    """Ends a suspension."""
    need_officer(caller)
    return _on_party(context, caller, Code.REINSTATE, party, "reinstate", reason, idempotency_key)


def dismiss_officer(context: Context, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> Written:
    """The authority ends an appointment, and with it what the officer proposed and nobody confirmed yet."""
    need_authority(caller)
    ended = EndedProposals(party, caller.party)
    return _on_party(context, caller, Code.DISMISS_OFFICER, party, "dismiss", reason, idempotency_key, kept=(ended,))


def allot_segment(
    context: Context, caller: Caller, party: int, *, blocks: int, area: str | None, idempotency_key: str
) -> Written:
    """Allots the next free blocks of 10,000 numbers of an area's code of this year."""
    need_officer(caller)
    checked_party("party", party)
    if not 1 <= blocks <= SEGMENT_BLOCKS_MAX:
        raise invalid("blocks", "count_range", low=1, high=SEGMENT_BLOCKS_MAX, given=blocks)
    try:
        first_of_code = int(ledger_code(area or DEFAULT_AREA, today(context).year)) * CODE_NUMBERS
    except NumberError as err:
        raise invalid("area", "area_form") from err

    def prepare(connection: Connection) -> Draft:
        record = need_governed(connection, caller, party, kind=PartyKind.ENTERPRISE)
        last = parties.last_segment(connection, first_of_code, first_of_code + CODE_NUMBERS - 1)
        first = first_of_code if last is None else last.last_number + 1
        if first + blocks * SEGMENT_BLOCK_SIZE > first_of_code + CODE_NUMBERS:
            raise invalid("area", "area_form")
        reference = salted(context, caller, "allot", "")
        operation = instructions.allot(
            officer=caller.party,
            enterprise=party,
            version=record.version,
            first_number=first,
            blocks=blocks,
            ref=reference.ref,
        )
        return Draft((operation,), references=(reference,))

    hashed = request_hash("allot", {"party": party, "blocks": blocks, "area": area})
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def change_grants(
    context: Context, caller: Caller, person: int, grants: list[str], *, give: bool, subject: int | None = None,
    kept: tuple[Kept, ...] = (), idempotency_key: str,
) -> Written:  # fmt: skip
    """The enterprise gives a person grants, or takes them away; `subject`: the one an administrator acts for.

    `kept` is stored when the group is accepted; it is part of what the Idempotency-Key is bound to.

    Raises: NotPermitted for an enterprise that did not make the caller its administrator; NoSigningKey when that
    enterprise keeps its key itself; InvalidRequest, and the errors of a write.
    """
    acting = acting_for(context, caller, subject)
    signer = acting.signer
    checked_party("person", person)
    bits = grant_bits(grants)
    code = Code.GRANT if give else Code.REVOKE

    def prepare(connection: Connection) -> Draft:
        need_party(connection, person, path="person", kind=PartyKind.PERSON)
        record = need_party(connection, signer.party)
        reference = salted(context, signer, code.name.lower(), "")
        operation = instructions.grants(
            code, enterprise=signer.party, person=person, version=record.version, bits=bits, ref=reference.ref
        )
        then = recorded if acting.office is not None else None
        return Draft((operation,), references=(reference,), kept=kept, then=then)

    def recorded(connection: Connection, digest: bytes) -> None:
        acting.record(connection, digest, context.now_s())

    request: dict[str, Json] = {"person": person, "grants": bits}
    if acting.office is not None:
        request["by"] = caller.party  # a key the enterprise itself used means nothing of its administrator's
    if kept:
        request["ends"] = [type(one).__name__ for one in kept]  # taking the same grants away ends nothing more
    hashed = request_hash(code.name.lower(), request)
    return written(context, caller, submit(context, signer, idempotency_key, hashed, prepare))


def grant_bits(grants: Sequence[str], *, path: str = "grants") -> int:
    """Bits of grants by their names, at least one. Raises: InvalidRequest at `path` or `path`.N."""
    bits = 0
    for index, grant in enumerate(grants):
        if grant not in GRANT_NAMES:
            raise invalid(f"{path}.{index}", "grant_unknown", given=grant[:40])
        bits |= GRANT_NAMES[grant]
    if not bits:
        raise invalid(path, "count_range", low=1, high=len(Grant), given=0)
    return bits


def keep_api_key(
    context: Context, connection: Connection, identity: Identity, key_id: str, secret_hash: bytes, label: str
) -> None:
    """Stores a credential that acts as `identity`, for everything it may do, for a year."""
    made = NewApiKey(key_id, text="", secret_hash=secret_hash)
    ends_at = context.now_s() + KEY_LIFETIME_DEFAULT_S
    stored = new_stored_key(context, made, identity.hash, label, EVERYTHING, expires_at=ends_at)
    api_keys.put_api_key(connection, stored)


def free_identity(context: Context, connection: Connection, identity: Identity, shown: str) -> int:
    """Version of the party to enrol under that identity, 0 when nobody named it yet.

    Raises: InvalidRequest at `tax_id` when it is enrolled, or another enrolment of it waits.
    """
    known = parties.party_of_identity(connection, identity.hash)
    if known is not None and known.signer:
        raise invalid("tax_id", "identity_enrolled", identity=shown, party=known.id)
    _hold_alone(context, connection, identity, shown)
    return known.version if known is not None else 0


def _hold_alone(context: Context, connection: Connection, identity: Identity, shown: str) -> None:
    """Makes room for an enrolment: of two at once only the first goes on, and credentials of failed ones end.

    Whoever failed to enrol an identity holds an API key of it, which would open what a later enrolment makes.

    Raises: InvalidRequest while another enrolment of the identity waits.
    """
    waiting = queued.take(connection, operations_max=WAITING_GROUPS_MAX, calldata_size_max=WAITING_SIZE_MAX)
    if any(op.who == identity.hash and op.code == Code.ENROL for one in waiting for op in one.signed.group.operations):
        raise invalid("tax_id", "identity_waiting", identity=shown)
    end_keys(context, connection, identity.hash)


def _on_party(
    context: Context, caller: Caller, code: Code, party: int, kind: str, reason: str, idempotency_key: str,
    *, terms: int = 0, kept: tuple[Kept, ...] = (),
) -> Written:  # fmt: skip
    checked_party("party", party)
    text = checked_text("reason", reason, REASON_LENGTH_MAX)

    def prepare(connection: Connection) -> Draft:
        record = need_governed(connection, caller, party)
        reference = salted(context, caller, kind, text)
        operation = instructions.on_party(
            code, actor=caller.party, party=party, version=record.version, terms=terms, ref=reference.ref
        )
        return Draft((operation,), references=(reference,), kept=kept)

    hashed = request_hash(kind, {"party": party, "text": text, "terms": terms})
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def checked_name(name: str) -> str:
    """A party's name without outer blanks. Raises: InvalidRequest at `name`."""
    text = checked_text("name", name, NAME_LENGTH_MAX)
    if not text:
        raise invalid("name", "count_range", low=1, high=NAME_LENGTH_MAX, given=0)
    return text


def checked_enterprise(tax_id: str) -> Identity:
    """Identity of an enterprise by its tax id (GB 32100 check). Raises: InvalidRequest at `tax_id`."""
    code = tax_id_problem(tax_id) if tax_id else "tax_id_missing"
    if code is not None:
        why = problem("tax_id", code, count=len(tax_id))
        raise invalid("tax_id", "tax_id_form", reason=why.message_en, reason_zh=why.message_zh)
    return enterprise_identity(tax_id)


def check_quota(quota_fen: int) -> None:
    """Raises: InvalidRequest at `quota_fen` outside 0..QUOTA_FEN_MAX."""
    if not 0 <= quota_fen <= QUOTA_FEN_MAX:
        raise invalid("quota_fen", "count_range", low=0, high=QUOTA_FEN_MAX, given=quota_fen)


def today(context: Context) -> datetime:
    """The day in China now, as a UTC midnight."""
    day = cst_date(utc_time(context.now_s()))
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
