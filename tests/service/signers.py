"""Witnesses' keys for tests, and notes signed with them."""

from __future__ import annotations

import hashlib

from ledger.service import Ledger
from ledger.service.checkpoints import own_checkpoint
from ledger.witness import COSIGNATURE, Checkpoint, SignerKey


def signer(name: str) -> SignerKey:
    """A witness's key, the same for one name."""
    return SignerKey(name, COSIGNATURE, hashlib.sha256(name.encode()).digest())


def checkpoint(ledger: Ledger, block: int | None = None) -> Checkpoint:
    """The checkpoint of a block, by default of the head."""
    context = ledger.context
    found = own_checkpoint(context, context.reader.head().number if block is None else block)
    assert found is not None
    return found


def note(point: Checkpoint, *signers: SignerKey, time_s: int = 1_790_000_000) -> bytes:
    """The note of a checkpoint with the signatures of `signers`."""
    text = point.to_text()
    return (text + "\n" + "".join(one.sign(text, time_s) for one in signers)).encode()
