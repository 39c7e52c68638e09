"""Reason codes of a report: why a step is not valid. A code never changes meaning (docs/EVIDENCE.md)."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """One code, as it stands in a report; `TEXTS` holds its words."""

    OK = "ok"
    FILE_UNREADABLE = "file_unreadable"
    FILE_TOO_LARGE = "file_too_large"
    PDF_FILE = "pdf_file"
    NOT_CANONICAL = "not_canonical"
    NOT_EVIDENCE = "not_evidence"
    UNKNOWN_VERSION = "unknown_version"
    TRUST_MISSING = "trust_missing"
    TRUST_UNREADABLE = "trust_unreadable"
    OTHER_LEDGER = "other_ledger"
    TRUST_OUTDATED = "trust_outdated"
    HEADER_MALFORMED = "header_malformed"
    SEAL_INVALID = "seal_invalid"
    CHECKPOINT_DIFFERS = "checkpoint_differs"
    WITNESS_SIGNATURE_INVALID = "witness_signature_invalid"
    WITNESS_SURPLUS = "witness_surplus"
    WITNESS_UNKNOWN = "witness_unknown"
    WITNESSES_MISSING = "witnesses_missing"
    PROOF_MALFORMED = "proof_malformed"
    PROOF_INCOMPLETE = "proof_incomplete"
    PROOF_SURPLUS = "proof_surplus"
    ACCOUNT_ABSENT = "account_absent"
    CODE_DIFFERS = "code_differs"
    SUCCESSION_DIFFERS = "succession_differs"
    CONTRACT_SUCCEEDED = "contract_succeeded"
    INVOICE_ABSENT = "invoice_absent"
    INVOICE_PRESENT = "invoice_present"
    INVOICE_SETTLED = "invoice_settled"
    PARTIES_DIFFER = "parties_differ"
    IDENTITY_DIFFERS = "identity_differs"
    CERTIFICATE_MALFORMED = "certificate_malformed"
    CERTIFICATE_UNSUPPORTED = "certificate_unsupported"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_NOT_FOR_SIGNING = "certificate_not_for_signing"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_OF_ANOTHER = "certificate_of_another"
    CERTIFICATE_UNUSED = "certificate_unused"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_UNREGISTERED = "certificate_unregistered"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNATURE_NOT_CANONICAL = "signature_not_canonical"
    GROUP_EXPIRED = "group_expired"
    HEAD_DIFFERS = "head_differs"
    STATE_DIFFERS = "state_differs"
    TIME_ORDER = "time_order"
    CONTRACT_ORDER = "contract_order"
    OPERATION_UNKNOWN = "operation_unknown"
    OPERATION_OF_ANOTHER = "operation_of_another"
    VERSION_BROKEN = "version_broken"
    RULE_BROKEN = "rule_broken"
    TRANSITION_DIFFERS = "transition_differs"
    DOCUMENT_MALFORMED = "document_malformed"
    COMMITMENT_DIFFERS = "commitment_differs"
    FIELD_MISSING = "field_missing"
    FIELD_DIFFERS = "field_differs"
    DOCUMENT_ERASED = "document_erased"
    ERASURE_INVALID = "erasure_invalid"
    ERASURE_OF_ANOTHER = "erasure_of_another"
    ERASURE_TOO_EARLY = "erasure_too_early"
    TOO_OLD = "too_old"
    EARLIER_STEP = "earlier_step"
    INTERNAL_FAULT = "internal_fault"


TEXTS: dict[Reason, tuple[str, str]] = {
    Reason.OK: ("核对一致", "everything compared agrees"),
    Reason.FILE_UNREADABLE: ("文件无法读取", "the file cannot be read"),
    Reason.FILE_TOO_LARGE: ("文件超出大小上限", "the file is larger than the limit"),
    Reason.PDF_FILE: (
        "这是 PDF：请用 einvoice verify 单独核验，或在 PDF 阅读器中另存其附件 evidence.json 后核验该附件",
        "this is a PDF: check it alone with `einvoice verify`, or save its attachment evidence.json and check that",
    ),
    Reason.NOT_CANONICAL: (
        "不是规范 JSON：文件损坏、被截断，或不是证据包",
        "no canonical JSON: damaged, cut short, or no evidence file",
    ),
    Reason.NOT_EVIDENCE: ("字段与证据包格式不符", "the fields are not those of an evidence file"),
    Reason.UNKNOWN_VERSION: (
        "证据包版本未知，请使用更新的验证程序",
        "unknown format version: use a newer verifier",
    ),
    Reason.TRUST_MISSING: ("没有信任文件，请用 --trust 指定", "no trust file: name one with --trust"),
    Reason.TRUST_UNREADABLE: (
        "信任文件无法使用，请向税务局重新获取",
        "the trust file cannot be used: obtain it again from the authority",
    ),
    Reason.OTHER_LEDGER: (
        "证据属于另一账本，此信任文件不适用",
        "evidence of another ledger: this trust file says nothing about it",
    ),
    Reason.TRUST_OUTDATED: (
        "证据所列合约多于信任文件，请向税务局取得新的信任文件",
        "a contract has carried the ledger since this trust file: obtain a newer one from the authority",
    ),
    Reason.HEADER_MALFORMED: ("区块头格式错误", "the block header is malformed"),
    Reason.SEAL_INVALID: ("区块头不是由受信任的出块人签封", "no trusted sealer sealed the block header"),
    Reason.CHECKPOINT_DIFFERS: ("检查点不是该区块的", "the checkpoint is not that of the block header"),
    Reason.WITNESS_SIGNATURE_INVALID: ("见证人签名无效", "a witness's signature is not that witness's"),
    Reason.WITNESS_SURPLUS: (
        "见证人签名重复或排序错误",
        "a witness's line stands there twice or out of order",
    ),
    Reason.WITNESS_UNKNOWN: (
        "含有信任文件未列的见证人签名，请向税务局索取新的信任文件",
        "a witness's line is of a key that the trust file lacks: obtain a newer trust file",
    ),
    Reason.WITNESSES_MISSING: (
        "见证人签名数量不足，请索取见证后的证据包",
        "fewer witnesses signed than the trust file asks for: ask for the file again once they have",
    ),
    Reason.PROOF_MALFORMED: ("证明节点格式错误", "a proof node is malformed"),
    Reason.PROOF_INCOMPLETE: ("证明缺少节点", "the proof lacks a node"),
    Reason.PROOF_SURPLUS: ("证明含有多余节点", "the proof holds a node that nothing needs"),
    Reason.ACCOUNT_ABSENT: ("该区块中没有此合约", "the contract does not exist in that block"),
    Reason.CODE_DIFFERS: ("合约代码与信任文件不一致", "the contract's code is not the trusted one"),
    Reason.SUCCESSION_DIFFERS: (
        "所列合约没有依次接替",
        "a contract did not hand over to the next one listed",
    ),
    Reason.CONTRACT_SUCCEEDED: (
        "该区块中已有其他合约接替",
        "another contract had succeeded the last one listed by that block",
    ),
    Reason.INVOICE_ABSENT: ("该区块中没有此发票", "the invoice does not exist in that block"),
    Reason.INVOICE_PRESENT: (
        "声明称该号码从未开具，但该区块中已有此发票",
        "the statement says never issued, but the ledger holds the number in that block",
    ),
    Reason.INVOICE_SETTLED: (
        "声明称该发票未核销，但该区块中已核销",
        "the statement says not settled, but the invoice is settled in that block",
    ),
    Reason.PARTIES_DIFFER: (
        "所列当事方与历史涉及的当事方不一致",
        "the parties listed are not those of the history",
    ),
    Reason.IDENTITY_DIFFERS: (
        "当事方身份与合约中登记的不一致",
        "a party's identity is not the one the contract holds",
    ),
    Reason.CERTIFICATE_MALFORMED: ("证书格式错误", "a certificate is malformed"),
    Reason.CERTIFICATE_UNSUPPORTED: (
        "证书使用了不支持的算法或关键扩展",
        "a certificate uses an algorithm or critical extension that is not supported",
    ),
    Reason.CERTIFICATE_UNTRUSTED: (
        "证书不是由税务局根证书签发",
        "a certificate does not chain to the authority's root",
    ),
    Reason.CERTIFICATE_NOT_FOR_SIGNING: ("证书不可用于数字签名", "a certificate is not for digital signatures"),
    Reason.CERTIFICATE_EXPIRED: ("操作时证书不在有效期内", "a certificate was not valid at the operation's time"),
    Reason.CERTIFICATE_OF_ANOTHER: ("证书属于另一当事方", "a certificate belongs to another party"),
    Reason.CERTIFICATE_UNUSED: ("含有多余或排序错误的证书", "a certificate is not needed or out of order"),
    Reason.CERTIFICATE_UNREGISTERED: (
        "合约中没有登记该证书",
        "a signer's certificate was never given to a party on chain",
    ),
    Reason.CERTIFICATE_REVOKED: (
        "操作时证书已被吊销",
        "a certificate had been revoked by the operation's time",
    ),
    Reason.SIGNATURE_INVALID: ("操作签名无效", "an operation's signature is not the signer's"),
    Reason.SIGNATURE_NOT_CANONICAL: (
        "操作签名不是唯一的规范形式",
        "an operation's signature is not in its one canonical form",
    ),
    Reason.GROUP_EXPIRED: ("操作时签名已过有效期", "a signed group was not current at its block's time"),
    Reason.HEAD_DIFFERS: ("历史与链上哈希头不一致", "the history does not lead to the head word on chain"),
    Reason.STATE_DIFFERS: (
        "最后状态与链上状态不一致",
        "the history's last state is not the state word on chain",
    ),
    Reason.TIME_ORDER: ("时间先后颠倒", "times run backwards"),
    Reason.CONTRACT_ORDER: (
        "操作所属合约的先后颠倒",
        "an operation is of an earlier contract than the one before it",
    ),
    Reason.OPERATION_UNKNOWN: (
        "操作代码不属于发票操作",
        "an operation's code is not one that writes an invoice",
    ),
    Reason.OPERATION_OF_ANOTHER: ("操作属于另一张发票", "an operation is of another invoice"),
    Reason.VERSION_BROKEN: ("版本号不连续", "versions do not rise by one"),
    Reason.RULE_BROKEN: ("操作违反业务规则", "an operation breaks a rule of the ledger"),
    Reason.TRANSITION_DIFFERS: (
        "操作推导的状态与记录不一致",
        "a recorded state is not what its operation leads to",
    ),
    Reason.DOCUMENT_MALFORMED: ("发票内容不构成一份文件", "the fields do not form a document"),
    Reason.COMMITMENT_DIFFERS: ("发票内容与链上承诺不一致", "the document is not the one committed to on chain"),
    Reason.FIELD_MISSING: ("完整文件缺少必要字段", "a whole document lacks a required field"),
    Reason.FIELD_DIFFERS: ("发票字段与链上记录不一致", "a document field disagrees with the chain"),
    Reason.DOCUMENT_ERASED: (
        "税务局签名声明票面信息已删除：未出示票面内容，仅核对了链上记录",
        "the authority signed that it erased the document: no content is shown, only what the chain says was checked",
    ),
    Reason.ERASURE_INVALID: ("删除声明不是由税务局签名", "the authority did not sign this erasure"),
    Reason.ERASURE_OF_ANOTHER: ("删除声明属于另一张发票", "the erasure is of another invoice"),
    Reason.ERASURE_TOO_EARLY: (
        "删除声明早于该票面信息上链，不能说明其已删除",
        "the erasure is older than the document, so it does not say that this one was erased",
    ),
    Reason.TOO_OLD: (
        "证据包早于要求的时间，当时有效，请索取新的证据包",
        "older than asked for: it says what was so at its block, ask for a fresh file",
    ),
    Reason.EARLIER_STEP: ("前面的步骤未通过，无法核对", "not checked: it needs an earlier step that did not pass"),
    Reason.INTERNAL_FAULT: (
        "验证程序内部错误，请报告",
        "a fault of the verifier itself: please report it",
    ),
}


def reason_text(reason: Reason, lang: str) -> str:
    """Words of `reason` in "zh" or "en"."""
    zh, en = TEXTS[reason]
    return zh if lang == "zh" else en
