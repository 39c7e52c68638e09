"""Witnesses' checkpoints: taking them in, handing them out, and finding the newest block that enough have signed.

A checkpoint authenticates itself: what counts is the signature of a key that the authority admitted. Of a note without
one nothing is stored, and nothing is told of what it says about the chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from ledger.chain import ChainError
from ledger.projection import Connection, witnesses
from ledger.projection.witnesses import Cosignature, WitnessAlarm, WitnessKey
from ledger.service.context import Context
from ledger.service.errors import Busy, HistoryDiffers, NotFound
from ledger.service.problems import invalid
from ledger.service.witness_views import CheckpointTaken
from ledger.service.writing import run_write
from ledger.settings import EMBEDDED_CHAIN
from ledger.witness import Checkpoint, NoteError, origin_of, parse_checkpoint, parse_note, parse_verifier_key
from ledger.witness.note import Note
from verifier.header import parse_header
from verifier.trust import WITNESSES_MAX

CHECKPOINT_SIZE_MAX = 4_096  # bytes of a note sent here; 16 signature lines of usual names take 2,600
STALE_BLOCKS_MAX = 16  # signed blocks passed over because the chain, restored from a backup, went on otherwise

log = structlog.get_logger("service")


@dataclass(frozen=True)
class WitnessedBlock:
    """A block that admitted witnesses signed: its number, its checkpoint's text, and their lines, ascending."""

    block: int
    text: str
    lines: tuple[str, ...]

    @property
    def note(self) -> str:
        """The C2SP note."""
        return self.text + "\n" + "".join(f"{line}\n" for line in self.lines)


def take(context: Context, data: bytes) -> CheckpointTaken:
    """Stores the signatures of admitted witnesses on a checkpoint of this chain; the same note again changes nothing.

    Raises: InvalidRequest at `note`; HistoryDiffers, once the note is kept as an alarm, when a witness signed what this
    chain does not have; Busy.
    """
    note, point = _parsed(context, data)
    with context.reading() as connection:
        keys = {(one.name, one.key_id): one for one in witnesses.witness_keys(connection)}
    signed = _signed(note, keys)
    _check_history(context, point, note, data, signed)
    received_s = context.now_s()
    new = [
        Cosignature(point.height, key.seq, point.block_hash, time_s, received_s, line)
        for key, (time_s, line) in signed.items()
    ]
    admitted = [key.seq for key in keys.values()]
    with context.reading() as connection:
        is_known = all(witnesses.has_cosignature(connection, one) for one in new)
    if not is_known:
        run_write(context, lambda connection: _put(connection, new, admitted))
    with context.reading() as connection:
        count = len(witnesses.cosignatures_of(connection, point.height, point.block_hash, admitted))
    return CheckpointTaken(
        block=point.height,
        block_hash=point.block_hash.hex(),
        taken=tuple(sorted(key.name for key in signed)),
        unknown_count=sum((one.name, one.key_id) not in keys for one in note.signatures),
        signature_count=count,
    )


def latest(context: Context, signatures: int = 1) -> str:
    """The newest checkpoint that at least so many admitted witnesses signed, with all their lines, as a C2SP note.

    Raises: NotFound when there is none.
    """
    with context.reading() as connection:
        found = witnessed_block(context, connection, max(1, signatures))
    if found is None:
        raise NotFound("checkpoint", "latest")
    return found.note


def witnessed_block(context: Context, connection: Connection, count: int) -> WitnessedBlock | None:
    """The newest block of this chain that at least `count` admitted witnesses signed."""
    admitted = [key.seq for key in witnesses.witness_keys(connection)]
    for number in witnesses.cosigned_blocks(connection, admitted, count, limit=STALE_BLOCKS_MAX):
        own = own_checkpoint(context, number)
        found = None if own is None else _witnessed(connection, own, admitted)
        if found is not None and len(found.lines) >= count:
            return found
    return None


