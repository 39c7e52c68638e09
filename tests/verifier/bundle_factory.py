"""Builds complete, valid evidence by itself: keys, certificates, a history, tries and a sealed header.

Independent of the ledger: keys and certificates by `cryptography`, tries by `trie`, RLP by `rlp`, the seal by
`eth_keys`, and every state word written out by hand in the scenario, not derived from the rules.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

import rlp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.x509.oid import NameOID
from eth_account.messages import encode_typed_data
from eth_keys import keys
from trie import HexaryTrie

from verifier.bundle import Bundle, SignedEvent, build, parties_of, proof_slots, revocation_key
from verifier.commitment import commit, disclose
from verifier.erasure import Erasure
from verifier.hashing import ZERO_HASH, keccak256
from verifier.header import parse_header
from verifier.operations import SECP256K1_ORDER, Code, Operation, domain_separator, group_digest
from verifier.trie import EMPTY_ROOT
from verifier.trust import Trust, TrustedContract
from verifier.witnesses import WitnessKey, checkpoint_text
from verifier.words import (
    SUCCESSOR_SLOT,
    WRITTEN,
    Claim,
    Entry,
    StateWord,
    Table,
    head_after,
    storage_key,
    storage_slot,
)

CURVE = ec.SECP256K1()
START = datetime(2026, 11, 2, 1, 0, 0, tzinfo=UTC)
START_S = int(START.timestamp())
NUMBER = 9 * 10**19 + 1_234_567
MONTH = (2026 - 2000) * 12 + 10
SEED = bytes(range(32))
CHAIN_ID = 1_234_567_890
CONTRACT = bytes.fromhex("00112233445566778899aabbccddeeff00112233")
GENESIS = keccak256(b"genesis")
CODE_HASH = keccak256(b"code")
SUCCESSOR = bytes.fromhex("99aabbccddeeff00112233445566778899aabbcc")  # the contract that may come after CONTRACT
SUCCESSOR_CODE_HASH = keccak256(b"code of the successor")
CLAIM_ID = 0x1234_5678_9ABC_DEF0
GROSS_FEN, TAX_FEN = 11300, 1300

AUTHORITY, SELLER, CLERK, EMPLOYER, EMPLOYEE, FINANCE, FRIEND, OFFICER, OTHER_EMPLOYER = 1, 2, 3, 4, 5, 6, 7, 8, 9
IDENTITIES = {
    SELLER: "enterprise:91440300MA5EXAMP1X",
    CLERK: "person:" + "1" * 32,
    EMPLOYER: "enterprise:91440300MA5EXAMP2Y",
    EMPLOYEE: "person:" + "2" * 32,
    FINANCE: "person:" + "3" * 32,
    FRIEND: "person:" + "4" * 32,
    OFFICER: "officer:" + "5" * 32,
    OTHER_EMPLOYER: "enterprise:91440300MA5EXAMP3Z",
}
DOCUMENT = {
    "number": f"{NUMBER:020d}",
    "kind": "ordinary",
    "issued_on": "2026-11-02",
    "seller": {
        "name": "深圳某某餐饮有限公司",
        "tax_id": "91440300MA5EXAMP1X",
        "address": "深圳市福田区",
        "bank": "某银行",
    },
    "buyer": {"name": "深圳某某科技有限公司", "tax_id": "91440300MA5EXAMP2Y"},
    "lines": [
        {"name": "*餐饮服务*餐费", "net_fen": 4000, "rate_bp": 1300, "tax_fen": 520, "quantity": "1", "price": "40"},
        {"name": "*餐饮服务*茶", "net_fen": 6000, "rate_bp": 1300, "tax_fen": 780, "quantity": "2", "price": "30"},
    ],
    "gross_fen": GROSS_FEN,
    "net_fen": GROSS_FEN - TAX_FEN,
    "tax_fen": TAX_FEN,
    "drawer": "王某",
}


def private_key(number: int) -> ec.EllipticCurvePrivateKey:
    """The same key for the same number, so that runs repeat."""
    secret = int.from_bytes(keccak256(b"key %d" % number), "big") % SECP256K1_ORDER
    return ec.derive_private_key(secret, CURVE)


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]


def certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    identity: str | None = None,
    is_authority: bool = False,
    may_sign: bool = True,
    path_length: int | None = None,
    start: datetime = START - timedelta(days=1),
    end: datetime = START + timedelta(days=365),
    algorithm: hashes.HashAlgorithm | None = None,
    critical: x509.ExtensionType | None = None,
) -> bytes:
    """DER of a certificate; every keyword is one thing a refusing test changes."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(keccak256(subject.encode())[:8], "big"))
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
        .add_extension(
            x509.KeyUsage(may_sign, False, False, False, False, is_authority, is_authority, False, False),
            critical=True,
        )
    )
    if identity is not None:
        names = [x509.UniformResourceIdentifier(f"urn:einvoice:{identity}")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if critical is not None:
        builder = builder.add_extension(critical, critical=True)
    while True:
        signed = builder.sign(issuer_key, algorithm or hashes.SHA256())
        if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
            break
        if utils.decode_dss_signature(signed.signature)[1] <= SECP256K1_ORDER // 2:
            break
    return signed.public_bytes(serialization.Encoding.DER)


ROOT_KEY = private_key(1000)
SEALER_KEY = private_key(2000)
ROOT_SETTINGS: dict[str, object] = {"identity": "authority:bureau", "is_authority": True, "path_length": 1}
ROOT = certificate("authority", ROOT_KEY, "authority", ROOT_KEY, **ROOT_SETTINGS)


def party_certificate(party: int, **changes: object) -> bytes:
    settings: dict[str, object] = {"identity": IDENTITIES[party]} | changes
    return certificate(f"party {party}", private_key(party), "authority", ROOT_KEY, **settings)


@cache
def default_certificate(party: int) -> bytes:
    return ROOT if party == AUTHORITY else party_certificate(party)


def default_key(party: int) -> ec.EllipticCurvePrivateKey:
    return ROOT_KEY if party == AUTHORITY else private_key(party)


def identity_hash(party: int) -> bytes:
    """As the contract keeps it: of the authority nothing."""
    return ZERO_HASH if party == AUTHORITY else keccak256(IDENTITIES[party].encode())


def sign(key: ec.EllipticCurvePrivateKey, digest: bytes) -> tuple[int, int]:
    r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
    return r, min(s, SECP256K1_ORDER - s)


@dataclass(frozen=True)
class Move:
    """One operation of a scenario, and the state word's fields it changes."""

    actor: int
    operation: Operation
    changes: dict[str, int] = field(default_factory=dict)
    wait_s: int = 60
    siblings: int = 12
    contract: int = 0


def operation(code: Code, subject: int, version: int, **fields: object) -> Operation:
    settings: dict[str, object] = {"number": NUMBER, "ref": keccak256(b"%d" % version)}
    return Operation(code=code, subject=subject, version=version, **(settings | fields))


def issue(**changes: object) -> Operation:
    settings: dict[str, object] = {
        "party": EMPLOYEE,
        "month": MONTH,
        "option": 2 << 2,
        "terms": GROSS_FEN | TAX_FEN << 48,
        "who": keccak256(IDENTITIES[EMPLOYER].encode()),
    }
    made = operation(Code.ISSUE, SELLER, 0, **(settings | changes))
    return replace(made, ref=commit(DOCUMENT, SEED)) if "ref" not in changes else made


ISSUED = {
    "colour": 1,
    "seller": SELLER,
    "buyer": EMPLOYER,
    "holder": EMPLOYEE,
    "gross": GROSS_FEN,
    "month": MONTH,
}
LOCKED = {"claim": int(Claim.LOCKED)}
FREE = {"claim": int(Claim.FREE)}
MOVES = (
    Move(CLERK, issue(), ISSUED),
    Move(EMPLOYEE, operation(Code.LOCK, EMPLOYEE, 1, party=EMPLOYER, terms=CLAIM_ID), LOCKED),
    Move(EMPLOYEE, operation(Code.UNLOCK, EMPLOYEE, 2, terms=CLAIM_ID), FREE),
    Move(EMPLOYEE, operation(Code.TRANSFER, EMPLOYEE, 3, party=FRIEND), {"holder": FRIEND}),
    Move(FRIEND, operation(Code.LOCK, FRIEND, 4, party=EMPLOYER, terms=CLAIM_ID + 1), LOCKED),
    Move(FINANCE, operation(Code.SETTLE, EMPLOYER, 5, terms=CLAIM_ID + 1), {"claim": 2, "holder": EMPLOYER}),
    Move(FINANCE, operation(Code.BOOK, EMPLOYER, 6, option=1), {"entry": int(Entry.DEDUCTIBLE)}),
    Move(FINANCE, operation(Code.WITHDRAW_BOOKING, EMPLOYER, 7), {"entry": int(Entry.WITHDRAWN)}),
    Move(FINANCE, operation(Code.BOOK, EMPLOYER, 8, option=2), {"entry": int(Entry.NOT_DEDUCTIBLE)}),
    Move(EMPLOYER, operation(Code.WITHDRAW_BOOKING, EMPLOYER, 9), {"entry": int(Entry.WITHDRAWN)}),
)


@dataclass(frozen=True)
class Witness:
    """Somebody who signs checkpoints, by their own clock."""

    name: str
    time_s: int = START_S + 4000

    @property
    def secret(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(keccak256(self.name.encode()))

    @property
    def key(self) -> WitnessKey:
        return WitnessKey(self.name, self.secret.public_key().public_bytes_raw())

    def line(self, checkpoint: str) -> str:
        """The line below the checkpoint, as docs/WITNESS.md describes it, without its newline."""
        signature = self.secret.sign(f"cosignature/v1\ntime {self.time_s}\n{checkpoint}".encode())
        material = self.key.key_id + self.time_s.to_bytes(8, "big") + signature
        return f"\u2014 {self.name} {base64.b64encode(material).decode()}"


CODE_HASHES = {CONTRACT: CODE_HASH, SUCCESSOR: SUCCESSOR_CODE_HASH}


@dataclass(frozen=True)
class Scenario:
    """A ledger with one invoice's history in it. `others` other words fill the first contract's storage trie.

    State and head stand in the contract of the last move, and in each earlier one that had moves as that one left them;
    `words` (all further ones) in the first, `late_words` in the last. `successors` is what the contracts' successor
    slots hold, by default each the next one's address.
    """

    moves: tuple[Move, ...] = MOVES
    number: int = NUMBER
    document: dict[str, object] = field(default_factory=lambda: DOCUMENT)
    others: int = 300
    chain_id: int = CHAIN_ID
    certificates: dict[int, bytes] = field(default_factory=dict)
    authorities: tuple[bytes, ...] = ()
    paths: tuple[str, ...] | None = None
    words: dict[int, int] = field(default_factory=dict)
    late_words: dict[int, int] = field(default_factory=dict)
    contracts: tuple[bytes, ...] = (CONTRACT,)
    successors: tuple[bytes, ...] | None = None
    beyond: tuple[bytes, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    needed: int = 0
    checkpoint: str | None = None
    header_time_s: int | None = None
    sealer: ec.EllipticCurvePrivateKey = SEALER_KEY
    code_hash: bytes = CODE_HASH
    signers: dict[int, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    lifetime_s: int = 600

    @cached_property
    def trust(self) -> Trust:
        return Trust(
            CHAIN_ID,
            GENESIS,
            tuple(TrustedContract(contract, CODE_HASHES[contract]) for contract in self.contracts),
            (point(private_key(2001)), point(SEALER_KEY)),
            ROOT,
            tuple(sorted((witness.key for witness in self.witnesses), key=lambda key: key.name)),
            self.needed,
        )

    @cached_property
    def separators(self) -> list[bytes]:
        return [domain_separator(self.chain_id, contract) for contract in self.contracts]

    @cached_property
    def events(self) -> list[SignedEvent]:
        state, time_s, found = StateWord(), START_S, []
        for move in self.moves:
            time_s += move.wait_s
            state = replace(state, **(move.changes | {"version": state.version + 1}))
            split = move.siblings // 2
            siblings = [keccak256(b"sibling %d %d" % (time_s, index)) for index in range(move.siblings)]
            before, after = tuple(siblings[:split]), tuple(siblings[split:])
            digest = group_digest(
                self.separators[move.contract],
                move.actor,
                time_s + self.lifetime_s,
                [*before, move.operation.hash(), *after],
            )
            r, s = sign(self.signers.get(move.actor, default_key(move.actor)), digest)
            der = self.certificates.get(move.actor) or default_certificate(move.actor)
            found.append(
                SignedEvent(
                    time_s,
                    move.operation,
                    state.pack(),
                    move.actor,
                    time_s + self.lifetime_s,
                    before,
                    after,
                    r,
                    s,
                    der,
                    move.contract,
                )
            )
        return found

    def heads(self) -> list[bytes]:
        """Head word after each event: what the contract would have stored."""
        head, found = ZERO_HASH, []
        for event in self.events:
            hashed = [*event.before, event.operation.hash(), *event.after]
            digest = group_digest(self.separators[event.contract], event.actor, event.valid_until, hashed)
            signer = keccak256(point(self.signers.get(event.actor, default_key(event.actor))))[12:]
            head = head_after(head, digest, event.operation.hash(), signer, event.time_s, event.state)
            found.append(head)
        return found

    def parties(self) -> tuple[int, ...]:
        return parties_of((event.actor, event.operation, event.state) for event in self.events)

    @cached_property
    def revocable(self) -> set[bytes]:
        return {*self.authorities, *(event.certificate for event in self.events)} - {ROOT}

    def stored(self) -> list[dict[int, int]]:
        """Words of each contract by their slot."""
        words: list[dict[int, int]] = [{} for _ in self.contracts]
        for party, text in IDENTITIES.items():
            words[0][storage_key(Table.IDENTITY, party)] = int.from_bytes(keccak256(text.encode()), "big")
        for other in range(1, self.others):
            words[0][storage_key(Table.STATE, self.number + other)] = int.from_bytes(keccak256(b"%d" % other), "big")
        for event, head in zip(self.events, self.heads(), strict=True):
            words[event.contract][storage_key(Table.STATE, self.number)] = event.state
            words[event.contract][storage_key(Table.HEAD, self.number)] = int.from_bytes(head, "big")
        for event in self.events:  # the contract writes it when a party is given the certificate
            words[0][revocation_key(event.certificate)] = WRITTEN
        words[0] |= self.words
        words[-1] |= self.late_words
        slots = [{as_int(storage_slot(key)): word for key, word in layer.items()} for layer in words]
        following = self.successors or (*self.contracts[1:], bytes(20))
        for layer, successor in zip(slots, following, strict=True):
            layer[SUCCESSOR_SLOT] = WRITTEN | as_int(successor)
        return slots

    @cached_property
    def bundle(self) -> Bundle:
        storages = list(map(storage_trie, self.stored()))
        accounts = HexaryTrie({})
        for other in range(40):
            accounts[keccak256(b"account %d" % other)] = rlp.encode([b"", b"\1", ZERO_HASH, ZERO_HASH])
        for contract, storage in zip(self.contracts, storages, strict=True):
            code_hash = self.code_hash if contract == CONTRACT else CODE_HASHES[contract]
            accounts[keccak256(contract)] = rlp.encode([b"\1", b"", storage.root_hash, code_hash])
        for contract in self.beyond:
            accounts[keccak256(contract)] = rlp.encode([b"\1", b"", EMPTY_ROOT, CODE_HASH])
        header = self.header(accounts.root_hash)
        named = (*self.contracts, *(one for one in self.successors or () if any(one)))
        text = self.checkpoint or checkpoint_text(self.chain_id, GENESIS, parse_header(header))
        return build(
            chain_id=self.chain_id,
            contracts=self.contracts,
            genesis=GENESIS,
            number=self.number,
            document=disclose(self.document, SEED, self.paths),
            events=self.events,
            parties={party: (identity_hash(party), IDENTITIES.get(party)) for party in self.parties()},
            header=header,
            account_nodes=[node for address in named for node in proof_nodes(accounts, keccak256(address))],
            storage_nodes=word_nodes(storages, proof_slots(self.number, self.parties(), self.revocable)),
            authorities=self.authorities,
            checkpoint=text,
            witnesses=[witness.line(text) for witness in self.witnesses],
        )

    def header(self, state_root: bytes) -> bytes:
        time_s = self.header_time_s or self.events[-1].time_s + 5
        return sealed_header(state_root, time_s, self.sealer)

    @cached_property
    def data(self) -> bytes:
        return self.bundle.to_bytes()


def erasure_of(number: int, at_s: int, key: ec.EllipticCurvePrivateKey = ROOT_KEY, **changes: object) -> Erasure:
    """The authority's statement, its digest by eth-account from the typed data as a wallet would show it."""
    domain = {
        "name": "E-Invoice Ledger",
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": "0x" + CONTRACT.hex(),
    }
    types = {"Erasure": [{"name": "number", "type": "uint256"}, {"name": "at", "type": "uint64"}]}
    signable = encode_typed_data(domain | changes, types, {"number": number, "at": at_s})
    digest = keccak256(b"\x19\x01" + signable.header + signable.body)
    return Erasure(number, at_s, *sign(key, digest))


def number(value: int) -> bytes:
    return value.to_bytes(8, "big").lstrip(b"\0")


def sealed_header(state_root: bytes, time_s: int, sealer: ec.EllipticCurvePrivateKey, **changes: object) -> bytes:
    """RLP of a London header with a Clique seal. `changes` replaces fields before sealing, by position `f<n>`."""
    vanity = bytes(32)
    fields: list[bytes] = [
        keccak256(b"parent"),
        keccak256(rlp.encode([])),
        bytes(20),
        state_root,
        keccak256(b"transactions"),
        keccak256(b"receipts"),
        bytes(256),
        b"\2",
        number(77),
        number(30_000_000),
        number(1_000_000),
        number(time_s),
        vanity,
        bytes(32),
        bytes(8),
        b"\7",
    ]
    for name, value in changes.items():
        fields[int(name.removeprefix("f"))] = value
    secret = sealer.private_numbers().private_value.to_bytes(32, "big")
    seal = keys.PrivateKey(secret).sign_msg_hash(keccak256(rlp.encode(fields))).to_bytes()
    fields[12] += seal
    return rlp.encode(fields)


def as_int(data: bytes) -> int:
    return int.from_bytes(data, "big")


def storage_trie(words: dict[int, int]) -> HexaryTrie:
    """A contract's storage: words by slot, none of them zero."""
    trie = HexaryTrie({})
    for slot, word in words.items():
        if word:
            trie[keccak256(slot.to_bytes(32, "big"))] = rlp.encode(word.to_bytes(32, "big").lstrip(b"\0"))
    return trie


def word_nodes(storages: list[HexaryTrie], slots: list[bytes]) -> list[bytes]:
    """Nodes to each contract's successor, and to each word in the contracts that are asked for it, the newest first."""
    successor = keccak256(SUCCESSOR_SLOT.to_bytes(32, "big"))
    found = [node for storage in storages for node in proof_nodes(storage, successor)]
    for slot in slots:
        for storage in reversed(storages):
            found += proof_nodes(storage, keccak256(slot))
            if storage[keccak256(slot)]:
                break
    return found


def proof_nodes(trie: HexaryTrie, key: bytes) -> list[bytes]:
    return [rlp.encode(node) for node in trie.get_proof(key)]
