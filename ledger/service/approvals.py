"""Managers approve claims before finance settles them, where their company wants it.

The policy and the decisions are records of this server; see approval_rules. Nothing here is signed or on chain.
"""

from __future__ import annotations

from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, Decision, approvals, claim_queries
from ledger.projection.approvals import ClaimDecision, ClaimPolicy
from ledger.service import claims
from ledger.service.approval_rules import decided, decisions_on, may_decide
from ledger.service.approval_views import Approver, ClaimPolicyView
from ledger.service.audit_log import note_change
from ledger.service.claim_lines import CLAIM_LINES_MAX, claim_page_of, lines_of, sealed_note
from ledger.service.claims import need_claim
from ledger.service.context import Context
from ledger.service.errors import NotFound, NotPermitted
from ledger.service.forms import (
    checked_cursor,
    checked_fen,
    checked_numbers,
    checked_page_size,
    checked_party,
    checked_text,
)
from ledger.service.people import names_of, need_governed, need_party, overseen_by, oversees
from ledger.service.problems import invalid
from ledger.service.views import Caller, ClaimPage, ClaimView
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json
from verifier.words import Claim, PartyKind

APPROVERS_MAX = 100  # managers of one company; each is named in the answer
NOTE_LENGTH_MAX = 200


class Approvals:
    """A company's claim policy and its approvers' decisions."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def policy(self, caller: Caller, enterprise: int) -> ClaimPolicyView:
        """A company's claim policy, for itself, people it granted something, its approvers, and officers.

        Raises: NotFound to anybody else.
        """
        with self._context.reading() as connection:
            if overseen_by(caller) is not None:  # one of another district is as unknown as none
                need_governed(connection, caller, enterprise, kind=PartyKind.ENTERPRISE)
            need_party(connection, checked_party("party", enterprise), kind=PartyKind.ENTERPRISE)
            own = caller.party == enterprise or bool(caller.grants.get(enterprise, 0))
            concerned = own or oversees(connection, caller, enterprise)
            named = caller.company in (None, enterprise)
            if not concerned and not (named and approvals.is_approver(connection, enterprise, caller.party)):
                raise NotFound("claim policy", str(enterprise))
            return self._policy(connection, enterprise)

    def set_policy(
        self, caller: Caller, enterprise: int, *, approval_required: bool, from_fen: int = 0,
        approvers: list[int], idempotency_key: str,
    ) -> ClaimPolicyView:  # fmt: skip
        """The company says from which sum (fen) its claims need an approval and who may give it.

        Raises: NotPermitted unless the caller is that enterprise; InvalidRequest naming fields.
        """
        if caller.party != enterprise or caller.kind != "enterprise":
            raise NotPermitted(
                "only the enterprise itself sets its claim policy, with its own key",
                "报销审批规则只能由企业本身使用其密钥设置",
            )
        _check_policy(approval_required=approval_required, from_fen=from_fen, approvers=approvers)
        request: Json = {"required": approval_required, "from_fen": from_fen, "approvers": [*sorted(approvers)]}
        hashed = request_hash("claim policy", request)

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                for index, person in enumerate(approvers):
                    need_party(connection, person, path=f"approvers.{index}", kind=PartyKind.PERSON)
                now_s = self._context.now_s()
                sum_fen = from_fen if approval_required else None
                approvals.put_claim_policy(connection, ClaimPolicy(enterprise, sum_fen, caller.party, now_s))
                for person in set(approvals.approvers(connection, enterprise)) - set(approvers):
                    approvals.remove_approver(connection, enterprise, person)
                for person in approvers:
                    approvals.put_approver(connection, enterprise, person, added_by=caller.party, now_s=now_s)
                about = str(enterprise)
                note_change(self._context, connection, caller, "claim policy", about=about, approvers=len(approvers))
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        with self._context.reading() as connection:
            return self._policy(connection, enterprise)

    def decide(
        self, caller: Caller, claim_id: str, *, decision: str, numbers: list[str] | None = None, note: str = "",
        idempotency_key: str,
    ) -> ClaimView:  # fmt: skip
        """An approver approves or rejects a claim, or lines of it that are still locked; the newest decision counts.

        A rejection frees nothing: finance then rejects the lines, or the claimant withdraws them.

        Raises: NotFound where the caller may not see the claim; NotPermitted for its own claim and to who is no
        approver; InvalidRequest naming fields.
        """
        if decision not in list(Decision):
            raise invalid("decision", "decision_unknown", given=decision[:32])
        chosen = None if numbers is None else checked_numbers(numbers, CLAIM_LINES_MAX)
        text = checked_text("note", note, NOTE_LENGTH_MAX)
        wanted: Json = None if chosen is None else [format_number(number) for number in chosen]
        request: Json = {"claim": claim_id, "decision": decision, "numbers": wanted, "note": text}
        hashed = request_hash("claim decision", request)

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                self._decide(connection, caller, claim_id, Decision(decision), chosen, text)
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        return claims.claim(self._context, caller, claim_id)

    def to_decide(self, caller: Caller, *, cursor: str | None = None, limit: int) -> ClaimPage:
        """Claims with lines that wait for the caller's decision, newest first. Raises: InvalidRequest."""
        size = checked_page_size(self._context, limit)
        if caller.suspended:
            return ClaimPage((), None)
        with self._context.reading() as connection:
            with checked_cursor():
                page = claim_queries.claims_to_decide(
                    connection, caller.party, employer=caller.company, limit=size, cursor=cursor
                )
            return claim_page_of(self._context, connection, caller, page)

    def _policy(self, connection: Connection, enterprise: int) -> ClaimPolicyView:
        known = approvals.claim_policy(connection, enterprise)
        people = approvals.approvers(connection, enterprise)
        names = names_of(self._context, connection, people)
        required = known is not None and known.approval_from_fen is not None
        return ClaimPolicyView(
            enterprise=enterprise,
            approval_required=required,
            from_fen=known.approval_from_fen or 0 if known is not None else 0,
            approvers=tuple(Approver(person, names[person]) for person in people),
            updated_at=utc_time(known.updated_at) if known is not None else None,
        )

    def _decide(
        self, connection: Connection, caller: Caller, claim_id: str, decision: Decision,
        chosen: tuple[int, ...] | None, text: str,
    ) -> None:  # fmt: skip
        record = need_claim(caller, connection, claim_id)
        if record.claimant == caller.party:
            raise NotPermitted("nobody decides on a claim of their own", "不能审批本人的报销单")
        if not may_decide(connection, caller, record):
            raise NotPermitted(
                "only approvers named in the enterprise's claim policy decide, on claims that need an approval",
                "仅企业报销审批规则中指定的审批人可审批，且该报销单须达到审批金额",
            )
        locked = {line.number for line in lines_of(connection, record) if line.claim == Claim.LOCKED}
        if not locked:
            raise invalid("numbers", "claim_lines_none")
        for number in chosen or ():
            if number not in locked:
                raise invalid("numbers", "claim_line_foreign", number=format_number(number))

        def add(number: int | None) -> None:
            now_s = self._context.now_s()
            sealed = sealed_note(self._context, record.claim_id, text) if text else None
            approvals.add_decision(
                connection,
                ClaimDecision(record.claim_id, record.employer, number, caller.party, decision, sealed, now_s),
            )

        if chosen is None:
            add(None)
        known = decisions_on(connection, record)
        # a line that was decided on otherwise since the same was said of the whole is decided on by its number
        for number in sorted(locked) if chosen is None else chosen:
            if chosen is not None or decided(known, number) is not decision:
                add(number)


def _check_policy(*, approval_required: bool, from_fen: int, approvers: list[int]) -> None:
    checked_fen("from_fen", from_fen)
    if len(approvers) > APPROVERS_MAX:
        raise invalid("approvers", "count_range", low=0, high=APPROVERS_MAX, given=len(approvers))
    for index, person in enumerate(approvers):
        checked_party(f"approvers.{index}", person)
        if person in approvers[:index]:
            raise invalid(f"approvers.{index}", "approver_twice", party=person)
    if approval_required and not approvers:
        raise invalid("approvers", "approvers_missing")
