"""Every way a request can fail, and its HTTP status: the one file where status codes of failures are chosen.

A failure is an RFC 9457 problem: `application/problem+json` whose `type` is a path that never changes meaning.
docs/API.md lists them all. 400 is a request that cannot be read, 422 a readable payload with wrong fields, 409 a
request that was understood and that the ledger's state refuses.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.domain.errors import FieldProblem
from ledger.domain.reasons import REASON_TEXTS
from ledger.service import errors as service
from verifier.canonical import Json
from verifier.operations import Reason

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"
RETRY_AFTER_S = 1  # a block takes about a tenth of a second; what was full a second ago has usually drained


@dataclass(frozen=True)
class ProblemType:
    """One kind of failure. `name` follows /problems/; `meaning` says when it is answered and what to do."""

    name: str
    status: int
    title: str
    title_zh: str
    meaning: str

    @property
    def uri(self) -> str:
        """The stable `type` of the problem."""
        return TYPE_PREFIX + self.name


INVALID_JSON = ProblemType(
    "invalid-json", 400, "The body is not acceptable JSON", "请求体不是可接受的 JSON",
    "Not UTF-8, not JSON, NaN or Infinity, a key twice, an integer beyond 2^53 - 1, nested too deep, half a surrogate.",
)  # fmt: skip
INVALID_PARAMETER = ProblemType(
    "invalid-parameter", 400, "A path or query parameter is wrong", "路径或查询参数有误",
    "`errors` names each parameter as path.<name>, query.<name> or header.<name>.",
)  # fmt: skip
IDEMPOTENCY_KEY = ProblemType(
    "idempotency-key", 400, "Idempotency-Key is missing or has another form", "缺少 Idempotency-Key 或格式不符",
    "Every write needs one: 1 to 128 visible ASCII characters, sent once. A random UUID for each new request is right.",
)  # fmt: skip
BAD_REQUEST = ProblemType(
    "bad-request", 400, "The request cannot be read", "无法读取该请求",
    "The HTTP request itself is wrong.",
)  # fmt: skip
NOT_AUTHENTICATED = ProblemType(
    "not-authenticated", 401, "A valid API key is needed", "需要有效的 API 密钥",
    "Send `Authorization: Bearer einv_...`.",
)  # fmt: skip
KEY_EXPIRED = ProblemType(
    "key-expired", 401, "The API key has ended", "API 密钥已到期",
    "Told only to who has its secret. Make a new key, or answer a challenge with the party's signing key.",
)  # fmt: skip
SIGN_IN_FAILED = ProblemType(
    "sign-in-failed", 401, "Name or password is wrong", "登录名或密码错误",
    "Which of them is not told, nor whether anybody has that name.",
)  # fmt: skip
PROVIDER_FAILED = ProblemType(
    "provider-failed", 502, "The company's sign-in provider failed", "企业登录服务故障",
    "It did not answer in time, or its answer does not hold. Pages alone say so.",
)  # fmt: skip
PROVIDER_REFUSED = ProblemType(
    "provider-refused", 401, "This sign-in through a provider is not taken", "该登录未被接受",
    "Of another browser, over, answered before, or of an account nobody linked. Pages alone say so.",
)  # fmt: skip
PASSWORD_NEEDED = ProblemType(
    "password-needed", 401, "The password is needed again", "需要再次输入密码",
    "A session signs what cannot be undone within five minutes of its password. Give it with "
    "`POST /v1/sessions/confirmation`, then send the same request.",
)  # fmt: skip
FOREIGN_SITE = ProblemType(
    "foreign-site", 403, "Not sent from a page of this server", "请求并非来自本系统页面",
    "A browser sent its session cookie for another site, or does not say for whom. Use the pages of this server, or an "
    "API key.",
)  # fmt: skip
CHALLENGE_REFUSED = ProblemType(
    "challenge-refused", 401, "The challenge is not signed by the party's key", "质询签名密钥不是该参与方的密钥",
    "Sign exactly the typed data that came, with the party's present key; `detail` names the key that signed. An "
    "unknown party is answered the same.",
)  # fmt: skip
NOT_PERMITTED = ProblemType(
    "not-permitted", 403, "Not permitted", "没有权限", "The caller is known and may not do this.",
)  # fmt: skip
SCOPE_MISSING = ProblemType(
    "scope-missing", 403, "The API key is not for this", "API 密钥没有该权限范围",
    "`scope` names what the key lacks. Use a key that has it; what the party itself may do is another question.",
)  # fmt: skip
NOT_FOUND = ProblemType(
    "not-found", 404, "Not found", "未找到", "No such address or thing, or none that the caller may know of.",
)  # fmt: skip
ERASED = ProblemType(
    "erased", 410, "The invoice's document was erased", "票面信息已删除",
    "By the authority; there is no document or original any more. The history stays, evidence is served without the "
    "document where the authority signed the erasure, and evidence handed out before stays valid.",
)  # fmt: skip
ERASURE_WAITS = ProblemType(
    "erasure-waits", 409, "A write that brings a document of it waits", "有待上链的操作将带来其票面信息",
    "A red of the invoice, or a registration of it, is not recorded yet. Nothing was erased; erase again afterwards.",
)  # fmt: skip
NO_MATCH = ProblemType(
    "no-match", 404, "No invoice matches all three", "没有三项均相符的发票",
    "Number, gross amount and hash do not belong to one recorded invoice; which of them differs is not told.",
)  # fmt: skip
INVITATION_INVALID = ProblemType(
    "invitation-invalid", 404, "No such invitation any more", "邀请已失效",
    "Unknown, used, replaced by a newer one, or over 72 hours old. Ask who made it for another.",
)  # fmt: skip
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed", 405, "Method not allowed here", "此处不支持该方法",
    "`Allow` lists the methods of the address.",
)  # fmt: skip
REQUEST_TIMEOUT = ProblemType(
    "request-timeout", 408, "The body did not arrive in time", "请求体未按时到达",
    "Nothing was stored; send the same request again.",
)  # fmt: skip
IDEMPOTENCY_CONFLICT = ProblemType(
    "idempotency-conflict", 409, "Idempotency-Key stands for another request", "Idempotency-Key 已用于其他请求",
    "The key was sent before with other content. Use a new key for a new request.",
)  # fmt: skip
CHALLENGE_ENDED = ProblemType(
    "challenge-ended", 409, "The challenge counts no more", "质询已失效",
    "It was answered before, or its two minutes are over; `detail` says which. Ask for a new one.",
)  # fmt: skip
NUMBERS_EXHAUSTED = ProblemType(
    "numbers-exhausted", 409, "No free invoice number left", "号段已用完",
    "An officer allots the seller another segment, then the same request succeeds.",
)  # fmt: skip
APPROVAL_MISSING = ProblemType(
    "approval-missing", 409, "An approver has not approved this", "尚未经审批人批准",
    "The employer's claim policy wants a manager's approval first; `detail` names the invoices that wait or were "
    "rejected. Settle the approved ones by number, or ask an approver.",
)  # fmt: skip
PROPOSAL_CONFLICT = ProblemType(
    "proposal-conflict", 409, "The proposal stands otherwise", "提议的状态不允许此操作",
    "The same is proposed already, or this one was confirmed, refused, withdrawn, ended or is older than 72 hours; "
    "`detail` says which and what to do.",
)  # fmt: skip
NOT_BOOKED = ProblemType(
    "not-booked", 409, "The claim is not settled and booked as a whole", "报销单尚未全部核销入账",
    "`detail` names an invoice that is still locked or not booked; approve or release it, book it, then ask again.",
)  # fmt: skip
STATEMENT_FALSE = ProblemType(
    "statement-false", 409, "The ledger contradicts this statement", "账本与该声明不符",
    "The number was issued or registered, or the invoice is settled: there is no such statement. Ask for evidence "
    "instead.",
)  # fmt: skip
STATEMENT_DISCLOSES = ProblemType(
    "statement-discloses", 409, "The statement would show a word of somebody else's", "该声明会显示他人的数据",
    "The number was never issued, but every proof of it ends at another's word. An officer may have the file, with "
    "disclosing=true; or ask again later: each new word of the ledger may move that end.",
)  # fmt: skip
NOT_WITNESSED = ProblemType(
    "not-witnessed", 409, "Too few witnesses have signed it yet", "见证方签名尚不足",
    "Evidence was asked for with `witnessed=required`; witnesses sign within seconds while they run. Ask again, or "
    "take the evidence as of the head with `witnessed=preferred`.",
)  # fmt: skip
HISTORY_DIFFERS = ProblemType(
    "history-differs", 409, "A witness saw another history", "见证方看到了另一份历史",
    "An admitted witness signed a block that this chain does not have. The note is kept as an alarm, which the "
    "authority lists with `einvoice witnesses list`.",
)  # fmt: skip
NO_SIGNING_KEY = ProblemType(
    "no-signing-key", 409, "The server holds no key of this party", "系统未保管该参与方的密钥",
    "This write is made only with a key kept here: tills, an administrator's in the enterprise's name.",
)  # fmt: skip
SIGNATURE_NEEDED = ProblemType(
    "signature-needed", 409, "Your signature is needed", "需要您签名",
    "The party keeps its key itself. `draft` names what waits until `sign_by`: get `/v1/drafts/{draft}`, sign its "
    "`typed_data` with any EIP-712 wallet, post the signature. The same request again finds the same draft.",
)  # fmt: skip
DRAFT_EXPIRED = ProblemType(
    "draft-expired", 409, "The draft can no longer be signed", "草稿已失效",
    "Its time is over, or the contract it was made for was succeeded. Nothing was recorded; send the request again.",
)  # fmt: skip
DRAFT_STALE = ProblemType(
    "draft-stale", 409, "What the draft is about has changed since", "草稿所涉内容已变更",
    "The contract would refuse it. Nothing was recorded; look at what changed, and send the request again.",
)  # fmt: skip
GROUP_MALFORMED = ProblemType(
    "group-malformed", 409, "The ledger could not read the signed operation", "账本无法识别该签名操作",
    "Final: the signature was not accepted, for example because the party's key changed meanwhile. Nothing was "
    "recorded; send the request again with a new Idempotency-Key.",
)  # fmt: skip
GROUP_EXPIRED = ProblemType(
    "group-expired", 409, "The signed operation expired before it was recorded", "签名操作在上链前已过期",
    "Final: nothing was recorded; its time ended, or the contract it was signed for was succeeded. Send the request "
    "again with a new Idempotency-Key.",
)  # fmt: skip
BODY_TOO_LARGE = ProblemType(
    "body-too-large", 413, "The body is too large", "请求体过大",
    "`detail` gives the limit (EINVOICE_BODY_SIZE_MAX, of files EINVOICE_UPLOAD_SIZE_MAX); send less at once.",
)  # fmt: skip
ADDRESS_TOO_LONG = ProblemType(
    "address-too-long", 414, "The address is too long", "地址过长", "Path and query together have a limit.",
)  # fmt: skip
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type", 415, "The body has another media type", "请求体的媒体类型不符",
    "Send `Content-Type: application/json`, UTF-8, without a Content-Encoding; where a file is the body, "
    "`application/octet-stream` or the file's own type.",
)  # fmt: skip
INVALID_REQUEST = ProblemType(
    "invalid-request", 422, "Some fields are wrong", "部分字段有误",
    "`errors` names each field by its path in the body, with a stable code and what to do.",
)  # fmt: skip
QUEUE_FULL = ProblemType(
    "queue-full", 429, "Too many of your operations wait", "等待上链的操作过多",
    "Nothing was stored. Retry after the seconds in `Retry-After`.",
)  # fmt: skip
TOO_MANY_ATTEMPTS = ProblemType(
    "too-many-attempts", 429, "Too many attempts failed", "失败次数过多",
    "Nothing was looked at. Retry after the seconds in `Retry-After`; sessions that are open are not touched.",
)  # fmt: skip
RATE_LIMITED = ProblemType(
    "rate-limited", 429, "Too many requests", "请求过于频繁",
    "Nothing was done. A client address, an API key and a party each have a rate; `detail` says which. Ask again after "
    "the seconds in `Retry-After`.",
)  # fmt: skip
HEADERS_TOO_LARGE = ProblemType(
    "headers-too-large", 431, "The headers are too large", "请求头过大", "All headers together have a limit.",
)  # fmt: skip
INTERNAL = ProblemType(
    "internal", 500, "The server failed", "服务器出错",
    "A fault of the program; `instance` is in its log. A write may or may not be stored: send the same request with "
    "the same Idempotency-Key and it happens once.",
)  # fmt: skip
BUSY = ProblemType(
    "busy", 503, "The server is busy", "系统繁忙", "Nothing was stored. Retry after the seconds in `Retry-After`.",
)  # fmt: skip
NOT_READY = ProblemType(
    "not-ready", 503, "The ledger cannot be used now", "账本尚不可用",
    "The installation is missing, foreign or damaged; `detail` says what its operator has to do.",
)  # fmt: skip


def _refused_type(reason: Reason) -> ProblemType:
    text = REASON_TEXTS[reason]
    return ProblemType(
        f"refused/{reason.name.lower()}", 409, text.what_en, text.what_zh, f"Reason code {reason.value}. {text.next_en}"
    )


REFUSED = {reason.name.lower(): _refused_type(reason) for reason in Reason}
"""What the contract refused, by reason name: one problem type a reason code."""

_OURS = tuple(value for value in globals().values() if isinstance(value, ProblemType))

PROBLEM_TYPES: dict[str, ProblemType] = {one.name: one for one in (*_OURS, *REFUSED.values())}
"""Every problem type by name, in the order of this file."""

SERVICE_PROBLEMS: dict[type[service.ServiceError], ProblemType] = {
    service.InvalidRequest: INVALID_REQUEST,
    service.NotAuthenticated: NOT_AUTHENTICATED,
    service.KeyExpired: KEY_EXPIRED,
    service.ChallengeRefused: CHALLENGE_REFUSED,
    service.ChallengeEnded: CHALLENGE_ENDED,
    service.SignInFailed: SIGN_IN_FAILED,
    service.TooManyAttempts: TOO_MANY_ATTEMPTS,
    service.InvitationInvalid: INVITATION_INVALID,
    service.ProviderFailed: PROVIDER_FAILED,
    service.ProviderRefused: PROVIDER_REFUSED,
    service.NotPermitted: NOT_PERMITTED,
    service.ScopeMissing: SCOPE_MISSING,
    service.NotFound: NOT_FOUND,
    service.Erased: ERASED,
    service.ErasureWaits: ERASURE_WAITS,
    service.IdempotencyConflict: IDEMPOTENCY_CONFLICT,
    service.QueueFull: QUEUE_FULL,
    service.Busy: BUSY,
    service.NumbersExhausted: NUMBERS_EXHAUSTED,
    service.ApprovalMissing: APPROVAL_MISSING,
    service.ProposalConflict: PROPOSAL_CONFLICT,
    service.NotBooked: NOT_BOOKED,
    service.StatementFalse: STATEMENT_FALSE,
    service.StatementDiscloses: STATEMENT_DISCLOSES,
    service.NotWitnessed: NOT_WITNESSED,
    service.HistoryDiffers: HISTORY_DIFFERS,
    service.NoSigningKey: NO_SIGNING_KEY,
    service.SignatureNeeded: SIGNATURE_NEEDED,
    service.DraftExpired: DRAFT_EXPIRED,
    service.DraftStale: DRAFT_STALE,
    service.DraftsFull: QUEUE_FULL,
    service.TooManyRequests: QUEUE_FULL,
    service.NotReady: NOT_READY,
}
"""Problem type of each class the service raises; a test holds it complete."""

_HTTP_PROBLEMS = {
    one.status: one
    for one in (BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
}  # fmt: skip


class ProblemError(Exception):
    """A failure on its way out. `extra` holds further members of the answer, `headers` further headers."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        detail_zh: str,
        *,
        errors: Iterable[FieldProblem] = (),
        extra: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.detail_zh = detail_zh
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.headers = {**_standing_headers(kind), **(headers or {})}
        self.instance = uuid.uuid4().urn  # names this occurrence, in the answer and in the log


