"""Requests of strangers to be enrolled, and what officers decided."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, or_, select, update

from ledger.projection.audit_signers import AuditedParty, key_changes
from ledger.projection.derived import PARTY
from ledger.projection.ground import OPERATION, SIGNING_KEY, QueueState
from ledger.projection.ground_enrolment import ENROLMENT_REQUEST, RequestState
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from ledger.projection.queued import FAILED

__all__ = ["REQUESTS_WAITING_MAX", "EnrolmentRequest", "RequestState"]

REQUESTS_WAITING_MAX = 10_000  # undecided requests in all: some 10 MB, and months of an office's work


@dataclass(frozen=True)
class EnrolmentRequest:
    """A request; `digest` is the group that enrols, of an approved one. Times are seconds since 1970, UTC."""

    request_id: str
    token_hash: bytes
    proof: bytes
    address: bytes
    network: bytes
    tax_index: bytes
    district: str
    sealed: bytes
    state: RequestState
    created_at: int
    decided_by: int | None = None
    decided_at: int | None = None
    sealed_reason: bytes | None = None
    digest: bytes | None = None


def put_request(connection: Connection, new: EnrolmentRequest) -> None:
    """Stores a new request."""
    connection.execute(REQUEST.insert(), {**{name: getattr(new, name) for name in _FIELDS}, "state": new.state.value})


def request(connection: Connection, request_id: str) -> EnrolmentRequest | None:
    """The request with that id (32 hex digits)."""
    row = connection.execute(select(REQUEST).where(REQUEST.c.request_id == request_id)).one_or_none()
    return None if row is None else _request(row)


def waiting_count(connection: Connection) -> int:
    """Requests that nobody decided on."""
    statement = select(func.count()).where(REQUEST.c.state == RequestState.WAITING.value)
    return int(connection.execute(statement).scalar_one())


def asked_since(connection: Connection, network: bytes, since_s: int) -> int:
    """Requests that came from a network since that time, decided or not."""
    statement = select(func.count()).where(REQUEST.c.network == network, REQUEST.c.created_at >= since_s)
    return int(connection.execute(statement).scalar_one())


def waiting_for(connection: Connection, network: bytes, tax_index: bytes) -> int:
    """Undecided requests that came from a network and name one tax id."""
    statement = select(func.count()).where(
        REQUEST.c.network == network, REQUEST.c.tax_index == tax_index, REQUEST.c.state == RequestState.WAITING.value
    )
    return int(connection.execute(statement).scalar_one())


def crowding(connection: Connection, network: bytes) -> str | None:
    """Id of the newest undecided request of the network that has most of them; None unless it has two more than this.

    With that one gone and one more of `network` there is no one who could ask for the place back.
    """
    waiting, count = REQUEST.c.state == RequestState.WAITING.value, func.count()
    by_network = select(REQUEST.c.network, count.label("held")).where(waiting).group_by(REQUEST.c.network)
    most = connection.execute(by_network.order_by(count.desc(), REQUEST.c.network).limit(1)).one_or_none()
    own = connection.execute(select(count).where(waiting, REQUEST.c.network == network)).scalar_one()
    if most is None or most.held < own + 2:
        return None
    newest = select(REQUEST.c.request_id).where(waiting, REQUEST.c.network == most.network)
    return str(connection.execute(newest.order_by(REQUEST.c.seq.desc()).limit(1)).scalar_one())


def request_of_proof(connection: Connection, proof: bytes) -> EnrolmentRequest | None:
    """The request that a proof (32-byte digest) made: the same proof asks once."""
    row = connection.execute(select(REQUEST).where(REQUEST.c.proof == proof)).one_or_none()
    return None if row is None else _request(row)


def is_asked_for(connection: Connection, address: bytes) -> bool:
    """Whether a key is asked for by a request that stands: undecided, or on its way to the chain."""
    failed = select(OPERATION.c.digest).where(
        OPERATION.c.digest == REQUEST.c.digest, OPERATION.c.state.in_([one.value for one in FAILED])
    )
    standing = or_(
        REQUEST.c.state == RequestState.WAITING.value,
        (REQUEST.c.state == RequestState.APPROVED.value) & ~failed.exists(),
    )
    asked = select(REQUEST.c.seq).where(REQUEST.c.address == address, standing).limit(1)
    return connection.execute(asked).one_or_none() is not None


def is_partys(connection: Connection, address: bytes) -> bool:
    """Whether a key is a party's, or kept here for one."""
    party = select(PARTY.c.id).where(or_(PARTY.c.signer == address, PARTY.c.recovery_signer == address)).limit(1)
    if connection.execute(party).one_or_none() is not None:
        return True
    kept = select(SIGNING_KEY.c.address).where(SIGNING_KEY.c.address == address)
    return connection.execute(kept).one_or_none() is not None


def requests(
    connection: Connection, state: RequestState | None, *, district: str, limit: int, cursor: str | None = None
) -> Page[EnrolmentRequest]:
    """Requests of a district and all inside it ("": everywhere), newest first. Raises: CursorError; ValueError."""
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(REQUEST).where(REQUEST.c.district.startswith(district, autoescape=True))
    if state is not None:
        statement = statement.where(REQUEST.c.state == state.value)
    if before is not None:
        statement = statement.where(REQUEST.c.seq < before)
    rows = connection.execute(statement.order_by(REQUEST.c.seq.desc()).limit(size + 1))
    return page_of([(row.seq, _request(row)) for row in rows], size)


def decide(
    connection: Connection, request_id: str, state: RequestState, *, by: int | None, now_s: int,
    digest: bytes | None = None, sealed_reason: bytes | None = None,
) -> bool:  # fmt: skip
    """Stores a decision; False when the request was decided before and its enrolment has not failed.

    `by` is None for one that only made room for another.
    """
    found = request(connection, request_id)
    if found is None or (found.state is not RequestState.WAITING and not has_failed(connection, found)):
        return False
    connection.execute(
        update(REQUEST)
        .where(REQUEST.c.request_id == request_id)
        .values(state=state.value, decided_by=by, decided_at=now_s, digest=digest, sealed_reason=sealed_reason)
    )
    return True


def has_failed(connection: Connection, found: EnrolmentRequest) -> bool:
    """Whether the enrolment of an approved request was refused or expired, so that it waits again."""
    if found.state is not RequestState.APPROVED:
        return False
    state = connection.execute(select(OPERATION.c.state).where(OPERATION.c.digest == found.digest)).scalar_one_or_none()
    return state is not None and QueueState(state) in FAILED


def addresses_of(connection: Connection, party: int, identity: bytes) -> frozenset[bytes]:
    """Every address a party had on the chain, that of its enrolment included: by these its requests are found."""
    current = select(PARTY.c.signer).where(PARTY.c.id == party, PARTY.c.signer.is_not(None))
    had = (change.signer for change in key_changes(connection, AuditedParty(party, identity), []))
    return frozenset((*had, *connection.execute(current).scalars()))


REQUEST = ENROLMENT_REQUEST
_FIELDS = tuple(EnrolmentRequest.__dataclass_fields__)


def _request(row: Row[tuple[object, ...]]) -> EnrolmentRequest:
    values = {name: row._mapping[name] for name in _FIELDS}
    return EnrolmentRequest(**{**values, "state": RequestState(row.state)})
