"""What the service answers instead of a result. The API turns each class into one problem type.

ServiceError
├── InvalidRequest        the request cannot be read; names every field and what to do
├── NotAuthenticated      no credential, or none that is known
├── NotPermitted          known, but not allowed to do this
├── NotFound              no such thing, or none the caller may know of
├── IdempotencyConflict   the key was used for another request
├── QueueFull             too many of this party's groups wait
├── Busy                  the write queue is full or the database cannot be reached; nothing was stored
├── NumbersExhausted      the seller's segment holds no free number
├── ApprovalMissing       finance settles lines that the company wants approved first, and nobody did
├── NotBooked             a claim whose archive is asked for is not settled and booked as a whole
├── StatementFalse        a statement is asked for that the ledger contradicts
├── StatementDiscloses    a statement would show somebody else's word besides what it says
├── NotWitnessed          evidence was asked for with witnesses' signatures, and too few have signed yet
├── HistoryDiffers        a witness signed a block that this chain does not have
├── NoSigningKey          the party keeps its key itself; the server cannot sign for it
└── NotReady              the installation is missing, foreign or damaged; says what to do
"""

from __future__ import annotations

from ledger.domain.errors import FieldProblem


class ServiceError(Exception):
    """Root of this package's errors. `message_zh` says the same in Chinese."""

    def __init__(self, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh


class InvalidRequest(ServiceError):
    """The request cannot be taken as it is; `problems` names each field."""

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        first = problems[0]
        super().__init__(f"{first.path}: {first.message_en}", f"{first.path}：{first.message_zh}")
        self.problems = problems


class NotAuthenticated(ServiceError):
    """No credential, or none that is known."""

    def __init__(self) -> None:
        super().__init__(
            "send a valid API key as `Authorization: Bearer einv_...`",
            "请以 Authorization: Bearer einv_… 发送有效的 API 密钥",
        )


class NotPermitted(ServiceError):
    """The caller is known and may not do this."""


class NotFound(ServiceError):
    """No such thing, or none that the caller may know of; the two look the same."""

    def __init__(self, kind: str, ident: str) -> None:
        super().__init__(f"no {kind} {ident} that you may see", f"没有您可查看的 {kind} {ident}")
        self.kind = kind
        self.ident = ident


class IdempotencyConflict(ServiceError):
    """The idempotency key stands for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"Idempotency-Key {key!r} was used for another request; use a new key for a new request",
            f"Idempotency-Key {key!r} 已用于其他请求，新请求请使用新的键",
        )
        self.key = key


class QueueFull(ServiceError):
    """The party has as many waiting groups as it may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} of your operations wait already; retry when some are recorded",
            f"您已有 {limit} 个操作等待上链，请稍后再试",
        )
        self.limit = limit


class Busy(ServiceError):
    """Nothing was stored; the same request may be sent again."""

    def __init__(self) -> None:
        super().__init__(
            "the server is busy, nothing was stored; send the same request again",
            "系统繁忙，未保存任何内容，请重发同一请求",
        )


class NumbersExhausted(ServiceError):
    """The seller's segment holds no free number."""

    def __init__(self, seller: int) -> None:
        super().__init__(
            f"party {seller} has no free invoice number left; ask an officer to allot a segment",
            f"企业 {seller} 的号段已用完，请向税务人员申请新的号段",
        )
        self.seller = seller


class NoSigningKey(ServiceError):
    """The party's key is not in the key store."""

    def __init__(self, party: int) -> None:
        super().__init__(
            f"the server does not hold the key of party {party}; the party signs for itself",
            f"系统未保管参与方 {party} 的密钥，须由其自行签名",
        )
        self.party = party