def field_failure(kind: ProblemType, errors: Iterable[FieldProblem]) -> ProblemError:
    """The problem of wrong fields: its detail repeats the first one."""
    found = tuple(errors)
    first, more = found[0], len(found) - 1
    return ProblemError(
        kind,
        f"{first.path}: {first.message_en}" + (f" (and {more} more)" if more else ""),
        f"{first.path}：{first.message_zh}" + (f"（另有 {more} 处）" if more else ""),
        errors=found,
    )


def service_failure(err: service.ServiceError, *, has_body: bool) -> ProblemError:
    """The problem of what the service raised. Wrong values of a request without a body are parameters."""
    if isinstance(err, service.InvalidRequest):
        return field_failure(INVALID_REQUEST if has_body else INVALID_PARAMETER, err.problems)
    extra: dict[str, Json] = {"scope": err.scope} if isinstance(err, service.ScopeMissing) else {}
    if isinstance(err, service.TooManyAttempts):
        headers = {"retry-after": str(err.wait_s)}
        return ProblemError(TOO_MANY_ATTEMPTS, err.message, err.message_zh, headers=headers)
    if isinstance(err, service.SignatureNeeded):
        return _signature_needed(err)
    for base in type(err).__mro__:
        if base in SERVICE_PROBLEMS:
            return ProblemError(SERVICE_PROBLEMS[base], err.message, err.message_zh, extra=extra)
    return internal_failure()


