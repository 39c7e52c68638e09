"""A double of the ledger that records what it was asked and answers with fixed views: for shapes and routing only."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ledger.domain.groups import ChainDomain, Group
from ledger.domain.key_proof import KeyProof, Purpose
from ledger.domain.typed_data import group_typed_data
from ledger.service import (
    approval_views,
    bulk_views,
    errors,
    event_views,
    members,
    proposal_views,
    red_views,
    register_views,
    sign_in_views,
    till_views,
    views,
    webhook_views,
)
from ledger.service.api_key_views import ApiKeyView
from ledger.service.audit_log_reading import AuditEntryView, AuditLogPage
from ledger.service.challenges import ChallengeView
from ledger.service.draft_views import DraftView
from ledger.service.enrolment_views import (
    EnrolmentAsked,
    EnrolmentRequestPage,
    EnrolmentRequestView,
    EnrolmentStatus,
)
from ledger.service.erasing import ErasureView
from ledger.service.external_ids import ExternalIdView
from ledger.service.offices import OfficePage, OfficeUsePage, OfficeUseView, OfficeView
from ledger.service.outside import OutsideReading
from ledger.service.papers import Paper
from ledger.service.provider_views import ProviderView
from ledger.service.views import WriteStatus
from ledger.service.witness_views import CheckpointTaken
from tests.api.recorded_months import MONTH_ANSWERS
from verifier.operations import Operation

API_KEY = f"einv_{'a1' * 8}_{'b2' * 32}"
NUMBER = "94403260911000000001"
OTHER_NUMBER = "94403260911000000002"
DIGEST = "5b" * 32
COMMITMENT = "c3" * 32
CLAIM_ID = "7f" * 16
NOW = datetime(2026, 11, 5, 2, 30, tzinfo=UTC)
GROSS_FEN = 10_600

RECEIPT = views.Receipt(DIGEST, NOW, NOW, "1c" * 65)
HOLD = views.ClaimHold(CLAIM_ID, NOW, 12, "李明", 7, "示例公司", "BX-1")
REFUSAL = views.Refusal("locked", 18, NUMBER, "Locked.", "已锁定。", "Look.", "请查看。", HOLD)
RECORDED = views.Written(WriteStatus.RECORDED, DIGEST, RECEIPT, (NUMBER,), CLAIM_ID, 7, 421, NOW)
INVOICE = views.InvoiceView(
    NUMBER, "ordinary", "normal", "locked", "not_booked", 5, 7, 12, "卖方", "买方", "李明", GROSS_FEN, 600, "2026-11",
    NOW, NOW, 421, 2, COMMITMENT, HOLD, {"kind": "ordinary"},
)  # fmt: skip
HISTORY = views.HistoryEntry(
    "lock", "refused", "locked", NOW, 421, 12, "李明", 12, "李明", 7, "示例公司", DIGEST, None, None, None
)
CLAIM = views.ClaimView(
    CLAIM_ID, "BX-1", 12, "李明", 7, "示例公司", NOW, 1, 0, 0, GROSS_FEN, 0,
    (views.ClaimLine(NUMBER, "locked", GROSS_FEN),),
)  # fmt: skip
POLICY = approval_views.ClaimPolicyView(7, True, 10**5, (approval_views.Approver(15, "钱经理"),), NOW)
OWN_ID = ExternalIdView("SO-1", 5, "invoice", NUMBER, (NUMBER,), None, "d4" * 32, "recorded", NOW)
PARTY = views.PartyView(
    7, "enterprise", "示例公司", "91440300MA5F0000X1", True, False, 10**9, "2026-10", 3, "a1" * 32, None,
    ((12, ("claim",)),), (("94403260911000000000", "94403260911000009999"),),
)  # fmt: skip
CERTIFICATE = views.CertificateView("b2" * 32, "current", NOW, NOW, 2, "key_compromise", NOW)
MONTH = views.MonthView(5, "2026-11", GROSS_FEN, 600, 0, 0, 10**9, GROSS_FEN, 1, True, NOW, "d4" * 32)
PUBLIC = views.PublicInvoice(
    NUMBER, "ordinary", "normal", "free", "卖方 <b>", "91440300MA5E0000AB", "买方", 10_000, 600, GROSS_FEN,
    "2026-11-05",     COMMITMENT, 421, ((NOW, "issue"), (NOW, "lock")),
)  # fmt: skip
TAKEN = CheckpointTaken(421, DIGEST, ("witness.example/w1",), 0, 1)
ENTRY = AuditEntryView(97, NOW, "officer_query", 2, NUMBER, {"route": "read_invoice", "count": 3}, DIGEST)
OFFICE = OfficeView(3, "administrator", 15, "钱经理", 7, "示例公司", NOW, None, None)
SLIP = red_views.SlipView(
    DIGEST, NUMBER, "seller_opened", "opened", "待确认", "return", "goods returned", "销货退回", 5, "卖方", 5, "卖方",
    7, "买方", 7, GROSS_FEN, 600, NOW, NOW, 60, None, NOW, None, {"kind": "ordinary"},
)  # fmt: skip
EXCEPTION = red_views.ExceptionView(
    "1f", NUMBER, ("reddened_after_settlement",), "reddened", "已红冲", "issue_red", OTHER_NUMBER, 7, "买方", 12,
    "李明", CLAIM_ID, GROSS_FEN, NOW, 421, DIGEST, answerable=True, officer_at=None, party_at=NOW,
)  # fmt: skip
PROPOSAL = proposal_views.ProposalView(
    CLAIM_ID, "set_risk_flag", None, "", NUMBER, "失联", 2, "王税官", NOW, NOW, "open", None, "", None, None
)
CALLER = views.Caller(12, "authority", "authority:" + "0" * 32, "李明", suspended=False, grants={7: 4})


ERASURE = ErasureView("invoice", NUMBER, 1, "申请", NOW, attested=True)
EXPORT = {
    "format": "einvoice-person-1", "party": 7, "made_at": "2026-11-21T08:00:00Z", "tables": {"party_name": [{}]},
    "left_out": {}, "more_rows_in": [],
}  # fmt: skip


class RecordingLedger:
    """Answers every method of the service door; `calls` holds (method, args, kwargs)."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.written = RECORDED
        self.failure: Exception | None = None
        self.remaining: tuple[str, ...] = ()
        self.lines: tuple[views.LineRefusal, ...] = ()
        self.rows: tuple[views.IssueRow, ...] = (views.IssueRow(0, "recorded", NUMBER, COMMITMENT),)
        self.list_written: views.Written | None = RECORDED
        self.gate: threading.Event | None = None
        self.waiting = threading.Semaphore(0)
        self.closed = False

    def close(self) -> None:
        self.closed = True

    class request_notes:  # noqa: N801 - an area of the door that answers nothing and is not what tests ask about
        """Takes notes of requests and forgets them."""

        @staticmethod
        def asked(*_: Any) -> None:
            """Nothing."""

        refused = not_admitted = asked

    def authenticate(self, api_key: str) -> views.Caller:
        if api_key != API_KEY:
            raise errors.NotAuthenticated
        return CALLER

    def __getattr__(self, name: str) -> Any:
        if any(known.startswith(f"{name}.") for known in ANSWERS):
            return _Area(self, name)
        if name not in ANSWERS:
            raise AttributeError(name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            if self.failure is not None:
                raise self.failure
            if self.gate is not None and "idempotency_key" in kwargs:
                self.waiting.release()
                assert self.gate.wait(20)
            return ANSWERS[name](self, args)

        return call


class _Area:
    """One area of the door, such as `red_letters`; its methods are answered as `red_letters.<method>`."""

    def __init__(self, ledger: RecordingLedger, name: str) -> None:
        self._ledger = ledger
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, f"{self._name}.{name}")


