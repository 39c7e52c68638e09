"""The OpenAPI document: FastAPI's, with failures as application/problem+json and an example for every operation."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.constants import REF_TEMPLATE
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.examples import EXAMPLES, PROBLEM_EXAMPLES
from api.problems import MEDIA_TYPE
from api.schemas.answers import Problem
from api.sessions import COOKIE

TITLE = "E-Invoice Ledger"
DESCRIPTION = (
    "Blockchain e-invoices: issue, claim, settle, book, file, verify. Amounts are integer fen, times RFC 3339 UTC. "
    "Every write takes an Idempotency-Key; 201 is recorded, 202 accepted. docs/API.md explains."
)
try:
    VERSION = version("einvoice-ledger")
except PackageNotFoundError:  # run from a source tree that is not installed
    VERSION = "0"

_FAILED = 400
_FRAMEWORK_ERROR = "HTTPValidationError"  # FastAPI's own shape, which is never answered


def install(app: FastAPI) -> None:
    """Makes `app.openapi` build the document at first use."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(
                get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    for methods in document["paths"].values():
        for operation in methods.values():
            example = EXAMPLES[operation["operationId"]]
            if operation.get("security"):
                operation["security"] = [*operation["security"], {"session": []}]  # one or the other
            taken = operation.get("requestBody", {"content": {}})["content"].get("application/json")
            if taken is not None:  # a body that is a file has no example
                taken["example"] = example.request
            if _FRAMEWORK_ERROR in str(operation["responses"].get("422")):
                del operation["responses"]["422"]  # a read has no body to be wrong; its parameters answer 400
            for status, described in operation["responses"].items():
                content = described.get("content", {})
                if int(status) >= _FAILED:
                    described["content"] = {MEDIA_TYPE: content["application/json"]}
                    described["content"][MEDIA_TYPE]["example"] = PROBLEM_EXAMPLES[int(status)]
                elif int(status) in example.answers:  # a download has no example
                    content["application/json"]["example"] = example.answers[int(status)]
    document["components"].setdefault("securitySchemes", {})["session"] = {
        "type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A session: POST /v1/sessions sets it.",
    }  # fmt: skip
    shapes = document["components"]["schemas"]
    for name in (_FRAMEWORK_ERROR, "ValidationError"):
        shapes.pop(name, None)
    of_failures = models_json_schema([(Problem, "serialization")], ref_template=REF_TEMPLATE)[1]["$defs"]
    document["components"]["schemas"] = dict(sorted((of_failures | shapes).items()))
    return document
