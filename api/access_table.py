"""Who may call what: every route and page by every role, in one table. docs/SECURITY.md shows it.

What a caller's role alone decides (`Admission`) is refused at the route's edge, before anything of the request is read.
The rest is about the thing that is asked for, so the service and the contract decide it: the table says how they do,
for a thing of one enterprise (the roles above the line are that enterprise's own people), and a test calls every route
as every role. A route without a row does not start.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ledger.service.people import need_authority, need_chain_reader, need_officer, need_overseer, need_writer
from ledger.service.views import Caller


class Role(StrEnum):
    """Who asks for something of one enterprise."""

    STRANGER = "stranger"  # no credential
    OUTSIDER = "person elsewhere"  # every grant of another enterprise, none of this
    SUSPENDED = "suspended"  # every grant of this enterprise, and suspended
    WITNESS = "witness"  # a person in the office of a witness's reader
    EMPLOYEE = "employee"  # claim grant; for things of its own: the one whose things they are
    CLERK = "clerk"  # issue grant
    FINANCE = "finance"  # finance grant; where approvers are named, one of them
    ADMINISTRATOR = "administrator"  # appointed by the enterprise, no grant
    ENTERPRISE = "enterprise"  # its own credential
    AUDITOR = "auditor"  # a person in the office of auditor
    OFFICER = "officer"  # of the whole ledger
    OFFICER_ELSEWHERE = "officer elsewhere"  # of another district than this enterprise's
    AUTHORITY = "authority"


class Right(StrEnum):
    """What somebody gets who asks. The letter is that of the table in docs/SECURITY.md."""

    ALLOWED = "A"  # done or shown, or refused for a reason that is not who asks
    OWN = "O"  # answered with what is the caller's own or public, and nothing of the enterprise asked for
    HIDDEN = "H"  # 404, or 422 in a list: the same as for what does not exist
    CONTRACT = "C"  # 409: signed with the caller's own key and refused on chain, where the attempt stays
    REFUSED = "R"  # 403
    SIGN_IN = "S"  # 401; a page leads to the sign-in page


class Admission(StrEnum):
    """What a role alone decides."""

    ANYONE = "anyone"
    SIGNED_IN = "anyone with a credential"
    WRITER = "anyone with a credential but auditors"
    CHAIN_READER = "officers, auditors, witnesses' readers"
    OVERSEER = "officers and auditors"
    AUDIT = "the authority and auditors"
    OFFICER = "officers and the authority"
    AUTHORITY = "the authority"


OFFICERS = frozenset({Role.OFFICER, Role.AUTHORITY})
OVERSEERS = OFFICERS | {Role.AUDITOR}
_EVERY_OFFICER = OFFICERS | {Role.OFFICER_ELSEWHERE}
_ALL = frozenset(Role)
_ADMITTED: dict[Admission, frozenset[Role]] = {
    Admission.ANYONE: _ALL,
    Admission.SIGNED_IN: _ALL - {Role.STRANGER},
    Admission.WRITER: _ALL - {Role.STRANGER, Role.AUDITOR},
    Admission.CHAIN_READER: OVERSEERS | {Role.WITNESS},
    Admission.OVERSEER: OVERSEERS | _EVERY_OFFICER,
    Admission.AUDIT: frozenset({Role.AUTHORITY, Role.AUDITOR}),
    Admission.OFFICER: _EVERY_OFFICER,
    Admission.AUTHORITY: frozenset({Role.AUTHORITY}),
}
_CHECKS: dict[Admission, Callable[[Caller], None]] = {
    Admission.WRITER: need_writer,
    Admission.CHAIN_READER: need_chain_reader,
    Admission.OVERSEER: need_overseer,
    Admission.OFFICER: need_officer,
    Admission.AUTHORITY: need_authority,
}


@dataclass(frozen=True)
class Rule:
    """One row: who is admitted, and what those get; `rest` is for the admitted roles that `listed` leaves out."""

    admission: Admission
    rest: Right = Right.ALLOWED
    listed: Mapping[Role, Right] = field(default_factory=dict)

    def right(self, role: Role) -> Right:
        """What `role` gets."""
        if role in _ADMITTED[self.admission]:
            return self.listed.get(role, self.rest)
        return Right.SIGN_IN if role is Role.STRANGER else Right.REFUSED


def admit_caller(rule: Rule, caller: Caller) -> None:
    """Lets a caller in whose role is admitted. Raises: NotPermitted."""
    check = _CHECKS.get(rule.admission)
    if check is not None:
        check(caller)


def rule_of(name: str) -> Rule:
    """The row of a route. Raises: LookupError for one that nobody thought about."""
    found = RULES.get(name)
    if found is None:
        raise LookupError(f"route {name} has no row in api/access_table.py: say there who may call it")
    return found


def _rule(admission: Admission, rest: Right, **listed: Iterable[Role]) -> Rule:
    rights = {role: Right[right.upper()] for right, roles in listed.items() for role in roles}
    return Rule(admission, rest, rights)


def _seen_by(*inside: Role, rest: Right = Right.HIDDEN, **listed: Iterable[Role]) -> Rule:
    """A read of one enterprise's things: shown to those inside, officers and auditors."""
    return _rule(Admission.SIGNED_IN, rest, **{"allowed": (*inside, *OVERSEERS), **listed})


