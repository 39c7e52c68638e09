"""Receipts held against the chain: did the operator put there what it signed to have accepted?

A receipt is believed for its signature alone, which a sealer of the trust file must have made. Whether its group was
sequenced is read from the word `spent` of its digest, proven below a header that such a sealer sealed: so both sides of
a conviction are the operator's own signatures. A malformed group leaves no word; blocks of the time between acceptance
and deadline are then looked through for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from ledger.chain import ChainError, ChainReader
from ledger.domain.blocks import Outcome, SequencedGroup
from ledger.domain.groups import ChainDomain
from ledger.evidence.errors import ReceiptInvalidError, ReceiptUncheckedError, ReceiptUnreadableError
from verifier.bundle import Proof, proof_nodes
from verifier.canonical import Json, check_depth
from verifier.chain_checks import check_account, check_ledger, check_seal
from verifier.errors import CanonicalError, CheckError, EvidenceError, ShapeError
from verifier.examination import ChainExamination
from verifier.hashing import HASH_SIZE, keccak256
from verifier.header import SealedHeader, parse_header
from verifier.reasons import Reason
from verifier.shape import hexed, text
from verifier.signatures import address_of, is_signed, load_public_key, recovery_bit
from verifier.trust import Trust
from verifier.words import Table, storage_key

RECEIPT_TAG: Final = b"einvoice receipt"
RECEIPT_FILE_SIZE_MAX: Final = 1 << 20  # bytes; a refused claim names each of its invoices, a few hundred bytes each
BLOCKS_SEARCHED_MAX: Final = 1_000_000  # a block every 0.1 s for as long as a group may be valid, 86,400 s
CLOCKS_APART_MAX_S: Final = 60  # the newest block's clock may be ahead of the one that dated the receipt
SIGNATURE_SIZE: Final = 65
RECOVERY_OFFSET: Final = 27
RECEIPT_FIELDS: Final = ("digest", "accepted_at", "by", "signature")
MALFORMED_FILE_ZH: Final = "不是受理回执文件，或字段格式有误"
TIME_WANTED: Final = "no time such as 2026-09-11T08:00:00Z"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

Moved = Callable[[int, int], None]
"""Told (done, of) while blocks are looked through."""


class Answer(StrEnum):
    """What became of what a receipt promises. `waiting`: no block is past the deadline yet; `broken`: one is."""

    APPLIED = "applied"
    REFUSED = "refused"
    MALFORMED = "malformed"
    WAITING = "waiting"
    BROKEN = "broken"


@dataclass(frozen=True)
class SignedReceipt:
    """A receipt as read: 32-byte digest, times in seconds since 1970 UTC, signature of 65 bytes (r, s, v)."""

    digest: bytes
    accepted_at_s: int
    by_s: int
    signature: bytes


@dataclass(frozen=True)
class ReceiptReport:
    """The answer as of block `block` of time `block_time_s`; `sealer` (20 bytes) signed the receipt.

    Of a malformed group: `found_in` is its block, `signer` the address its signature there is of (empty: nobody's).
    """

    answer: Answer
    sealer: bytes
    block: int
    block_time_s: int
    found_in: int | None = None
    signer: bytes = b""


@dataclass(frozen=True)
class _ProvenFile:
    """What the verifier's steps on ledger, seal and accounts look at."""

    chain_id: int
    contracts: tuple[bytes, ...]
    genesis: bytes
    proof: Proof
    checkpoint: str | None = None
    witnesses: tuple[str, ...] = ()


def receipt_message(separator: bytes, digest: bytes, accepted_at_s: int, by_s: int) -> bytes:
    """The 32 bytes that a receipt's signature is over; `separator` is of the first contract's domain."""
    times = accepted_at_s.to_bytes(8, "big") + by_s.to_bytes(8, "big")
    return keccak256(RECEIPT_TAG + separator + digest + times)


def read_receipt(data: bytes) -> SignedReceipt:
    """The receipt in a file: a write's JSON answer as it came (also a refusal), or its `receipt` alone.

    Raises: ReceiptUnreadableError naming the field; ReceiptInvalidError when the answer is of another digest.
    """
    if len(data) > RECEIPT_FILE_SIZE_MAX:
        raise ReceiptUnreadableError(f"more than {RECEIPT_FILE_SIZE_MAX} bytes: no receipt", "文件过大，不是受理回执")
    value = _object_of(data)
    at = "receipt." if "receipt" in value else ""
    found = value["receipt"] if at else value
    if not isinstance(found, dict):
        raise ReceiptUnreadableError("receipt: no object; give the answer as it came", MALFORMED_FILE_ZH)
    for name in RECEIPT_FIELDS:
        if name not in found:
            raise ReceiptUnreadableError(f"{at}{name}: missing", MALFORMED_FILE_ZH)
    for name in found:
        if name not in RECEIPT_FIELDS:
            raise ReceiptUnreadableError(f"{at}{ascii(name)[1:-1][:40]}: no field of a receipt", MALFORMED_FILE_ZH)
    try:
        receipt = SignedReceipt(
            digest=hexed(found["digest"], HASH_SIZE, f"{at}digest"),
            accepted_at_s=_seconds(found["accepted_at"], f"{at}accepted_at"),
            by_s=_seconds(found["by"], f"{at}by"),
            signature=hexed(found["signature"], SIGNATURE_SIZE, f"{at}signature"),
        )
        if at and "digest" in value and hexed(value["digest"], HASH_SIZE, "digest") != receipt.digest:
            raise ReceiptInvalidError("digest: the answer is of another operation than its receipt", "回执与应答不符")
    except ShapeError as err:
        raise ReceiptUnreadableError(err.at, MALFORMED_FILE_ZH) from err
    return receipt


def sealer_of_receipt(receipt: SignedReceipt, trust: Trust) -> bytes:
    """20-byte address of the trusted sealer who signed it. Raises: ReceiptInvalidError when none did."""
    separator = ChainDomain(trust.chain_id, trust.contracts[0].address).separator
    message = receipt_message(separator, receipt.digest, receipt.accepted_at_s, receipt.by_s)
    r, s = (int.from_bytes(receipt.signature[at : at + 32], "big") for at in (0, 32))
    for sealer in trust.sealers:
        key = load_public_key(sealer)
        if (
            is_signed(key, message, r, s)
            and recovery_bit(key, message, r, s) == receipt.signature[64] - RECOVERY_OFFSET
        ):
            return address_of(sealer)
    raise ReceiptInvalidError(
        "signature: not this operator's over digest, accepted_at and by; altered, or of another ledger",
        "签名不是该运营方对此回执的签名：内容被改动，或属于另一账本",
    )


def check_receipt(
    receipt: SignedReceipt, trust: Trust, reader: ChainReader, moved: Moved = lambda _done, _of: None
) -> ReceiptReport:
    """What the chain says of a receipt, as of its newest block.

    Raises: ReceiptInvalidError when no sealer of `trust` signed it; ReceiptUncheckedError when the chain cannot be
    read, is another ledger's, or proves nothing under `trust`.
    """
    sealer = sealer_of_receipt(receipt, trust)
    try:
        header, word = _proven(receipt.digest, trust, reader)
        if word in (1, 2):
            answer = Answer.APPLIED if word == 1 else Answer.REFUSED
            return ReceiptReport(answer, sealer, header.number, header.time_s)
        if word:
            raise ReceiptUncheckedError(f"the chain holds {word} as the word of this digest: no answer of the contract")
        found = _malformed(receipt, reader, header.number, moved)
    except ChainError as err:
        raise ReceiptUncheckedError(f"the chain cannot be read: {err}") from err
    except EvidenceError as err:
        raise ReceiptUncheckedError(f"what the chain showed proves nothing under this trust file: {err}") from err
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as err:
        # a stranger's node may answer anything; whatever cannot be taken apart is no answer
        raise ReceiptUncheckedError(f"the chain's answer cannot be read: {type(err).__name__}") from err
    if found is not None:
        number, group = found
        return ReceiptReport(Answer.MALFORMED, sealer, header.number, header.time_s, number, group.signer)
    answer = Answer.BROKEN if header.time_s > receipt.by_s else Answer.WAITING
    return ReceiptReport(answer, sealer, header.number, header.time_s)


def _proven(digest: bytes, trust: Trust, reader: ChainReader) -> tuple[SealedHeader, int]:
    """The newest block's header and the word `spent` of the digest there, both proven. Raises: EvidenceError."""
    key = storage_key(Table.SPENT, int.from_bytes(digest, "big") >> 8)
    identity = reader.identity
    proof = reader.proof([key])
    nodes = Proof(proof.header_rlp, proof_nodes(proof.account_nodes), proof_nodes(proof.storage_nodes))
    run = ChainExamination(_ProvenFile(identity.chain_id, proof.contracts, identity.genesis_hash, nodes), trust)
    check_ledger(run)
    check_seal(run)
    check_account(run)
    assert run.header is not None, "check_seal sets it"
    assert run.words is not None, "check_account sets it"
    return run.header, run.words.word(key)


def _malformed(
    receipt: SignedReceipt, reader: ChainReader, newest: int, moved: Moved
) -> tuple[int, SequencedGroup] | None:
    """The block up to the deadline that holds the group as malformed, and the group as it stands there."""
    first = _first_since(reader, receipt.accepted_at_s - CLOCKS_APART_MAX_S, newest)
    last = _first_since(reader, receipt.by_s + 1, newest) - 1
    if last - first >= BLOCKS_SEARCHED_MAX:
        raise ReceiptUncheckedError(f"{last - first + 1} blocks to look through; at most {BLOCKS_SEARCHED_MAX}")
    for number in range(first, last + 1):
        for group in reader.block(number).groups:
            if group.digest == receipt.digest:
                if group.outcome is not Outcome.MALFORMED:
                    raise ReceiptUncheckedError(f"block {number} shows the group, the newest block's state does not")
                return number, group
        moved(number - first + 1, last - first + 1)
    return None


def _first_since(reader: ChainReader, time_s: int, newest: int) -> int:
    """Number of the first block of at least that time, one after the newest when there is none."""
    low, high = 0, newest + 1
    while low < high:
        middle = (low + high) // 2
        header = parse_header(reader.header_rlp(middle))
        if header.number != middle:
            raise CheckError(Reason.HEADER_MALFORMED, f"block {middle} is shown as {header.number}")
        low, high = (low, middle) if header.time_s >= time_s else (middle + 1, high)
    return low


def _object_of(data: bytes) -> dict[str, Json]:
    """The JSON object that a file holds, no key twice. Raises: ReceiptUnreadableError."""
    try:
        content = data.decode("utf-8-sig")
        check_depth(content)
        value: Json = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, CanonicalError) as err:
        raise ReceiptUnreadableError(
            "the file is no JSON; give a write's answer as it came", MALFORMED_FILE_ZH
        ) from err
    if not isinstance(value, dict):
        raise ReceiptUnreadableError("the file: no object; give a write's answer as it came", MALFORMED_FILE_ZH)
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ReceiptUnreadableError("the file names a field twice; give the answer as it came", MALFORMED_FILE_ZH)
    return value


def _seconds(value: Json, at: str) -> int:
    """Seconds since 1970 of a time as the API writes it. Raises: ReceiptUnreadableError, ShapeError."""
    written = text(value, 20, at)
    if not _TIME.fullmatch(written):
        raise ReceiptUnreadableError(f"{at}: {TIME_WANTED}", MALFORMED_FILE_ZH)
    try:
        seconds = int(datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError as err:
        raise ReceiptUnreadableError(f"{at}: {TIME_WANTED}", MALFORMED_FILE_ZH) from err
    if seconds < 0:
        raise ReceiptUnreadableError(f"{at}: before 1970", MALFORMED_FILE_ZH)
    return seconds
