"""What witnesses signed, held against the blocks and the keys it is said to be of."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.chain import BlockUnknownError
from ledger.projection import Connection, witnesses
from ledger.projection.audit_signers import stored_alarms, stored_cosignatures
from ledger.projection.audit_words import Difference
from ledger.projection.witnesses import Cosignature
from ledger.service.context import Context
from verifier.errors import CheckError, ShapeError
from verifier.header import parse_header
from verifier.witnesses import WitnessKey, checkpoint_text, parse_cosignature, parse_witness_key


def check_witnesses(context: Context, connection: Connection) -> Iterator[Difference | None]:
    """One item a key, signature or alarm: None when it is what it says."""
    keys: dict[int, WitnessKey] = {}
    for row in witnesses.witness_keys(connection, admitted_only=False):
        try:
            key = parse_witness_key(row.line)
        except ShapeError as err:
            yield Difference("witness_key", str(row.seq), "line", row.line, f"a key: {err}")
            return
        said = (("name", key.name, row.name), ("key_id", key.key_id.hex(), row.key_id.hex()))
        for column, wanted, stored in (*said, ("public_key", key.public_key.hex(), row.public_key.hex())):
            if stored != wanted:
                yield Difference("witness_key", str(row.seq), column, stored, wanted)
        keys[row.seq] = key
        yield None
    for cosignature in stored_cosignatures(connection):
        yield _cosignature_difference(context, keys, cosignature)
    for alarm in stored_alarms(connection):
        own = _hash_of(context, alarm.block)
        key_text = f"{alarm.witness} {alarm.block}"
        if alarm.block_hash == own:
            yield Difference(
                "witness_alarm", key_text, "block_hash", alarm.block_hash.hex(), "another than the chain's"
            )
        elif alarm.own_hash not in (None, own):
            yield Difference(
                "witness_alarm", key_text, "own_hash", str(alarm.own_hash and alarm.own_hash.hex()), str(own)
            )
        else:
            yield None


def _cosignature_difference(context: Context, keys: dict[int, WitnessKey], stored: Cosignature) -> Difference | None:
    at = f"{stored.block} {stored.witness}"
    key = keys.get(stored.witness)
    if key is None:
        return Difference("cosignature", at, "witness", str(stored.witness), "a witness whose key is kept")
    try:
        header = parse_header(context.reader.header_rlp(stored.block))
    except (BlockUnknownError, CheckError) as err:
        return Difference("cosignature", at, "block", str(stored.block), f"a block of the chain: {err}")
    if header.hash != stored.block_hash:
        return Difference("cosignature", at, "block_hash", stored.block_hash.hex(), header.hash.hex())
    try:
        signed = parse_cosignature(stored.line)
    except CheckError as err:
        return Difference("cosignature", at, "line", stored.line, f"a signature: {err}")
    if signed.time_s != stored.signed_at:
        return Difference("cosignature", at, "signed_at", str(stored.signed_at), str(signed.time_s))
    identity = context.reader.identity
    text = checkpoint_text(identity.chain_id, identity.genesis_hash, header)
    is_of_key = (signed.name, signed.key_id) == (key.name, key.key_id)
    if not is_of_key or not key.is_cosigned(text, signed.time_s, signed.signature):
        return Difference("cosignature", at, "line", stored.line, f"a signature of {key.name} on this block")
    return None


def _hash_of(context: Context, block: int) -> bytes | None:
    try:
        return parse_header(context.reader.header_rlp(block)).hash
    except BlockUnknownError:
        return None
