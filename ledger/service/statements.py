"""Statements of absence: a number never issued, an invoice not settled, each as a file that a stranger checks offline.

What a statement says is read from its own proof, never from rows. A proof that a word is absent can end at a leaf of
another key, and a leaf holds its whole word: another invoice's parties and amount. Whoever asks chooses the number, and
so where in the trie the proof ends; such a proof goes to officers alone, who ask for it as such (docs/THREATS.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.chain import ChainError
from ledger.domain.blocks import StorageProof
from ledger.domain.numbers import format_number
from ledger.projection import witnesses
from ledger.service import checkpoints
from ledger.service.context import Context
from ledger.service.errors import Busy, NotFound, NotWitnessed, StatementDiscloses, StatementFalse
from ledger.service.forms import checked_number
from ledger.service.people import need_whole_ledger, seen_invoice
from ledger.service.problems import invalid
from ledger.service.views import Caller
from ledger.service.witness_views import Witnessed
from verifier.contract_words import account_at
from verifier.errors import CheckError
from verifier.hashing import keccak256
from verifier.header import parse_header
from verifier.reasons import Reason
from verifier.rlp import decode
from verifier.statement import Says, Statement, Word, build_statement, contradiction, statement_key
from verifier.trie import ProofNodes
from verifier.words import storage_slot

LEAF_ITEMS = 2  # of a leaf or an extension; a branch has 17
LEAF_FLAGS = frozenset({2, 3})  # first nibble of a leaf's path; an extension's is 0 or 1


@dataclass(frozen=True)
class _Asked:
    """What is to be stated of a number, by how many witnesses, and the newest block that so many signed."""

    number: int
    says: Says
    witnessed: Witnessed
    count: int
    witnessed_block: int | None


class Statements:
    """What never was, as files."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def statement(
        self, caller: Caller, number: str, says: str, *, witnessed: Witnessed = Witnessed.PREFERRED,
        disclosing: bool = False,
    ) -> bytes:  # fmt: skip
        """The file that says `says` ("not_issued" or "not_settled") of `number`, as of a block, and true at the head.

        `not_issued` is for everybody with a credential, of any number; `not_settled` for who may see the invoice. The
        block is the newest that as many witnesses signed as are needed, or the head, as with evidence. `disclosing`: an
        officer takes a file that shows a word of others, where there is no other.

        Raises: InvalidRequest at `says`; NotPermitted for `disclosing` of others than officers; NotFound for an invoice
        the caller may not see or that does not exist, the same for both; StatementFalse; StatementDiscloses;
        NotWitnessed; Busy.
        """
        if disclosing:
            need_whole_ledger(caller)
        try:
            wanted = Says(says)
        except ValueError as err:
            raise invalid("says", "says_unknown", given=says[:40]) from err
        key = checked_number(number)
        with self._context.reading() as connection:
            if wanted is Says.NOT_SETTLED:
                seen_invoice(connection, caller, key)
            needed = witnesses.needed_witnesses(connection)
            count = 0 if witnessed is Witnessed.NONE else max(needed, int(witnessed is Witnessed.REQUIRED))
            point = checkpoints.witnessed_block(self._context, connection, count) if count else None
        asked = _Asked(key, wanted, witnessed, count, None if point is None else point.block)
        if wanted is Says.NOT_ISSUED:
            return self._not_issued(asked, disclosing=disclosing).to_bytes()
        return self._made(asked, Word.STATE).to_bytes()

    def _not_issued(self, asked: _Asked, *, disclosing: bool) -> Statement:
        """By the word whose absence shows nothing of others: state and head are written together, so either will do."""
        by_state = self._made(asked, Word.STATE)
        if not shows_another(by_state):
            return by_state
        by_head = self._made(asked, Word.HEAD)
        if not shows_another(by_head):
            return by_head
        if disclosing:
            return by_state
        raise StatementDiscloses(format_number(asked.number))

    def _made(self, asked: _Asked, word: Word) -> Statement:
        """The statement with its proof. Raises: StatementFalse, NotFound, NotWitnessed, Busy."""
        key = statement_key(asked.number, word)
        reader = self._context.reader
        try:
            _need_true(asked, reader.words([key])[0])
            proof = self._witnessed_proof(asked, key)
            if proof is None and asked.witnessed is Witnessed.REQUIRED:
                raise NotWitnessed(format_number(asked.number), asked.count)
            proof = proof or reader.proof([key])
        except ChainError as err:
            raise Busy from err
        _need_true(asked, proof.words[0])  # a block may have come in between
        with self._context.reading() as connection:
            block = parse_header(proof.header_rlp).number
            signed = checkpoints.witnessed_at(self._context, connection, block, asked.count)
        return build_statement(
            chain_id=reader.identity.chain_id,
            contracts=proof.contracts,
            genesis=reader.identity.genesis_hash,
            number=asked.number,
            says=asked.says,
            word=word,
            header=proof.header_rlp,
            account_nodes=proof.account_nodes,
            storage_nodes=proof.storage_nodes,
            checkpoint=None if signed is None else signed.text,
            witnesses=() if signed is None else signed.lines,
        )

    def _witnessed_proof(self, asked: _Asked, key: int) -> StorageProof | None:
        """Proof at the witnessed block; None without one, where the invoice is newer, or where that state is gone."""
        if asked.witnessed_block is None:
            return None
        try:
            proof = self._context.reader.proof([key], asked.witnessed_block)
        except ChainError:
            return None
        return proof if contradiction(asked.says, proof.words[0]) is None else None


def _need_true(asked: _Asked, word: int) -> None:
    """Raises: NotFound, StatementFalse."""
    reason = contradiction(asked.says, word)
    if reason is Reason.INVOICE_ABSENT:
        raise NotFound("invoice", format_number(asked.number))
    if reason is not None:
        raise StatementFalse(format_number(asked.number), asked.says.value)


def shows_another(statement: Statement) -> bool:
    """Whether the proof that the statement's word is absent ends at the leaf of another key, and so shows its word.

    Leaves that only the successors' slots lead to are in every file of this ledger and do not count.
    """
    nodes = statement.proof.storage
    key = keccak256(storage_slot(statement_key(statement.number, statement.word)))
    roots = _storage_roots(statement)
    return any(_is_needed(leaf, nodes, roots, key) for leaf in nodes if _is_leaf(leaf))


def _storage_roots(statement: Statement) -> list[bytes]:
    """Storage root of each contract, from the statement's own proof."""
    nodes = ProofNodes(statement.proof.account)
    state_root = parse_header(statement.proof.header).state_root
    return [account_at(nodes, state_root, contract)[0] for contract in statement.contracts]


def _is_leaf(node: bytes) -> bool:
    items = decode(node, Reason.PROOF_MALFORMED)
    path = items[0]
    return len(items) == LEAF_ITEMS and isinstance(path, bytes) and path[0] >> 4 in LEAF_FLAGS


def _is_needed(leaf: bytes, nodes: tuple[bytes, ...], roots: list[bytes], key: bytes) -> bool:
    """Whether `key` cannot be looked up below every root without that leaf."""
    rest = ProofNodes(tuple(node for node in nodes if node != leaf))
    try:
        for root in roots:
            rest.lookup(root, key)
    except CheckError:
        return True
    return False
