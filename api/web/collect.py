"""/collect: what a till's code opens on a phone. The order, a title to fill in, the invoice; no script needed.

A text that is no order of an open till has one answer, whatever is wrong with it. The title last used on this device is
offered from a cookie, which holds what was typed here and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlencode, urlsplit

import structlog
from fastapi import APIRouter, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.endpoint import LedgerRoute, read_body
from api.pools import in_thread, pools, public
from api.problems import BODY_TOO_LARGE, NOT_PERMITTED, UNSUPPORTED_MEDIA_TYPE, ProblemError
from api.routes.declared import Door
from api.web.collect_words import COLLECT_WORDS
from api.web.words import choose_language
from api.web.yuan import format_yuan
from ledger.domain.months import CST
from ledger.domain.till_order import ORDER_TEXT_LENGTH_MAX
from ledger.service.errors import InvalidRequest, ServiceError
from ledger.service.till_views import Collected, OrderView, Title
from ledger.service.views import WriteStatus

FORM_SIZE_MAX = 8_192  # bytes: an order and a title of 200 characters, each nine bytes as a form sends it
COOKIE = "einvoice_title"
COOKIE_AGE_S = 400 * 86_400  # as long as browsers keep one
COOKIE_SIZE_MAX = 2_000
FIELD_LENGTH_MAX = 700

_COOKIE = re.compile(r"[A-Za-z0-9_-]{1,2000}", re.ASCII)
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_TEMPLATES.filters["yuan"] = format_yuan

log = structlog.get_logger("api")
routes = APIRouter(route_class=LedgerRoute, include_in_schema=False)

FormText = Annotated[str, Query(max_length=FIELD_LENGTH_MAX)]


@routes.get("/collect")
@public
def collect_page(request: Request, ledger: Door, o: FormText = "", lang: FormText = "") -> Response:
    """The order of a code, with a form for the title."""
    language = choose_language(lang or None, request.headers.get("accept-language", ""))
    offer, problem = None, ""
    status = 200
    try:
        offer = ledger.collecting.offer(o[: ORDER_TEXT_LENGTH_MAX + 1])
    except InvalidRequest as err:
        problem, status = _said(err, language), 400
    except ServiceError as err:
        log.error("collect page failed", error=type(err).__name__)  # noqa: TRY400  # a trace may show what was asked
        return _page(language, o, None, Title(""), status=503, outage=True)
    return _page(language, o, offer, _remembered(request), status=status, problem=problem)


@routes.post("/collect")
async def collect_form(request: Request) -> Response:
    """Issues the order's invoice to the title typed, and shows its number and check hash."""
    form = await _form(request)
    language = choose_language(form["lang"] or None, request.headers.get("accept-language", ""))
    ledger, title = request.app.state.ledger, Title(form["name"], form["tax_id"])

    def issue() -> Response:
        offer = None
        try:
            offer = ledger.collecting.offer(form["o"])
            done = ledger.collecting.collect(form["o"], title)
        except InvalidRequest as err:
            wrong = [one.path for one in err.problems]
            return _page(language, form["o"], offer, title, status=400, problem=_said(err, language), wrong=wrong)
        except ServiceError as err:
            log.error("collecting failed", error=type(err).__name__)  # noqa: TRY400
            return _page(language, form["o"], offer, title, status=503, outage=True)
        answer = _done(language, form["o"], offer, title, done)
        if answer.status_code == 200:
            _remember(request, answer, title)
        return answer

    return await in_thread(pools().writes, issue)


async def _form(request: Request) -> dict[str, str]:
    """The four fields of the form, "" where left out. Raises: ProblemError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, "send the form of the page", "请使用页面上的表单提交")
    _check_origin(request)
    body = await read_body(request)
    if len(body) > FORM_SIZE_MAX:
        raise ProblemError(
            BODY_TOO_LARGE, f"a form has at most {FORM_SIZE_MAX} bytes", f"表单最多 {FORM_SIZE_MAX} 字节"
        )
    try:
        found = parse_qs(body.decode("ascii"), errors="strict", max_num_fields=8)
    except ValueError:
        found = {}
    return {name: found.get(name, [""])[0] for name in ("o", "name", "tax_id", "lang")}


def _check_origin(request: Request) -> None:
    """A form of another site is refused. Raises: ProblemError."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "null")  # our pages send no referrer, so browsers say null of them
    foreign = origin != "null" and urlsplit(origin).netloc != request.headers.get("host", "")
    if site not in ("same-origin", "none") or foreign:
        raise ProblemError(NOT_PERMITTED, "send the form from this page itself", "请在本页面提交表单")


def _said(err: InvalidRequest, language: str) -> str:
    return err.problems[0].message_zh if language == "zh" else err.problems[0].message_en


def _done(language: str, order: str, offer: OrderView, title: Title, done: Collected) -> Response:
    status = done.written.status
    if status in (WriteStatus.RECORDED, WriteStatus.ACCEPTED):
        return _page(language, order, offer, title, done=done)
    refusal = done.written.refusal
    words = COLLECT_WORDS[language]
    problem = words["failed"]
    if refusal is not None:
        problem = refusal.message_zh if language == "zh" else refusal.message
    return _page(language, order, offer, title, status=409, problem=problem)


def _page(
    language: str, order: str, offer: OrderView | None, title: Title, *, status: int = 200, problem: str = "",
    wrong: list[str] | None = None, done: Collected | None = None, outage: bool = False,
) -> Response:  # fmt: skip
    text = _TEMPLATES.get_template("collect.html").render(
        language=language,
        other="en" if language == "zh" else "zh",
        words=COLLECT_WORDS[language],
        order=order[:FIELD_LENGTH_MAX],
        language_link=urlencode({"o": order[:FIELD_LENGTH_MAX], "lang": "en" if language == "zh" else "zh"}),
        offer=offer,
        until=offer.expires_at.astimezone(CST).strftime("%Y-%m-%d %H:%M") if offer is not None else "",
        title=title,
        problem=problem,
        wrong=wrong or [],
        done=done,
        check_link=_check_link(done) if done is not None else "",
        outage=outage,
    )
    return HTMLResponse(text, status, {"content-language": "zh-CN" if language == "zh" else "en"})


def _check_link(done: Collected) -> str:
    return urlencode({"number": done.number, "total_amount": done.gross_fen, "hash": done.commitment})


def _remember(request: Request, answer: Response, title: Title) -> None:
    """The title for the next time on this device."""
    value = base64.urlsafe_b64encode(f"{title.tax_id}\n{title.name}".encode()).decode().rstrip("=")
    if len(value) <= COOKIE_SIZE_MAX:
        secure = str(request.app.state.settings.public_url).startswith("https:")
        answer.set_cookie(
            COOKIE, value, max_age=COOKIE_AGE_S, path="/collect", secure=secure, httponly=True, samesite="lax"
        )


def _remembered(request: Request) -> Title:
    value = request.cookies.get(COOKIE, "")
    if not _COOKIE.fullmatch(value):
        return Title("")
    try:
        plain = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return Title("")
    tax_id, _, name = plain.partition("\n")
    return Title(name[:200], tax_id[:20])