def _own_of(*inside: Role, **listed: Iterable[Role]) -> Rule:
    """A read of things that officers and auditors do not see either."""
    return _rule(Admission.SIGNED_IN, Right.HIDDEN, **{"allowed": inside, **listed})


def _done_by(*inside: Role, rest: Right = Right.CONTRACT, **listed: Iterable[Role]) -> Rule:
    """A write in an enterprise's name, or about its things."""
    return _rule(Admission.WRITER, rest, **{"allowed": inside, **listed})


_PUBLIC = Rule(Admission.ANYONE)
_EACH_ITS_OWN = Rule(Admission.SIGNED_IN)  # of the caller alone: nothing of others can be asked for
_EACH_FOR_ITSELF = Rule(Admission.WRITER)
_FAR = (Role.OFFICER_ELSEWHERE,)
_OVERSEEN = _rule(Admission.OVERSEER, Right.ALLOWED, hidden=_FAR)
_OVERSEEN_LISTS = _rule(Admission.OVERSEER, Right.ALLOWED, own=_FAR)
_BY_OFFICERS = _rule(Admission.OFFICER, Right.ALLOWED, hidden=_FAR)
_BY_AUTHORITY = Rule(Admission.AUTHORITY)

_ISSUING = (Role.CLERK, Role.ENTERPRISE)
_MONEY = (Role.FINANCE, Role.ENTERPRISE)
_BOOKS = (Role.CLERK, Role.FINANCE, Role.ENTERPRISE)
_CLAIMING = (Role.EMPLOYEE, Role.FINANCE, Role.ENTERPRISE)
_OUT = (Role.SUSPENDED,)
_PERSONS = (Role.OUTSIDER, Role.WITNESS, Role.EMPLOYEE, Role.CLERK, Role.FINANCE, Role.ADMINISTRATOR)

_SEEN_BY_BOOKS = _seen_by(*_BOOKS)
_SEEN_BY_MONEY = _seen_by(*_MONEY)
_LISTED_TO_BOOKS = _seen_by(*_BOOKS, rest=Right.OWN)
_SHEET_WRITES = _done_by(*_ISSUING, rest=Right.HIDDEN, refused=_OUT)
_SLIP_WRITES = _done_by(*_MONEY, rest=Right.HIDDEN, contract=(Role.CLERK, *OFFICERS))
_SELECTING = _SLIP_WRITES
_CLAIM_ENDS = _done_by(*_CLAIMING, rest=Right.HIDDEN, contract=OFFICERS)
_WEBHOOK_WRITES = _done_by(Role.ENTERPRISE, rest=Right.HIDDEN, refused=_OUT)
_TILL_WRITES = _done_by(*_ISSUING, rest=Right.HIDDEN, refused=(*OFFICERS, *_OUT))
_FILES = _done_by(*_MONEY, rest=Right.REFUSED)

