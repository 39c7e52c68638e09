"""Which scope of a credential each route takes: the one table of it, which tests hold against the routes.

Every GET takes `read`; what does something is listed by its operation id, with the scopes of which one suffices.
"""

from __future__ import annotations

from ledger.service import Scope

_ISSUE = (Scope.ISSUE,)
_CLAIM = (Scope.CLAIM,)
_FINANCE = (Scope.FINANCE,)
_MANAGE = (Scope.MANAGE,)
_SUPERVISE = (Scope.SUPERVISE,)
_ANY_WRITE = (Scope.ISSUE, Scope.CLAIM, Scope.FINANCE, Scope.MANAGE, Scope.SUPERVISE)  # its signature is what counts
_EITHER_SIDE = (Scope.ISSUE, Scope.FINANCE)  # a red slip is the seller's or the buyer's to move

READING = (Scope.READ,)
UNLISTED = (Scope.ALL,)  # a route that was forgotten below is nobody's with a narrow key

TAKEN: dict[str, tuple[Scope, ...]] = {
    # invoices and reds
    "issue_invoice": _ISSUE,
    "issue_list": _ISSUE,
    "reserve_numbers": _ISSUE,
    "upload_sheet": _ISSUE,
    "sign_sheet": _ISSUE,
    "cancel_sheet": _ISSUE,
    "issue_red": _ISSUE,
    "open_slip": _EITHER_SIDE,
    "confirm_slip": _EITHER_SIDE,
    "refuse_slip": _EITHER_SIDE,
    "withdraw_slip": _EITHER_SIDE,
    "upload_offline": _ISSUE,
    "collect": _ISSUE,
    # what a holder does
    "transfer_invoice": _CLAIM,
    "open_claim": _CLAIM,
    "withdraw_claim": _CLAIM,
    "read_outside": _CLAIM,
    "register_outside": _CLAIM,
    "pick_up": _CLAIM,
    # accounts and taxes
    "decide_claim": _FINANCE,
    "approve_claim": _FINANCE,
    "reject_claim": _FINANCE,
    "book_invoice": _FINANCE,
    "withdraw_booking": _FINANCE,
    "declare_month": _FINANCE,
    "file_month": _FINANCE,
    "refile_month": _FINANCE,
    "select_invoices": _FINANCE,
    "unselect_invoices": _FINANCE,
    "confirm_period": _FINANCE,
    "acknowledge_exception": (Scope.FINANCE, Scope.SUPERVISE),
    # the party's own affairs
    "set_claim_policy": _MANAGE,
    "grant": _MANAGE,
    "revoke": _MANAGE,
    "import_members": _MANAGE,  # to invite as well, the service wants every scope
    "remove_member": _MANAGE,
    "renew_certificate": _MANAGE,  # for the very key there is: nothing to sign in with anew
    "sign_draft": _ANY_WRITE,
    "make_api_key": _MANAGE,
    "revoke_api_key": _MANAGE,
    "register_webhook": _MANAGE,
    "set_webhook_state": _MANAGE,
    "rotate_webhook": _MANAGE,
    "redeliver": _MANAGE,
    "register_till": _MANAGE,
    "close_till": _MANAGE,
    "appoint_to_office": (Scope.MANAGE, Scope.SUPERVISE),
    "end_office": (Scope.MANAGE, Scope.SUPERVISE),
    # who signs in as a party: nobody's with a narrow key, which would be a full one by this
    "rotate_key": UNLISTED,  # to an own key, which then answers challenges for every scope
    "enrol_party": UNLISTED,  # the answer has a full key of the party
    "approve_enrolment": UNLISTED,  # whoever asked signs in with the key it named
    "upload_register": UNLISTED,  # a register enrols, as those do
    "sign_register": UNLISTED,
    "cancel_register": UNLISTED,
    "appoint_officer": UNLISTED,
    "invite_parties": UNLISTED,
    "register_provider": UNLISTED,
    "remove_provider": UNLISTED,
    "confirm_session": UNLISTED,
    "change_password": UNLISTED,
    "end_session": UNLISTED,
    "end_sessions": UNLISTED,
    # what officers do to others
    "refuse_enrolment": _SUPERVISE,
    "refuse_enrolments": _SUPERVISE,
    "set_district": _SUPERVISE,
    "erase_invoice": _SUPERVISE,
    "erase_person": _SUPERVISE,
    "set_quota": _SUPERVISE,
    "allot_segment": _SUPERVISE,
    "reinstate_party": _SUPERVISE,
    "revoke_certificate": _SUPERVISE,
    "recover_key": _SUPERVISE,
    "dismiss_officer": _SUPERVISE,
    "open_month": _SUPERVISE,
    "void_slip": _SUPERVISE,
    "propose_suspension": _SUPERVISE,
    "propose_risk_flag": _SUPERVISE,
    "confirm_proposal": _SUPERVISE,
    "refuse_proposal": _SUPERVISE,
    "clear_risk_flag": _SUPERVISE,
    "force_unlock": _SUPERVISE,
    "lift_block": _SUPERVISE,
}
"""Scopes by operation id."""


def taken_by(name: str, *, is_read: bool) -> tuple[Scope, ...]:
    """Scopes of which a credential needs one, for a route that needs a credential."""
    return TAKEN.get(name, READING if is_read else UNLISTED)
