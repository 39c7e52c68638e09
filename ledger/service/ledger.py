"""The one door to the ledger: what the API, the pages and the command line call.

Thread-safe, synchronous. A write returns when its outcome is known or the set time is up; either way it was
durable before that. Refusals by the contract are answers, not exceptions; exceptions mean nothing was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ledger.service import (
    certificates,
    claims,
    holding,
    issuing,
    key_changes,
    members,
    months,
    officers,
    people,
    proofs,
    reading,
    registry,
    writing,
)
from ledger.service.api_keys import ApiKeys
from ledger.service.approvals import Approvals
from ledger.service.audit_log_reading import AuditLog
from ledger.service.bulk import Bulk
from ledger.service.chain_door import ChainDoor
from ledger.service.challenges import Challenges
from ledger.service.collecting import Collecting
from ledger.service.context import Context
from ledger.service.deductions import Deductions
from ledger.service.enrolment import Enrolment
from ledger.service.erasing import Erasing
from ledger.service.errors import NotFound, NotPermitted
from ledger.service.events import Events
from ledger.service.external_ids import ExternalIds
from ledger.service.filing import Filing
from ledger.service.installation import close_context, open_context
from ledger.service.invitations import Invitations
from ledger.service.key_proofs import OwnKey
from ledger.service.offices import Offices
from ledger.service.outside import Outside
from ledger.service.outside_facts import OutsideItem
from ledger.service.papers import Papers
from ledger.service.personal_export import personal_export
from ledger.service.proposals import Proposals
from ledger.service.provider_sign_in import ProviderSignIn
from ledger.service.providers import SignInProviders
from ledger.service.red_letters import RedLetters
from ledger.service.register_file import RegisterFile
from ledger.service.request_notes import Errand, RequestNotes
from ledger.service.sign_in import SignIn
from ledger.service.signing_drafts import SigningDrafts
from ledger.service.statements import Statements
from ledger.service.supervising import Supervising
from ledger.service.supervision import Supervision
from ledger.service.till_uploads import TillUploads
from ledger.service.tills import Tills
from ledger.service.views import (
    Caller,
    CertificateView,
    ClaimPage,
    ClaimView,
    ClaimWritten,
    Health,
    HistoryEntry,
    InvoicePage,
    InvoiceView,
    IssueListWritten,
    MonthView,
    NumbersReserved,
    PartyPage,
    PartyView,
    PublicInvoice,
    Written,
)
from ledger.service.webhooks import Webhooks
from ledger.service.witness_views import Witnessed
from ledger.service.witnessing import Witnessing
from ledger.settings import Settings
from verifier.canonical import Json

DIGEST_HEX_LENGTH = 64
_NOTED_REFUSALS = (NotPermitted, NotFound)


class Ledger:
    """An open ledger. One a process, opened after forking; close it, or use it in a `with`."""

    def __init__(self, context: Context, errand: Errand | None = None) -> None:
        self.context = context
        self._errand = errand
        self._errands_caller: Caller | None = None
        self._chain = ChainDoor(context.settings)
        self.api_keys = ApiKeys(context)
        self.request_notes = RequestNotes(context)
        self.challenges = Challenges(context, self.request_notes)
        self.approvals = Approvals(context)
        self.deductions = Deductions(context)
        self.events = Events(context)
        self.offices = Offices(context)
        self.outside = Outside(context)
        self.external_ids = ExternalIds(context)
        self.filing = Filing(context)
        self.webhooks = Webhooks(context)
        self.sign_in = SignIn(context)
        self.invitations = Invitations(context)
        self.sign_in_providers = SignInProviders(context)
        self.provider_sign_in = ProviderSignIn(context, self.sign_in, self.invitations)
        self.tills = Tills(context)
        self.till_uploads = TillUploads(context)
        self.collecting = Collecting(context)
        self.proposals = Proposals(context)
        self.red_letters = RedLetters(context)
        self.drafts = SigningDrafts(context)
        self.enrolment = Enrolment(context)
        self.register_file = RegisterFile(context)
        self.bulk = Bulk(context)
        self.papers = Papers(context)
        self.statements = Statements(context)
        self.supervising = Supervising(context)
        self.supervision = Supervision(context)
        self.witnessing = Witnessing(context)
        self.audit_log = AuditLog(context)
        self.erasing = Erasing(context)

    @classmethod
    def open(cls, settings: Settings, errand: Errand | None = None) -> Ledger:
        """The ledger in `settings`; with an `errand`, who comes on it is noted in the audit log as at the API.

        Raises: NotReady saying what to do.
        """
        return cls(open_context(settings), errand)

    def close(self) -> None:
        """Finishes writes and closes files."""
        self._chain.close()
        self.request_notes.close()
        close_context(self.context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._errand is not None and self._errands_caller is not None and isinstance(error, _NOTED_REFUSALS):
            self.request_notes.refused(self._errands_caller, self._errand.command, error, self._errand.about)
        self.close()

    # -- who calls ---------------------------------------------------------------------------

    def authenticate(self, api_key: str) -> Caller:
        """The party an API key acts as. Raises: NotAuthenticated."""
        return people.authenticate(self.context, api_key)

    def caller(self, party: int) -> Caller:
        """A party as a caller, for the command line of whoever holds the data directory.

        Who oversees and comes to look is noted before anything can be read as it.

        Raises: NotFound; Busy when the look cannot be noted.
        """
        found, errand = people.caller_by_id(self.context, party), self._errand
        self._errands_caller = found
        if errand is not None and errand.looks and found.oversees:
            self.request_notes.asked(found, errand.command, errand.about, errand.filters)
        return found

    def new_api_key(self, party: int, label: str) -> str:
        """A new API key that acts as `party`, shown once. Raises: NotFound, InvalidRequest."""
        return self.api_keys.make_for(party, label).secret

    def personal_export(self, caller: Caller, party: int, *, size_max: int | None = None) -> dict[str, Json]:
        """Everything held about one person; see ledger.service.personal_export."""
        return personal_export(self.context, caller, party, size_max=size_max)

    # -- invoices ----------------------------------------------------------------------------

    def issue(
        self, caller: Caller, document: object, *, subject: int | None = None,
        first_holder: issuing.FirstHolder = None, number: str | None = None, external_id: str | None = None,
        idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Issues one invoice; see ledger.service.issuing."""
        return issuing.issue(
            self.context, caller, document, subject=subject, first_holder=first_holder, number=number,
            external_id=external_id, idempotency_key=idempotency_key,
        )  # fmt: skip

    def issue_list(
        self, caller: Caller, documents: list[object], *, subject: int | None = None,
        first_holder: issuing.FirstHolder = None, external_ids: list[str | None] | None = None, idempotency_key: str,
    ) -> IssueListWritten:  # fmt: skip
        """Issues the valid rows of a list, with a result for each."""
        return issuing.issue_list(
            self.context, caller, documents, subject=subject, first_holder=first_holder, external_ids=external_ids,
            idempotency_key=idempotency_key,
        )  # fmt: skip

    def reserve_numbers(
        self, caller: Caller, count: int, *, subject: int | None = None, idempotency_key: str
    ) -> NumbersReserved:
        """Holds the seller's next free numbers."""
        return issuing.reserve_numbers(self.context, caller, count, subject=subject, idempotency_key=idempotency_key)

    def invoice(self, caller: Caller, number: str) -> InvoiceView:
        """One invoice with its document."""
        return reading.invoice(self.context, caller, number)

    def search(
        self, caller: Caller, *, number: str | None = None, party: int | None = None, month: str | None = None,
        state: str | None = None, gross_min_fen: int | None = None, gross_max_fen: int | None = None,
        cursor: str | None = None, limit: int = reading.PAGE_SIZE_DEFAULT,
    ) -> InvoicePage:  # fmt: skip
        """Invoices that match and the caller may see, newest first."""
        return reading.search(
            self.context, caller, number=number, party=party, month=month, state=state, gross_min_fen=gross_min_fen,
            gross_max_fen=gross_max_fen, cursor=cursor, limit=limit,
        )  # fmt: skip

    def history(self, caller: Caller, number: str) -> tuple[HistoryEntry, ...]:
        """Everything that happened to an invoice."""
        return reading.history(self.context, caller, number)

    def transfer(
        self, caller: Caller, number: str, to: int, *, subject: int | None = None, external_id: str | None = None,
        idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Hands an invoice on."""
        return holding.transfer(
            self.context, caller, number, to, subject=subject, external_id=external_id, idempotency_key=idempotency_key
        )

    def book(
        self, caller: Caller, number: str, *, deductible: bool, subject: int | None = None,
        external_id: str | None = None, idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Enters an invoice into the accounts."""
        return holding.book(
            self.context, caller, number, deductible=deductible, subject=subject, external_id=external_id,
            idempotency_key=idempotency_key,
        )  # fmt: skip

    def withdraw_booking(
        self, caller: Caller, number: str, *, subject: int | None = None, reason: str, idempotency_key: str
    ) -> Written:
        """Takes a booking back."""
        return holding.withdraw_booking(
            self.context, caller, number, subject=subject, reason=reason, idempotency_key=idempotency_key
        )

    # -- claims ------------------------------------------------------------------------------

    def open_claim(
        self, caller: Caller, numbers: list[str], *, employer: int, reference: str = "",
        outside: Sequence[OutsideItem] = (), external_id: str | None = None, idempotency_key: str,
    ) -> ClaimWritten:  # fmt: skip
        """Claims invoices from an employer, those of elsewhere registered at once, all or none."""
        return claims.open_claim(
            self.context, caller, numbers, employer=employer, reference=reference, items=outside,
            external_id=external_id, idempotency_key=idempotency_key,
        )  # fmt: skip

    def claim(self, caller: Caller, claim_id: str) -> ClaimView:
        """One claim with its lines."""
        return claims.claim(self.context, caller, claim_id)

    def claims(
        self, caller: Caller, *, payment_reference: str | None = None, cursor: str | None = None,
        limit: int = reading.PAGE_SIZE_DEFAULT,
    ) -> ClaimPage:  # fmt: skip
        """Claims the caller made or may settle, newest first; with `payment_reference`, those it settled."""
        return claims.claims_page(self.context, caller, payment_reference=payment_reference, cursor=cursor, limit=limit)

    def withdraw_claim(
        self, caller: Caller, claim_id: str, *, numbers: list[str] | None = None, idempotency_key: str
    ) -> Written:
        """The claimant takes lines back."""
        return claims.withdraw_claim(self.context, caller, claim_id, numbers=numbers, idempotency_key=idempotency_key)

    def approve_claim(
        self, caller: Caller, claim_id: str, *, numbers: list[str] | None = None, payment_reference: str,
        external_id: str | None = None, idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Finance settles lines, where the company wants it only those that approvers approved."""
        return claims.approve_claim(
            self.context, caller, claim_id, numbers=numbers, payment_reference=payment_reference,
            external_id=external_id, idempotency_key=idempotency_key,
        )  # fmt: skip

    def reject_claim(
        self, caller: Caller, claim_id: str, *, numbers: list[str] | None = None, reason: str, idempotency_key: str
    ) -> Written:
        """Finance gives lines back."""
        return claims.reject_claim(
            self.context, caller, claim_id, numbers=numbers, reason=reason, idempotency_key=idempotency_key
        )

    # -- months ------------------------------------------------------------------------------

    def open_month(self, caller: Caller, month: str, *, idempotency_key: str) -> Written:
        """Opens a month for issuing."""
        return months.open_month(self.context, caller, month, idempotency_key=idempotency_key)

    def month(self, caller: Caller, month: str, *, subject: int | None = None) -> MonthView:
        """An enterprise's month."""
        return months.month_view(self.context, caller, month, subject=subject)

    # -- parties -----------------------------------------------------------------------------

    def party(self, caller: Caller, party: int) -> PartyView:
        """One party."""
        return reading.party_view(self.context, caller, party)

    def parties(
        self, caller: Caller, *, kind: str | None = None, tax_id: str | None = None, cursor: str | None = None,
        limit: int = reading.PAGE_SIZE_DEFAULT,
    ) -> PartyPage:  # fmt: skip
        """Parties by ascending id."""
        return reading.parties_page(self.context, caller, kind=kind, tax_id=tax_id, cursor=cursor, limit=limit)

    def enrol(
        self, caller: Caller, *, kind: str, name: str, tax_id: str | None = None, quota_fen: int = 0,
        first_month: str | None = None, idempotency_key: str,
    ) -> tuple[Written, str]:  # fmt: skip
        """Enrols an enterprise or a person; (answer, API key shown once)."""
        return registry.enrol(
            self.context, caller, kind=kind, name=name, tax_id=tax_id, quota_fen=quota_fen, first_month=first_month,
            idempotency_key=idempotency_key,
        )  # fmt: skip

    def appoint_officer(
        self, caller: Caller, *, name: str, district: str = "", idempotency_key: str
    ) -> tuple[Written, str]:
        """The authority appoints an officer for a district, "" for the whole ledger; (answer, API key shown once)."""
        return registry.appoint_officer(
            self.context, caller, name=name, district=district, idempotency_key=idempotency_key
        )

    def change_district(self, caller: Caller, party: int, district: str, *, idempotency_key: str) -> PartyView:
        """The authority appoints an officer for another district, "" for the whole ledger."""
        return officers.change_district(self.context, caller, party, district, idempotency_key=idempotency_key)

    def dismiss_officer(self, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> Written:
        """The authority ends an appointment."""
        return registry.dismiss_officer(self.context, caller, party, reason=reason, idempotency_key=idempotency_key)

    def set_quota(self, caller: Caller, party: int, quota_fen: int, *, idempotency_key: str) -> Written:
        """Sets an enterprise's monthly quota."""
        return registry.set_quota(self.context, caller, party, quota_fen, idempotency_key=idempotency_key)

    def allot_segment(
        self, caller: Caller, party: int, *, blocks: int = 1, area: str | None = None, idempotency_key: str
    ) -> Written:
        """Allots numbers to an enterprise."""
        return registry.allot_segment(
            self.context, caller, party, blocks=blocks, area=area, idempotency_key=idempotency_key
        )

    def reinstate(self, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> Written:
        """Ends a suspension."""
        return registry.reinstate(self.context, caller, party, reason=reason, idempotency_key=idempotency_key)

    def grant(
        self, caller: Caller, person: int, grants: list[str], *, subject: int | None = None, idempotency_key: str
    ) -> Written:
        """The calling enterprise, or `subject` by its administrator, gives a person grants."""
        return registry.change_grants(
            self.context, caller, person, grants, give=True, subject=subject, idempotency_key=idempotency_key
        )

    def revoke(
        self, caller: Caller, person: int, grants: list[str], *, subject: int | None = None, idempotency_key: str
    ) -> Written:
        """The calling enterprise, or `subject` by its administrator, takes grants away."""
        return registry.change_grants(
            self.context, caller, person, grants, give=False, subject=subject, idempotency_key=idempotency_key
        )

    def import_members(
        self, caller: Caller, rows: Sequence[members.NewMember], *, subject: int | None = None, idempotency_key: str
    ) -> members.ImportedMembers:
        """The calling enterprise, or `subject` by its administrator, grants a list of people, and may invite them."""
        return members.import_members(
            self.context, caller, self.invitations, rows, subject=subject, idempotency_key=idempotency_key
        )

    def remove_member(
        self, caller: Caller, person: int, *, subject: int | None = None, idempotency_key: str
    ) -> Written:
        """The calling enterprise, or `subject` by its administrator, ends all that a person may do for it."""
        return members.remove_member(self.context, caller, person, subject=subject, idempotency_key=idempotency_key)

    def rotate_key(self, caller: Caller, *, own: OwnKey | None = None, idempotency_key: str) -> Written:
        """Gives the caller a new key, with `own` one that it keeps itself."""
        return key_changes.rotate_key(self.context, caller, own=own, idempotency_key=idempotency_key)

    def renew_certificate(self, caller: Caller, *, idempotency_key: str) -> Written:
        """A new certificate for the key the caller has."""
        return key_changes.renew_certificate(self.context, caller, idempotency_key=idempotency_key)

    def recover_key(self, caller: Caller, party: int, *, idempotency_key: str) -> Written:
        """The authority gives a party a new key, effective after 72 hours."""
        return key_changes.recover_key(self.context, caller, party, idempotency_key=idempotency_key)

    def revoke_certificate(
        self, caller: Caller, party: int, *, reason: str, certificate_hash: str | None = None, idempotency_key: str
    ) -> Written:
        """An officer revokes a certificate of a party, its current one unless another is named; the key goes on."""
        return certificates.revoke_certificate(
            self.context, caller, party, reason=reason, certificate_hash=certificate_hash,
            idempotency_key=idempotency_key,
        )  # fmt: skip

    def certificates(self, caller: Caller, party: int) -> tuple[CertificateView, ...]:
        """Certificates of a party, newest first, with what is revoked."""
        return certificates.certificates(self.context, caller, party)

    # -- proofs and state --------------------------------------------------------------------

    def operation(self, caller: Caller, digest: str) -> Written:
        """Where an earlier write of the caller stands. Raises: NotFound."""
        try:
            key = bytes.fromhex(digest)
        except ValueError:
            key = b""
        if len(digest) != DIGEST_HEX_LENGTH or len(key) * 2 != DIGEST_HEX_LENGTH:
            raise NotFound("operation", digest[:DIGEST_HEX_LENGTH])
        return writing.written_of(self.context, caller, key)

    def evidence(self, caller: Caller, number: str, *, witnessed: Witnessed = Witnessed.PREFERRED) -> bytes:
        """Evidence file of an invoice the caller may see; `witnessed`: with which witnesses' signatures."""
        return proofs.evidence(self.context, caller, number, witnessed=witnessed)

    def trust(self) -> dict[str, Json]:
        """Trust file of this ledger."""
        return proofs.trust(self.context)

    def public_check(self, number: str, gross_fen: int, commitment: str) -> PublicInvoice | None:
        """The public check: None on any mismatch."""
        return proofs.public_check(self.context, number, gross_fen, commitment)

    def public_evidence(self, number: str, gross_fen: int, commitment: str) -> bytes | None:
        """Redacted evidence for the public check: None on any mismatch."""
        return proofs.public_evidence(self.context, number, gross_fen, commitment)

    def admit_to_rpc(self, caller: Caller | None) -> None:
        """Lets a caller read the chain itself. Raises: NotAuthenticated, NotPermitted."""
        self._chain.admit(caller)

    def rpc(self, request: object) -> bytes | None:
        """Answer to a parsed JSON-RPC request or batch of a caller let in; None when there is none to give."""
        return self._chain.answer(request)

    def health(self) -> Health:
        """How the installation stands."""
        return reading.health(self.context)