RULES: dict[str, Rule] = {
    # -- the public
    **dict.fromkeys(
        ("read_trust", "verify_invoice", "read_health", "take_checkpoint", "read_checkpoint", "front_page",
         "check_page", "check_evidence", "check_uploaded", "static_file", "collect_page", "collect_form",
         "list_problem_types", "describe_problem_type", "ask_challenge", "answer_challenge", "sign_in_page",
         "sign_in_form", "open_session", "invitation_page", "invitation_form",
         "provider_page", "provider_start", "provider_answer",
         "accept_invitation", "read_key_proof", "ask_enrolment", "read_enrolment_status"),
        _PUBLIC,
    ),
    # -- the caller's own
    **dict.fromkeys(
        ("me_page", "password_form", "confirmation_form", "sign_out_form", "sign_out_everywhere_form",
         "unlink_form", "list_providers",
         "end_session_form", "confirm_session", "change_password", "list_sessions", "end_sessions", "list_titles",
         "list_drafts", "sheet_template", "read_outside"),
        _EACH_ITS_OWN,
    ),
    "end_session": _own_of(Role.ENTERPRISE),
    "register_provider": _rule(Admission.WRITER, Right.REFUSED, allowed=(Role.ENTERPRISE,)),
    "remove_provider": _rule(Admission.WRITER, Right.REFUSED, allowed=(Role.ENTERPRISE,)),
    "make_api_key": _rule(Admission.WRITER, Right.ALLOWED, refused=_OUT),
    "list_api_keys": _seen_by(Role.ENTERPRISE),
    "revoke_api_key": _done_by(Role.ENTERPRISE, *OFFICERS, rest=Right.HIDDEN, refused=_OUT),
    "read_draft": _own_of(),
    "sign_draft": _done_by(rest=Right.HIDDEN),
    "rotate_key": _rule(Admission.WRITER, Right.ALLOWED, contract=_OUT),
    "renew_certificate": _rule(Admission.WRITER, Right.ALLOWED, contract=_OUT),
    "register_webhook": _rule(Admission.WRITER, Right.ALLOWED, refused=_OUT),
    # -- invoices
    "search_invoices": _LISTED_TO_BOOKS,
    "export_invoices": _LISTED_TO_BOOKS,
    "read_events": _LISTED_TO_BOOKS,
    "list_slips": _LISTED_TO_BOOKS,
    "read_slips": _LISTED_TO_BOOKS,
    "read_invoice": _SEEN_BY_BOOKS,
    "read_document": _SEEN_BY_BOOKS,
    "read_history": _SEEN_BY_BOOKS,
    "read_evidence": _SEEN_BY_BOOKS,
    "read_statement": _SEEN_BY_BOOKS,
    "read_red_outlook": _SEEN_BY_BOOKS,
    "read_month": _SEEN_BY_BOOKS,
    "read_original": _seen_by(Role.EMPLOYEE, *_BOOKS),
    "read_external_id": _seen_by(*_ISSUING),
    "read_operation": _seen_by(Role.ENTERPRISE),
    "issue_invoice": _done_by(*_ISSUING),
    "issue_list": _done_by(*_ISSUING),
    "reserve_numbers": _done_by(*_ISSUING, rest=Right.HIDDEN),
    "transfer_invoice": _done_by(*_BOOKS),
    "book_invoice": _done_by(*_MONEY),
    "withdraw_booking": _done_by(*_MONEY),
    "issue_red": _done_by(*_ISSUING, rest=Right.HIDDEN, contract=(Role.FINANCE, *OFFICERS)),
    "open_slip": _SLIP_WRITES,
    "confirm_slip": _SLIP_WRITES,
    "refuse_slip": _SLIP_WRITES,
    "withdraw_slip": _SLIP_WRITES,
    "pick_up": _rule(Admission.WRITER, Right.REFUSED, allowed=_PERSONS),
    "collect": _rule(Admission.WRITER, Right.REFUSED, allowed=_PERSONS),
    # -- claims
    "list_claims": _seen_by(*_CLAIMING, rest=Right.OWN),
    "read_claim": _seen_by(*_CLAIMING),
    "read_archive": _seen_by(*_MONEY, refused=(Role.EMPLOYEE,)),
    "open_claim": _done_by(Role.EMPLOYEE),
    "register_outside": _done_by(*_CLAIMING),
    "withdraw_claim": _CLAIM_ENDS,
    "reject_claim": _CLAIM_ENDS,
    "approve_claim": _done_by(
        Role.FINANCE, rest=Right.HIDDEN, contract=(Role.EMPLOYEE, Role.ENTERPRISE, *OFFICERS)
    ),
    "decide_claim": _done_by(
        Role.FINANCE, rest=Right.HIDDEN, refused=(Role.SUSPENDED, Role.EMPLOYEE, Role.ENTERPRISE, *OFFICERS)
    ),
    "read_claim_policy": _seen_by(Role.EMPLOYEE, *_BOOKS),
    "set_claim_policy": _done_by(Role.ENTERPRISE, rest=Right.REFUSED),
    # -- sheets, webhooks, tills
    "list_sheets": _own_of(*_ISSUING),
    "read_sheet": _own_of(*_ISSUING),
    "sheet_results": _own_of(*_ISSUING),
    "upload_sheet": _done_by(*_ISSUING, rest=Right.HIDDEN),
    "sign_sheet": _SHEET_WRITES,
    "cancel_sheet": _SHEET_WRITES,
    "list_webhooks": _rule(Admission.SIGNED_IN, Right.OWN, allowed=(Role.ENTERPRISE,)),
    "read_webhook": _own_of(Role.ENTERPRISE),
    "list_deliveries": _own_of(Role.ENTERPRISE),
    "set_webhook_state": _WEBHOOK_WRITES,
    "rotate_webhook": _WEBHOOK_WRITES,
    "redeliver": _WEBHOOK_WRITES,
    "list_tills": _seen_by(*_ISSUING),
    "read_till": _seen_by(*_ISSUING),
    "register_till": _done_by(*_ISSUING, rest=Right.REFUSED),
    "close_till": _TILL_WRITES,
    "upload_offline": _done_by(*_ISSUING, rest=Right.HIDDEN, refused=OFFICERS),
    # -- months and deduction
    "read_report": _SEEN_BY_MONEY,
    "list_filings": _SEEN_BY_MONEY,
    "read_declaration": _SEEN_BY_MONEY,
    "list_selectable": _SEEN_BY_MONEY,
    "list_selected": _SEEN_BY_MONEY,
    "read_period": _SEEN_BY_MONEY,
    "read_deduction": _SEEN_BY_MONEY,
    "declare_month": _FILES,
    "file_month": _FILES,
    "refile_month": _FILES,
    "select_invoices": _SELECTING,
    "unselect_invoices": _SELECTING,
    "confirm_period": _done_by(*_MONEY),
    "open_month": _done_by(Role.AUTHORITY),
    # -- parties
    "list_parties": _seen_by(rest=Right.OWN),
    "read_party": _seen_by(Role.EMPLOYEE, Role.ADMINISTRATOR, *_BOOKS, rest=Right.OWN, hidden=_FAR),
    "read_record": _rule(Admission.SIGNED_IN, Right.REFUSED, allowed=(Role.EMPLOYEE, Role.AUTHORITY)),
    "list_certificates": _seen_by(Role.ENTERPRISE, rest=Right.REFUSED, hidden=_FAR),
    "grant": _done_by(Role.ADMINISTRATOR, Role.ENTERPRISE, rest=Right.REFUSED),
    "revoke": _done_by(Role.ADMINISTRATOR, Role.ENTERPRISE, rest=Right.REFUSED),
    "import_members": _done_by(Role.ADMINISTRATOR, Role.ENTERPRISE, rest=Right.REFUSED),
    "remove_member": _done_by(Role.ADMINISTRATOR, Role.ENTERPRISE, rest=Right.REFUSED),
    "invite_parties": _done_by(Role.ADMINISTRATOR, Role.ENTERPRISE, *OFFICERS, rest=Right.REFUSED, hidden=_FAR),
    "list_offices": _seen_by(Role.ADMINISTRATOR, Role.ENTERPRISE, rest=Right.OWN),
    "list_office_uses": _seen_by(Role.ADMINISTRATOR, Role.ENTERPRISE),
    "end_office": _done_by(Role.ENTERPRISE, rest=Right.HIDDEN, refused=_OUT),
    # -- officers, auditors, the authority, witnesses
    "list_exceptions": _seen_by(*_CLAIMING, rest=Right.OWN),
    "acknowledge_exception": _done_by(*_MONEY, *OFFICERS, rest=Right.HIDDEN, contract=(Role.EMPLOYEE, Role.CLERK)),
    "read_audit_log": Rule(Admission.AUDIT),
    "read_chain": Rule(Admission.CHAIN_READER),
    **dict.fromkeys(
        ("list_nonfilers", "list_supervised_exceptions", "list_refusals", "list_duplicates", "list_proposals",
         "list_enrolment_requests"),
        _OVERSEEN_LISTS,
    ),
    **dict.fromkeys(("read_proposal", "read_enrolment_request"), _OVERSEEN),
    "upload_register": Rule(Admission.OFFICER),  # rows of other districts are refused one by one
    "list_registers": _OVERSEEN_LISTS,
    "read_register": _OVERSEEN,
    "register_results": _OVERSEEN,
    "sign_register": _BY_OFFICERS,
    "cancel_register": _BY_OFFICERS,
    "enrol_party": Rule(Admission.OFFICER),  # of a new party, which lies nowhere yet; an enterprise's tax id says where
    **dict.fromkeys(
        ("set_quota", "allot_segment", "reinstate_party", "lift_block", "revoke_certificate",
         "void_slip", "clear_risk_flag", "force_unlock", "propose_suspension", "propose_risk_flag", "confirm_proposal",
         "refuse_proposal", "approve_enrolment",
         "refuse_enrolment", "refuse_enrolments"),
        _BY_OFFICERS,
    ),
    **dict.fromkeys(("recover_key", "appoint_officer", "set_district", "dismiss_officer", "erase_invoice",
                     "erase_person", "list_erasures"), _BY_AUTHORITY),
    "appoint_to_office": _done_by(Role.AUTHORITY, rest=Right.REFUSED),
}  # fmt: skip
"""By name of the route's endpoint."""


def table_lines() -> Iterator[str]:
    """The table as docs/SECURITY.md has it: routes whose rows are the same stand together."""
    yield "| route | " + " | ".join(Role) + " |"
    yield "|---|" + "---|" * len(Role)
    rows: dict[tuple[Right, ...], list[str]] = {}
    for name, rule in RULES.items():
        rows.setdefault(tuple(rule.right(role) for role in Role), []).append(name)
    for rights, names in rows.items():
        yield f"| {', '.join(f'`{name}`' for name in names)} | " + " | ".join(rights) + " |"


if __name__ == "__main__":  # what docs/SECURITY.md is to show
    sys.stdout.write("\n".join(table_lines()) + "\n")
