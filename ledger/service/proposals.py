"""Two officers for what hurts most: one proposes to suspend a party or to flag an invoice, a second one decides.

A proposal changes nothing on chain. Confirming signs the operation in the name of who confirms; the proposal stays
beside it and names both. What was proposed is sealed once more in its row: a confirmation is of those words or of none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, parties, proposals
from ledger.projection.ground_proposals import PROPOSAL_ID_LENGTH, ProposalState
from ledger.projection.proposals import NewProposal, ProposalRecord
from ledger.service import instructions
from ledger.service.audit_log import AuditKind, note
from ledger.service.context import Context
from ledger.service.drafts import ConfirmedProposal
from ledger.service.errors import InvalidRequest, NotFound, NotPermitted, NotReady, ProposalConflict, QueueFull
from ledger.service.forms import checked_cursor, checked_number, checked_page_size, checked_party, checked_text, salted
from ledger.service.people import (
    caller_of,
    known_invoice,
    names_of,
    need_governed,
    need_officer,
    need_overseer,
    need_party,
    need_visible,
    overseen_by,
)
from ledger.service.problems import invalid
from ledger.service.proposal_views import ProposalPage, ProposalView
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, remembered, request_hash, run_write, submit, written
from verifier.canonical import Json, dumps, loads
from verifier.operations import Code

PROPOSAL_LIFETIME_S = 72 * 3_600  # over a weekend; what nobody confirmed by then was not urgent
PROPOSALS_OPEN_MAX = 1_000  # of one officer: each is a row that others have to read
PROPOSAL_TERMS_SIZE_MAX = 4_096  # bytes of what is sealed: a reason of 200 characters and a few numbers
REASON_LENGTH_MAX = 200
SEALED_PROPOSAL = "proposal"
EXPIRED = "expired"  # an open one whose time is over

TWO_OFFICERS = {Code.SUSPEND: "suspend", Code.SET_RISK_FLAG: "set_risk_flag"}
"""Operations that no officer does alone, and the names of their proposals."""

_CODES = {name: code for code, name in TWO_OFFICERS.items()}


class Proposals:
    """Officers' proposals of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def suspension(self, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> ProposalView:
        """An officer proposes to suspend an enterprise or a person; nothing happens until a second one confirms.

        Raises: NotPermitted for who is no officer, InvalidRequest, ProposalConflict while the same is proposed.
        """
        checked_party("party", party)
        return self._propose(caller, Code.SUSPEND, party, None, reason, idempotency_key)

    def flag(self, caller: Caller, number: str, *, reason: str, idempotency_key: str) -> ProposalView:
        """An officer proposes to put an invoice under a risk flag. Raises: as `suspension`, and NotFound."""
        return self._propose(caller, Code.SET_RISK_FLAG, None, checked_number(number), reason, idempotency_key)

    def confirm(self, caller: Caller, proposal_id: str, *, idempotency_key: str) -> Written:
        """A second officer confirms: what was proposed is signed with its key and goes on chain in its name.

        Raises: NotFound, NotPermitted for the proposer and who is no officer, ProposalConflict when it was decided on,
        its time is over or its proposer's appointment has ended, and the errors of a write.
        """
        need_officer(caller)

        def prepare(connection: Connection) -> Draft:
            record = self._known(connection, caller, proposal_id)
            if record.proposer == caller.party:
                raise NotPermitted(
                    "nobody confirms a proposal of their own; ask another officer",
                    "不能确认本人提出的提议，请由另一名税务人员确认",
                )
            self._need_open(connection, record)
            return self._draft(connection, caller, record)

        hashed = request_hash("confirm proposal", {"proposal": proposal_id})
        return written(self._context, caller, submit(self._context, caller, idempotency_key, hashed, prepare))

    def refuse(self, caller: Caller, proposal_id: str, *, idempotency_key: str) -> ProposalView:
        """Another officer refuses a proposal, or its proposer takes it back. Raises: as `confirm`."""
        need_officer(caller)

        def take(connection: Connection) -> dict[str, Json]:
            record = self._known(connection, caller, proposal_id)
            self._need_open(connection, record)
            own = record.proposer == caller.party
            state = ProposalState.WITHDRAWN if own else ProposalState.REFUSED
            proposals.decide(connection, proposal_id, state, by=caller.party, now_s=self._context.now_s())
            self._note(connection, caller, proposal_id, state.value)
            return {"proposal": proposal_id}

        return self._remembered(caller, idempotency_key, "refuse proposal", {"proposal": proposal_id}, take)

    def proposal(self, caller: Caller, proposal_id: str) -> ProposalView:
        """One proposal, for officers and auditors. Raises: NotPermitted, NotFound."""
        need_overseer(caller)
        with self._context.reading() as connection:
            return self._views(connection, caller, (self._known(connection, caller, proposal_id),))[0]

    def page(self, caller: Caller, *, only_open: bool, cursor: str | None = None, limit: int) -> ProposalPage:
        """Proposals, newest first, for officers and auditors. Raises: NotPermitted, InvalidRequest."""
        need_overseer(caller)
        size = checked_page_size(self._context, limit)
        now_s = self._context.now_s()
        with self._context.reading() as connection:
            with checked_cursor():
                page = proposals.proposals(
                    connection,
                    only_open=only_open,
                    now_s=now_s,
                    district=overseen_by(caller),
                    limit=size,
                    cursor=cursor,
                )
            return ProposalPage(self._views(connection, caller, page.items, listed=True), page.next_cursor)

    # -- how ---------------------------------------------------------------------------------

    def _propose(
        self, caller: Caller, code: Code, party: int | None, number: int | None, reason: str, idempotency_key: str
    ) -> ProposalView:
        need_officer(caller)
        kind, text = TWO_OFFICERS[code], checked_text("reason", reason, REASON_LENGTH_MAX)
        if not text:
            raise invalid("reason", "reason_missing")

        def take(connection: Connection) -> dict[str, Json]:
            _need_reach(connection, caller, party, number)
            now_s = self._context.now_s()
            standing = proposals.open_about(connection, kind, party=party, number=number, now_s=now_s)
            if standing is not None and self._state(connection, standing) == ProposalState.OPEN:
                raise ProposalConflict(standing.proposal_id, "open")
            if standing is not None:  # its proposer reaches no longer what it is about: it must not stand in the way
                proposals.decide(connection, standing.proposal_id, ProposalState.ENDED, by=caller.party, now_s=now_s)
            if proposals.open_count(connection, caller.party, now_s) >= PROPOSALS_OPEN_MAX:
                raise QueueFull(PROPOSALS_OPEN_MAX)
            proposal_id = secrets.token_hex(PROPOSAL_ID_LENGTH // 2)
            ends_s = now_s + PROPOSAL_LIFETIME_S
            terms = _terms(kind, party, number, caller.party, now_s, ends_s)
            sealed = self._context.seal(dumps({**terms, "reason": text}), SEALED_PROPOSAL, proposal_id)
            new = NewProposal(proposal_id, kind, party, number, caller.party, now_s, ends_s, sealed)
            proposals.put_proposal(connection, new)
            self._note(connection, caller, proposal_id, kind)
            return {"proposal": proposal_id}

        request: dict[str, Json] = {
            "party": party,
            "number": None if number is None else format_number(number),
            "reason": text,
        }
        return self._remembered(caller, idempotency_key, f"propose {kind}", request, take)

    def _note(self, connection: Connection, caller: Caller, proposal_id: str, change: str) -> None:
        """Who proposed, refused or withdrew; a confirmation is noted with its group."""
        detail = {"change": "proposal", "proposal": change}
        note(
            self._context,
            connection,
            AuditKind.PERMISSION_CHANGED,
            actor=caller.party,
            about=proposal_id,
            detail=detail,
        )

    def _remembered(
        self, caller: Caller, key: str, kind: str, request: Json, take: Callable[[Connection], dict[str, Json]]
    ) -> ProposalView:
        """Runs a write that signs nothing; the proposal as it stands after it."""
        hashed = request_hash(kind, request)

        def write(connection: Connection) -> str:
            answer = remembered(self._context, connection, caller, key, hashed, lambda: take(connection))
            return str(answer["proposal"])

        proposal_id = run_write(self._context, write)
        with self._context.reading() as connection:
            return self._views(connection, caller, (self._known(connection, caller, proposal_id),))[0]

    def _draft(self, connection: Connection, caller: Caller, record: ProposalRecord) -> Draft:
        code, text = _CODES[record.kind], sealed_reason(self._context, record)
        reference = salted(self._context, caller, record.kind, text)
        if record.number is not None:
            known = known_invoice(connection, caller, record.number)
            found = need_visible(connection, caller, known, format_number(record.number))
            operation = instructions.on_invoice(
                code, subject=caller.party, number=found.number, version=found.version, ref=reference.ref
            )
        else:
            party = need_party(connection, record.party or 0)
            operation = instructions.on_party(
                code, actor=caller.party, party=party.id, version=party.version, ref=reference.ref
            )
        kept = (ConfirmedProposal(record.proposal_id, caller.party),)
        return Draft((operation,), references=(reference,), kept=kept)

    def _known(self, connection: Connection, caller: Caller, proposal_id: str) -> ProposalRecord:
        """The proposal when what it is about is the caller's to see. Raises: NotFound, the same for any other."""
        found = proposals.proposal(connection, proposal_id) if len(proposal_id) == PROPOSAL_ID_LENGTH else None
        if found is None or not _reaches(connection, caller, found.party, found.number):
            raise NotFound("proposal", proposal_id[:PROPOSAL_ID_LENGTH])
        return found

    def _need_open(self, connection: Connection, record: ProposalRecord) -> None:
        state = self._state(connection, record)
        if state != ProposalState.OPEN:
            raise ProposalConflict(record.proposal_id, state)

    def _state(self, connection: Connection, record: ProposalRecord) -> str:
        """How it stands: an open one also ends with its time, and with what its proposer may do."""
        if record.state is not ProposalState.OPEN:
            return record.state.value
        proposer = parties.party(connection, record.proposer)
        if proposer is None or proposer.suspended:
            return ProposalState.ENDED.value
        if not _reaches(connection, caller_of(self._context, connection, proposer), record.party, record.number):
            return ProposalState.ENDED.value  # its proposer was given another district since
        return EXPIRED if record.expires_at <= self._context.now_s() else ProposalState.OPEN.value

    def _views(
        self, connection: Connection, caller: Caller, records: tuple[ProposalRecord, ...], *, listed: bool = False
    ) -> tuple[ProposalView, ...]:
        ids = {party for one in records for party in (one.party, one.proposer, one.decided_by)}
        names = names_of(self._context, connection, ids, caller=caller, listed=listed)
        return tuple(
            ProposalView(
                proposal_id=one.proposal_id,
                kind=one.kind,
                party=one.party,
                party_name=names.get(one.party or 0, ""),
                number=format_number(one.number) if one.number is not None else None,
                reason=sealed_reason(self._context, one),
                proposer=one.proposer,
                proposer_name=names.get(one.proposer, ""),
                proposed_at=utc_time(one.proposed_at),
                expires_at=utc_time(one.expires_at),
                state=self._state(connection, one),
                decided_by=one.decided_by,
                decided_by_name=names.get(one.decided_by or 0, ""),
                decided_at=utc_time(one.decided_at) if one.decided_at is not None else None,
                digest=one.digest.hex() if one.digest is not None else None,
            )
            for one in records
        )


def sealed_reason(context: Context, record: ProposalRecord) -> str:
    """Why it was proposed. Raises: NotReady when the row says otherwise than what was sealed in it."""
    plain = context.opened(record.sealed, SEALED_PROPOSAL, record.proposal_id)
    try:
        return reason_of(plain, record)
    except ValueError as err:
        raise NotReady(
            f"proposal {record.proposal_id} was changed in the database; run `einvoice audit`, restore from a backup",
            f"提议 {record.proposal_id} 的数据库记录被改动，请运行 einvoice audit 并从备份恢复",
        ) from err


def reason_of(plain: bytes, record: ProposalRecord) -> str:
    """The reason among what was sealed with a proposal. Raises: ValueError when the rest is not as its row says."""
    terms = loads(plain, PROPOSAL_TERMS_SIZE_MAX)
    assert isinstance(terms, dict)
    reason = str(terms.pop("reason"))
    said = _terms(record.kind, record.party, record.number, record.proposer, record.proposed_at, record.expires_at)
    if terms != said:
        raise ValueError("another proposal")
    return reason


def _terms(
    kind: str, party: int | None, number: int | None, proposer: int, proposed_at: int, expires_at: int
) -> dict[str, Json]:
    return {
        "kind": kind,
        "party": party,
        "number": None if number is None else format_number(number),
        "proposer": proposer,
        "proposed_at": proposed_at,
        "expires_at": expires_at,
    }


def _need_reach(connection: Connection, caller: Caller, party: int | None, number: int | None) -> None:
    """Raises: NotFound for an invoice, InvalidRequest for a party that is none the caller oversees."""
    if number is not None:
        need_visible(connection, caller, known_invoice(connection, caller, number), format_number(number))
    else:
        need_governed(connection, caller, party or 0)


def _reaches(connection: Connection, caller: Caller, party: int | None, number: int | None) -> bool:
    """Whether what a proposal is about is the caller's to oversee."""
    try:
        _need_reach(connection, caller, party, number)
    except (NotFound, InvalidRequest):
        return False
    return True
