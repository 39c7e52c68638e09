"""Step `words`: what the contracts' storage holds of the invoice, of its parties and of its certificates."""

from __future__ import annotations

from verifier.bundle import parties_of, revocation_key
from verifier.errors import CheckError
from verifier.examination import Examination
from verifier.hashing import keccak256
from verifier.reasons import Reason
from verifier.report import Compared
from verifier.shape import word_hex
from verifier.words import Table, storage_key


def check_words(run: Examination) -> Compared:
    """The storage holds the invoice's two words, every party's identity and what is revoked; no node is surplus."""
    assert run.words is not None, "step account runs first"
    bundle, words = run.bundle, run.words
    listed = tuple(party.party for party in bundle.parties)
    needed = parties_of((event.actor, event.operation, event.state) for event in bundle.history)
    if listed != needed:
        raise CheckError(Reason.PARTIES_DIFFER, f"{listed[:8]} listed, {needed[:8]} needed")
    state = words.word(storage_key(Table.STATE, bundle.number))
    head = words.word(storage_key(Table.HEAD, bundle.number))
    for party in bundle.parties:
        identity = words.word(storage_key(Table.IDENTITY, party.party))
        if identity != int.from_bytes(party.hash, "big"):
            raise CheckError(Reason.IDENTITY_DIFFERS, f"party {party.party}")
        if party.text is not None and keccak256(party.text.encode()) != party.hash:
            raise CheckError(Reason.IDENTITY_DIFFERS, f"text of party {party.party}")
    root = run.trust.authority_root
    revoked = tuple(0 if der == root else words.word(revocation_key(der)) for der in bundle.certificates)
    words.check_all_used()
    if not state or not head:
        raise CheckError(Reason.INVOICE_ABSENT, f"{bundle.number:020d}")
    run.state, run.head, run.revoked = state, head, revoked
    names = {f"party_{party.party}": party.text or party.hash.hex() for party in bundle.parties}
    return {"state": word_hex(state), "head": word_hex(head), **names}
