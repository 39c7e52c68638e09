"""Signing in and out, sessions, the password, invitations, and a member that leaves."""

from __future__ import annotations

from fastapi import Request, Response

from api.pools import opens_session, personal, reads, takes_password, writes
from api.render import answer, time_text, written_answer
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    personal_answers,
    read_answers,
    router,
    sign_in_answers,
    write_answers,
)
from api.schemas import sign_in as schemas
from api.schemas.requests import MemberRequest
from api.schemas.values import PathParty
from api.sessions import (
    address_of,
    agent_of,
    clear_session,
    device_of,
    need_own_site,
    session_token,
    set_session,
)
from ledger.service import Caller
from ledger.service.members import ImportedMember, NewMember
from ledger.service.sign_in_views import Invited, SessionView, SignedIn, invitation_link
from verifier.canonical import Json

routes = router("sign-in")


@routes.post("/sessions", status_code=201, responses=sign_in_answers(schemas.SignedIn), summary="Sign in")
@opens_session
def open_session(request: Request, ledger: Door, body: schemas.SignInRequest) -> Response:
    """A name and a password begin a session, whose cookie then stands where an API key does. Every failure is one."""
    need_own_site(request, programs=True)
    begun = ledger.sign_in.begin(
        body.name, body.password, address=address_of(request), agent=agent_of(request), device=device_of(request)
    )
    return set_session(answer(signed_in_json(begun), 201), begun)


@routes.get("/sessions", responses=read_answers(schemas.SessionList), summary="List your sessions")
@reads
def list_sessions(ledger: Door, caller: Authenticated) -> Response:
    """Where somebody is signed in as the caller's party."""
    return answer({"items": [session_json(one) for one in ledger.sign_in.sessions(caller)]})


@routes.delete("/sessions/{session_id}", responses=personal_answers(schemas.Ended), summary="End a session")
@personal
def end_session(ledger: Door, caller: Authenticated, session_id: schemas.SessionId) -> Response:
    """Signs one session out, this one or another."""
    ledger.sign_in.end(caller, session_id)
    done = answer({"ended": 1})
    return clear_session(done) if session_id == caller.session else done


@routes.delete("/sessions", responses=personal_answers(schemas.Ended), summary="Sign out everywhere")
@personal
def end_sessions(ledger: Door, caller: Authenticated) -> Response:
    """Ends every session of the caller's party, this one too."""
    return clear_session(answer({"ended": ledger.sign_in.end_all(caller)}))


@routes.post(
    "/sessions/confirmation", responses=sign_in_answers(schemas.SessionList, 200), summary="Give the password again"
)
@takes_password
def confirm_session(
    request: Request, ledger: Door, caller: Authenticated, body: schemas.ConfirmationRequest
) -> Response:
    """For five minutes the session may do what cannot be undone (`/problems/password-needed`)."""
    confirmed = ledger.sign_in.confirm(_own_token(request, caller), body.password)
    return answer({"items": [session_json(one) for one in ledger.sign_in.sessions(confirmed)]})


@routes.post("/password", responses=sign_in_answers(schemas.SignedIn, 200), summary="Change the password")
@takes_password
def change_password(request: Request, ledger: Door, caller: Authenticated, body: schemas.PasswordRequest) -> Response:
    """Asked from a session. All sessions of the party end; the answer brings a new one."""
    begun = ledger.sign_in.change_password(
        _own_token(request, caller), body.password, body.new_password, agent=agent_of(request)
    )
    return set_session(answer(signed_in_json(begun)), begun)


@routes.post(
    "/invitations", status_code=201, responses=personal_answers(schemas.InvitedList, 201), summary="Invite parties"
)
@personal
def invite_parties(request: Request, ledger: Door, caller: Authenticated, body: schemas.InvitationRequest) -> Response:
    """A link for each party, good once and for 72 hours, to choose a sign-in name and password. All or none.

    The authority invites everybody, an officer who has no password yet, an enterprise people it alone granted.
    """
    made = ledger.invitations.invite(caller, body.parties)
    return answer({"items": [invited_json(request, one) for one in made]}, 201)


@routes.post(
    "/invitations/acceptance", status_code=201, responses=sign_in_answers(schemas.SignedIn),
    summary="Accept an invitation",
)  # fmt: skip
@opens_session
def accept_invitation(request: Request, ledger: Door, body: schemas.AcceptanceRequest) -> Response:
    """Whoever holds the invitation chooses name and password of its party, and is signed in."""
    need_own_site(request, programs=True)
    begun = ledger.invitations.accept(
        body.invitation, body.name, body.password, address=address_of(request), agent=agent_of(request)
    )
    return set_session(answer(signed_in_json(begun), 201), begun)


@routes.post("/members", status_code=201, responses=write_answers(schemas.ImportedMembers), summary="Import members")
@writes
def import_members(
    request: Request, ledger: Door, caller: Authenticated, key: IdempotencyKey, body: schemas.MembersRequest
) -> Response:
    """The enterprise, or its administrator in its name, grants up to 200 people with one signature. All or none.

    A row with `invite` also gets a link, good once the grants are recorded; sent again, the request shows none.
    """
    rows = [NewMember(row.person, tuple(row.grants), row.invite) for row in body.rows]
    done = ledger.import_members(caller, rows, subject=body.subject, idempotency_key=key)
    return written_answer(done.written, extra={"rows": [_member_json(request, one) for one in done.rows]})


@routes.post("/members/{party}/leaving", status_code=201, responses=write_answers(), summary="A member leaves")
@writes
def remove_member(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: MemberRequest
) -> Response:
    """The calling enterprise takes every grant from a person at once; no session acts for it from then on."""
    return written_answer(ledger.remove_member(caller, party, subject=body.subject, idempotency_key=key))


def signed_in_json(begun: SignedIn) -> dict[str, Json]:
    """Whose session began, without its secret."""
    caller = begun.caller
    return {
        "party": caller.party, "kind": caller.kind, "name": caller.name, "session": session_json(begun.session),
    }  # fmt: skip


def session_json(view: SessionView) -> dict[str, Json]:
    """A session as its owner sees it."""
    return {
        "session_id": view.session_id,
        "created_at": time_text(view.created_at),
        "last_used_at": time_text(view.last_used_at),
        "expires_at": time_text(view.expires_at),
        "agent": view.agent,
        "current": view.current,
        "company": view.company,
    }


def invited_json(request: Request, made: Invited) -> dict[str, Json]:
    """An invitation with the page that takes it."""
    return {
        "party": made.party,
        "invitation": made.token,
        "link": invitation_link(str(request.app.state.settings.public_url), made.token),
        "expires_at": time_text(made.expires_at),
    }


def _member_json(request: Request, one: ImportedMember) -> dict[str, Json]:
    return {
        "person": one.person,
        "grants": list(one.grants),
        "state": one.state,
        "invitation": None if one.invitation is None else invited_json(request, one.invitation),
    }


def _own_token(request: Request, caller: Caller) -> str:
    """The session that authenticated this request; a cookie beside an API key is somebody else's affair."""
    return (session_token(request) or "") if caller.session else ""