def _signature_needed(err: service.SignatureNeeded) -> ProblemError:
    """Where the draft is that waits for the caller's signature, and until when."""
    extra: dict[str, Json] = {"draft": err.digest, "sign_by": err.sign_by.strftime("%Y-%m-%dT%H:%M:%SZ")}
    headers = {"location": f"/v1/drafts/{err.digest}"}
    return ProblemError(SIGNATURE_NEEDED, err.message, err.message_zh, extra=extra, headers=headers)


def http_failure(status: int, headers: Mapping[str, str] | None) -> ProblemError:
    """The problem of a failure the web framework found by itself, such as an unknown address."""
    kind = _HTTP_PROBLEMS.get(status, BAD_REQUEST if status < 500 else INTERNAL)
    return ProblemError(kind, f"{kind.title}.", f"{kind.title_zh}。", headers=headers)


def internal_failure() -> ProblemError:
    """The problem of a fault in the program; tells nothing of it."""
    return ProblemError(
        INTERNAL,
        "The server failed; its log has this instance. A write may be repeated with the same Idempotency-Key.",
        "服务器出错，日志中已记录本次 instance。写操作可用同一 Idempotency-Key 重发。",
    )


@dataclass(frozen=True)
class RenderedProblem:
    """A problem as HTTP sends it."""

    status: int
    body: bytes
    headers: dict[str, str]


