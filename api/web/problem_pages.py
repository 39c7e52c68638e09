"""GET /problems and /problems/<name>: what the `type` of a problem points to."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.endpoint import LedgerRoute
from api.problems import NOT_FOUND, PROBLEM_TYPES, ProblemError, ProblemType
from api.render import answer
from verifier.canonical import Json

routes = APIRouter(route_class=LedgerRoute, include_in_schema=False)


@routes.get("/problems")
async def list_problem_types() -> Response:
    """Every problem type."""
    return answer({"items": [_described(one) for one in PROBLEM_TYPES.values()]})


@routes.get("/problems/{name:path}")
async def describe_problem_type(name: str) -> Response:
    """One problem type: when it is answered and what to do."""
    if name not in PROBLEM_TYPES:
        raise ProblemError(NOT_FOUND, "no such problem type", "没有该问题类型")
    return answer(_described(PROBLEM_TYPES[name]))


def _described(kind: ProblemType) -> dict[str, Json]:
    return {
        "type": kind.uri,
        "status": kind.status,
        "title": kind.title,
        "title_zh": kind.title_zh,
        "meaning": kind.meaning,
    }