def _check(_ledger: RecordingLedger, args: tuple[Any, ...]) -> Any:
    return PUBLIC if args == (NUMBER, GROSS_FEN, COMMITMENT) else None


JOB = bulk_views.BulkJobView(
    CLAIM_ID, "done", 5, 12, "五月.csv", "ab" * 32, None, 1, 0,
    (bulk_views.BulkSum("recorded", 1, 10_000, 600, GROSS_FEN),),
    (), (), None, NOW, NOW,
)  # fmt: skip
REGISTER = register_views.RegisterView(
    "5e" * 16, "done", 2, "登记表.csv", "ab" * 32, {"A": 10**8}, "2026-11", 2,
    {register_views.RowStatus.ENROLLED: 1, register_views.RowStatus.INVALID: 1}, None, NOW, NOW,
)  # fmt: skip
REGISTER_ROW = register_views.RegisterRowView(
    2, "某公司", "91440300MA5F0000XX", "A", register_views.RowStatus.ENROLLED, 7, 421, ()
)
SHEET_ROW = bulk_views.BulkRowView(2, 1, "R1", "E1", "recorded", "", GROSS_FEN, 600, NUMBER, 421)

EVENT_STATE = event_views.EventState("normal", "locked", "not_booked", False, 12, GROSS_FEN, 0, 2)
EVENT = event_views.EventView(
    "1f", NOW, 421, DIGEST, "lock", "lock", "报销锁定", "applied", ("signer",), 12, 12, 7, NUMBER, None, CLAIM_ID,
    EVENT_STATE, None, None, (), "", "", REFUSAL,
)  # fmt: skip
WEBHOOK = webhook_views.WebhookView(CLAIM_ID, "https://erp.example.com/in", "active", 0, NOW, NOW, "whsec_AA==")
DELIVERY = webhook_views.DeliveryView("1f", "1f", "dead", 9, None, 500, "answered 500", NOW, NOW)

