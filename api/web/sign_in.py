"""Pages of people who sign in: /sign-in, /invitation and /me. Forms alone, no script.

A form is taken only from our own pages (api.sessions.need_own_site), its answer is a redirect to a path of ours, and
what it may do is asked of the same door as the API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlencode

import structlog
from anyio import CapacityLimiter
from fastapi import APIRouter, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from api.endpoint import LedgerRoute, read_body
from api.pools import in_thread, one_password, pools, public
from api.problems import BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemError
from api.routes.declared import Door
from api.sessions import (
    address_of,
    agent_of,
    clear_session,
    device_of,
    need_own_site,
    safe_next,
    session_token,
    set_session,
)
from api.web.sign_in_words import GRANT_WORDS, KIND_WORDS, SIGN_IN_WORDS
from api.web.words import choose_language
from ledger.domain.months import CST
from ledger.service import Caller, Ledger
from ledger.service.errors import (
    InvalidRequest,
    InvitationInvalid,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ServiceError,
    SignInFailed,
    TooManyAttempts,
)
from ledger.service.people import GRANT_NAMES
from ledger.service.provider_sign_in import Purpose

FORM_SIZE_MAX = 8_192  # bytes: three texts of 512 characters, each nine bytes as a form sends it, fit
FIELDS_MAX = 8
GRANTS_SHOWN_MAX = 50  # grants come unasked: a stranger's thousand must not make the page slow
TEXT_LENGTH_MAX = 512
SEE_OTHER = 303
STATUSES = {
    InvalidRequest: 400, SignInFailed: 401, NotPermitted: 403, InvitationInvalid: 404, NotFound: 404,
    TooManyAttempts: 429,
}  # fmt: skip

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)

log = structlog.get_logger("api")
routes = APIRouter(route_class=LedgerRoute, include_in_schema=False)

QueryText = Annotated[str, Query(max_length=1_000)]
Form = dict[str, str]


@routes.get("/sign-in")
@public
def sign_in_page(request: Request, next: QueryText = "", lang: QueryText = "", done: QueryText = "") -> Response:  # noqa: A002  the name links have
    """The form."""
    language = language_of(request, lang)
    said = SIGN_IN_WORDS[language]["signed_out"] if done == "out" else ""
    return _sign_in_page(language, name="", following=next, said=said)


@routes.post("/sign-in")
async def sign_in_form(request: Request) -> Response:
    """Begins a session and goes where its visitor was going, on this server."""
    form = await _form(request)
    language = language_of(request, form.get("lang", ""))

    def begin(ledger: Ledger) -> Response:
        begun = ledger.sign_in.begin(
            form.get("name", ""), form.get("password", ""),
            address=address_of(request), agent=agent_of(request), device=device_of(request),
        )  # fmt: skip
        return set_session(go(safe_next(form.get("next", ""))), begun)

    def again(problem: str, status: int) -> Response:
        return _sign_in_page(
            language, name=form.get("name", ""), following=form.get("next", ""), problem=problem, status=status
        )

    return await _done(request, pools().passwords, language, begin, again)


@routes.get("/invitation")
@public
def invitation_page(request: Request, ledger: Door, i: QueryText = "", lang: QueryText = "") -> Response:
    """The form in which an invitation is accepted."""
    language = language_of(request, lang)
    try:
        party = ledger.invitations.party_of(i)
    except ServiceError as err:
        return _invitation_page(language, i, problem=_said(err, language), status=STATUSES.get(type(err), 503))
    return _invitation_page(language, i, party=party, choices=_choices_of(ledger, i, language))


@routes.post("/invitation")
async def invitation_form(request: Request) -> Response:
    """Sets name and password of the invited party and signs it in."""
    form = await _form(request)
    language = language_of(request, form.get("lang", ""))
    text = form.get("i", "")

    def accept(ledger: Ledger) -> Response:
        begun = ledger.invitations.accept(
            text, form.get("name", ""), form.get("password", ""), address=address_of(request), agent=agent_of(request)
        )
        return set_session(go(me_address(language)), begun)

    def again(problem: str, status: int) -> Response:
        party = 0
        if status != STATUSES[InvitationInvalid]:
            try:
                party = request.app.state.ledger.invitations.party_of(text)
            except ServiceError:
                return _invitation_page(language, text, problem=problem, status=status)
        return _invitation_page(language, text, party=party, name=form.get("name", ""), problem=problem, status=status)

    return await _done(request, pools().passwords, language, accept, again)


@routes.get("/me")
async def me_page(request: Request, lang: QueryText = "", done: QueryText = "") -> Response:
    """Who is signed in, for whom it may act, where else it is signed in."""
    language = language_of(request, lang)
    ledger = request.app.state.ledger
    words = SIGN_IN_WORDS[language]
    said = words.get(done, "") if done in ("changed", "confirmed", "linked") else ""

    def show() -> Response:
        try:
            caller = signed_in_caller(request, ledger)
            return _me_page(language, ledger, caller, said=said)
        except NotAuthenticated:
            return clear_session(go(f"/sign-in?{urlencode({'next': '/me', 'lang': language})}"))

    return await in_thread(pools().reads, show)


@routes.post("/me/sign-out")
async def sign_out_form(request: Request) -> Response:
    """Ends this session."""
    return await of_session(request, lambda ledger, caller, _: ledger.sign_in.end(caller, caller.session), out=True)


@routes.post("/me/sign-out-everywhere")
async def sign_out_everywhere_form(request: Request) -> Response:
    """Ends every session of the party."""
    return await of_session(request, lambda ledger, caller, _: ledger.sign_in.end_all(caller), out=True)


@routes.post("/me/sessions")
async def end_session_form(request: Request) -> Response:
    """Ends one of the party's sessions."""
    return await of_session(
        request, lambda ledger, caller, form: ledger.sign_in.end(caller, form.get("session_id", ""))
    )


