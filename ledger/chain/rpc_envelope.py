"""JSON-RPC 2.0 around the node's methods: one request or a batch in, the bytes of its answer out.

Limits: requests in a batch, time of the whole, bytes of the answer. What went over one is an error in its own entry.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final, Protocol

from ledger.chain.errors import ChainError, RpcError
from ledger.chain.limits import RPC_ANSWER_SIZE_MAX, RPC_BATCH_MAX, RPC_TIME_MAX_MS
from ledger.chain.rpc_codec import INVALID_PARAMS, LIMIT_EXCEEDED

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
INTERNAL_ERROR: Final = -32603
ID_LENGTH_MAX: Final = 256  # characters of an id that is a text; it is repeated in the answer


class Answering(Protocol):
    """What answers single requests: NodeRpc."""

    def answer(self, method: str, params: list[Any], *, deadline: float | None = None) -> Any: ...


def answer_request(rpc: Answering, value: object) -> bytes | None:
    """Answer to a parsed request or batch, JSON in UTF-8; None when it holds nothing but notifications."""
    deadline = time.monotonic() + RPC_TIME_MAX_MS / 1000
    if not isinstance(value, list):
        return _answer_one(rpc, value, deadline, RPC_ANSWER_SIZE_MAX)
    if not value:
        return rpc_failure(INVALID_REQUEST, "an empty batch")
    if len(value) > RPC_BATCH_MAX:
        return rpc_failure(INVALID_REQUEST, f"at most {RPC_BATCH_MAX} requests in a batch, not {len(value)}")
    answers: list[bytes] = []
    size_left = RPC_ANSWER_SIZE_MAX
    for each in value:
        answer = _answer_one(rpc, each, deadline, size_left)
        if answer is not None:
            answers.append(answer)
            size_left -= len(answer)
    return b"[" + b",".join(answers) + b"]" if answers else None


def rpc_failure(code: int, message: str, *, request_id: object = None, data: str | None = None) -> bytes:
    """An error answer."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return _encoded({"jsonrpc": "2.0", "id": request_id, "error": error})


def _answer_one(rpc: Answering, request: object, deadline: float, size_max: int) -> bytes | None:
    wrong = _wrong(request)
    if wrong is not None or not isinstance(request, dict):
        return rpc_failure(INVALID_REQUEST, wrong or "not an object", request_id=_id_of(request))
    if "id" not in request:
        return None  # a notification; reading methods do nothing that anybody could notice
    request_id, params = request["id"], request.get("params")
    if not isinstance(params, list | None):
        return rpc_failure(INVALID_PARAMS, "params is a list", request_id=request_id)
    try:
        if size_max <= 0:
            raise _too_large()
        result = rpc.answer(request["method"], params or [], deadline=deadline)
        answer = _encoded({"jsonrpc": "2.0", "id": request_id, "result": result})
        if len(answer) > size_max:
            raise _too_large()
    except RpcError as err:
        return rpc_failure(err.code, str(err), request_id=request_id, data=err.data)
    except ChainError as err:
        return rpc_failure(INTERNAL_ERROR, f"the chain cannot be read: {type(err).__name__}", request_id=request_id)
    return answer


def _wrong(request: object) -> str | None:
    """What makes a request no request."""
    if not isinstance(request, dict):
        return "a request is an object"
    if request.get("jsonrpc") != "2.0":
        return 'jsonrpc is "2.0"'
    if not isinstance(request.get("method"), str):
        return "method is a text"
    if "id" in request and not _is_id(request["id"]):
        return f"id is a text of at most {ID_LENGTH_MAX} characters, a number or null"
    return None


def _id_of(request: object) -> object:
    found = request.get("id") if isinstance(request, dict) else None
    return found if _is_id(found) else None


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= ID_LENGTH_MAX
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _too_large() -> RpcError:
    return RpcError(LIMIT_EXCEEDED, f"the answer has more than {RPC_ANSWER_SIZE_MAX} bytes: ask for less at once")


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
