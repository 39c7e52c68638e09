"""A request for every route that names the victim's ids, whoever sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from api.access_table import Role
from ledger.identity import new_till_key, till_public_key
from tests.attack import things
from tests.attack.scene import Scene
from tests.service.own_keys import Wallet
from tests.service.test_bulk import row, sheet

BLOB = {"content-type": "application/octet-stream"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
TEXT = {"content-type": "text/plain"}
QR = b"01,10,144031809110,00000317,1000.00,20261103,1234,"


@dataclass(frozen=True)
class Asked:
    """What is sent to a route: values of its path, its query, and a body (JSON unless it is bytes)."""

    path: Mapping[str, object] = field(default_factory=dict)
    query: str = ""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    session: bool = False  # sent with a session's cookie from a page of ours, not with an API key
    telltale: str = ""  # of a list: stands in the answer when the victim's things are in it


def _rpc(_scene: Scene) -> Asked:
    return Asked(body={"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []})


def _on(thing: str, **members: object) -> Callable[[Scene], Asked]:
    """A request about the victim's invoice of that kind."""
    return lambda scene: Asked({"number": getattr(scene, thing)}, body=members or None)


def _of_victim(query: str = "", **members: object) -> Callable[[Scene], Asked]:
    """A request whose path names the victim."""
    return lambda scene: Asked({"party": scene.victim.party}, query, body=members or None)


def _on_month(*query: str, body: Callable[[Scene], Mapping[str, object]] | None = None) -> Callable[[Scene], Asked]:
    """A request about the victim's month."""

    def asked(scene: Scene) -> Asked:
        party, path = scene.victim.party, {"month": scene.world.month}
        if body is not None:
            return Asked(path, body={"subject": party, **body(scene)})
        return Asked(path, "&".join((f"subject={party}", *query)))

    return asked


def _pickup(scene: Scene) -> Asked:
    number, commitment = scene.kept
    return Asked(body={"number": number, "commitment": commitment})


def _public(scene: Scene) -> dict[str, object]:
    number, commitment = scene.kept
    return {"number": number, "gross_fen": 10_600, "commitment": commitment}


def _check(scene: Scene) -> Asked:
    known = _public(scene)
    return Asked(query=f"number={known['number']}&total_amount={known['gross_fen']}&hash={known['commitment']}")


def _upload(scene: Scene) -> Asked:
    issued_at = scene.world.ledger.context.now_s()
    row_of = {"number": "94403260999900000001", "issued_at": _iso(issued_at), "document": scene.draft()}
    return Asked({"till_id": scene.till.till_id}, body={"invoices": [row_of]})


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _new_till(scene: Scene) -> Asked:
    public_key = till_public_key(scene.once("till key", new_till_key)).hex()
    return Asked(body={"name": "二号", "public_key": public_key, "subject": scene.victim.party,
                       "clerk": scene.victim.party})  # fmt: skip


def _list(query: str = "", telltale: Callable[[Scene], str] = lambda scene: scene.sold) -> Callable[[Scene], Asked]:
    """A list; `telltale` of the victim stands in the answers of those to whom its things are shown."""

    def asked(scene: Scene) -> Asked:
        shown = telltale(scene)
        return Asked(query=query.format(victim=scene.victim.party, month=scene.world.month), telltale=shown)

    return asked


