"""What the service answers instead of a result. The API turns each class into one problem type.

ServiceError
├── InvalidRequest        the request cannot be read; names every field and what to do
├── NotAuthenticated      no credential, or none that is known
│   ├── KeyExpired        an API key whose time is over, said to whoever has its secret
│   └── ChallengeRefused  a challenge was signed, but not by the key that counts as its party's
├── SignInFailed          name or password is wrong; which of them is not told
├── TooManyAttempts       wrong passwords or tokens: wait, then try again
├── InvitationInvalid     unknown, accepted, replaced or over its time; which is not told
├── ProviderFailed        a company's sign-in provider does not answer, or its answer does not hold
├── ProviderRefused       a sign-in through a provider is not taken: another browser's, over, of nobody here
├── NotPermitted          known, but not allowed to do this
│   └── ScopeMissing      the party may, but this credential is not for it
├── ChallengeEnded        a challenge to sign in was answered before, or its time is over
├── NotFound              no such thing, or none the caller may know of
├── Erased                the invoice is on the chain, what was kept of it was erased
├── ErasureWaits          an invoice cannot be erased while a write waits that brings a document of it
├── IdempotencyConflict   the key was used for another request
├── QueueFull             too many of this party's groups wait
├── Busy                  the write queue is full or the database cannot be reached; nothing was stored
├── NumbersExhausted      the seller's segment holds no free number
├── ApprovalMissing       finance settles lines that the company wants approved first, and nobody did
├── ProposalConflict      the same is proposed already, or the proposal is not open any more
├── NotBooked             a claim whose archive is asked for is not settled and booked as a whole
├── StatementFalse        a statement is asked for that the ledger contradicts
├── StatementDiscloses    a statement would show somebody else's word besides what it says
├── NotWitnessed          evidence was asked for with witnesses' signatures, and too few have signed yet
├── HistoryDiffers        a witness signed a block that this chain does not have
├── NoSigningKey          the party keeps its key itself; the server cannot sign for it
├── SignatureNeeded       the write waits, as a draft, for the signature of its party
├── DraftExpired          the time to sign a draft has passed
├── DraftStale            what a draft changes has changed since
├── DraftsFull            as many drafts as a party may have wait for its signature
├── TooManyRequests       as many requests for enrolment as may wait for an officer
└── NotReady              the installation is missing, foreign or damaged; says what to do
"""

from __future__ import annotations

from datetime import datetime

from ledger.domain.errors import FieldProblem
from ledger.service.nouns import THINGS_ZH


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


class SignInFailed(ServiceError):
    """Nobody has that name and password. One answer for an unknown name, a wrong password and a dismissed officer."""

    def __init__(self) -> None:
        super().__init__(
            "name or password is wrong; try again, or ask for an invitation to choose a new password",
            "登录名或密码错误，请重试，或申请邀请以重设密码",
        )


class TooManyAttempts(ServiceError):
    """Nothing was looked at; the next attempt is in `wait_s` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            f"too many attempts failed; wait {wait_s} s, then try again", f"失败次数过多，请 {wait_s} 秒后再试"
        )
        self.wait_s = wait_s


class InvitationInvalid(ServiceError):
    """There is no such invitation any more."""

    def __init__(self) -> None:
        super().__init__(
            "no such invitation, or it was used, replaced or is over its 72 hours; ask for a new one",
            "邀请不存在、已使用、已被替换或已超过 72 小时，请重新申请",
        )


class ProviderFailed(ServiceError):
    """A company's sign-in provider failed; `reason` says how, for the company's own people to look at."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the company's sign-in provider did not confirm who you are ({reason}); "
            "try again, and tell the company if it stays so",
            f"企业登录服务未能确认您的身份（{reason}），请重试；仍不成功请联系企业管理员",
        )
        self.reason = reason


class ProviderRefused(ServiceError):
    """A sign-in through a provider is not taken; `reason` is one of the keys of PROVIDER_REFUSALS."""

    def __init__(self, reason: str) -> None:
        super().__init__(*PROVIDER_REFUSALS[reason])
        self.reason = reason


