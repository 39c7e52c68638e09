"""Keys and certificates of everybody, held against the chain: who could sign when, and who says so.

The chain tells which key each party had at each group; the certificate whose hash came with that key must be the
party's, of that key, valid then, not revoked before, and chain to the authority's root, whose key founded the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ledger.identity import SealError, address_of
from ledger.identity.certificates import COMMON_NAME_SIZE_MAX
from ledger.identity.certificates import read_certificate as read_facts
from ledger.projection import Connection, keystore
from ledger.projection.audit_signers import (
    AuditedParty,
    KeyChange,
    audited_parties,
    key_changes,
    revoked_at,
    signings,
    stored_certificates,
    stored_keys,
    stored_names,
    unusual_changes,
)
from ledger.projection.audit_words import Difference
from ledger.projection.erasures import erased_people
from ledger.service.context import AUTHORITY_ROOT, CHAIN_IDENTITY, OPERATOR_ADDRESS, SEALED_KEY, Context
from verifier.certificates import AUTHORITY, ENTERPRISE, Certificate, chain_of, kind_of, read_certificate
from verifier.errors import CheckError
from verifier.hashing import ZERO_HASH, keccak256
from verifier.operations import Code
from verifier.words import AUTHORITY_PARTY, RECOVERY_DELAY_S

INTERMEDIATES_MAX = 64  # certificates of authorities under the root; this release makes none

_Chain = tuple[tuple[Certificate, int | None], ...]  # certificates to the root, each with when it was revoked


@dataclass
class _Key:
    """The key a party signs with, its certificate's hash, and the one that is to follow after a recovery."""

    signer: bytes
    certificate: bytes
    pending: KeyChange | None = None


