"""Putting an evidence file together: history from the projection, proof from one block of the chain.

The two are read one after the other, so a block may come between; then the proven head word is not that of the
history read, and both are read again. What is handed out always fits together.

The block is the chain's latest, or the newest that enough witnesses signed: that one serves as long as none of the
words proven has changed since, so that the file says no less than one as of the head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

from ledger.chain import ChainError, ChainIdentity, ChainReader
from ledger.domain.blocks import StorageProof
from ledger.evidence.errors import EvidenceChangedError, EvidenceUnavailableError
from ledger.identity import address_of_public_key, read_certificate
from ledger.projection import Connection, invoices, keystore, parties
from ledger.projection.audit_signers import AuditedParty, key_changes, unusual_changes
from ledger.projection.columns import BLOCK_ORDER_SHIFT, GROUP_ORDER_SHIFT
from ledger.projection.invoices import HistoryStep
from verifier.bundle import Bundle, SignedEvent, build, parties_of, proof_keys
from verifier.commitment import Disclosure
from verifier.erasure import Erasure
from verifier.hashing import ZERO_HASH
from verifier.header import parse_header

ATTEMPTS_MAX = 5  # a block between the two reads is rare; five in a row is a projection that stands still

Countersigned = Callable[[int], tuple[str, Iterable[str]] | None]
"""Of a block number: its checkpoint's text and the witnesses' lines below it; None where nobody signed it."""


def assemble(
    reading: Callable[[], AbstractContextManager[Connection]],
    reader: ChainReader,
    number: int,
    content: Disclosure | Erasure,
    authority_root: bytes,
    *,
    at: int | None = None,
    countersigned: Countersigned = lambda _block: None,
) -> Bundle:
    """Evidence of the invoice `number`, its document disclosed or erased as given, as of block `at` or the latest.

    `authority_root` is the DER of the root certificate: what the authority itself signed, nobody can revoke.

    Raises: EvidenceUnavailableError for an unknown number, a missing certificate, or a projection that lags;
    EvidenceChangedError when block `at` does not serve.
    """
    for _ in range(ATTEMPTS_MAX):
        with reading() as connection:
            steps = invoices.history(connection, number)
            if not steps:
                raise EvidenceUnavailableError(f"no invoice {number:020d} is projected")
            events = [_event(connection, step) for step in steps]
            named = parties_of((event.actor, event.operation, event.state) for event in events)
            identities = _identities(connection, named)
        revocable = {event.certificate for event in events} - {authority_root}
        keys = proof_keys(number, named, revocable)
        proof = _proof(reader, keys) if at is None else _earlier_proof(reader, keys, at)
        if proof.words[1].to_bytes(32, "big") == steps[-1].head:
            signed = countersigned(parse_header(proof.header_rlp).number)
            return _bundle(reader.identity, number, content, events, identities, proof, signed)
    raise EvidenceUnavailableError("the projection lags behind the chain; ask again in a moment")


def _bundle(
    identity: ChainIdentity,
    number: int,
    content: Disclosure | Erasure,
    events: list[SignedEvent],
    identities: dict[int, tuple[bytes, str | None]],
    proof: StorageProof,
    signed: tuple[str, Iterable[str]] | None,
) -> Bundle:
    return build(
        chain_id=identity.chain_id,
        contracts=proof.contracts,
        genesis=identity.genesis_hash,
        number=number,
        document=content,
        events=events,
        parties=identities,
        header=proof.header_rlp,
        account_nodes=proof.account_nodes,
        storage_nodes=proof.storage_nodes,
        checkpoint=None if signed is None else signed[0],
        witnesses=() if signed is None else signed[1],
    )


def _proof(reader: ChainReader, keys: Sequence[int]) -> StorageProof:
    try:
        return reader.proof(keys)
    except ChainError as err:
        raise EvidenceUnavailableError(f"the chain cannot be read: {err}") from err


def _earlier_proof(reader: ChainReader, keys: Sequence[int], at: int) -> StorageProof:
    """Proof at block `at`, of words that are the same at the head.

    Raises: EvidenceChangedError; a network's node that forgot so old a state cannot serve it either.
    """
    try:
        proof = reader.proof(keys, at)
        if list(proof.words) == reader.words(keys):
            return proof
    except ChainError as err:
        raise EvidenceChangedError(f"block {at} cannot be proven: {err}") from err
    raise EvidenceChangedError(f"what the evidence proves changed after block {at}")


def _event(connection: Connection, step: HistoryStep) -> SignedEvent:
    group = invoices.group_at(connection, step.block, step.position)
    if group is None or step.state is None:
        raise EvidenceUnavailableError(f"block {step.block} is only partly projected; run `einvoice rebuild`")
    signature = group.signature
    order = step.block << BLOCK_ORDER_SHIFT | step.position << GROUP_ORDER_SHIFT
    return SignedEvent(
        time_s=step.time_s,
        operation=step.operation,
        state=step.state,
        actor=group.actor,
        valid_until=group.valid_until,
        before=group.operation_hashes[: step.index],
        after=group.operation_hashes[step.index + 1 :],
        r=int.from_bytes(signature[:32], "big"),
        s=int.from_bytes(signature[32:64], "big"),
        certificate=_certificate(connection, group.actor, group.signer, order),
        contract=group.contract,
    )


def _certificate(connection: Connection, party: int, signer: bytes, order: int) -> bytes:
    """DER of the party's certificate for the key with that 20-byte address: the one it had when it signed.

    A renewed key has several; the chain says which counted before the operation at `order`.
    """
    record = parties.party(connection, party)
    known = keystore.party_name(connection, record.identity) if record is not None else None
    if record is None or known is None:
        raise EvidenceUnavailableError(f"party {party} is not known here; run `einvoice rebuild`")
    found = [
        stored
        for stored in keystore.certificates_of(connection, known.identity_text)
        if address_of_public_key(read_certificate(stored.der).public_key) == signer
    ]
    if len(found) > 1:
        changes = key_changes(connection, AuditedParty(party, record.identity), unusual_changes(connection))
        counted = [one.certificate for one in changes if one.signer == signer and one.order < order]
        # named by no operation is the authority's root alone, its first certificate
        found = [one for one in found if one.certificate_hash == counted[-1]] if counted else found[-1:]
    if not found:
        raise EvidenceUnavailableError(f"no certificate of party {party} for the key {signer.hex()} is kept here")
    return found[0].der


def _identities(connection: Connection, ids: tuple[int, ...]) -> dict[int, tuple[bytes, str | None]]:
    """Identity hash of each party, and the text it is of where it is known here."""
    records = parties.parties_by_id(connection, frozenset(ids))
    known = keystore.party_names(connection, [record.identity for record in records.values()])
    found: dict[int, tuple[bytes, str | None]] = {}
    for party in ids:
        if party not in records:
            raise EvidenceUnavailableError(f"party {party} is not projected; run `einvoice rebuild`")
        identity = records[party].identity
        name = known.get(identity) if identity != ZERO_HASH else None  # of the authority the contract keeps none
        found[party] = (identity, name.identity_text if name is not None else None)
    return found
