"""The trust file: what a verifier takes as given, obtained once from the authority.

It pins one ledger: genesis hash, chain id, contract address and code hash, the sealers' public keys and the
authority's root certificate. Everything else in a report follows from these and the evidence.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from functools import cached_property

from verifier.canonical import Json, check_depth, dumps
from verifier.certificates import CERTIFICATE_SIZE_MAX, Certificate, read_certificate
from verifier.errors import CheckError, ShapeError, TrustError
from verifier.reasons import Reason
from verifier.shape import based, fields, hexed, integer, items, text
from verifier.signatures import ADDRESS_SIZE, PUBLIC_KEY_SIZE, load_public_key

TRUST_FORMAT = "einvoice-trust"
TRUST_VERSION = 1
TRUST_SIZE_MAX = 64 * 1024  # bytes; one certificate and SEALERS_MAX keys take under 16 KB
SEALERS_MAX = 64  # each costs a signature check a file; proof-of-authority networks have a few
TRUST_FIELDS = (
    "format",
    "version",
    "chain_id",
    "genesis",
    "contract",
    "code_hash",
    "sealers",
    "authority_root",
)
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)\s-----END CERTIFICATE-----\s*", re.ASCII)


@dataclass(frozen=True)
class Trust:
    """One ledger as its authority publishes it.

    `genesis` and `code_hash` (keccak256 of the deployed code) have 32 bytes, `contract` 20; `sealers` are public
    keys of 64 bytes, x and y; `authority_root` is the DER of the root certificate.

    Raises: TrustError at construction when a part cannot be used.
    """

    chain_id: int
    genesis: bytes
    contract: bytes
    code_hash: bytes
    sealers: tuple[bytes, ...]
    authority_root: bytes = field(repr=False)

    def __post_init__(self) -> None:
        sizes = (("genesis", self.genesis, 32), ("contract", self.contract, 20), ("code_hash", self.code_hash, 32))
        for name, value, size in sizes:
            if len(value) != size:
                raise TrustError(Reason.TRUST_UNREADABLE, f"{name}: not {size} bytes")
        if not 1 <= len(self.sealers) <= SEALERS_MAX or len(set(self.sealers)) != len(self.sealers):
            raise TrustError(Reason.TRUST_UNREADABLE, f"sealers: 1 to {SEALERS_MAX} different keys")
        for sealer in self.sealers:
            try:
                load_public_key(sealer)
            except ValueError as err:
                raise TrustError(Reason.TRUST_UNREADABLE, "sealers: not a point of secp256k1") from err
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
            "contract": self.contract.hex(),
            "code_hash": self.code_hash.hex(),
            "sealers": [sealer.hex() for sealer in self.sealers],
            "authority_root": pem_of(self.authority_root),
        }
        return dumps(value)


def parse_trust(data: bytes) -> Trust:
    """The trust that a file's bytes describe; the JSON need not be canonical, people edit it.

    Raises: TrustError when the bytes are no trust file.
    """
    if len(data) > TRUST_SIZE_MAX:
        raise TrustError(Reason.TRUST_UNREADABLE, f"more than {TRUST_SIZE_MAX} bytes")
    try:
        content = data.decode()
        check_depth(content)
        value: Json = json.loads(content, object_pairs_hook=_object)
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
    if found["format"] != TRUST_FORMAT or found["version"] != TRUST_VERSION:
        raise TrustError(Reason.TRUST_UNREADABLE, "format or version")
    pem = _PEM.fullmatch(text(found["authority_root"], 3 * CERTIFICATE_SIZE_MAX, "authority_root"))
    if pem is None:
        raise TrustError(Reason.TRUST_UNREADABLE, "authority_root: no PEM certificate")
    sealers = items(found["sealers"], SEALERS_MAX, "sealers")
    return Trust(
        chain_id=integer(found["chain_id"], "chain_id"),
        genesis=hexed(found["genesis"], 32, "genesis"),
        contract=hexed(found["contract"], ADDRESS_SIZE, "contract"),
        code_hash=hexed(found["code_hash"], 32, "code_hash"),
        sealers=tuple(hexed(key, PUBLIC_KEY_SIZE, "sealers") for key in sealers),
        authority_root=based("".join(pem[1].split()), CERTIFICATE_SIZE_MAX, "authority_root"),
    )


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise TrustError(Reason.TRUST_UNREADABLE, "a key occurs twice")
    return value