def render(problem: ProblemError) -> RenderedProblem:
    """The answer of a problem. Never fails: what has no UTF-8 form is replaced."""
    value: dict[str, Json] = {
        "type": problem.kind.uri,
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "detail_zh": problem.detail_zh,
        "instance": problem.instance,
    }
    if problem.errors:
        value["errors"] = [error_json(one) for one in problem.errors]
    value.update(problem.extra)
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return RenderedProblem(problem.kind.status, body, {"content-type": MEDIA_TYPE, **problem.headers})


def error_json(one: FieldProblem) -> dict[str, Json]:
    """One entry of `errors`."""
    return {"path": one.path, "code": one.code, "message": one.message_en, "message_zh": one.message_zh}


def _standing_headers(kind: ProblemType) -> dict[str, str]:
    if kind in (NOT_AUTHENTICATED, KEY_EXPIRED, CHALLENGE_REFUSED):
        return {"www-authenticate": 'Bearer realm="einvoice"'}
    if kind in (QUEUE_FULL, BUSY):
        return {"retry-after": str(RETRY_AFTER_S)}
    if kind in (BODY_TOO_LARGE, REQUEST_TIMEOUT, HEADERS_TOO_LARGE, ADDRESS_TOO_LONG):
        return {"connection": "close"}
    return {}
