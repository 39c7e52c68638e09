"""Sessions over HTTP: the cookie, who may send it, and which routes want the password again.

A browser sends its cookie with whatever any site makes it send. So a request with the cookie that could change
something has to come from our own pages, by the browser's own word (Sec-Fetch-Site, else Origin), and no such word is
a refusal. An API key is sent by nobody unasked and needs none of this.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from api.pools import in_thread, pools
from api.problems import FOREIGN_SITE, PASSWORD_NEEDED, ProblemError
from api.rate_limits import client_address
from ledger.service.company_links import company_refusal
from ledger.service.errors import NotAuthenticated
from ledger.service.provider_sign_in import FLOW_LIFETIME_S
from ledger.service.provider_views import Leaving
from ledger.service.sign_in_views import SignedIn
from ledger.service.views import Caller

COOKIE = "__Host-einvoice_session"
DEVICE_COOKIE = "__Host-einvoice_device"
FLOW_COOKIE = "__Host-einvoice_sign_in"
FLOW_LENGTH_MAX = 4_096  # characters of that cookie that are looked at, as long as browsers keep one
DEVICE_AGE_S = 400 * 86_400  # as long as browsers keep one
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_LENGTH_MAX = 200  # characters of a cookie that are looked at; ours have 97
AGENT_LENGTH_MAX = 500  # characters of a User-Agent that are looked at

PASSWORD_ROUTES = frozenset({
    "rotate_key", "renew_certificate", "recover_key", "revoke_certificate", "enrol_party", "approve_enrolment",
    "sign_register", "appoint_officer", "dismiss_officer", "set_district", "erase_invoice", "erase_person",
    "file_month", "refile_month", "approve_claim", "force_unlock", "confirm_period", "invite_parties", "import_members",
    "make_api_key", "register_webhook", "register_provider", "appoint_to_office", "confirm_proposal", "void_slip",
    "open_month",
})  # fmt: skip
"""Routes whose signature or erasure cannot be taken back, that make somebody a party, or that go on handing things out
when the session is over: a session must have been given its password within the last five minutes. (A renewal, as any
rotation, cancels a recovery. A contract is retired on the command line alone.)"""


COMPANY_ROUTES = frozenset({
    # reads of the company's things, and of what its member claimed there
    "search_invoices", "export_invoices", "read_invoice", "read_document", "read_history", "read_evidence",
    "read_statement", "read_red_outlook", "list_slips", "read_slips", "list_claims", "read_claim", "read_archive",
    "read_claim_policy", "read_month", "read_report", "list_filings", "read_declaration", "list_selectable",
    "list_selected", "read_period", "read_deduction", "list_exceptions", "list_parties", "read_party",
    "read_operation",
    # in the company's name, or a claim at it
    "issue_invoice", "book_invoice", "withdraw_booking", "open_claim", "withdraw_claim", "reject_claim",
    "approve_claim", "decide_claim", "declare_month", "file_month", "refile_month", "select_invoices",
    "unselect_invoices", "confirm_period", "open_slip", "confirm_slip", "refuse_slip", "withdraw_slip", "issue_red",
    "acknowledge_exception", "grant", "revoke", "remove_member",
    # the session itself
    "list_sessions", "end_session", "end_sessions",
})  # fmt: skip
"""Routes that take a session of a company's own provider; every other one refuses it. On each of these it sees and
signs as that company's member alone (ledger.service.company_links)."""


def session_token(request: Request) -> str | None:
    """What the session cookie of a request holds, None without one. Raises: NotAuthenticated for a strange one."""
    found = request.cookies.get(COOKIE)
    if found is not None and len(found) > TOKEN_LENGTH_MAX:
        raise NotAuthenticated
    return found