def witnessed_at(context: Context, connection: Connection, number: int, count: int) -> WitnessedBlock | None:
    """What at most `count` admitted witnesses signed of block `number`; None where nobody did.

    Those admitted first come first: a verifier refuses lines of keys that its trust file does not have, and an older
    trust file has the older keys.
    """
    own = own_checkpoint(context, number)
    if own is None:
        return None
    found = _witnessed(connection, own, [key.seq for key in witnesses.witness_keys(connection)], count)
    return found if found.lines else None


def own_checkpoint(context: Context, number: int) -> Checkpoint | None:
    """The checkpoint of this chain's block `number`; None above the head, or when the chain cannot be read."""
    identity = context.reader.identity
    try:
        header = parse_header(context.reader.header_rlp(number))
    except ChainError:
        return None
    origin = origin_of(identity.chain_id, identity.genesis_hash)
    return Checkpoint(origin, number + 1, header.hash, header.state_root, header.time_s)


def _parsed(context: Context, data: bytes) -> tuple[Note, Checkpoint]:
    if len(data) > CHECKPOINT_SIZE_MAX:
        raise invalid("note", "note_size", high=CHECKPOINT_SIZE_MAX)
    try:
        note = parse_note(data)
        point = parse_checkpoint(note.text)
    except NoteError as err:
        raise invalid("note", "note_form", reason=err.message) from err
    if len(note.signatures) > WITNESSES_MAX:
        raise invalid("note", "note_signatures", high=WITNESSES_MAX)
    identity = context.reader.identity
    origin = origin_of(identity.chain_id, identity.genesis_hash)
    if point.origin != origin:
        raise invalid("note", "note_origin", expected=origin)
    return note, point


def _signed(note: Note, keys: dict[tuple[str, bytes], WitnessKey]) -> dict[WitnessKey, tuple[int, str]]:
    """Time and line of each admitted key that signed the note, the newest where one signed twice."""
    found: dict[WitnessKey, tuple[int, str]] = {}
    for one in note.signatures:
        key = keys.get((one.name, one.key_id))
        if key is None:
            continue
        if not parse_verifier_key(key.line).is_signed(note.text, one.value):
            raise invalid("note", "note_signature", name=key.name)
        time_s = one.time_s
        assert time_s is not None, "a cosignature that verifies has its time"
        found[key] = max(found.get(key, (0, "")), (time_s, one.to_line()))
    if not found:
        raise invalid("note", "note_witness_unknown")
    return found


def _check_history(
    context: Context, point: Checkpoint, note: Note, data: bytes, signed: dict[WitnessKey, tuple[int, str]]
) -> None:
    own = own_checkpoint(context, point.height)
    if own is None and context.settings.chain_url != EMBEDDED_CHAIN:
        raise Busy  # this node of the network may lag behind the one that the witness asked
    if own is not None and own.block_hash == point.block_hash:
        if own.to_text() != note.text:
            raise invalid("note", "note_differs")
        return
    own_hash = None if own is None else own.block_hash
    now_s = context.now_s()

    def write(connection: Connection) -> None:
        for key in signed:
            witnesses.put_alarm(
                connection, WitnessAlarm(key.seq, point.height, point.block_hash, own_hash, now_s, data)
            )

    run_write(context, write)
    names = sorted(key.name for key in signed)
    log.error("witness_saw_another_history", block=point.height, hash=point.block_hash.hex(), witnesses=names)
    raise HistoryDiffers(point.height, point.block_hash.hex(), None if own_hash is None else own_hash.hex())


def _put(connection: Connection, new: list[Cosignature], admitted: list[int]) -> None:
    count = max(1, witnesses.needed_witnesses(connection))
    enough = witnesses.cosigned_blocks(connection, admitted, count, limit=1)
    for one in new:
        witnesses.put_cosignature(connection, one, keep=enough[0] if enough else None)


def _witnessed(
    connection: Connection, own: Checkpoint, admitted: list[int], count: int = WITNESSES_MAX
) -> WitnessedBlock:
    lines = [one.line for one in witnesses.cosignatures_of(connection, own.height, own.block_hash, admitted)]
    return WitnessedBlock(own.height, own.to_text(), tuple(sorted(lines[:count])))