class KeyAudit:
    """Goes through names, keys, certificates and every signature of one ledger at one moment."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._context = context
        self._connection = connection
        self._facts = keystore.meta(connection)
        self._root: Certificate | None = None
        self._between: tuple[Certificate, ...] = ()
        self.signatures = 0

    def check(self) -> Iterator[Difference | None]:
        """One item a row or signature: None when it is right. Ends at the first that is not."""
        for differences in (self._meta, self._certificates, self._names, self._keys, self._history):
            for difference in differences():
                yield difference
                if difference is not None:
                    return

    def _meta(self) -> Iterator[Difference | None]:
        """The chain's identity, the operator's address and the root, as the installation remembers them."""
        identity = self._context.reader.identity
        sealers = " ".join(sealer.hex() for sealer in identity.sealers)
        yield _meta_difference(CHAIN_IDENTITY, self._facts.get(CHAIN_IDENTITY), identity.to_bytes().decode())
        operator = self._facts.get(OPERATOR_ADDRESS)
        yield _meta_difference(OPERATOR_ADDRESS, operator, operator if operator in sealers.split() else sealers)
        text = self._facts.get(AUTHORITY_ROOT, "")
        try:
            root = read_certificate(bytes.fromhex(text))
        except (CheckError, ValueError) as err:
            yield Difference("meta", AUTHORITY_ROOT, "value", text, f"a root certificate: {err}")
            return
        if not (root.is_authority and root.may_certify and root.is_issued_by(root)):
            yield Difference("meta", AUTHORITY_ROOT, "value", text, "a self-signed authority")
            return
        founding = next(signings(self._connection, AUTHORITY_PARTY), None)
        if founding is not None and founding.signer != root.address:
            found = f"a root of the key {root.address.hex()}"
            yield Difference("meta", AUTHORITY_ROOT, "value", found, f"of {founding.signer.hex()}, who founded it")
        self._root = root

    def _certificates(self) -> Iterator[Difference | None]:
        """Every certificate is what its hash says, names who it says, and chains to the root."""
        assert self._root is not None, "the root was read"
        between = []
        for one in stored_certificates(self._connection):
            read = _read(one.der)
            if isinstance(read, Certificate) and read.is_authority and read.der != self._root.der:
                between.append(read)
        self._between = tuple(between[:INTERMEDIATES_MAX])
        for one in stored_certificates(self._connection):
            key = one.certificate_hash.hex()
            if keccak256(one.der) != one.certificate_hash:
                yield Difference("certificate", key, "der", f"bytes of the hash {keccak256(one.der).hex()}", key)
            read = _read(one.der)
            if isinstance(read, str):
                yield Difference("certificate", key, "der", read, "a certificate")
                return
            if read.identity != one.identity_text:
                yield Difference("certificate", key, "identity_text", one.identity_text, read.identity)
            if not read.is_valid_at(one.created_at):
                yield Difference("certificate", key, "created_at", str(one.created_at), "within its validity")
            trouble = None if read in self._between else self._untrusted(read)
            yield None if trouble is None else Difference("certificate", key, "der", trouble, "one under the root")

    def _names(self) -> Iterator[Difference | None]:
        """Every name stands under the hash of its identity; an enterprise's is the one certified."""
        assert self._root is not None, "the root was read"
        erased = erased_people(self._connection)
        for name in stored_names(self._connection):
            key, kind = name.identity.hex(), kind_of(name.identity_text)
            if kind == AUTHORITY and name.identity == ZERO_HASH:
                same = name.identity_text == self._root.identity
            else:
                same = keccak256(name.identity_text.encode()) == name.identity
            if not same:
                yield Difference("party_name", key, "identity_text", name.identity_text, f"the text of hash {key}")
            tax_id = name.identity_text.partition(":")[2] if kind == ENTERPRISE else None
            if name.tax_id != tax_id:
                yield Difference("party_name", key, "tax_id", str(name.tax_id), str(tax_id))
            if name.identity in erased:
                continue  # nothing is left to be compared
            if (name.display_name is None) == (name.sealed is None):
                yield Difference("party_name", key, "sealed", "both names or none", "one name, sealed or in clear")
            certified = keystore.certificates_of(self._connection, name.identity_text)
            if name.display_name is not None and certified:
                names = [read_facts(one.der).common_name for one in certified]
                if _cut(name.display_name) not in names:
                    yield Difference("party_name", key, "display_name", name.display_name, names[0])
            yield None

    def _keys(self) -> Iterator[Difference | None]:
        """Every private key is of its address, and of the party whose certificate names that address."""
        operator = self._facts.get(OPERATOR_ADDRESS)
        for key in stored_keys(self._connection):
            address = key.address.hex()
            try:
                opened = self._context.vault.open(key.sealed_key, SEALED_KEY, address)
            except SealError as err:
                yield Difference("signing_key", address, "sealed_key", str(err), f"the key of {address}")
                return
            if address_of(opened) != key.address:
                yield Difference(
                    "signing_key", address, "sealed_key", f"the key of {address_of(opened).hex()}", address
                )
            if address == operator:
                same = key.identity == ZERO_HASH
            else:
                name = keystore.party_name(self._connection, key.identity)
                known = keystore.certificates_of(self._connection, name.identity_text) if name is not None else []
                same = any(_address(one.der) == key.address for one in known)
            wanted = "the identity that a certificate of this address names"
            yield None if same else Difference("signing_key", address, "identity", key.identity.hex(), wanted)

    def _history(self) -> Iterator[Difference | None]:
        """Every signature that the contract took, party by party, by the key of that moment under its certificate."""
        unusual = unusual_changes(self._connection)
        for party in audited_parties(self._connection):
            for difference in self._history_of(party, key_changes(self._connection, party, unusual)):
                self.signatures += difference is None
                yield difference

    def _history_of(self, party: AuditedParty, changes: list[KeyChange]) -> Iterator[Difference | None]:
        assert self._root is not None, "the root was read"
        key = _Key(b"", ZERO_HASH)
        if party.id == AUTHORITY_PARTY:
            key = _Key(self._root.address, keccak256(self._root.der))
        waiting = changes[::-1]
        certificates: dict[bytes, _Chain | str] = {}
        for signing in signings(self._connection, party.id):
            while waiting and waiting[-1].order < signing.order:
                _apply(key, waiting.pop())
            pending = key.pending
            if pending is not None and signing.time_s >= pending.time_s + RECOVERY_DELAY_S:
                signer, certificate = pending.signer, pending.certificate
                if signing.applied:
                    key = _Key(signer, certificate)
            else:
                signer, certificate = key.signer, key.certificate
            where = signing.digest.hex()
            if signing.signer != signer:
                yield Difference("p_group", where, "signer", signing.signer.hex(), f"{signer.hex()}, its key then")
                return
            if certificate not in certificates:
                certificates[certificate] = self._chain(party, signer, certificate)
            chain = certificates[certificate]
            if isinstance(chain, str):
                yield Difference("certificate", certificate.hex(), "", chain, f"of the key that signed {where}")
                return
            wrong = _wrong_then(chain, signing.time_s)
            yield (
                None
                if wrong is None
                else Difference("certificate", certificate.hex(), "der", wrong, f"good for {where}")
            )

    def _chain(self, party: AuditedParty, signer: bytes, certificate: bytes) -> _Chain | str:
        """Certificates from a key's to the root; what is wrong with its own, in words."""
        assert self._root is not None, "the root was read"
        stored = keystore.certificate(self._connection, certificate)
        if stored is None:
            return "no row"
        read = _read(stored.der)
        if isinstance(read, str):
            return read
        if read.address != signer:
            return f"of the key {read.address.hex()}, not {signer.hex()}"
        hashed = ZERO_HASH if party.id == AUTHORITY_PARTY else keccak256(read.identity.encode())
        if hashed != party.identity or (party.id == AUTHORITY_PARTY and kind_of(read.identity) != AUTHORITY):
            return f"of {read.identity}, not of party {party.id}"
        try:
            chain = chain_of(read, self._between, self._root)
        except CheckError as err:
            return str(err)
        return tuple((one, revoked_at(self._connection, keccak256(one.der))) for one in chain)

    def _untrusted(self, certificate: Certificate) -> str | None:
        assert self._root is not None, "the root was read"
        try:
            chain_of(certificate, self._between, self._root)
        except CheckError as err:
            return str(err)
        return None


def _wrong_then(chain: _Chain, time_s: int) -> str | None:
    for one, revoked in chain:
        if not one.is_valid_at(time_s):
            return f"valid from {one.not_before_s} to {one.not_after_s}, not at {time_s}"
        if revoked is not None and time_s >= revoked:
            return f"revoked at {revoked}, used at {time_s}"
    return None


def _apply(key: _Key, change: KeyChange) -> None:
    """What a change does to a party's key: a recovery waits, anything else counts at once and ends one that waits."""
    if change.code == Code.RECOVER_KEY:
        key.pending = change
    else:
        key.signer, key.certificate, key.pending = change.signer, change.certificate, None


def _read(der: bytes) -> Certificate | str:
    try:
        return read_certificate(der)
    except CheckError as err:
        return str(err)


def _address(der: bytes) -> bytes:
    read = _read(der)
    return b"" if isinstance(read, str) else read.address


def _cut(name: str) -> str:
    """A name as a certificate's common name holds it."""
    return name.encode()[:COMMON_NAME_SIZE_MAX].decode(errors="ignore")


def _meta_difference(name: str, stored: Any, recomputed: str) -> Difference | None:
    return None if stored == recomputed else Difference("meta", name, "value", str(stored), recomputed)
