"""The trust file: what a verifier takes as given, obtained once from the authority.

It pins one ledger: genesis hash, chain id, the contracts that carried it (address and code hash, first to current), the
sealers' public keys, the authority's root certificate, and the witnesses whose signatures evidence needs. Everything
else in a report follows from these and the evidence.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from verifier.canonical import Json, check_depth, dumps
from verifier.certificates import CERTIFICATE_SIZE_MAX, Certificate, read_certificate
from verifier.errors import CheckError, EvidenceError, ShapeError, TrustError
from verifier.reasons import Reason
from verifier.shape import based, fields, hexed, integer, items, text
from verifier.signatures import ADDRESS_SIZE, PUBLIC_KEY_SIZE, load_public_key
from verifier.witnesses import KEY_LINE_SIZE_MAX, WitnessKey, parse_witness_key

TRUST_FORMAT = "einvoice-trust"
TRUST_VERSION = 1
TRUST_SIZE_MAX = 64 * 1024  # bytes; one certificate and SEALERS_MAX keys take under 16 KB
SEALERS_MAX = 64  # each costs a signature check a file; proof-of-authority networks have a few
TRUST_FIELDS = (
    "format",
    "version",
    "chain_id",
    "genesis",
    "contracts",
    "sealers",
    "authority_root",
    "witnesses",
)
CONTRACTS_MAX = 16  # contracts that carried one ledger, one after the other; a word nobody wrote is looked for in each
WITNESSES_MAX = 16  # lines below a checkpoint: what readers of signed notes must take
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)\s-----END CERTIFICATE-----\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class TrustedContract:
    """One contract of the ledger: its 20-byte address and keccak256 of its deployed code."""

    address: bytes
    code_hash: bytes


@dataclass(frozen=True)
class Trust:
    """One ledger as its authority publishes it.

    `genesis` has 32 bytes; `contracts` are those that carried the ledger, first to current; `sealers` are public
    keys of 64 bytes, x and y; `authority_root` is the DER of the root certificate. Evidence needs the signatures of
    `witnesses_needed` different ones of `witnesses`.

    Raises: TrustError at construction when a part cannot be used.
    """

    chain_id: int
    genesis: bytes
    contracts: tuple[TrustedContract, ...]
    sealers: tuple[bytes, ...]
    authority_root: bytes = field(repr=False)
    witnesses: tuple[WitnessKey, ...] = ()
    witnesses_needed: int = 0

    def __post_init__(self) -> None:
        if len(self.genesis) != 32:
            raise TrustError(Reason.TRUST_UNREADABLE, "genesis: not 32 bytes")
        if any(len(one.address) != ADDRESS_SIZE or len(one.code_hash) != 32 for one in self.contracts):
            raise TrustError(Reason.TRUST_UNREADABLE, "contracts: not 20 bytes of address and 32 of code_hash")
        _require_distinct("contracts", [one.address for one in self.contracts], 1, CONTRACTS_MAX)
        _require_distinct("sealers", self.sealers, 1, SEALERS_MAX)
        for sealer in self.sealers:
            try:
                load_public_key(sealer)
            except ValueError as err:
                raise TrustError(Reason.TRUST_UNREADABLE, "sealers: not a point of secp256k1") from err
        _require_distinct("witnesses.keys", [(key.name, key.key_id) for key in self.witnesses], 0, WITNESSES_MAX)
        _require_distinct("witnesses.keys", [key.public_key for key in self.witnesses], 0, WITNESSES_MAX)
        if not 0 <= self.witnesses_needed <= len(self.witnesses):
            raise TrustError(Reason.TRUST_UNREADABLE, "witnesses.needed: more than there are keys")
        if not self.root.is_authority or not self.root.may_certify or not self.root.is_issued_by(self.root):
            raise TrustError(Reason.TRUST_UNREADABLE, "authority_root: not a self-signed authority")

    @cached_property
    def root(self) -> Certificate:
        """The authority's root certificate, read."""
        try:
            return read_certificate(self.authority_root)
        except CheckError as err:
            raise TrustError(Reason.TRUST_UNREADABLE, f"authority_root: {err}") from err

    def to_bytes(self) -> bytes:
        """The trust file, canonical JSON."""
        value: dict[str, Json] = {
            "format": TRUST_FORMAT,
            "version": TRUST_VERSION,
            "chain_id": self.chain_id,
            "genesis": self.genesis.hex(),
            "contracts": [{"address": one.address.hex(), "code_hash": one.code_hash.hex()} for one in self.contracts],
            "sealers": [sealer.hex() for sealer in self.sealers],
            "authority_root": pem_of(self.authority_root),
            "witnesses": {"needed": self.witnesses_needed, "keys": [key.to_text() for key in self.witnesses]},
        }
        return dumps(value)