async def caller_by_session(request: Request, token: str) -> Caller:
    """The party whose session a request carries.

    Raises: NotAuthenticated; ProblemError for a change that another site sent, or that wants the password again.
    """
    if request.method not in SAFE_METHODS:
        need_own_site(request)
    ledger = request.app.state.ledger
    caller = cast("Caller", await in_thread(pools().reads, lambda: ledger.sign_in.authenticate(token)))
    name = getattr(request.scope.get("route"), "name", "")
    if caller.company is not None and name not in COMPANY_ROUTES:
        raise company_refusal(caller.company)
    if name in PASSWORD_ROUTES and ledger.sign_in.needs_password(caller):
        if caller.company is not None:
            raise ProblemError(
                PASSWORD_NEEDED,
                "let your company's provider ask again who you are, on /me, then send the same request",
                "请在 /me 页面由企业登录服务再次确认您的身份，然后重发同一请求",
            )
        raise ProblemError(
            PASSWORD_NEEDED,
            "give your password again with POST /v1/sessions/confirmation or on /me, then send the same request",
            "请通过 POST /v1/sessions/confirmation 或 /me 页面再次输入密码，然后重发同一请求",
        )
    return caller


def need_own_site(request: Request, *, programs: bool = False) -> None:
    """Raises: ProblemError unless the browser says that a page of this server sent the request.

    `programs`: for a request without a cookie, which no browser's word is needed for, but none may speak against it.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        own = site == "same-origin"
    elif origin is not None:
        own = is_own_origin(request, origin)
    else:
        own = programs
    if not own or (origin not in (None, "null") and not is_own_origin(request, str(origin))):
        raise ProblemError(FOREIGN_SITE, "send this from a page of this server", "请在本系统页面上操作")


def is_own_origin(request: Request, origin: str) -> bool:
    """Whether an Origin header names this server: the address it was asked under."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    public = urlsplit(str(request.app.state.settings.public_url))  # a proxy may ask us under another name
    return parts.netloc == request.headers.get("host", "") or parts[:2] == public[:2]


def set_session(answer: Response, signed_in: SignedIn) -> Response:
    """The answer with a session's cookies, which scripts cannot read and other sites' pages do not send along.

    Always `__Host-` and Secure: browsers take those from https and from http://127.0.0.1 or localhost, and from no
    other http address, where a session could be read on its way.
    """
    answer.set_cookie(COOKIE, signed_in.token, path="/", secure=True, httponly=True, samesite="lax")
    if signed_in.device:  # a company's provider asks for no password here
        answer.set_cookie(
            DEVICE_COOKIE, signed_in.device, max_age=DEVICE_AGE_S, path="/", secure=True, httponly=True, samesite="lax"
        )
    return answer


def set_flow(answer: Response, leaving: Leaving) -> Response:
    """The answer with what a browser has to bring back from a provider. Lax, not Strict: it comes from there."""
    answer.set_cookie(
        FLOW_COOKIE, leaving.cookie, max_age=FLOW_LIFETIME_S, path="/", secure=True, httponly=True, samesite="lax"
    )
    return answer


def clear_flow(answer: Response) -> Response:
    """The answer that has the browser forget where it was sent."""
    answer.delete_cookie(FLOW_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def flow_of(request: Request) -> str:
    """What the browser kept of its way to a provider, "" for nothing."""
    found = request.cookies.get(FLOW_COOKIE, "")
    return found if len(found) <= FLOW_LENGTH_MAX else ""


def clear_session(answer: Response) -> Response:
    """The answer that has the browser forget its session."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def address_of(request: Request) -> str:
    """Network address a request came from, behind a trusted proxy the one that the proxy names."""
    found = client_address(request.scope, request.app.state.settings.trusted_networks)
    return "" if found is None else str(found)


def agent_of(request: Request) -> str:
    """The browser's own name."""
    return request.headers.get("user-agent", "")[:AGENT_LENGTH_MAX]


def device_of(request: Request) -> str:
    """What an earlier sign-in gave this browser."""
    return request.cookies.get(DEVICE_COOKIE, "")[:TOKEN_LENGTH_MAX]


def safe_next(address: str) -> str:
    """Where to go after signing in: a path of this server, `/me` for anything else.

    Not one below /sign-in: whoever wrote the link there would begin, in the visitor's name, what only a page of ours
    may lead to (linking an account, say).
    """
    plain = address.isascii() and address.isprintable() and "\\" not in address
    if plain and address.startswith("/") and not address.startswith("//") and len(address) <= 1_000:
        parts = urlsplit(address)
        segments = [one for one in unquote(parts.path).split("/") if one]  # as browser and router read them
        leads_back = segments[:1] == ["sign-in"] and len(segments) > 1
        if not parts.scheme and not parts.netloc and not leads_back and not {".", ".."} & set(segments):
            return address
    return "/me"
