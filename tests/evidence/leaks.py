"""Looking for other invoices in an evidence file: in its text, and at every bit of every blob inside it.

Numbers, amounts and party ids are packed into words at bit offsets that no byte search finds, so blobs are read as
windows of the field's width at every bit. Party ids are too small to search for (the id 25 is a run of zeros and a
few bits): a party is found by its identity hash, address, name and tax id, by the code and party at the top of a
signed word, and by whole state words, which hold three party ids each.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ledger.domain.blocks import ChainBlock, InvoiceWritten
from verifier.operations import INVOICE_CODES, Code, numbers_written

NUMBER_BITS = 80
AMOUNT_BITS = 48
AMOUNT_MASK = (1 << AMOUNT_BITS) - 1
CLAIM_BITS = 128
ADDRESS_BITS = 160
WORD_BITS = 256
ACTED_BITS = 40  # code and subject at the top of `what`
AMOUNT_FEN_MIN = 10**10  # smaller ones would be found in random hex digits


@dataclass
class Traces:
    """What betrays an invoice: numbers by width in bits, and texts."""

    values: dict[int, set[int]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    acted: set[int] = field(default_factory=set)  # code and subject, looked for at whole bytes only

    def add(self, bits: int, *values: int) -> None:
        self.values.setdefault(bits, set()).update(value for value in values if value)

    def without(self, other: Traces) -> Traces:
        """What is in these and not in `other`."""
        return Traces(
            {bits: values - other.values.get(bits, set()) for bits, values in self.values.items()},
            self.texts - other.texts,
            self.acted - other.acted,
        )

    def __len__(self) -> int:
        return sum(map(len, self.values.values())) + len(self.texts) + len(self.acted)


def traces_of(blocks: Iterable[ChainBlock], target: int) -> tuple[Traces, Traces]:
    """(of the target, of all other invoices): operations, states, heads, signatures, digests, hashes.

    A red's operation is of the red and of its blue; the state that it leaves the other of the two in is not.
    """
    own, others = Traces(), Traces()
    for block in blocks:
        for group in block.groups:
            operations = group.signed.group.operations
            touched = any(target in numbers_written(op) for op in operations)
            signed = own if touched else others
            signed.add(WORD_BITS, group.signed.r, group.signed.s, int.from_bytes(group.digest, "big"))
            for op in operations:
                of = own if target in numbers_written(op) else others
                what, terms, who, ref = op.words()
                of.add(WORD_BITS, what, terms, int.from_bytes(who, "big"), int.from_bytes(ref, "big"))
                of.acted.add(what >> WORD_BITS - ACTED_BITS)
                # the hashes of its group's other operations are what the signature needs
                signed.add(WORD_BITS, int.from_bytes(op.hash(), "big"))
                for number in numbers_written(op):
                    of.add(NUMBER_BITS, number)
                    of.texts.add(f"{number:020d}")
                if op.code in (Code.ISSUE, Code.OPEN_SLIP, Code.ISSUE_RED, Code.REGISTER_OUTSIDE):
                    gross_fen, tax_fen = op.terms & AMOUNT_MASK, op.terms >> AMOUNT_BITS & AMOUNT_MASK
                    for fen in (gross_fen, gross_fen - tax_fen):
                        if fen >= AMOUNT_FEN_MIN:
                            of.add(AMOUNT_BITS, fen)
                            of.texts.add(str(fen))
                if op.code in (Code.LOCK, Code.UNLOCK, Code.SETTLE):
                    of.add(CLAIM_BITS, op.terms)
                if op.code == Code.REGISTER_OUTSIDE:
                    of.add(CLAIM_BITS, op.terms >> 2 * AMOUNT_BITS)
            for event in group.events:
                if isinstance(event, InvoiceWritten):
                    of = own if event.number == target else others
                    of.add(WORD_BITS, event.state, int.from_bytes(event.head, "big"))
    return own, others


def found(evidence: bytes, traces: Traces) -> list[str]:
    """Every trace that occurs in the file."""
    text = evidence.decode()
    blobs = [evidence, *blobs_of(json.loads(evidence))]
    hits = [f"text {one}" for one in traces.texts if one in text or any(one.encode() in blob for blob in blobs)]
    for bits, values in traces.values.items():
        for blob in blobs:
            hits += [f"{bits} bits {value:x}" for value in values & windows(blob, bits)]
    # only codes of invoice operations: those of the register are small, and 01 00 00 00 02 stands in many an own word
    acted = {value for value in traces.acted if value >> 32 in INVOICE_CODES}
    for blob in blobs:
        at_bytes = {int.from_bytes(blob[at : at + 5], "big") for at in range(len(blob) - 4)}
        hits += [f"code and party {value:x}" for value in acted & at_bytes]
    return hits


def windows(blob: bytes, bits: int) -> set[int]:
    """Every run of `bits` bits of the blob, at every bit offset."""
    size = bits // 8 + 1
    mask = (1 << bits) - 1
    if len(blob) * 8 < bits:
        return set()
    padded = blob + b"\0"
    seen = set()
    for at in range(len(blob) - bits // 8 + 1):
        chunk = int.from_bytes(padded[at : at + size], "big")
        for shift in range(8, 0, -1) if at < len(blob) - bits // 8 else (8,):
            seen.add(chunk >> shift & mask)
    return seen


def blobs_of(value: object) -> Iterator[bytes]:
    """Every string of a JSON value read as hex and as base64, and every integer as bytes."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from blobs_of(key)
            yield from blobs_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from blobs_of(one)
    elif isinstance(value, str):
        with contextlib.suppress(ValueError):
            yield bytes.fromhex(value)
        with contextlib.suppress(binascii.Error, ValueError):
            yield base64.b64decode(value, validate=True)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield abs(value).to_bytes(max(1, (value.bit_length() + 7) // 8), "big")  # a red document has negative ones