def parse_trust(data: bytes) -> Trust:
    """The trust that a file's bytes describe; the JSON need not be canonical, people edit it, some of them with
    programs that put a byte order mark before it.

    Raises: TrustError when the bytes are no trust file.
    """
    if len(data) > TRUST_SIZE_MAX:
        raise TrustError(Reason.TRUST_UNREADABLE, f"more than {TRUST_SIZE_MAX} bytes")
    try:
        content = data.decode("utf-8-sig")
        check_depth(content)
        value: Json = json.loads(content, object_pairs_hook=_object)
    except TrustError:
        raise
    except EvidenceError as err:
        raise TrustError(Reason.TRUST_UNREADABLE, err.at) from err
    except ValueError as err:
        raise TrustError(Reason.TRUST_UNREADABLE, "no JSON") from err
    try:
        return _trust(value)
    except ShapeError as err:
        raise TrustError(Reason.TRUST_UNREADABLE, err.at) from err


def pem_of(der: bytes) -> str:
    """PEM text of a certificate's DER."""
    lines = base64.b64encode(der).decode()
    wrapped = [lines[at : at + 64] for at in range(0, len(lines), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *wrapped, "-----END CERTIFICATE-----", ""])


def _trust(value: Json) -> Trust:
    found = fields(value, TRUST_FIELDS, "")
    if found["format"] != TRUST_FORMAT or integer(found["version"], "version") != TRUST_VERSION:
        raise TrustError(Reason.TRUST_UNREADABLE, "format or version")
    pem = _PEM.fullmatch(text(found["authority_root"], 3 * CERTIFICATE_SIZE_MAX, "authority_root"))
    if pem is None:
        raise TrustError(Reason.TRUST_UNREADABLE, "authority_root: no PEM certificate")
    sealers = items(found["sealers"], SEALERS_MAX, "sealers")
    witnesses = fields(found["witnesses"], ("needed", "keys"), "witnesses")
    return Trust(
        chain_id=integer(found["chain_id"], "chain_id"),
        genesis=hexed(found["genesis"], 32, "genesis"),
        contracts=tuple(map(_contract, items(found["contracts"], CONTRACTS_MAX, "contracts"))),
        sealers=tuple(hexed(key, PUBLIC_KEY_SIZE, "sealers") for key in sealers),
        authority_root=based("".join(pem[1].split()), CERTIFICATE_SIZE_MAX, "authority_root"),
        witnesses=tuple(map(_witness, items(witnesses["keys"], WITNESSES_MAX, "witnesses.keys"))),
        witnesses_needed=integer(witnesses["needed"], "witnesses.needed", 0, WITNESSES_MAX),
    )


def _contract(value: Json) -> TrustedContract:
    found = fields(value, ("address", "code_hash"), "contracts")
    return TrustedContract(
        hexed(found["address"], ADDRESS_SIZE, "contracts.address"), hexed(found["code_hash"], 32, "contracts.code_hash")
    )


def _witness(value: Json) -> WitnessKey:
    try:
        return parse_witness_key(text(value, KEY_LINE_SIZE_MAX, "witnesses.keys"))
    except ShapeError as err:
        raise TrustError(Reason.TRUST_UNREADABLE, f"witnesses.keys: {err.at}") from err


def _require_distinct(name: str, values: Sequence[object], low: int, high: int) -> None:
    if not low <= len(values) <= high or len(set(values)) != len(values):
        raise TrustError(Reason.TRUST_UNREADABLE, f"{name}: {low} to {high} different ones")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise TrustError(Reason.TRUST_UNREADABLE, "a key occurs twice")
    return value
