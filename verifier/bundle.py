"""The evidence file: one invoice's document, history and proof as one canonical JSON file.

`build` puts a file together from plain values; `parsing.py` reads one into the same frozen values and `steps.py`
checks what it says. docs/EVIDENCE.md describes every field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from verifier.canonical import Json, dumps
from verifier.commitment import Disclosure
from verifier.erasure import Erasure
from verifier.hashing import HASH_SIZE, keccak256
from verifier.operations import Code, Operation
from verifier.shape import base64_of, word_hex
from verifier.words import StateWord, Table, hash_key, storage_key, storage_slot

FORMAT = "einvoice-evidence"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One operation of the invoice, the group it was signed in, and the state word after it.

    `time_s` is the block time and `valid_until` the signature's end, seconds since 1970, UTC; `before` and
    `after` are the hashes of the group's other operations; `certificate` is an index into the file's list, `contract`
    one into the ledger's contracts: the one that applied the group.
    """

    time_s: int
    operation: Operation
    state: int
    actor: int
    valid_until: int
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    r: int
    s: int
    certificate: int
    contract: int = 0

    def group_hashes(self) -> list[bytes]:
        """Hashes of all operations of the group, in order."""
        return [*self.before, self.operation.hash(), *self.after]


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """An Event's values as `build` takes them, with the signer's certificate as DER instead of an index."""

    time_s: int
    operation: Operation
    state: int
    actor: int
    valid_until: int
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    r: int
    s: int
    certificate: bytes
    contract: int = 0


@dataclass(frozen=True, slots=True)
class PartyIdentity:
    """A party id with its identity hash and, unless kept back, the identity text it is the keccak256 of."""

    party: int
    hash: bytes
    text: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """A sealed header (RLP) and the trie nodes from its state root to the words of all contracts.

    The nodes of each of the two sets stand in ascending byte order, each once.
    """

    header: bytes
    account: tuple[bytes, ...]
    storage: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """One evidence file. `number` is the invoice's, below 2**80; `genesis` has 32 bytes.

    `document` is None exactly where `erasure` stands in its place: the authority erased it.
    `contracts` are the 20-byte addresses of those that carried the ledger, first to the one current at that block.
    `checkpoint` is the text that witnesses signed about that block, None when none did, and `witnesses` their lines.
    """

    chain_id: int
    contracts: tuple[bytes, ...]
    genesis: bytes
    number: int
    document: Disclosure | None
    certificates: tuple[bytes, ...]
    history: tuple[Event, ...]
    parties: tuple[PartyIdentity, ...]
    proof: Proof
    checkpoint: str | None = None
    witnesses: tuple[str, ...] = ()
    erasure: Erasure | None = None

    def to_bytes(self) -> bytes:
        """The file: canonical JSON."""
        return dumps(_bundle_json(self))

    def redacted(self, keep: Iterable[str]) -> Bundle:
        """The same evidence showing only the document fields at or below `keep`, and no identity texts.

        Certificates still name the signers: the signatures need them.
        """
        parties = tuple(replace(party, text=None) for party in self.parties)
        document = None if self.document is None else self.document.redacted(set(keep))
        return replace(self, document=document, parties=parties)


def build(
    *,
    chain_id: int,
    contracts: Iterable[bytes],
    genesis: bytes,
    number: int,
    document: Disclosure | Erasure,
    events: Iterable[SignedEvent],
    parties: Mapping[int, tuple[bytes, str | None]],
    header: bytes,
    account_nodes: Iterable[bytes],
    storage_nodes: Iterable[bytes],
    authorities: Iterable[bytes] = (),
    checkpoint: str | None = None,
    witnesses: Iterable[str] = (),
) -> Bundle:
    """Evidence of one invoice from plain values.

    `contracts` and the nodes are those of one block: the nodes lead to each contract's account, to its successor slot
    and to `proof_slots(...)`, in any order. `parties` maps each of `parties_of(...)` to its identity hash and its text,
    None to keep it back; `document` is what is disclosed of it, or its erasure. `authorities` are intermediate
    certificates, never the root. `checkpoint` and `witnesses` (lines without their newline, in any order) are of the
    header's block; without lines the checkpoint is left out.
    """
    events = list(events)
    certificates = tuple(sorted({*authorities, *(event.certificate for event in events)}))
    index = {der: at for at, der in enumerate(certificates)}
    history = tuple(
        Event(
            event.time_s,
            event.operation,
            event.state,
            event.actor,
            event.valid_until,
            event.before,
            event.after,
            event.r,
            event.s,
            index[event.certificate],
            event.contract,
        )
        for event in events
    )
    lines = tuple(sorted(set(witnesses)))
    return Bundle(
        chain_id=chain_id,
        contracts=tuple(contracts),
        genesis=genesis,
        number=number,
        document=None if isinstance(document, Erasure) else document,
        certificates=certificates,
        history=history,
        parties=tuple(PartyIdentity(party, *parties[party]) for party in sorted(parties)),
        proof=Proof(header, proof_nodes(account_nodes), proof_nodes(storage_nodes)),
        checkpoint=checkpoint if lines else None,
        witnesses=lines,
        erasure=document if isinstance(document, Erasure) else None,
    )


