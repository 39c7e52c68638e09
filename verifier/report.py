"""The verifier's answer: numbered steps, each valid, invalid or could not check, and one verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from verifier.canonical import Json, dumps
from verifier.reasons import Reason, reason_text
from verifier.shape import utc_text

REPORT_FORMAT = "einvoice-report"
REPORT_VERSION = 1

Compared = Mapping[str, str | int]


class Result(StrEnum):
    """Outcome of a step and of a file. An outage or a missing trust file is never `invalid`.

    `ERASED`: the authority erased what this would be checked against; everything else holds.
    """

    VALID = "valid"
    INVALID = "invalid"
    UNCHECKED = "could_not_check"
    ERASED = "erased"


RESULT_WORDS = {
    Result.VALID: ("有效", "valid"),
    Result.INVALID: ("无效", "invalid"),
    Result.UNCHECKED: ("无法核对", "could not check"),
    Result.ERASED: ("已删除", "erased"),
}
EXIT_CODES = {Result.VALID: 0, Result.INVALID: 1, Result.UNCHECKED: 2, Result.ERASED: 5}
"""3 and 4 are what `einvoice verify` says of a PDF's page."""
WORST_FIRST = (Result.INVALID, Result.UNCHECKED, Result.ERASED)
"""Results that outweigh others, in this order: of a file's steps, and of a batch's files."""
ERASED_NOTE = (
    "票面信息已由税务局删除：本文件不能证明任何票面内容（名称、商品、备注等），仅核对了链上记录",
    (
        "the authority erased the document: nothing is proven of what the invoice said (names, goods, notes); only "
        "what the chain says was checked"
    ),
)
STEP_WORDS = {
    "file": ("文件可读、规范", "the file is readable and canonical"),
    "ledger": ("属于受信任的账本", "it is of the trusted ledger"),
    "seal": ("区块头由受信任的出块人签封", "a trusted sealer sealed the block header"),
    "witnesses": ("见证人对该区块的签名", "the witnesses' signatures below the block's checkpoint"),
    "account": ("合约账户、代码与接替关系", "the contracts' accounts, code and succession"),
    "words": ("合约存储中的数据", "the words in the contracts' storage"),
    "certificates": ("签名人证书", "the signers' certificates"),
    "revocations": ("操作时证书未被吊销", "no certificate was revoked before its operation"),
    "signatures": ("每步操作的签名", "the signature of every operation"),
    "history": ("历史完整、依次相连", "the history is complete and in order"),
    "rules": ("每步操作符合规则", "every operation follows the rules"),
    "document": ("发票内容与链上承诺", "the document and its commitment on chain"),
    "fields": ("发票字段与链上记录", "the document's fields and the chain's record"),
    "statement": ("所作声明与合约中的数据相符", "what is stated follows from the contracts' storage"),
    "age": ("不早于要求的时间", "it is not older than asked for"),
}


SAYS_WORDS = {
    "not_issued": ("声明：本账本从未开具或登记该号码", "statement: this ledger never issued or registered the number"),
    "not_settled": ("声明：该发票未核销", "statement: the invoice was not settled"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step: what was compared, and why it is not valid. `at` names the place a check failed."""

    number: int
    name: str
    result: Result
    reason: Reason
    at: str = ""
    compared: Compared = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All steps in order. `number` is the 20-digit invoice number, "" when the file cannot be read; the verdict
    holds as of block `block`, sealed at `block_time_s` (seconds since 1970, UTC), 0 when no header was read. `says` is
    what a statement says of the number, "" for evidence."""

    steps: tuple[Step, ...]
    number: str = ""
    says: str = ""
    block: int = 0
    block_time_s: int = 0

    @property
    def verdict(self) -> Result:
        """Invalid when any step is; else could not check when any could not be; else erased when any is; else valid."""
        if not self.steps:
            return Result.UNCHECKED
        return worst({step.result for step in self.steps})

    @property
    def exit_code(self) -> int:
        """0 valid, 1 invalid, 2 could not check, 5 erased."""
        return EXIT_CODES[self.verdict]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Reasons of the steps that are not valid, in order."""
        return tuple(step.reason for step in self.steps if step.result is not Result.VALID)

    def to_json(self, lang: str = "en") -> bytes:
        """The report as canonical JSON; texts in "zh" or "en", codes the same in both."""
        return dumps(self.to_value(lang))

    def to_value(self, lang: str = "en") -> dict[str, Json]:
        """The report as a JSON value."""
        return {
            "format": REPORT_FORMAT,
            "version": REPORT_VERSION,
            "verdict": self.verdict.value,
            "number": self.number,
            "says": self.says,
            "block": self.block,
            "block_time_s": self.block_time_s,
            "steps": [_step_json(step, lang) for step in self.steps],
        }

    def to_text(self, lang: str = "zh") -> str:
        """The report for people, one line a step and one a comparison."""
        zh = lang == "zh"
        lines = [f"{'发票' if zh else 'invoice'} {self.number or '-'}"]
        if self.says:
            lines.append(words(SAYS_WORDS[self.says], lang))
        for step in self.steps:
            lines.append(f"{step.number:2d}. [{words(RESULT_WORDS[step.result], lang)}] {step_title(step.name, lang)}")
            lines += [f"      {name} = {value}" for name, value in step.compared.items()]
            if step.result is not Result.VALID:
                place = f" ({printable(step.at)})" if step.at else ""
                lines.append(f"      {step.reason.value}: {reason_text(step.reason, lang)}{place}")
        lines.append(f"{'结论' if zh else 'verdict'}: {words(RESULT_WORDS[self.verdict], lang)}")
        if self.verdict is Result.ERASED:
            lines.append(words(ERASED_NOTE, lang))
        if self.block:
            when = utc_text(self.block_time_s)
            lines.append(f"截至区块 {self.block}（{when}）" if zh else f"as of block {self.block} ({when})")
        return "\n".join(map(printable, lines)) + "\n"


def worst(results: set[Result]) -> Result:
    """The result that stands for all of them."""
    return next((result for result in WORST_FIRST if result in results), Result.VALID)


def step_title(name: str, lang: str) -> str:
    """What step `name` checks, in "zh" or "en"."""
    return words(STEP_WORDS[name], lang)


def _step_json(step: Step, lang: str) -> Json:
    return {
        "number": step.number,
        "name": step.name,
        "title": step_title(step.name, lang),
        "result": step.result.value,
        "reason": step.reason.value,
        "text": reason_text(step.reason, lang),
        "at": step.at.encode("utf-8", "replace").decode(),
        "compared": dict(step.compared),
    }


def words(pair: tuple[str, str], lang: str) -> str:
    """The Chinese of a (Chinese, English) pair for "zh", else the English."""
    zh, en = pair
    return zh if lang == "zh" else en


def printable(line: str) -> str:
    """`line` with what could steer a terminal shown as escapes: parts of it come from the file."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
