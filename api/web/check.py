"""GET /check: the form, the verdict and the timeline of one invoice; its QR link opens it filled in. Files are checked
beside it (check_file.py).

A mismatch has one wording whatever differs. A failure of ours is shown as a failure, never as a mismatch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Query, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from api.endpoint import LedgerRoute
from api.fields import NUMBER_PATTERN, parameter_problem
from api.pools import public
from api.problems import INVALID_PARAMETER, NO_MATCH, NOT_FOUND, ProblemError, field_failure
from api.routes.declared import Door
from api.routes.invoices import evidence_answer
from api.web.check_file_words import FILE_WORDS
from api.web.words import TERMS, WORDS, choose_language
from api.web.yuan import format_yuan, parse_yuan
from ledger.domain.invoice import AMOUNT_FEN_MAX
from ledger.domain.months import CST
from ledger.service.errors import Erased
from ledger.service.views import PublicInvoice

QUERY_VALUE_LENGTH_MAX = 200  # characters of one form field taken at all
VERIFIER_COMMAND = "python -m verifier {file} --trust trust.json --offline"
STATIC_AGE_S = 3_600
SEE_OTHER = 303

_HERE = Path(__file__).parent
_FEN = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
_HASH = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})|[0-9a-fA-F]{2}([0-9a-fA-F]{64})", re.ASCII)
_STATIC = {
    path.name: (path.read_bytes(), media_type)
    for path, media_type in ((_HERE / "static" / "check.css", "text/css; charset=utf-8"),)
}
_TEMPLATES = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined)
_TEMPLATES.filters["yuan"] = format_yuan

log = structlog.get_logger("api")
routes = APIRouter(route_class=LedgerRoute, include_in_schema=False)

FormText = Annotated[str, Query(max_length=QUERY_VALUE_LENGTH_MAX)]


@dataclass(frozen=True)
class Question:
    """What the reader entered, and its strict form. `wrong` names the fields that have none."""

    number: str
    gross_fen: int
    commitment: str
    wrong: tuple[str, ...]
    shown: dict[str, str] = field(default_factory=dict)

    @property
    def link(self) -> str:
        """Query of the QR link."""
        return urlencode({"number": self.number, "total_amount": self.gross_fen, "hash": self.commitment})


@routes.get("/")
@public
def front_page() -> RedirectResponse:
    """Whoever types the bare address of the server is led to the page for everybody."""
    return RedirectResponse("/check", SEE_OTHER)


@routes.get("/check")
@public
def check_page(
    request: Request, ledger: Door, number: FormText = "", bill_num: FormText = "", amount: FormText = "",
    total_amount: FormText = "", hash: FormText = "", lang: FormText = "",  # noqa: A002  # names of printed QR links
) -> Response:  # fmt: skip
    """The page. `amount` is yuan as the form sends it, `total_amount` fen as the QR link does."""
    language = choose_language(lang or None, request.headers.get("accept-language", ""))
    question = None
    if any((number, bill_num, amount, total_amount, hash)):
        question = read_question(number or bill_num, amount, total_amount, hash)
    if question is None or question.wrong:
        return _page(language, question, status=200 if question is None else 400)
    try:
        found = ledger.public_check(question.number, question.gross_fen, question.commitment)
    except Erased:
        return _page(language, question, answered=True, erased=True)
    except Exception as err:  # noqa: BLE001  # any failure of ours: the reader must not take it for a verdict
        log.error("public check failed", error=type(err).__name__)  # noqa: TRY400  # a trace may show what was asked
        return _page(language, question, status=503, outage=True)
    return _page(language, question, found=found, answered=True)


@routes.get("/check/evidence")
@public
def check_evidence(ledger: Door, number: FormText = "", total_amount: FormText = "", hash: FormText = "") -> Response:  # noqa: A002
    """The redacted evidence file, to whoever knows all three."""
    question = read_question(number, "", total_amount, hash)
    if question.wrong:
        names = {"number": "number", "amount": "total_amount", "hash": "hash"}
        raise field_failure(
            INVALID_PARAMETER,
            [
                parameter_problem(
                    f"query.{names[one]}", f"{one}_form", WORDS["en"][f"{one}_error"], WORDS["zh"][f"{one}_error"]
                )
                for one in question.wrong
            ],
        )
    evidence = ledger.public_evidence(question.number, question.gross_fen, question.commitment)
    if evidence is None:
        raise ProblemError(NO_MATCH, WORDS["en"]["no_match"], WORDS["zh"]["no_match"])
    return evidence_answer(question.number, evidence)


@routes.get("/static/{name}")
async def static_file(name: str) -> Response:
    """One of our few static files, from memory: no path of a request reaches the file system."""
    if name not in _STATIC:
        raise ProblemError(NOT_FOUND, "no such file", "没有该文件")
    body, media_type = _STATIC[name]
    headers = {"cache-control": f"public, max-age={STATIC_AGE_S}"}
    return Response(body, 200, headers, media_type)


def read_question(number: str, amount: str, total_amount: str, hash_text: str) -> Question:
    """What was entered, in strict form; blanks around it and inside a number are what people copy along."""
    wrong: list[str] = []
    digits = number.replace(" ", "")
    if not re.fullmatch(NUMBER_PATTERN, digits):
        wrong.append("number")
    fen = _read_fen(amount, total_amount)
    if fen is None:
        wrong.append("amount")
    match = _HASH.fullmatch(hash_text.strip(" "))
    if match is None:
        wrong.append("hash")
    commitment = "" if match is None else (match.group(1) or match.group(2)).lower()
    shown_amount = amount or (format_yuan(fen) if fen is not None else total_amount)
    shown = {"number": number, "amount": shown_amount, "hash": commitment or hash_text}
    return Question(digits, fen or 0, commitment, tuple(wrong), shown)


def _read_fen(amount: str, total_amount: str) -> int | None:
    if amount:
        return parse_yuan(amount)
    if not _FEN.fullmatch(total_amount) or int(total_amount) > AMOUNT_FEN_MAX:
        return None
    return int(total_amount)


def _page(
    language: str, question: Question | None, *, status: int = 200, found: PublicInvoice | None = None,
    answered: bool = False, outage: bool = False, erased: bool = False,
) -> Response:  # fmt: skip
    terms = TERMS[language]
    text = _TEMPLATES.get_template("check.html").render(
        language=language,
        other="en" if language == "zh" else "zh",
        words=WORDS[language],
        file_words=FILE_WORDS[language],
        shown=question.shown if question else {"number": "", "amount": "", "hash": ""},
        link=question.link if question and not question.wrong else "",
        wrong=question.wrong if question else (),
        found=found,
        answered=answered,
        outage=outage,
        erased=erased,
        term=lambda name: terms.get(name, name),
        local=_local_time,
        command=VERIFIER_COMMAND.format(file=f"invoice-{question.number}.evidence.json") if question else "",
    )
    headers = {"content-language": "zh-CN" if language == "zh" else "en", "vary": "accept-language"}
    return HTMLResponse(text, status, headers)


def _local_time(moment: datetime) -> str:
    return moment.astimezone(CST).strftime("%Y-%m-%d %H:%M:%S")