@routes.post("/me/password")
async def password_form(request: Request) -> Response:
    """Changes the password: every session ends, a new one begins."""
    form = await _form(request)
    language = language_of(request, form.get("lang", ""))

    def change(ledger: Ledger) -> Response:
        begun = ledger.sign_in.change_password(
            session_token(request) or "", form.get("password", ""), form.get("new_password", ""),
            agent=agent_of(request),
        )  # fmt: skip
        return set_session(go(me_address(language, "changed")), begun)

    return await _confirmed(request, language, change)


@routes.post("/me/confirmation")
async def confirmation_form(request: Request) -> Response:
    """Notes that the password was given just now."""
    form = await _form(request)
    language = language_of(request, form.get("lang", ""))

    def confirm(ledger: Ledger) -> Response:
        ledger.sign_in.confirm(session_token(request) or "", form.get("password", ""))
        return go(me_address(language, "confirmed"))

    return await _confirmed(request, language, confirm)


async def _confirmed(request: Request, language: str, act: Callable[[Ledger], Response]) -> Response:
    """The answer of `act`, which looks at the password of the session's party."""

    def party() -> int | None:
        try:
            return signed_in_caller(request, request.app.state.ledger).party
        except NotAuthenticated:
            return None

    known = await in_thread(pools().reads, party)
    if known is None:
        return clear_session(go(f"/sign-in?next=%2Fme&lang={language}"))
    with one_password(known):
        return await _done(request, pools().confirmations, language, act, _again_onme_address(request, language))


async def of_session(
    request: Request, change: Callable[[Ledger, Caller, Form], object], *, out: bool = False
) -> Response:
    """What a form of /me does with the caller of the session."""
    form = await _form(request)
    language = language_of(request, form.get("lang", ""))

    def act(ledger: Ledger) -> Response:
        caller = signed_in_caller(request, ledger)
        change(ledger, caller, form)
        return clear_session(go(f"/sign-in?done=out&lang={language}")) if out else go(me_address(language))

    return await _done(request, pools().writes, language, act, _again_onme_address(request, language))


async def _done(
    request: Request, limiter: CapacityLimiter, language: str, act: Callable[[Ledger], Response],
    again: Callable[[str, int], Response],
) -> Response:  # fmt: skip
    """The answer of `act` on a thread of `limiter`; what it refuses is shown by `again`."""
    ledger = request.app.state.ledger

    def run() -> Response:
        try:
            return act(ledger)
        except NotAuthenticated:
            return clear_session(go(f"/sign-in?next=%2Fme&lang={language}"))
        except ServiceError as err:
            status = STATUSES.get(type(err), 503)
            if status == 503:
                log.error("sign-in page failed", error=type(err).__name__)  # noqa: TRY400  a trace may show a password
                return again(SIGN_IN_WORDS[language]["outage"], status)
            answer = again(_said(err, language), status)
            if isinstance(err, TooManyAttempts):
                answer.headers["retry-after"] = str(err.wait_s)
            return answer

    return await in_thread(limiter, run)


def _again_onme_address(request: Request, language: str) -> Callable[[str, int], Response]:
    def again(problem: str, status: int) -> Response:
        ledger = request.app.state.ledger
        return _me_page(language, ledger, signed_in_caller(request, ledger), problem=problem, status=status)

    return again


def signed_in_caller(request: Request, ledger: Ledger) -> Caller:
    """The caller of the session cookie. Raises: NotAuthenticated."""
    return ledger.sign_in.authenticate(session_token(request) or "")