class ApprovalMissing(ServiceError):
    """The company wants claims of `from_fen` and more approved first; `waiting` and `rejected` are its lines."""

    def __init__(self, claim_id: str, from_fen: int, waiting: list[str], rejected: list[str]) -> None:
        yuan = f"{from_fen // 100}.{from_fen % 100:02d}"
        said, said_zh = [], []
        if waiting:
            said.append(f"an approver's decision is missing on {_few(waiting)}")
            said_zh.append(f"{_few(waiting)} 尚待审批人决定")
        if rejected:
            said.append(f"an approver rejected {_few(rejected)}")
            said_zh.append(f"{_few(rejected)} 已被审批人驳回")
        super().__init__(
            f"claims from {yuan} yuan need approval: {'; '.join(said)}; settle the approved lines by number, or reject "
            "these",
            f"{yuan} 元及以上的报销须先审批：{'；'.join(said_zh)}；可按号码核销已批准的发票，或驳回上述发票",
        )
        self.claim_id = claim_id
        self.from_fen = from_fen
        self.waiting = tuple(waiting)
        self.rejected = tuple(rejected)


class NotBooked(ServiceError):
    """A claim is not settled and booked as a whole; `what` is the invoice, or the claim, that is not."""

    def __init__(self, what: str, state: str, state_zh: str) -> None:
        super().__init__(
            f"{what} is {state}; an archive is of a claim whose invoices are all settled or released, and booked",
            f"{what} {state_zh}；须全部核销或解除锁定并入账后方可归档",
        )
        self.what = what


class StatementFalse(ServiceError):
    """The ledger contradicts the statement: the number was given out, or the invoice is settled."""

    def __init__(self, number: str, says: str) -> None:
        if says == "not_issued":
            super().__init__(
                f"{number} was issued or registered; who takes part in it can ask for its evidence",
                f"{number} 已开具或已登记，参与方可索取其证据包",
            )
        else:
            super().__init__(
                f"{number} is settled; its evidence shows when and by whom",
                f"{number} 已核销，其证据包载明核销时间与经办人",
            )
        self.number = number
        self.says = says


class StatementDiscloses(ServiceError):
    """A number was never issued, but every proof of it ends at a word of somebody else's, which it would show."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"{number} was never issued, but the file that proves it would show a word of somebody else's; an officer "
            "may have it, asking with `disclosing`; or ask again when the ledger has grown",
            f"{number} 从未开具，但证明文件会显示他人的一个状态字；税务人员可用 disclosing 索取，或待账本增长后再试",
        )
        self.number = number


class NotWitnessed(ServiceError):
    """Evidence with `needed` witnesses' signatures was asked for, and no block since its last change has them."""

    def __init__(self, number: str, needed: int) -> None:
        super().__init__(
            f"no block since the last change of {number} has the signatures of {needed} witnesses; ask again in a "
            "moment, or with witnessed=preferred",
            f"{number} 最近一次变更之后的区块尚无 {needed} 个见证方签名，请稍后重试，或使用 witnessed=preferred",
        )
        self.number = number
        self.needed = needed


class HistoryDiffers(ServiceError):
    """A witness signed `block_hash` at `height`, where this chain has `own_hash`, or ended (None). Hashes in hex."""

    def __init__(self, height: int, block_hash: str, own_hash: str | None) -> None:
        ours = f"has {own_hash} there" if own_hash is not None else "ends below it"
        ours_zh = f"该高度为 {own_hash}" if own_hash is not None else "尚未到达该高度"
        super().__init__(
            f"a witness signed block {height} as {block_hash}, but this chain {ours}: there are two histories, or the "
            "chain was taken back; the note is kept",
            f"见证方签署的区块 {height} 为 {block_hash}，而本链{ours_zh}：存在两份历史或链被回退，该检查点已留存",
        )
        self.height = height
        self.block_hash = block_hash
        self.own_hash = own_hash


class NotReady(ServiceError):
    """The installation cannot be used as it is; the message says what to do."""

    def __init__(self, message: str, message_zh: str = "账本尚不可用") -> None:
        super().__init__(message, message_zh)


_NAMED_MAX = 5  # invoices an error names one by one


def _few(numbers: list[str]) -> str:
    more = len(numbers) - _NAMED_MAX
    return ", ".join(numbers[:_NAMED_MAX]) + (f" (+{more})" if more > 0 else "")
