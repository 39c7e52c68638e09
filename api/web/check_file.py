"""POST /check: the PDF, evidence or statement somebody was given, judged as anybody can offline. Nothing of it is kept.

A file that is not valid is shown as such with status 200: the answer is about the file. Failures of ours are 503.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.pools import in_thread, pools
from api.web.check_file_words import FILE_WORDS
from api.web.form_file import FileFormRoute, form_of, takes_file
from api.web.words import choose_language
from ledger.domain.months import CST
from ledger.service.file_checks import CheckedFile
from verifier.reasons import reason_text
from verifier.report import RESULT_WORDS, step_title

LANGUAGE_LENGTH_MAX = 2

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)

log = structlog.get_logger("api")
routes = APIRouter(route_class=FileFormRoute, include_in_schema=False)


@routes.post("/check")
@takes_file
async def check_uploaded(request: Request) -> Response:
    """What the uploaded file proves, and whether its page shows that."""
    form = form_of(request)
    asked = form.get("lang", b"")[:LANGUAGE_LENGTH_MAX].decode("ascii", "replace")
    language = choose_language(asked or None, request.headers.get("accept-language", ""))
    data = form.get("file", b"")
    if not data:
        return _page(language, status=400)
    papers = request.app.state.ledger.papers
    try:
        found = await in_thread(pools().checks, lambda: papers.check(data))
    except Exception as err:  # noqa: BLE001  any failure of ours: the reader must not take it for a verdict
        log.error("check of a file failed", error=type(err).__name__)  # noqa: TRY400  a trace may show what was sent
        return _page(language, status=503, outage=True)
    return _page(language, found)


def _page(language: str, found: CheckedFile | None = None, *, status: int = 200, outage: bool = False) -> Response:
    at = 0 if language == "zh" else 1
    report = found.report if found else None
    question = found.question if found else None
    text = _TEMPLATES.get_template("check_file.html").render(
        language=language,
        other="en" if language == "zh" else "zh",
        words=FILE_WORDS[language],
        outage=outage,
        found=found,
        text=found.text[at] if found else "",
        note=found.note[at] if found and found.note else "",
        page=found.page[at] if found and found.page else "",
        differences=[one[at] for one in found.differences] if found else [],
        number=report.number if report else "",
        block=report.block if report else 0,
        block_time=_local_time(report.block_time_s) if report and report.block else "",
        steps=[
            (
                step_title(step.name, language),
                RESULT_WORDS[step.result][at],
                reason_text(step.reason, language),
                step.at,
            )
            for step in (report.steps if report else ())
        ],
        link=urlencode(dict(zip(("number", "total_amount", "hash"), question, strict=True))) if question else "",
    )
    headers = {"content-language": "zh-CN" if language == "zh" else "en", "vary": "accept-language"}
    return HTMLResponse(text, status, headers)


def _local_time(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).astimezone(CST).strftime("%Y-%m-%d %H:%M:%S")