REQUESTS: dict[str, Callable[[Scene], Asked]] = {
    # -- reading invoices
    "export_invoices": _list("party={victim}&month={month}"),
    "search_invoices": _list("party={victim}"),
    "read_document": lambda scene: Asked({"number": scene.sold}, "format=json"),
    "read_original": lambda scene: Asked({"number": scene.outside}),
    "read_archive": lambda scene: Asked({"claim_id": scene.archive}),
    "read_invoice": _on("sold"),
    "read_history": _on("sold"),
    "read_evidence": _on("sold"),
    "read_statement": lambda scene: Asked({"number": scene.sold}, "says=not_settled"),
    "read_deduction": _on("bought"),
    "read_red_outlook": _on("sold"),
    "read_slips": lambda scene: Asked({"number": scene.slip}, telltale=scene.slip),
    "list_slips": _list(telltale=lambda scene: scene.slip),
    "list_exceptions": lambda scene: Asked(query=f"number={things.excepted(scene)}", telltale="exception_id"),
    "read_external_id": lambda scene: Asked(
        {"external_id": "VICTIM-1"}, f"party={scene.victim.party}", telltale='"numbers"'
    ),
    "read_operation": lambda scene: Asked({"digest": scene.once("digest", lambda: things.digest(scene))}),
    "read_events": lambda scene: Asked(
        query=f"after={scene.once('cursor', lambda: things.cursor(scene))}&limit=50", telltale=scene.sold
    ),
    # -- writing about invoices
    "issue_invoice": lambda scene: Asked(body={"document": scene.draft(), "subject": scene.victim.party}),
    "issue_list": lambda scene: Asked(body={"documents": [scene.draft()], "subject": scene.victim.party}),
    "reserve_numbers": lambda scene: Asked(body={"count": 1, "subject": scene.victim.party}),
    "transfer_invoice": lambda scene: Asked(
        {"number": scene.sold}, body={"to": scene.cast.claimant.party, "subject": scene.victim.party}
    ),
    "book_invoice": lambda scene: Asked(
        {"number": scene.bought}, body={"deductible": True, "subject": scene.victim.party}
    ),
    "withdraw_booking": lambda scene: Asked(
        {"number": scene.booked}, body={"reason": "x", "subject": scene.victim.party}
    ),
    "issue_red": lambda scene: Asked(
        {"number": scene.sold}, body={"reason": "issued_in_error", "subject": scene.victim.party}
    ),
    "open_slip": lambda scene: Asked(
        {"number": scene.booked}, body={"reason": "return", "subject": scene.victim.party}
    ),
    "confirm_slip": lambda scene: Asked({"number": scene.slip}, body={"subject": scene.victim.party}),
    "refuse_slip": lambda scene: Asked({"number": scene.slip}, body={"subject": scene.victim.party}),
    "withdraw_slip": lambda scene: Asked({"number": scene.own_slip}, body={"subject": scene.victim.party}),
    "void_slip": _on("slip", reason="x"),
    "propose_risk_flag": _on("sold", reason="x"),
    "clear_risk_flag": lambda scene: Asked({"number": things.flagged(scene)}, body={"reason": "x"}),
    "force_unlock": lambda scene: Asked({"number": scene.claim[1]}, body={"reason": "x"}),
    "acknowledge_exception": lambda scene: Asked({"number": things.excepted(scene)}, body={}),
    # -- claims
    "open_claim": lambda scene: Asked(
        body={"numbers": [scene.held], "employer": scene.victim.party, "reference": "BX"}
    ),
    "list_claims": _list(telltale=lambda scene: scene.claim[0]),
    "read_claim": lambda scene: Asked({"claim_id": scene.claim[0]}),
    "withdraw_claim": lambda scene: Asked({"claim_id": scene.claim[0]}, body={}),
    "approve_claim": lambda scene: Asked({"claim_id": scene.claim[0]}, body={"payment_reference": "FK"}),
    "reject_claim": lambda scene: Asked({"claim_id": scene.claim[0]}, body={"reason": "x"}),
    "decide_claim": lambda scene: Asked({"claim_id": scene.large_claim}, body={"decision": "approved"}),
    "read_claim_policy": _of_victim(),
    "set_claim_policy": _of_victim(approval_required=False, approvers=[]),
    "read_outside": lambda scene: Asked(query=f"employer={scene.victim.party}&gross_fen=106000", body=QR, headers=BLOB),
    "register_outside": lambda scene: Asked(
        query=f"employer={scene.victim.party}&reference=BX&gross_fen=106000",
        body=QR.replace(b"317", scene.once("serial", scene.world.key)[-3:].replace("-", "0").encode()),
        headers=BLOB,
    ),
    # -- sheets
    "upload_sheet": lambda scene: Asked(query=f"subject={scene.victim.party}", body=sheet(row(9)), headers=BLOB),
    "list_sheets": _list("subject={victim}", lambda scene: scene.job),
    "sheet_template": lambda _: Asked(),
    "read_sheet": lambda scene: Asked({"job": scene.job}),
    "sheet_results": lambda scene: Asked({"job": scene.job}),
    "sign_sheet": lambda scene: Asked({"job": things.uploaded(scene)}, body={"again": True}),
    "cancel_sheet": lambda scene: Asked({"job": things.uploaded(scene)}, body={}),
    # -- months and deduction
    "read_month": _on_month(),
    "read_report": _on_month("draft=true"),
    "list_filings": _on_month(),
    "read_declaration": _on_month(),
    "declare_month": _on_month(body=lambda _: {"uninvoiced": [], "note": "x"}),
    "open_month": lambda _: Asked({"month": "2099-01"}, body={}),
    "list_selectable": _on_month(),
    "list_selected": _on_month(),
    "read_period": _on_month(),
    "select_invoices": _on_month(body=lambda scene: {"selections": [{"number": scene.bought}]}),
    "unselect_invoices": lambda scene: Asked(
        body={"numbers": [scene.once("selected", lambda: things.selected(scene))], "subject": scene.victim.party}
    ),
    # -- supervision
    "list_nonfilers": _list("month={month}&format=csv", lambda scene: scene.world.tax_ids[scene.victim.party]),
    "list_supervised_exceptions": _list(telltale=things.excepted),
    "list_refusals": _list(telltale=things.claimed_again),
    "list_duplicates": _list(telltale=things.claimed_again),
    # -- parties
    "list_parties": lambda _: Asked(query="kind=person", telltale='"kind":"person"'),
    "enrol_party": lambda _: Asked(body={"kind": "person", "name": "新人"}),
    "read_party": lambda scene: Asked(
        {"party": scene.victim.party},
        telltale=scene.world.ledger.party(scene.victim, scene.victim.party).segments[0][0],
    ),
    "set_quota": lambda scene: Asked(
        {"party": scene.victim.party}, body={"quota_fen": 10**9 + int(scene.world.key().removeprefix("key-"))}
    ),
    "allot_segment": _of_victim(blocks=1),
    "propose_suspension": lambda scene: Asked({"party": scene.person()}, body={"reason": "x"}),
    "reinstate_party": lambda scene: Asked({"party": things.suspended(scene)}, body={"reason": "x"}),
    "lift_block": lambda scene: Asked(
        {"party": scene.victim.party}, body={"month": scene.once("lift", lambda: things.month(scene)), "reason": "x"}
    ),
    "list_certificates": _of_victim(),
    "revoke_certificate": lambda scene: Asked({"party": scene.person()}, body={"reason": "superseded"}),
    "renew_certificate": lambda _: Asked(body={}),
    "rotate_key": lambda _: Asked(body={}),
    "recover_key": lambda scene: Asked({"party": scene.person()}, body={}),
    "appoint_officer": lambda _: Asked(body={"name": "新税官"}),
    "set_district": lambda scene: Asked({"party": things.officer(scene)}, body={"district": "4403"}),
    "dismiss_officer": lambda scene: Asked({"party": things.officer(scene)}, body={"reason": "x"}),
    "grant": lambda scene: Asked(body={"person": scene.person(), "grants": ["claim"], "subject": scene.victim.party}),
    "revoke": lambda scene: Asked(
        body={"person": scene.person("claim"), "grants": ["claim"], "subject": scene.victim.party}
    ),
    "appoint_to_office": lambda scene: Asked(body={"kind": "auditor", "party": scene.person()}),
    "list_offices": _list(telltale=lambda scene: f'"party":{scene.administrator.party},'),
    "end_office": lambda scene: Asked({"office": things.office(scene)}, body={}),
    "list_office_uses": lambda scene: Asked({"office": scene.office}),
    # -- webhooks and tills
    "register_webhook": lambda _: Asked(body={"url": "https://1.1.1.1/in"}),
    "list_webhooks": _list(telltale=lambda scene: scene.webhook),
    "read_webhook": lambda scene: Asked({"webhook_id": scene.webhook}),
    "set_webhook_state": lambda scene: Asked({"webhook_id": scene.webhook}, body={"state": "paused"}),
    "rotate_webhook": lambda scene: Asked({"webhook_id": scene.webhook}, body={}),
    "list_deliveries": lambda scene: Asked({"webhook_id": scene.webhook}),
    "redeliver": lambda scene: Asked({"webhook_id": scene.webhook}, body={}),
    "register_till": _new_till,
    "list_tills": _list("subject={victim}", lambda scene: scene.till.till_id),
    "read_till": lambda scene: Asked({"till_id": scene.till.till_id}),
    "close_till": lambda scene: Asked({"till_id": things.till(scene)}, body={}),
    "upload_offline": _upload,
    "collect": lambda scene: Asked(body={"order": scene.order(), "title": {"name": "张三"}}),
    "pick_up": _pickup,
    "list_titles": lambda _: Asked(),
    # -- the public
    "read_trust": lambda _: Asked(),
    "verify_invoice": lambda scene: Asked(body=_public(scene)),
    "read_health": lambda _: Asked(),
    "take_checkpoint": lambda scene: Asked(body=scene.note, headers=TEXT),
    "read_checkpoint": lambda _: Asked(),
    "read_chain": _rpc,
    "front_page": lambda _: Asked(),
    "check_page": _check,
    "check_evidence": _check,
    "check_uploaded": lambda _: Asked(
        body=b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n{}\r\n--b--\r\n',
        headers={"content-type": "multipart/form-data; boundary=b"},
    ),
    "static_file": lambda _: Asked({"name": "check.css"}),
    "collect_page": lambda scene: Asked(query=f"o={scene.order()}"),
    "collect_form": lambda scene: Asked(
        body=f"o={scene.order()}&name=%E5%BC%A0%E4%B8%89&tax_id=&lang=".encode(), headers=FORM
    ),
    "list_problem_types": lambda _: Asked(),
    "describe_problem_type": lambda _: Asked({"name": "not-found"}),
    # -- signing in
    "open_session": lambda _: Asked(body={"name": "nobody", "password": "guess"}),
    "list_sessions": lambda _: Asked(),
    "end_session": lambda scene: Asked({"session_id": scene.session_of(Role.ENTERPRISE)[0]}),
    "end_sessions": lambda _: Asked(),
    "confirm_session": lambda _: Asked(body={"password": "guess"}, session=True),
    "change_password": lambda _: Asked(body={"password": "guess", "new_password": "x"}, session=True),
    "invite_parties": lambda scene: Asked(body={"parties": [scene.person("claim")]}),
    "accept_invitation": lambda scene: Asked(
        body={"invitation": things.invitation(scene), "name": "n", "password": "x"}
    ),
    "import_members": lambda scene: Asked(
        body={"rows": [{"person": scene.person(), "grants": ["claim"], "invite": True}], "subject": scene.victim.party}
    ),
    "remove_member": lambda scene: Asked({"party": scene.person("claim")}, body={"subject": scene.victim.party}),
    "sign_in_page": lambda _: Asked(),
    "sign_in_form": lambda _: Asked(body=b"name=nobody&password=guess", headers=FORM, session=True),
    "invitation_page": lambda scene: Asked(query=f"i={things.invitation(scene)}"),
    "invitation_form": lambda scene: Asked(
        body=f"i={things.invitation(scene)}&name=n&password=x".encode(), headers=FORM, session=True
    ),
    "me_page": lambda _: Asked(session=True),
    "password_form": lambda _: Asked(body=b"password=guess&new_password=x", headers=FORM, session=True),
    "confirmation_form": lambda _: Asked(body=b"password=guess", headers=FORM, session=True),
    "end_session_form": lambda _: Asked(body=b"session_id=0", headers=FORM, session=True),
    "unlink_form": lambda scene: Asked(body=f"provider_id={scene.provider}".encode(), headers=FORM, session=True),
    "provider_page": lambda scene: Asked({"provider_id": scene.provider}),
    "provider_start": lambda _: Asked({"provider_id": "0f" * 16}, session=True),
    "provider_answer": lambda scene: Asked({"provider_id": scene.provider}, "code=1&state=1"),
    "register_provider": lambda _: Asked(
        body={"issuer": "https://login.example.com/?x", "client_id": "a", "client_secret": "b"}
    ),
    "list_providers": lambda scene: Asked(telltale=""),
    "remove_provider": lambda scene: Asked({"provider_id": scene.provider}, body={}),
    "sign_out_form": lambda _: Asked(body=b"lang=en", headers=FORM, session=True),
    "sign_out_everywhere_form": lambda _: Asked(body=b"lang=en", headers=FORM, session=True),
    # -- keys of programs, drafts
    "make_api_key": lambda _: Asked(body={"label": "x", "scopes": ["read"], "lifetime_days": 1}),
    "list_api_keys": lambda scene: Asked(query=f"party={scene.victim.party}"),
    "revoke_api_key": lambda scene: Asked({"key_id": things.api_key(scene)}, body={}),
    "ask_challenge": lambda scene: Asked(body={"party": scene.victim.party}),
    "answer_challenge": lambda scene: Asked(
        {"challenge_id": things.challenge(scene)}, body={"signature": "0x" + "11" * 65}
    ),
    "list_drafts": lambda _: Asked(),
    "read_draft": lambda scene: Asked({"digest": things.draft(scene)}),
    "sign_draft": lambda scene: Asked({"digest": things.draft(scene)}, body={"signature": "0x" + "11" * 65}),
    # -- privacy
    "erase_person": lambda scene: Asked({"party": scene.person()}, body={"reason": "data_subject_request"}),
    "list_erasures": lambda _: Asked(),
    "read_record": lambda scene: Asked({"party": scene.cast.claimant.party}),
    # -- enrolment by request
    "read_key_proof": lambda scene: Asked(
        query=f"purpose=enrol&identity={things.said(scene)}&name=N&address={Wallet().address}"
    ),
    "ask_enrolment": lambda scene: Asked(body=things.asking(scene)),
    "read_enrolment_status": lambda scene: Asked(
        {"request_id": things.enrolment(scene)[0]}, headers={"enrolment-token": things.enrolment(scene)[1]}
    ),
    "list_enrolment_requests": _list("limit=50", lambda scene: things.enrolment(scene)[0]),
    "read_enrolment_request": lambda scene: Asked({"request_id": things.enrolment(scene)[0]}),
    "approve_enrolment": lambda scene: Asked({"request_id": things.enrolment(scene)[0]}, body={}),
    "refuse_enrolments": lambda scene: Asked(body={"request_ids": [things.enrolment(scene)[0]], "reason": "x"}),
    "refuse_enrolment": lambda scene: Asked({"request_id": things.enrolment(scene)[0]}, body={"reason": "x"}),
    # -- registers
    "upload_register": lambda scene: Asked(query="quotas=A=1000", body=things.register_file(), headers=BLOB),
    "list_registers": _list("limit=50", things.register),
    "read_register": lambda scene: Asked({"job": things.register(scene)}),
    "register_results": lambda scene: Asked({"job": things.register(scene)}),
    "sign_register": lambda scene: Asked({"job": things.register(scene)}, body={}),
    "cancel_register": lambda scene: Asked({"job": things.register(scene)}, body={}),
    # -- two officers, the audit log
    "list_proposals": _list(telltale=things.proposal),
    "read_proposal": lambda scene: Asked({"proposal_id": things.proposal(scene)}),
    "confirm_proposal": lambda scene: Asked({"proposal_id": things.proposal(scene)}, body={}),
    "refuse_proposal": lambda scene: Asked({"proposal_id": things.proposal(scene)}, body={}),
    "read_audit_log": lambda _: Asked(),
    # -- what ends the victim's month, or somebody's key, comes last
    "confirm_period": _on_month(body=lambda _: {}),
    "file_month": _on_month(body=lambda _: {}),
    "refile_month": _on_month(body=lambda scene: {"replaces": things.report_hash(scene), "note": scene.world.key()}),
    "erase_invoice": _on("held", reason="data_subject_request"),
}
"""By route, in an order in which nothing needed later is used up."""