PROVIDER_REFUSALS = {
    "lost": (
        "this sign-in did not begin in this browser, was answered before or took over ten minutes; begin again",
        "该登录不是在此浏览器中开始的、已使用过或超过十分钟，请重新开始",
    ),
    "declined": (
        "the company's sign-in provider ended the sign-in without saying who you are; begin again",
        "企业登录服务未确认您的身份即结束登录，请重新开始",
    ),
    "unlinked": (
        "nobody who works for this company has linked this account; sign in with your password, then link it on /me",
        "尚无该企业人员关联此账户，请先用本人密码登录，再在 /me 页面关联",
    ),
    "taken": (
        "this account of the company is linked to somebody else; sign in there as yourself, or ask the company",
        "该企业账户已由他人关联，请以本人身份登录企业账户，或联系企业",
    ),
    "another": (
        "that was another account than the one you signed in with; begin again with your own",
        "这不是您登录时使用的账户，请以本人账户重新确认",
    ),
    "password": (
        "give your password on this page first, then link the account within five minutes",
        "请先在本页输入密码，再于五分钟内关联账户",
    ),
}


class NotPermitted(ServiceError):
    """The caller is known and may not do this."""


class KeyExpired(NotAuthenticated):
    """The key was good until `ended_at` (RFC 3339, UTC)."""

    def __init__(self, ended_at: str) -> None:
        ServiceError.__init__(
            self,
            f"this API key ended at {ended_at}; make a new one, or answer a challenge with your signing key",
            f"该 API 密钥已于 {ended_at} 到期，请创建新密钥，或以签名密钥应答质询",
        )


class ChallengeRefused(NotAuthenticated):
    """The signature is of the key `address` (hex), which is not the party's now, or of another ledger's challenge."""

    def __init__(self, address: str) -> None:
        ServiceError.__init__(
            self,
            f"signed by 0x{address}, which is not the key of that party here and now; sign exactly the typed data that "
            "the challenge came with, with the party's present key",
            f"签名密钥 0x{address} 不是该参与方在本账本的当前密钥，请用其当前密钥对质询的 typed data 原样签名",
        )
        self.address = address


class ChallengeEnded(ServiceError):
    """A challenge counts no more; `state` is expired or answered."""

    def __init__(self, state: str) -> None:
        said, said_zh = {
            "expired": ("its two minutes are over", "已超过两分钟"),
            "answered": ("it was answered before", "已被应答过"),
        }[state]
        super().__init__(
            f"this challenge counts no more: {said}; ask for a new one", f"该质询已失效：{said_zh}，请重新获取"
        )
        self.state = state


class ScopeMissing(NotPermitted):
    """The credential lacks `scope`."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"this API key lacks the scope `{scope}`; use one that has it, or make one",
            f"该 API 密钥缺少权限范围 {scope}，请使用或创建具有该范围的密钥",
        )
        self.scope = scope


class NotFound(ServiceError):
    """No such thing, or none that the caller may know of; the two look the same."""

    def __init__(self, kind: str, ident: str) -> None:
        super().__init__(f"no {kind} {ident} that you may see", f"没有您可查看的{THINGS_ZH.get(kind, kind)} {ident}")
        self.kind = kind
        self.ident = ident


class Erased(ServiceError):
    """What was kept of an invoice was erased on purpose; its history on the chain stands and proves what it proved."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"the document of invoice {number} was erased; its history stays on the chain, evidence of it says so, and "
            "evidence handed out before stays valid",
            f"发票 {number} 的票面信息已依法删除；链上历史保留，其证据注明已删除，此前出具的证据仍然有效",
        )
        self.number = number


class ErasureWaits(ServiceError):
    """The group `digest` (hex) waits to be recorded and brings a document of the invoice: a red, a registration."""

    def __init__(self, number: str, digest: str) -> None:
        super().__init__(
            f"operation {digest} waits to be recorded and brings another document of invoice {number}; nothing was "
            "erased: erase again once it is recorded or has ended, which takes seconds while the ledger runs",
            f"操作 {digest} 正待上链，将带来发票 {number} 的另一份票面信息；尚未删除，请待其上链或失效后重新删除",
        )
        self.number = number
        self.digest = digest


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