READING = OutsideReading(
    number="14403180911000000317", code="144031809110", printed_number="00000317", source="qr_coded", strength="qr",
    signature=None, signer="", kind="ordinary", colour="blue", issued_on=None, net_fen=10_000, tax_fen=None,
    gross_fen=None, seller_name="", seller_tax_id="", buyer_name="", buyer_tax_id="", file_sha256="ab" * 32,
    problems=(("gross_fen", "outside_gross_missing", "type it", "请补录"),), warnings=(), refusal=REFUSAL,
)  # fmt: skip

TILL = till_views.TillView(
    "0f" * 8, 5, 12, "一号", "ab" * 32, (till_views.TillItem("餐费", 600),), "open", NOW
)  # fmt: skip
UPLOADED = till_views.UploadRow(0, NUMBER, "recorded", COMMITMENT, duplicate=False)


def _refuse() -> None:
    raise errors.NotAuthenticated


def _collected(ledger: RecordingLedger, _args: tuple[Any, ...]) -> till_views.Collected:
    return till_views.Collected(ledger.written, NUMBER, COMMITMENT, GROSS_FEN, held=False, replayed=False)


API_KEY_VIEW = ApiKeyView(
    "a1" * 8, 12, "till 3", ("read", "issue"), "active", False, NOW, NOW, NOW, None, 12, "b2" * 8, None, API_KEY,
)  # fmt: skip
SESSION = sign_in_views.SessionView(CLAIM_ID, NOW, NOW, NOW, "Firefox, Linux", current=True)
SIGNED_IN = sign_in_views.SignedIn(CALLER, SESSION, f"{CLAIM_ID}.{DIGEST}", f"{CLAIM_ID}.{DIGEST}")

PROVIDER = ProviderView(
    CLAIM_ID, 12, "https://login.example.com", "einvoice", NOW, "https://ledger.example.com/sign-in/through/1",
    "https://ledger.example.com/sign-in/through/1/answer", 3,
)  # fmt: skip
REQUESTED = EnrolmentRequestView(
    CLAIM_ID, "enterprise", "示例公司", "91440300MA5F0000X1", "0x" + "5f" * 20, "waiting", NOW,
    None, None, None, None, None,
)  # fmt: skip
DRAFT = DraftView(
    DIGEST, NOW, NOW, ("issue, invoice", "signed by party 12"), (NUMBER,),
    group_typed_data(Group(12, 1, (Operation(code=19, subject=12, number=int(NUMBER)),)), ChainDomain(7, bytes(20))),
)  # fmt: skip

