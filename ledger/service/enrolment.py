"""Enrolment by request: a stranger asks with a key it proves to hold, an officer decides, the chain has that key.

The certificate is issued for the very key that the requester keeps, so one key is the certificate's and the chain's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from ledger.domain.districts import district_of
from ledger.domain.identities import Identity, enterprise_identity, new_person_id, person_identity
from ledger.domain.key_proof import KeyProof, Purpose
from ledger.domain.masks import masked_name
from ledger.domain.months import Month, month_of
from ledger.domain.times import utc_time
from ledger.identity import Scope
from ledger.projection import Connection, QueueState, enrolment_requests, keystore, parties, queued
from ledger.projection.enrolment_requests import REQUESTS_WAITING_MAX, EnrolmentRequest, RequestState
from ledger.service import instructions
from ledger.service.audit_log import AuditKind, note, note_change
from ledger.service.certifying import certify_own_key, name_row
from ledger.service.context import Context
from ledger.service.districts import need_own_district
from ledger.service.drafts import ApprovedRequest, Draft
from ledger.service.enrolment_views import (
    EnrolmentAsked,
    EnrolmentRequestPage,
    EnrolmentRequestView,
    EnrolmentStatus,
)
from ledger.service.errors import NotFound, TooManyRequests
from ledger.service.forms import checked_cursor, checked_month, checked_page_size, checked_text
from ledger.service.key_proofs import OwnKey, checked_address, proven_public_key
from ledger.service.people import need_officer, need_overseer, need_scope, need_writer
from ledger.service.problems import invalid
from ledger.service.registry import (
    REASON_LENGTH_MAX,
    check_quota,
    checked_enterprise,
    checked_name,
    free_identity,
    today,
)
from ledger.service.views import Caller, Written
from ledger.service.writing import remembered, request_hash, run_write, submit, written
from verifier.canonical import Json, dumps, loads

SEALED_REQUEST = "enrolment request"
SEALED_REFUSAL = "enrolment refusal"
INDEXED_TOKEN = "enrolment token"  # noqa: S105 - kind of a keyed hash
DAY_S = 86_400
ASKED_OF_NETWORK_MAX = 100  # requests of one network in a day: an office whose staff asks, and no flood
REFUSED_AT_ONCE_MAX = 100  # requests refused with one reason: what one network may ask in a day
WAITING_OF_TAX_ID_MAX = 50  # undecided requests of one network that name one tax id
IPV6, NETWORK_V6 = 6, 48
MADE_ROOM = (
    "Too many requests came from your network and others needed the room; ask again. "
    "同一网络的申请过多，已为其他申请让位，请重新提交。"
)
_CONTENT_SIZE_MAX = 8_192
_TOKEN = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Enrolment:
    """Requests for enrolment of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # -- strangers ---------------------------------------------------------------------------

    def ask(self, *, kind: str, name: str, tax_id: str, own: OwnKey, address: str = "") -> EnrolmentAsked:
        """A stranger asks to be enrolled; `tax_id` is an enterprise's own, or of a person the employer's.

        `address` is the network address it asks from, "" on the command line, which no network's limit holds. When as
        many wait as may, one of the network that has most of them makes room: no one network shuts the others out.
        The same request sent again, which has the same proof, is answered as the first time and asks for nothing.

        Raises: InvalidRequest naming the field; TooManyRequests while as many wait, or were asked, as may; Busy.
        """
        name = checked_name(name)
        checked_enterprise(tax_id)
        if kind not in ("enterprise", "person"):
            raise invalid("kind", "kind_unknown")
        said = proof_identity(kind, tax_id)
        public_key = proven_public_key(self._context, own, Purpose.ENROL, said, name)
        signer = checked_address(own.address)
        request_id = secrets.token_hex(16)
        token = self._token(request_id)
        content: Json = {"kind": kind, "name": name, "tax_id": tax_id, "public_key": public_key.hex()}
        now_s = self._context.now_s()
        new = EnrolmentRequest(
            request_id=request_id,
            token_hash=hashlib.sha256(token).digest(),
            proof=KeyProof(Purpose.ENROL, said, name, signer, own.time).digest(self._context.domain),
            address=signer,
            network=self._context.vault.index(f"network:{network_of(address)}", SEALED_REQUEST),
            tax_index=self._context.vault.index(f"tax id:{tax_id}", SEALED_REQUEST),
            district=district_of(tax_id) or "",
            sealed=self._context.seal(dumps(content), SEALED_REQUEST, request_id),
            state=RequestState.WAITING,
            created_at=now_s,
        )

        def write(connection: Connection) -> EnrolmentAsked:
            before = enrolment_requests.request_of_proof(connection, new.proof)
            if before is not None:
                return self._asked_before(before)
            if kind == "enterprise":
                known = parties.party_of_identity(connection, enterprise_identity(tax_id).hash)
                if known is not None and known.signer:
                    raise invalid("tax_id", "identity_enrolled", identity=tax_id, party=known.id)
            if enrolment_requests.is_partys(connection, signer):
                raise invalid("address", "address_known")
            if enrolment_requests.is_asked_for(connection, signer):
                raise invalid("address", "address_asked")
            if address:
                _need_share(connection, new)
            if enrolment_requests.waiting_count(connection) >= REQUESTS_WAITING_MAX:
                self._make_room(connection, new.network)
            enrolment_requests.put_request(connection, new)
            return EnrolmentAsked(request_id, token.hex(), utc_time(now_s))

        return run_write(self._context, write)

    def proof_typed_data(self, purpose: Purpose, identity: str, name: str, address: str) -> dict[str, Json]:
        """The typed data that proves a key now. Raises: InvalidRequest at `address`."""
        proof = KeyProof(purpose, identity, name, checked_address(address), self._context.now_s())
        return proof.typed_data(self._context.domain)

    def status(self, request_id: str, token: str) -> EnrolmentStatus:
        """How far a request is, for whoever has its token. Raises: NotFound for any other id or token alike."""
        with self._context.reading() as connection:
            found = self._found(connection, request_id)
            given = bytes.fromhex(token) if _TOKEN.fullmatch(token) else b""
            expected = found.token_hash if found is not None else bytes(32)
            if not hmac.compare_digest(hashlib.sha256(given).digest(), expected) or found is None:
                raise NotFound("enrolment request", request_id[:32])
            view = self._view(connection, found)
            certificate = None
            if view.party is not None and (party := parties.party(connection, view.party)) is not None:
                stored = keystore.certificate(connection, party.certificate_hash)
                certificate = b64encode(stored.der).decode() if stored is not None else None
        return EnrolmentStatus(
            request_id, view.state, view.created_at, view.decided_at, view.reason, view.party, certificate
        )

    # -- officers ----------------------------------------------------------------------------

    def page(
        self, caller: Caller, *, state: str | None = None, cursor: str | None = None, limit: int
    ) -> EnrolmentRequestPage:
        """Requests of the officer's district, newest first. Raises: NotPermitted, InvalidRequest."""
        need_overseer(caller)
        if state is not None and state not in list(RequestState):
            raise invalid("state", "format_unknown", given=state[:40], choices=", ".join(RequestState))
        size = checked_page_size(self._context, limit)
        with self._context.reading() as connection, checked_cursor():
            chosen = None if state is None else RequestState(state)
            found = enrolment_requests.requests(connection, chosen, district=caller.district, limit=size, cursor=cursor)
            return EnrolmentRequestPage(
                tuple(self._view(connection, one, listed=True) for one in found.items), found.next_cursor
            )

    def request(self, caller: Caller, request_id: str) -> EnrolmentRequestView:
        """One request. Raises: NotPermitted; NotFound, also for another district's."""
        need_overseer(caller)
        with self._context.reading() as connection:
            return self._view(connection, self._of_district(connection, caller, request_id))

    def approve(
        self, caller: Caller, request_id: str, *, quota_fen: int = 0, first_month: str | None = None,
        idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Enrols the requester under its own key, with a certificate for that key.

        Raises: NotPermitted, NotFound; ScopeMissing with a narrow credential, as with every enrolment; InvalidRequest
        for a request that was decided, and the errors of a write.
        """
        need_officer(caller)
        need_scope(caller, Scope.ALL)
        check_quota(quota_fen)
        month = None if first_month is None else checked_month(first_month)

        def prepare(connection: Connection) -> Draft:
            found = self._of_district(connection, caller, request_id)
            self._need_open(connection, found)
            content = self._content(found)
            name, tax_id = str(content["name"]), str(content["tax_id"])
            identity = (
                enterprise_identity(tax_id) if content["kind"] == "enterprise" else person_identity(new_person_id())
            )
            first = month or month_of(today(self._context)) if content["kind"] == "enterprise" else Month(0)
            if content["kind"] == "enterprise":
                need_own_district(caller, tax_id)
            version = free_identity(self._context, connection, identity, tax_id)
            return self._enrolling(
                connection, caller, found, identity, name, version, quota_fen if first else 0, first, content
            )

        request: Json = {"request": request_id, "quota_fen": quota_fen, "first_month": first_month}
        hashed = request_hash("approve enrolment", request)
        return written(self._context, caller, submit(self._context, caller, idempotency_key, hashed, prepare))

    def refuse(self, caller: Caller, request_id: str, *, reason: str, idempotency_key: str) -> EnrolmentRequestView:
        """Refuses a request with a reason that its requester reads. Raises: as `approve`."""
        need_officer(caller)
        need_writer(caller)
        text = checked_text("reason", reason, REASON_LENGTH_MAX)
        hashed = request_hash("refuse enrolment", {"request": request_id, "reason": text})

        def write(connection: Connection) -> dict[str, Json]:
            def take() -> dict[str, Json]:
                self._refuse(connection, caller, request_id, text)
                return {}

            return remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        return self.request(caller, request_id)

    def refuse_many(
        self, caller: Caller, request_ids: Sequence[str], *, reason: str, idempotency_key: str
    ) -> tuple[str, ...]:
        """Refuses up to REFUSED_AT_ONCE_MAX requests with one reason, all of them or none; their ids, each once.

        Raises: as `approve`; InvalidRequest at `request_ids` for none, or more than may be.
        """
        need_officer(caller)
        need_writer(caller)
        text = checked_text("reason", reason, REASON_LENGTH_MAX)
        wanted = tuple(dict.fromkeys(request_ids))
        if not 1 <= len(wanted) <= REFUSED_AT_ONCE_MAX:
            raise invalid("request_ids", "count_range", low=1, high=REFUSED_AT_ONCE_MAX, given=len(wanted))
        hashed = request_hash("refuse enrolments", {"requests": list(wanted), "reason": text})

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                for request_id in wanted:
                    self._refuse(connection, caller, request_id, text)
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        return wanted

    # -- how ---------------------------------------------------------------------------------

    def _refuse(self, connection: Connection, caller: Caller, request_id: str, reason: str) -> None:
        found = self._of_district(connection, caller, request_id)
        self._need_open(connection, found)
        sealed = self._context.seal(reason.encode(), SEALED_REFUSAL, request_id)
        now_s = self._context.now_s()
        enrolment_requests.decide(
            connection, request_id, RequestState.REFUSED, by=caller.party, now_s=now_s, sealed_reason=sealed
        )
        note_change(self._context, connection, caller, "enrolment_refused", about=request_id)

    def _token(self, request_id: str) -> bytes:
        """The secret that reads a request's status: made again for who sends the same proof again."""
        return self._context.vault.index(request_id, INDEXED_TOKEN)

    def _asked_before(self, before: EnrolmentRequest) -> EnrolmentAsked:
        """The first answer. Raises: InvalidRequest for one whose token was drawn, by an older release."""
        token = self._token(before.request_id)
        if not hmac.compare_digest(hashlib.sha256(token).digest(), before.token_hash):
            raise invalid("own", "proof_used", request_id=before.request_id)
        return EnrolmentAsked(before.request_id, token.hex(), utc_time(before.created_at))

    def _make_room(self, connection: Connection, network: bytes) -> None:
        """Refuses a request of the network that has most. Raises: TooManyRequests when none has more than its share."""
        request_id = enrolment_requests.crowding(connection, network)
        if request_id is None:
            raise TooManyRequests(REQUESTS_WAITING_MAX)
        sealed = self._context.seal(MADE_ROOM.encode(), SEALED_REFUSAL, request_id)
        now_s = self._context.now_s()
        enrolment_requests.decide(
            connection, request_id, RequestState.REFUSED, by=None, now_s=now_s, sealed_reason=sealed
        )
        room: dict[str, str | int] = {"change": "enrolment_made_room"}
        note(self._context, connection, AuditKind.PERMISSION_CHANGED, actor=None, about=request_id, detail=room)

    def _enrolling(
        self, connection: Connection, caller: Caller, found: EnrolmentRequest, identity: Identity, name: str,
        version: int, quota_fen: int, first: Month, content: dict[str, Json],
    ) -> Draft:  # fmt: skip
        public_key = bytes.fromhex(str(content["public_key"]))
        certified = certify_own_key(self._context, connection, identity, name, public_key, found.address)
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
        tax_id = str(content["tax_id"]) if content["kind"] == "enterprise" else None
        named = name_row(self._context, identity, name, tax_id)
        return Draft((operation,), kept=(*certified.rows, named, ApprovedRequest(found.request_id, caller.party)))

    def _found(self, connection: Connection, request_id: str) -> EnrolmentRequest | None:
        return enrolment_requests.request(connection, request_id) if _ID.fullmatch(request_id) else None

    def _of_district(self, connection: Connection, caller: Caller, request_id: str) -> EnrolmentRequest:
        found = self._found(connection, request_id)
        if found is None or not found.district.startswith(caller.district):
            raise NotFound("enrolment request", request_id[:32])
        return found

    def _need_open(self, connection: Connection, found: EnrolmentRequest) -> None:
        if found.state is not RequestState.WAITING and not enrolment_requests.has_failed(connection, found):
            raise invalid("request_id", "request_decided", state=found.state.value)

    def _content(self, found: EnrolmentRequest) -> dict[str, Json]:
        opened = self._context.opened(found.sealed, SEALED_REQUEST, found.request_id)
        content = loads(opened, _CONTENT_SIZE_MAX)
        assert isinstance(content, dict)
        return content

    def _view(self, connection: Connection, found: EnrolmentRequest, *, listed: bool = False) -> EnrolmentRequestView:
        content = self._content(found)
        state, party = found.state.value, None
        if found.digest is not None and found.state is RequestState.APPROVED:
            outcome = queued.status(connection, found.digest)
            if outcome is not None and outcome.state is QueueState.RECORDED:
                state, party = "enrolled", self._party_of(connection, found.digest)
            elif outcome is not None and outcome.state in queued.FAILED:
                state = RequestState.WAITING.value  # nothing came of it: it may be decided anew
        reason = None
        if found.sealed_reason is not None:
            reason = self._context.opened(found.sealed_reason, SEALED_REFUSAL, found.request_id).decode()
        tax_id = str(content["tax_id"])
        employer = None
        if content["kind"] == "person":
            record = parties.party_of_identity(connection, enterprise_identity(tax_id).hash)
            employer = record.id if record is not None and record.signer else None
        name = str(content["name"])
        return EnrolmentRequestView(
            request_id=found.request_id,
            kind=str(content["kind"]),
            name=masked_name(name) if listed and content["kind"] == "person" else name,
            tax_id=tax_id,
            address="0x" + found.address.hex(),
            state=state,
            created_at=utc_time(found.created_at),
            decided_by=found.decided_by,
            decided_at=None if found.decided_at is None else utc_time(found.decided_at),
            reason=reason,
            party=party,
            employer=employer,
        )

    def _party_of(self, connection: Connection, digest: bytes) -> int | None:
        signed = queued.signed_group(connection, digest)
        known = None if signed is None else parties.party_of_identity(connection, signed.group.operations[0].who)
        return None if known is None else known.id


def _need_share(connection: Connection, new: EnrolmentRequest) -> None:
    """Raises: TooManyRequests for a network that asked too often in a day, or has too many waiting of one tax id.

    A tax id is counted by network, so that who asks in a victim's name uses up no share of the victim's.
    """
    if enrolment_requests.asked_since(connection, new.network, new.created_at - DAY_S) >= ASKED_OF_NETWORK_MAX:
        raise TooManyRequests(ASKED_OF_NETWORK_MAX, "network")
    if enrolment_requests.waiting_for(connection, new.network, new.tax_index) >= WAITING_OF_TAX_ID_MAX:
        raise TooManyRequests(WAITING_OF_TAX_ID_MAX, "tax_id")


def network_of(address: str) -> str:
    """The network an address is counted with: of IPv6 a /48, which is what one site is given; itself otherwise."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ip_network((found, NETWORK_V6), strict=False)) if found.version == IPV6 else str(found)


def proof_identity(kind: str, tax_id: str) -> str:
    """What a proof of possession names as identity: the enterprise, or a person at its employer."""
    return f"enterprise:{tax_id}" if kind == "enterprise" else f"person@{tax_id}"
