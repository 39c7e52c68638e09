"""The register of parties: enrolment, appointments, quotas, segments, suspension, grants, keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ledger.domain.document import NAME_LENGTH_MAX
from ledger.domain.errors import NumberError
from ledger.domain.identifiers import tax_id_problem
from ledger.domain.identities import Identity, enterprise_identity, new_person_id, officer_identity, person_identity
from ledger.domain.months import Month, cst_date, month_of
from ledger.domain.numbers import ledger_code
from ledger.identity import (
    address_of,
    certificate_hash,
    issue_certificate,
    new_api_key,
    new_key,
    public_key_of,
)
from ledger.projection import Connection, keystore, parties, queued
from ledger.projection.keystore import PartyName, SigningKey, StoredApiKey, StoredCertificate
from ledger.projection.parties import PartyRecord
from ledger.service import instructions
from ledger.service.context import AUTHORITY_ROOT, SEALED_KEY, SEALED_NAME, Context
from ledger.service.errors import NotFound, NotReady
from ledger.service.forms import PARTY_MAX, checked_month, checked_party, checked_text, salted
from ledger.service.offices import acting_for
from ledger.service.people import GRANT_NAMES, need_authority, need_officer, need_party
from ledger.service.problems import invalid
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, request_hash, run_write, submit, written
from verifier.canonical import Json
from verifier.operations import Code
from verifier.words import (
    AUTHORITY_PARTY,
    SEGMENT_BLOCK_SIZE,
    SEGMENT_BLOCKS_MAX,
    Grant,
    PartyKind,
)

CERTIFICATE_LIFETIME = timedelta(days=5 * 365)
CERTIFICATE_BACKDATED = timedelta(minutes=5)  # so that a block whose clock lags a little lies inside
DEFAULT_AREA = "4403"
QUOTA_FEN_MAX = 2**44 - 1
REASON_LENGTH_MAX = 200
LABEL_FIRST = "first key"
LABEL_LENGTH_MAX = 64
WAITING_GROUPS_MAX = 100_000  # groups looked through for another enrolment; a queue is far shorter
WAITING_SIZE_MAX = 1 << 30
CODE_NUMBERS = 10**8  # 8 digits after a 12-digit code


def enrol(
    context: Context, caller: Caller, *, kind: str, name: str, tax_id: str | None, quota_fen: int,
    first_month: str | None, idempotency_key: str,
) -> tuple[Written, str]:  # fmt: skip
    """Enrols an enterprise or a person whose key is made and kept here; (answer, its API key, shown once).

    The API key is "" when the Idempotency-Key was used before: the secret is stored nowhere.
    """
    need_officer(caller)
    name = _checked_name(name)
    if kind == "enterprise":
        identity = _checked_enterprise(tax_id or "")
        first = month_of(_today(context)) if first_month is None else checked_month(first_month)
    elif kind == "person":
        identity, first = person_identity(new_person_id()), Month(0)
        tax_id = None
    else:
        raise invalid("kind", "kind_unknown")
    _check_quota(quota_fen)
    api_key = new_api_key()

    def prepare(connection: Connection) -> Draft:
        known = parties.party_of_identity(connection, identity.hash)
        if known is not None and known.signer:
            raise invalid("tax_id", "identity_enrolled", identity=tax_id or name, party=known.id)
        _hold_alone(context, connection, identity, tax_id or name)
        signer, certificate = keep_new_key(context, connection, identity, name, tax_id)
        keep_api_key(context, connection, identity, api_key.key_id, api_key.secret_hash, LABEL_FIRST)
        operation = instructions.enrol(
            officer=caller.party,
            identity=identity.hash,
            kind=identity.kind,
            signer=signer,
            version=known.version if known is not None else 0,
            certificate_hash=certificate,
            quota_fen=quota_fen,
            first_month=first,
        )
        return Draft((operation,))

    request: Json = {"kind": kind, "name": name, "tax_id": tax_id, "quota_fen": quota_fen, "first_month": first_month}
    submitted = submit(context, caller, idempotency_key, request_hash("enrol", request), prepare)
    return written(context, caller, submitted), "" if submitted.replayed else api_key.text


def appoint_officer(context: Context, caller: Caller, *, name: str, idempotency_key: str) -> tuple[Written, str]:
    """The authority appoints an officer whose key is made and kept here; (answer, API key, shown once)."""
    need_authority(caller)
    name = _checked_name(name)
    identity = officer_identity(new_person_id())
    api_key = new_api_key()

    def prepare(connection: Connection) -> Draft:
        signer, certificate = keep_new_key(context, connection, identity, name, None)
        keep_api_key(context, connection, identity, api_key.key_id, api_key.secret_hash, LABEL_FIRST)
        operation = instructions.appoint(
            authority=caller.party,
            identity=identity.hash,
            kind=PartyKind.OFFICER,
            signer=signer,
            certificate_hash=certificate,
        )
        return Draft((operation,))

    submitted = submit(context, caller, idempotency_key, request_hash("appoint", {"name": name}), prepare)
    return written(context, caller, submitted), "" if submitted.replayed else api_key.text


def rotate_key(context: Context, caller: Caller, *, idempotency_key: str) -> Written:
    """Gives the caller a new key, made and kept here; the old one signs the change and is worth nothing afterwards."""

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, caller.party)
        identity = Identity.parse(caller.identity_text)
        signer, certificate = keep_new_key(context, connection, identity, caller.name, None, named=False)
        operation = instructions.on_party(
            Code.ROTATE_KEY,
            actor=caller.party,
            party=caller.party,
            version=record.version,
            terms=int.from_bytes(signer, "big"),
            ref=certificate,
        )
        return Draft((operation,))

    return written(context, caller, submit(context, caller, idempotency_key, request_hash("rotate", {}), prepare))


def recover_key(context: Context, caller: Caller, party: int, *, idempotency_key: str) -> Written:
    """The authority gives a party a new key, made and kept here; it counts after 72 h unless the old key objects."""
    need_authority(caller)  # before a certificate of another's identity is made for a key of ours
    checked_party("party", party)

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, party)
        known = keystore.party_name(connection, record.identity)
        if known is None:
            raise invalid("party", "party_unknown", party=party)
        identity = Identity.parse(known.identity_text)
        name = known.display_name or identity.id
        signer, certificate = keep_new_key(context, connection, identity, name, None, named=False)
        operation = instructions.on_party(
            Code.RECOVER_KEY,
            actor=caller.party,
            party=party,
            version=record.version,
            terms=int.from_bytes(signer, "big"),
            ref=certificate,
        )
        return Draft((operation,))

    hashed = request_hash("recover", {"party": party})
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def set_quota(context: Context, caller: Caller, party: int, quota_fen: int, *, idempotency_key: str) -> Written:
    """Sets what an enterprise may issue in a month, gross."""
    need_officer(caller)
    _check_quota(quota_fen)
    return _on_party(context, caller, Code.SET_QUOTA, party, "quota", str(quota_fen), idempotency_key, terms=quota_fen)


def suspend(context: Context, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> Written:
    """Suspends an enterprise or a person."""
    need_officer(caller)
    return _on_party(context, caller, Code.SUSPEND, party, "suspend", reason, idempotency_key)


def reinstate(context: Context, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> Written:
    """Ends a suspension."""
    need_officer(caller)
    return _on_party(context, caller, Code.REINSTATE, party, "reinstate", reason, idempotency_key)


def dismiss_officer(context: Context, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> Written:
    """The authority ends an appointment."""
    need_authority(caller)
    return _on_party(context, caller, Code.DISMISS_OFFICER, party, "dismiss", reason, idempotency_key)


def allot_segment(
    context: Context, caller: Caller, party: int, *, blocks: int, area: str | None, idempotency_key: str
) -> Written:
    """Allots the next free blocks of 10,000 numbers of an area's code of this year."""
    need_officer(caller)
    checked_party("party", party)
    if not 1 <= blocks <= SEGMENT_BLOCKS_MAX:
        raise invalid("blocks", "count_range", low=1, high=SEGMENT_BLOCKS_MAX, given=blocks)
    try:
        first_of_code = int(ledger_code(area or DEFAULT_AREA, _today(context).year)) * CODE_NUMBERS
    except NumberError as err:
        raise invalid("area", "area_form") from err

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, party, kind=PartyKind.ENTERPRISE)
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
    idempotency_key: str,
) -> Written:  # fmt: skip
    """The enterprise gives a person grants, or takes them away; `subject`: the one an administrator acts for.

    Raises: NotPermitted for an enterprise that did not make the caller its administrator; NoSigningKey when that
    enterprise keeps its key itself; InvalidRequest, and the errors of a write.
    """
    acting = acting_for(context, caller, subject)
    signer = acting.signer
    checked_party("person", person)
    bits = 0
    for index, grant in enumerate(grants):
        if grant not in GRANT_NAMES:
            raise invalid(f"grants.{index}", "grant_unknown", given=grant[:40])
        bits |= GRANT_NAMES[grant]
    if not bits:
        raise invalid("grants", "count_range", low=1, high=len(Grant), given=0)
    code = Code.GRANT if give else Code.REVOKE

    def prepare(connection: Connection) -> Draft:
        need_party(connection, person, path="person", kind=PartyKind.PERSON)
        record = need_party(connection, signer.party)
        reference = salted(context, signer, code.name.lower(), "")
        operation = instructions.grants(
            code, enterprise=signer.party, person=person, version=record.version, bits=bits, ref=reference.ref
        )
        return Draft((operation,), references=(reference,), then=recorded)

    def recorded(connection: Connection, digest: bytes) -> None:
        acting.record(connection, digest, context.now_s())

    request: dict[str, Json] = {"person": person, "grants": bits}
    if acting.office is not None:
        request["by"] = caller.party  # a key the enterprise itself used means nothing of its administrator's
    hashed = request_hash(code.name.lower(), request)
    return written(context, caller, submit(context, signer, idempotency_key, hashed, prepare))