CHALLENGE = ChallengeView("0d" * 61, NOW, {"primaryType": "SignIn"})
ANSWERS: dict[str, Any] = {
    "enrolment.proof_typed_data": lambda *_: KeyProof(Purpose.ENROL, "enterprise:X", "公司", bytes(20), 1).typed_data(
        ChainDomain(7, bytes(20))
    ),
    "enrolment.ask": lambda *_: EnrolmentAsked(CLAIM_ID, "d4" * 32, NOW),
    "enrolment.status": lambda *_: EnrolmentStatus(CLAIM_ID, "enrolled", NOW, NOW, None, 7, "MII="),
    "enrolment.page": lambda *_: EnrolmentRequestPage((REQUESTED,), "1f"),
    "enrolment.request": lambda *_: REQUESTED,
    "enrolment.approve": lambda ledger, _: ledger.written,
    "enrolment.refuse_many": lambda *_: (REQUESTED.request_id,),
    "enrolment.refuse": lambda *_: replace(REQUESTED, state="refused", reason="执照未核实"),
    "drafts.drafts": lambda *_: (DRAFT,),
    "drafts.draft": lambda *_: DRAFT,
    "drafts.sign": lambda ledger, _: ledger.written,
    "sign_in.begin": lambda *_: SIGNED_IN,
    "sign_in.sessions": lambda *_: (SESSION,),
    "sign_in.end": lambda *_: None,
    "sign_in.end_all": lambda *_: 2,
    "sign_in.confirm": lambda *_: CALLER,
    "sign_in.change_password": lambda *_: SIGNED_IN,
    "sign_in.authenticate": lambda *_: _refuse(),
    "sign_in.needs_password": lambda *_: False,
    "invitations.invite": lambda *_: (sign_in_views.Invited(12, NOW, f"{CLAIM_ID}.{DIGEST}"),),
    "invitations.accept": lambda *_: SIGNED_IN,
    "invitations.party_of": lambda *_: 12,
    "invitations.maker_of": lambda *_: 12,
    "provider_sign_in.through": lambda *_: (),
    "sign_in_providers.register": lambda *_: PROVIDER,
    "sign_in_providers.providers": lambda *_: (PROVIDER,),
    "sign_in_providers.remove": lambda *_: 3,
    "remove_member": lambda ledger, _: ledger.written,
    "import_members": lambda ledger, _: members.ImportedMembers(
        ledger.written,
        (
            members.ImportedMember(12, ("claim",), "signed", sign_in_views.Invited(12, NOW, f"{CLAIM_ID}.{DIGEST}")),
            members.ImportedMember(13, ("finance", "claim"), "held", None),
        ),
    ),
    "challenges.ask": lambda *_: CHALLENGE,
    "challenges.answer": lambda *_: API_KEY_VIEW,
    "api_keys.make": lambda *_: API_KEY_VIEW,
    "api_keys.keys": lambda *_: (API_KEY_VIEW,),
    "api_keys.revoke": lambda *_: API_KEY_VIEW,
    "tills.register": lambda *_: TILL,
    "tills.tills": lambda *_: (TILL,),
    "tills.till": lambda *_: TILL,
    "tills.close": lambda *_: TILL,
    "till_uploads.upload": lambda *_: (UPLOADED,),
    "collecting.collect": _collected,
    "collecting.pay": _collected,
    "collecting.pick_up": lambda ledger, _: ledger.written,
    "collecting.titles": lambda *_: (till_views.Title("示例公司", "91440300MA5F0000X1"),),
    "approvals.policy": lambda *_: POLICY,
    "approvals.set_policy": lambda *_: POLICY,
    "approvals.decide": lambda *_: CLAIM,
    "approvals.to_decide": lambda *_: views.ClaimPage((CLAIM,), None),
    "external_ids.find": lambda *_: (OWN_ID,),
    "events.page": lambda *_: event_views.EventPage((EVENT,), "1f", more=False),
    "webhooks.register": lambda *_: WEBHOOK,
    "webhooks.webhooks": lambda *_: (WEBHOOK,),
    "erasing.invoice": lambda *_: ERASURE,
    "erasing.person": lambda *_: ERASURE,
    "erasing.listed": lambda *_: (ERASURE,),
    "personal_export": lambda *_: EXPORT,
    "webhooks.webhook": lambda *_: WEBHOOK,
    "webhooks.set_state": lambda *_: WEBHOOK,
    "webhooks.rotate": lambda *_: WEBHOOK,
    "webhooks.deliveries": lambda *_: webhook_views.DeliveryPage((DELIVERY,), None),
    "webhooks.redeliver": lambda *_: WEBHOOK,
    "audit_log.entries": lambda *_: AuditLogPage((ENTRY,), "1f"),
    "offices.appoint": lambda *_: OFFICE,
    "offices.end": lambda *_: OFFICE,
    "offices.offices": lambda *_: OfficePage((OFFICE,), None),
    "offices.uses": lambda *_: OfficeUsePage((OfficeUseView(DIGEST, NOW),), None),
    "outside.read": lambda *_: READING,
    "papers.document": lambda *_: Paper(f"invoice-{NUMBER}.pdf", "application/pdf", b"%PDF-"),
    "papers.invoice_list": lambda *_: Paper("invoices.csv", "text/csv", b"row"),
    "papers.original": lambda *_: Paper(f"original-{NUMBER}.ofd", "application/octet-stream", b"PK"),
    "papers.archive": lambda *_: Paper(f"claim-{CLAIM_ID}.zip", "application/zip", b"PK", "d4" * 32),
    "bulk.upload": lambda *_: JOB,
    "bulk.sign": lambda *_: JOB,
    "bulk.cancel": lambda *_: JOB,
    "bulk.job": lambda *_: JOB,
    "bulk.jobs": lambda *_: bulk_views.BulkJobPage((JOB,), None),
    "bulk.rows": lambda *_: bulk_views.BulkRowPage((SHEET_ROW,), None),
    "bulk.results": lambda *_: ("results.csv", "text/csv", b"row"),
    "register_file.upload": lambda *_: REGISTER,
    "register_file.sign": lambda *_: REGISTER,
    "register_file.cancel": lambda *_: REGISTER,
    "register_file.job": lambda *_: REGISTER,
    "register_file.jobs": lambda *_: register_views.RegisterPage((REGISTER,), None),
    "register_file.rows": lambda *_: register_views.RegisterRowPage((REGISTER_ROW,), None),
    "register_file.results_file": lambda *_: ("register.csv", "text/csv", b"row"),
    "bulk.template": lambda *_: ("template.csv", "text/csv", b"row"),
    **dict.fromkeys(
        (
            "issue", "transfer", "withdraw_claim", "approve_claim", "reject_claim", "book", "withdraw_booking",
            "set_quota", "allot_segment", "reinstate", "grant", "revoke", "revoke_certificate", "open_month",
            "operation", "dismiss_officer", "rotate_key", "renew_certificate", "recover_key", "red_letters.issue_red",
            "red_letters.open_slip", "red_letters.confirm_slip", "red_letters.refuse_slip", "red_letters.withdraw_slip",
            "red_letters.void_slip", "supervising.clear_flag", "supervising.force_unlock",
            "supervising.lift_block", "supervising.acknowledge", "proposals.confirm",
        ),
        lambda ledger, _: ledger.written,
    ),
    **MONTH_ANSWERS,
    "red_letters.slips": lambda *_: red_views.SlipPage((SLIP,), None),
    "red_letters.outlook": lambda *_: red_views.RedOutlook(
        NUMBER, "waiting", 7, "买方", GROSS_FEN, 0, GROSS_FEN, (red_views.LineLeftView(1, "餐费", 10_000, 600, "1"),),
        (red_views.RedOf(OTHER_NUMBER, "return", 100, 6, NOW),), SLIP, REFUSAL,
    ),
    "proposals.suspension": lambda *_: replace(PROPOSAL, kind="suspend", party=7, party_name="示例公司", number=None),
    "proposals.flag": lambda *_: PROPOSAL,
    "proposals.proposal": lambda *_: replace(PROPOSAL, state="confirmed", decided_by=1, decided_at=NOW, digest=DIGEST),
    "proposals.refuse": lambda *_: replace(PROPOSAL, state="refused", decided_by=1, decided_at=NOW),
    "proposals.page": lambda *_: proposal_views.ProposalPage((PROPOSAL,), "1f"),
    "supervising.exceptions": lambda *_: red_views.ExceptionPage((EXCEPTION,), "1f"),
    "issue_list": lambda ledger, _: views.IssueListWritten(ledger.list_written, ledger.rows),
    "invoice": lambda *_: INVOICE,
    "history": lambda *_: (HISTORY, replace(HISTORY, outcome="applied", reason=None, version=2)),
    "search": lambda *_: views.InvoicePage((INVOICE,), "1f"),
    "open_claim": lambda ledger, _: views.ClaimWritten(ledger.written, ledger.lines, ledger.remaining),
    "claim": lambda *_: CLAIM,
    "claims": lambda *_: views.ClaimPage((CLAIM,), None),
    "month": lambda *_: MONTH,
    "reserve_numbers": lambda *_: views.NumbersReserved((NUMBER, OTHER_NUMBER), NOW),
    "party": lambda *_: PARTY,
    "certificates": lambda *_: (CERTIFICATE, replace(CERTIFICATE, revoked_at=None, revoked_by=None, reason=None)),
    "parties": lambda *_: views.PartyPage((PARTY,), None),
    "enrol": lambda ledger, _: (ledger.written, API_KEY),
    "change_district": lambda *_: replace(PARTY, kind="officer", district="4403"),
    "appoint_officer": lambda ledger, _: (ledger.written, API_KEY),
    "evidence": lambda *_: b'{"format":"evidence"}',
    "statements.statement": lambda *_: b'{"format":"statement"}',
    "trust": lambda *_: {"format": "trust"},
    "public_check": _check,
    "public_evidence": lambda ledger, args: b'{"format":"redacted"}' if _check(ledger, args) else None,
    "admit_to_rpc": lambda *_: None,
    "rpc": lambda *_: b'{"jsonrpc":"2.0","id":1,"result":"0x1"}',
    "witnessing.take": lambda *_: TAKEN,
    "witnessing.latest": lambda *_: "origin\n1\n",
    "health": lambda *_: views.Health(421, 420, 3),
}  # fmt: skip
