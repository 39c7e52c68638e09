"""Conviction: two headers of one height under one sealer's seal, in a file that anybody checks offline.

A sealer who follows the rules seals one block of a height. Two of them with one parent are two histories of one chain,
and nobody without the sealer's key can make them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.witness.errors import ConvictionError
from ledger.witness.headers import HEADER_SIZE_MAX, HeaderRefusedError, Seen, check_seal, read_header
from verifier.canonical import Json, dumps, loads
from verifier.errors import CanonicalError, CheckError, ShapeError
from verifier.shape import base64_of, based, fields, hexed, integer
from verifier.signatures import address_of
from verifier.trust import Trust

CONVICTION_FORMAT: Final = "einvoice-conviction"
CONVICTION_VERSION: Final = 1
CONVICTION_SIZE_MAX: Final = 16_384  # bytes; two headers in base64 take at most 11,000
_FIELDS: Final = ("format", "version", "chain_id", "genesis", "witnessed", "shown")


@dataclass(frozen=True, slots=True)
class Conviction:
    """What the file proves: `sealer` (20-byte address) sealed two blocks of `height`.

    `is_joined`: both have the same parent, so they are two histories of one chain and not blocks of two chains under
    one key.
    """

    height: int
    sealer: bytes
    witnessed_hash: bytes
    shown_hash: bytes
    is_joined: bool


def conviction_bytes(trust: Trust, witnessed: bytes, shown: bytes) -> bytes:
    """The file: canonical JSON of the ledger's identity and both headers, the one witnessed first."""
    value: dict[str, Json] = {
        "format": CONVICTION_FORMAT,
        "version": CONVICTION_VERSION,
        "chain_id": trust.chain_id,
        "genesis": trust.genesis.hex(),
        "witnessed": base64_of(witnessed),
        "shown": base64_of(shown),
    }
    return dumps(value)


def check_conviction(data: bytes, trust: Trust) -> Conviction:
    """What a conviction file proves against a sealer of `trust`; needs nothing else, and no network.

    Raises: ConvictionError when it proves nothing.
    """
    try:
        found = fields(loads(data, CONVICTION_SIZE_MAX), _FIELDS, "")
        if found["format"] != CONVICTION_FORMAT or found["version"] != CONVICTION_VERSION:
            raise ConvictionError("not a conviction file of version 1")
        chain_id, genesis = integer(found["chain_id"], "chain_id"), hexed(found["genesis"], 32, "genesis")
        witnessed, shown = (_header(found[name], name) for name in ("witnessed", "shown"))
    except (CanonicalError, ShapeError) as err:
        raise ConvictionError(f"not a conviction file: {err}") from err
    if (chain_id, genesis) != (trust.chain_id, trust.genesis):
        raise ConvictionError("it is about another ledger than the trust file")
    if witnessed.number != shown.number:
        raise ConvictionError(f"the headers are of two heights, {witnessed.number} and {shown.number}")
    if witnessed.hash == shown.hash:
        raise ConvictionError("both headers are the same")
    try:
        sealers = [check_seal(one, trust) for one in (witnessed, shown)]
    except HeaderRefusedError as err:
        raise ConvictionError(err.message) from err
    if sealers[0] != sealers[1]:
        raise ConvictionError("the headers have different sealers: a reorganisation, which convicts nobody")
    return Conviction(
        height=witnessed.number,
        sealer=address_of(sealers[0]),
        witnessed_hash=witnessed.hash,
        shown_hash=shown.hash,
        is_joined=witnessed.parent_hash == shown.parent_hash,
    )


def _header(value: Json, name: str) -> Seen:
    try:
        return read_header(based(value, HEADER_SIZE_MAX, name))
    except CheckError as err:
        raise ConvictionError(f"{name}: {err}") from err