def proof_nodes(nodes: Iterable[bytes]) -> tuple[bytes, ...]:
    """Nodes each once and in ascending order, without those under 32 bytes, which stand inside their parents."""
    return tuple(sorted({node for node in nodes if len(node) >= HASH_SIZE}))


def parties_of(history: Iterable[tuple[int, Operation, int]]) -> tuple[int, ...]:
    """Ids of the parties whose identity words the evidence proves, ascending.

    `history` yields (actor, operation, state word after) of every event: actor, subject, the employer a lock or
    registration names, and each state's seller, buyer and holder. Party 0 (a personal buyer) has no word.
    """
    found: set[int] = set()
    for actor, operation, state_word in history:
        state = StateWord.unpack(state_word)
        found |= {actor, operation.subject, state.seller, state.buyer, state.holder}
        if operation.code in {Code.LOCK, Code.REGISTER_OUTSIDE}:
            found.add(operation.party)
    return tuple(sorted(found - {0}))


def proof_keys(number: int, parties: Iterable[int], certificates: Iterable[bytes] = ()) -> list[int]:
    """Keys of the ledger's words that the storage proof holds: state, head, an identity a party, what is revoked.

    `certificates` are the DER of all that the file will list but the authority's root, which nobody can revoke.
    """
    identities = [storage_key(Table.IDENTITY, party) for party in parties]
    revoked = [revocation_key(der) for der in sorted(set(certificates))]
    return [storage_key(Table.STATE, number), storage_key(Table.HEAD, number), *identities, *revoked]


def proof_slots(number: int, parties: Iterable[int], certificates: Iterable[bytes] = ()) -> list[bytes]:
    """32-byte storage slots of `proof_keys`."""
    return [storage_slot(key) for key in proof_keys(number, parties, certificates)]


def revocation_key(der: bytes) -> int:
    """Key of the word that says whether the certificate with these DER bytes was revoked."""
    return storage_key(Table.REVOKED, hash_key(keccak256(der)))


def chain_json(chain_id: int, contracts: Iterable[bytes], genesis: bytes) -> dict[str, Json]:
    """The key `chain` of a file."""
    return {
        "chain_id": chain_id,
        "contracts": [contract.hex() for contract in contracts],
        "genesis": genesis.hex(),
    }


def proof_json(proof: Proof) -> dict[str, Json]:
    """The key `proof` of a file."""
    return {
        "header": base64_of(proof.header),
        "account": [base64_of(node) for node in proof.account],
        "storage": [base64_of(node) for node in proof.storage],
    }


def _bundle_json(bundle: Bundle) -> dict[str, Json]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "chain": chain_json(bundle.chain_id, bundle.contracts, bundle.genesis),
        "number": f"{bundle.number:020d}",
        "document": _document_json(bundle),
        "certificates": [base64_of(der) for der in bundle.certificates],
        "history": [_event_json(event) for event in bundle.history],
        "parties": [{"party": one.party, "hash": one.hash.hex(), "text": one.text} for one in bundle.parties],
        "proof": proof_json(bundle.proof),
        "checkpoint": bundle.checkpoint,
        "witnesses": list(bundle.witnesses),
    }


def _document_json(bundle: Bundle) -> dict[str, Json]:
    document, erasure = bundle.document, bundle.erasure
    if document is not None:
        assert erasure is None, "a document that is there was not erased"
        return {
            "count": document.count,
            "shown": [[leaf.index, leaf.path, leaf.salt.hex(), leaf.value] for leaf in document.shown],
            "hidden": [[leaf.index, leaf.hash.hex()] for leaf in document.hidden],
        }
    assert erasure is not None, "one of the two"
    signed: dict[str, Json] = {
        "number": f"{erasure.number:020d}",
        "at": erasure.at_s,
        "r": word_hex(erasure.r),
        "s": word_hex(erasure.s),
    }
    return {"erasure": signed}


def _event_json(event: Event) -> dict[str, Json]:
    what, terms, who, ref = event.operation.words()
    return {
        "time_s": event.time_s,
        "operation": [word_hex(what), word_hex(terms), who.hex(), ref.hex()],
        "state": word_hex(event.state),
        "certificate": event.certificate,
        "group": {
            "contract": event.contract,
            "actor": event.actor,
            "valid_until": event.valid_until,
            "before": [hashed.hex() for hashed in event.before],
            "after": [hashed.hex() for hashed in event.after],
            "r": word_hex(event.r),
            "s": word_hex(event.s),
        },
    }