class SignatureNeeded(ServiceError):
    """The write is ready and waits for the signature of its party, which keeps its key itself.

    `digest` names the draft, 64 hex digits; it can be signed until `sign_by` (aware UTC).
    """

    def __init__(self, party: int, digest: str, sign_by: datetime) -> None:
        until = sign_by.strftime("%Y-%m-%dT%H:%M:%SZ")
        super().__init__(
            f"party {party} keeps its key itself: sign draft {digest} by {until}; nothing is recorded before",
            f"参与方 {party} 自行保管密钥：请在 {until} 前对草稿 {digest} 签名，签名前不会上链",
        )
        self.party = party
        self.digest = digest
        self.sign_by = sign_by


class DraftExpired(ServiceError):
    """The time to sign a draft has passed, or it was made for a contract that was succeeded; it is gone."""

    def __init__(self, digest: str) -> None:
        super().__init__(
            f"draft {digest} can no longer be signed; nothing was recorded, send the request again",
            f"草稿 {digest} 已失效，未上链任何内容，请重新提交请求",
        )
        self.digest = digest


class DraftStale(ServiceError):
    """What a draft changes has changed since it was made, so that the contract would refuse it; it is gone."""

    def __init__(self, digest: str) -> None:
        super().__init__(
            f"what draft {digest} is about has changed since; nothing was recorded, send the request again",
            f"草稿 {digest} 所涉内容已变更，未上链任何内容，请重新提交请求",
        )
        self.digest = digest


class DraftsFull(ServiceError):
    """The party has as many unsigned drafts as it may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} drafts wait for your signature already; sign some, or wait until they end",
            f"已有 {limit} 份草稿等待您签名，请先签名或等待其失效",
        )
        self.limit = limit


class TooManyRequests(ServiceError):
    """As many requests for enrolment wait, or came from one network, as may; nothing was stored.

    `of` says of what: "all", "network" (in a day) or "tax_id" (from one network).
    """

    def __init__(self, limit: int, of: str = "all") -> None:
        where, where_zh = {
            "all": ("wait", "待办"),
            "network": ("came from your network today", "今日来自您的网络"),
            "tax_id": ("of this tax id wait from your network", "来自您的网络且涉及该税号，待办"),
        }[of]
        super().__init__(
            f"{limit} requests for enrolment {where} already; ask again later or elsewhere, or ask the tax bureau",
            f"已有 {limit} 份登记申请{where_zh}，请稍后再试、换用其他网络或联系税务机关",
        )
        self.of = of
        self.limit = limit


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


class ProposalConflict(ServiceError):
    """A proposal cannot be made or decided on; `state` is how the one named stands."""

    def __init__(self, proposal_id: str, state: str) -> None:
        said, said_zh = _PROPOSAL_STATES[state]
        super().__init__(f"proposal {proposal_id} {said}", f"提议 {proposal_id} {said_zh}")
        self.proposal_id = proposal_id
        self.state = state


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

    def __init__(self, message: str, message_zh: str) -> None:
        super().__init__(message, message_zh)


_PROPOSAL_STATES = {
    "open": (
        "proposes the same already; another officer confirms or refuses it",
        "已就同一事项提出，请由另一名税务人员确认或驳回",
    ),
    "confirmed": ("is confirmed already; `digest` says where it stands", "已被确认，可按 digest 查询其状态"),
    "refused": ("was refused; propose it again if it is still needed", "已被驳回，仍有必要请重新提出"),
    "withdrawn": ("was taken back by its proposer", "已由提议人撤回"),
    "over": ("was decided on or ended meanwhile; read it again", "期间已被处理或已失效，请重新查看"),
    "expired": ("was not confirmed within 72 hours; propose it again", "未在 72 小时内确认，请重新提出"),
    "ended": (
        "ended with its proposer's appointment or district; propose it again yourself",
        "因提议人被解任或辖区变更而失效，请自行重新提出",
    ),
}
_NAMED_MAX = 5  # invoices an error names one by one


def _few(numbers: list[str]) -> str:
    more = len(numbers) - _NAMED_MAX
    return ", ".join(numbers[:_NAMED_MAX]) + (f" (+{more})" if more > 0 else "")