def keep_new_key(
    context: Context, connection: Connection, identity: Identity, name: str, tax_id: str | None, *, named: bool = True
) -> tuple[bytes, bytes]:
    """Makes a party's key and certificate and stores both and its name; (20-byte address, certificate hash)."""
    facts = keystore.meta(connection)
    authority = authority_party(connection)
    root_key = context.private_key(connection, authority.signer)
    if root_key is None or AUTHORITY_ROOT not in facts:
        raise NotReady("the authority's key is not in this key store: certificates are issued where it is kept")
    key = new_key()
    address = address_of(key)
    now_s = context.now_s()
    now = datetime.fromtimestamp(now_s, UTC)
    der = issue_certificate(
        root_key,
        bytes.fromhex(facts[AUTHORITY_ROOT]),
        public_key_of(key),
        str(identity),
        # a certificate goes into evidence that strangers read: an enterprise's name is public, a person's is not
        name if identity.kind is PartyKind.ENTERPRISE else identity.id,
        now - CERTIFICATE_BACKDATED,
        now + CERTIFICATE_LIFETIME,
    )
    keystore.put_signing_key(
        connection, SigningKey(address, identity.hash, context.seal(key, SEALED_KEY, address.hex()), now_s)
    )
    hashed = certificate_hash(der)
    keystore.put_certificate(connection, StoredCertificate(hashed, der, str(identity), now_s))
    if named:
        keep_name(context, connection, identity, name, tax_id)
    return address, hashed