async def _form(request: Request) -> Form:
    """Fields of a form of our own pages, the last of each name. Raises: ProblemError."""
    need_own_site(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, "send the form of the page", "请使用页面上的表单提交")
    body = await read_body(request)
    if len(body) > FORM_SIZE_MAX:
        raise ProblemError(
            BODY_TOO_LARGE, f"a form has at most {FORM_SIZE_MAX} bytes", f"表单最多 {FORM_SIZE_MAX} 字节"
        )
    try:
        found = parse_qs(body.decode("ascii"), errors="strict", max_num_fields=FIELDS_MAX, keep_blank_values=True)
    except ValueError:
        return {}
    return {name: values[-1][:TEXT_LENGTH_MAX] for name, values in found.items()}


def go(address: str) -> Response:
    """A redirect after a form or a link."""
    return RedirectResponse(address, SEE_OTHER)


def me_address(language: str, done: str = "") -> str:
    """Address of the own account's page in the language of the form that leads there."""
    return f"/me?{urlencode({'lang': language, **({'done': done} if done else {})})}"


def language_of(request: Request, asked: str) -> str:
    return choose_language(asked or None, request.headers.get("accept-language", ""))


def _said(err: ServiceError, language: str) -> str:
    if isinstance(err, InvalidRequest):
        return err.problems[0].message_zh if language == "zh" else err.problems[0].message_en
    return err.message_zh if language == "zh" else err.message


def start_of(provider_id: str, purpose: Purpose, language: str, *, following: str = "", invitation: str = "") -> str:
    """Address of the link that leads to a company's provider."""
    query = {"purpose": purpose.value, "lang": language}
    query |= {"next": following} if following else {}
    query |= {"i": invitation} if invitation else {}
    return f"/sign-in/through/{provider_id}/start?{urlencode(query)}"


def problem_text(err: ServiceError, language: str, status: int) -> str:
    """What a page says of an error; of our own troubles only that there is one."""
    return SIGN_IN_WORDS[language]["outage"] if status == 503 else _said(err, language)


def _sign_in_page(
    language: str, *, name: str, following: str, problem: str = "", said: str = "", status: int = 200
) -> Response:
    other_address = f"/sign-in?{urlencode({'next': following, 'lang': _other(language)})}"
    return page(
        "sign_in.html", language, "sign_in_title", other_address, status,
        name=name, following=following, problem=problem, said=said,
    )  # fmt: skip


def _choices_of(ledger: Ledger, invitation: str, language: str) -> list[tuple[str, str]]:
    """Issuer and link of each provider through which an invitation may be accepted."""
    found = ledger.provider_sign_in.through(ledger.invitations.maker_of(invitation))
    return [
        (one.issuer, start_of(one.provider_id, Purpose.INVITATION, language, invitation=invitation)) for one in found
    ]


def _invitation_page(
    language: str, text: str, *, party: int = 0, name: str = "", problem: str = "", status: int = 200,
    choices: Sequence[tuple[str, str]] = (),
) -> Response:  # fmt: skip
    return page(
        "invitation.html", language, "invitation_title",
        f"/invitation?{urlencode({'i': text[:200], 'lang': _other(language)})}", status,
        invitation=text[:200], party=party, name=name, problem=problem, choices=choices,
    )  # fmt: skip


def _me_page(
    language: str, ledger: Ledger, caller: Caller, *, problem: str = "", said: str = "", status: int = 200
) -> Response:
    grant_words, kind_words = GRANT_WORDS[language], KIND_WORDS[language]
    grants = [
        (
            ledger.party(caller, enterprise).name,
            enterprise,
            "、".join(grant_words.get(name, name) for name, bit in GRANT_NAMES.items() if bits & bit)
            if language == "zh"
            else ", ".join(name for name, bit in GRANT_NAMES.items() if bits & bit),
        )
        for enterprise, bits in sorted(caller.grants.items())[:GRANTS_SHOWN_MAX]
    ]
    choices = [
        (one, start_of(one.provider_id, Purpose.LINK, language)) for one in ledger.provider_sign_in.choices(caller)
    ]
    through = ledger.provider_sign_in.provider_of(caller)
    again = start_of(through, Purpose.AGAIN, language) if through else ""
    return page(
        "me.html", language, "me_title", f"/me?lang={_other(language)}", status,
        caller=caller, kind=kind_words.get(caller.kind, caller.kind), grants=grants,
        sessions=ledger.sign_in.sessions(caller), local=_local_time, problem=problem, said=said, choices=choices,
        again=again,
    )  # fmt: skip


def page(template: str, language: str, title: str, other_address: str, status: int, /, **shown: object) -> Response:
    words = dict(SIGN_IN_WORDS[language])
    words["title"] = words[title]
    text = _TEMPLATES.get_template(template).render(
        language=language, other=_other(language), other_address=other_address, words=words, **shown
    )
    headers = {"content-language": "zh-CN" if language == "zh" else "en", "vary": "accept-language, cookie"}
    return HTMLResponse(text, status, headers)


def _other(language: str) -> str:
    return "en" if language == "zh" else "zh"


def _local_time(moment: datetime) -> str:
    return moment.astimezone(CST).strftime("%Y-%m-%d %H:%M")