def keep_name(context: Context, connection: Connection, identity: Identity, name: str, tax_id: str | None) -> None:
    """Stores who an identity is: an enterprise in the clear, anybody else sealed."""
    public = identity.kind is PartyKind.ENTERPRISE
    keystore.put_party_name(
        connection,
        PartyName(
            identity=identity.hash,
            identity_text=str(identity),
            display_name=name if public else None,
            tax_id=tax_id if public else None,
            sealed=None if public else context.seal(name.encode(), SEALED_NAME, identity.hash.hex()),
            updated_at=context.now_s(),
        ),
    )


def keep_api_key(
    context: Context, connection: Connection, identity: Identity, key_id: str, secret_hash: bytes, label: str
) -> None:
    """Stores a credential that acts as `identity`."""
    keystore.put_api_key(
        connection, StoredApiKey(key_id, secret_hash, identity.hash, label, context.now_s(), revoked_at=None)
    )


def new_api_key_for(context: Context, party: int, label: str) -> str:
    """Makes a credential that acts as `party`; its text is shown once. Raises: NotFound, InvalidRequest."""
    text = checked_text("label", label, LABEL_LENGTH_MAX)
    made = new_api_key()

    def write(connection: Connection) -> None:
        record = parties.party(connection, party) if 1 <= party <= PARTY_MAX else None
        if record is None:
            raise NotFound("party", str(party))
        stored = StoredApiKey(made.key_id, made.secret_hash, record.identity, text, context.now_s(), revoked_at=None)
        keystore.put_api_key(connection, stored)

    run_write(context, write)
    return made.text


def _hold_alone(context: Context, connection: Connection, identity: Identity, shown: str) -> None:
    """Makes room for an enrolment: of two at once only the first goes on, and credentials of failed ones end.

    Whoever failed to enrol an identity holds an API key of it, which would open what a later enrolment makes.

    Raises: InvalidRequest while another enrolment of the identity waits.
    """
    waiting = queued.take(connection, operations_max=WAITING_GROUPS_MAX, calldata_size_max=WAITING_SIZE_MAX)
    if any(op.who == identity.hash and op.code == Code.ENROL for one in waiting for op in one.signed.group.operations):
        raise invalid("tax_id", "identity_waiting", identity=shown)
    for earlier in keystore.api_keys(connection, identity.hash):
        keystore.revoke_api_key(connection, earlier.key_id, context.now_s())


def authority_party(connection: Connection) -> PartyRecord:
    """Party 1. Raises: NotReady before the first block is projected."""
    found = parties.party(connection, AUTHORITY_PARTY)
    if found is None:
        raise NotReady("the chain is not projected yet; start the node with `einvoice serve`")
    return found


def _on_party(
    context: Context, caller: Caller, code: Code, party: int, kind: str, reason: str, idempotency_key: str,
    *, terms: int = 0,
) -> Written:  # fmt: skip
    checked_party("party", party)
    text = checked_text("reason", reason, REASON_LENGTH_MAX)

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, party)
        reference = salted(context, caller, kind, text)
        operation = instructions.on_party(
            code, actor=caller.party, party=party, version=record.version, terms=terms, ref=reference.ref
        )
        return Draft((operation,), references=(reference,))

    hashed = request_hash(kind, {"party": party, "text": text, "terms": terms})
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def _checked_name(name: str) -> str:
    text = checked_text("name", name, NAME_LENGTH_MAX)
    if not text:
        raise invalid("name", "count_range", low=1, high=NAME_LENGTH_MAX, given=0)
    return text


def _checked_enterprise(tax_id: str) -> Identity:
    problem = tax_id_problem(tax_id)
    if not tax_id or problem is not None:
        raise invalid("tax_id", "tax_id_form", reason=problem or "missing")
    return enterprise_identity(tax_id)


def _check_quota(quota_fen: int) -> None:
    if not 0 <= quota_fen <= QUOTA_FEN_MAX:
        raise invalid("quota_fen", "count_range", low=0, high=QUOTA_FEN_MAX, given=quota_fen)


def _today(context: Context) -> datetime:
    day = cst_date(datetime.fromtimestamp(context.now_s(), UTC))
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
