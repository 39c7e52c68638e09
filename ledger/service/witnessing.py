"""Whose witness signatures count, and how many are needed: the authority's word, which the trust file publishes."""

from __future__ import annotations

from datetime import datetime

from ledger.domain.times import utc_time
from ledger.projection import Connection, witnesses
from ledger.projection.witnesses import WitnessKey
from ledger.service import checkpoints
from ledger.service.audit_log import note_change
from ledger.service.context import Context
from ledger.service.errors import NotFound
from ledger.service.people import need_authority, need_overseer
from ledger.service.problems import invalid
from ledger.service.views import Caller
from ledger.service.witness_views import CheckpointTaken, WitnessAlarmView, WitnessList, WitnessView
from ledger.service.writing import run_write
from ledger.witness import COSIGNATURE, NoteError, VerifierKey, parse_verifier_key
from verifier.canonical import Json
from verifier.trust import WITNESSES_MAX

SECONDS_SHOWN_MAX = 253_402_300_799  # the year 9999: a witness's clock may say more


class Witnessing:
    """Witnesses of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def admit(self, caller: Caller, key: str) -> WitnessView:
        """Signatures of `key` (a C2SP verifier key, as `einvoice witness init` prints it) count from now on.

        Admitted already it stays as it is. Raises: NotPermitted for all but the authority; InvalidRequest at `key`.
        """
        need_authority(caller)
        known = _checked_key(key)

        def write(connection: Connection) -> int:
            earlier = witnesses.witness_key_of(connection, known.public_key)
            if earlier is not None and earlier.withdrawn_at is None and earlier.line == known.to_text():
                return earlier.seq
            if earlier is not None:
                raise invalid("key", "witness_key_known", name=earlier.name)
            admitted = witnesses.witness_keys(connection)
            if any(one.name == known.name for one in admitted):
                raise invalid("key", "witness_name_known", name=known.name)
            if len(admitted) >= WITNESSES_MAX:
                raise invalid("key", "witnesses_max", high=WITNESSES_MAX)
            witnesses.admit_witness(
                connection, name=known.name, key_id=known.key_id, public_key=known.public_key, line=known.to_text(),
                admitted_by=caller.party, now_s=self._context.now_s(),
            )  # fmt: skip
            note_change(self._context, connection, caller, "witness admitted", about=known.name)
            stored = witnesses.witness_key_of(connection, known.public_key)
            assert stored is not None
            return stored.seq

        return self._view(run_write(self._context, write))

    def withdraw(self, caller: Caller, name: str) -> WitnessView:
        """Signatures of the witness called `name` count no more, and its key never again.

        Raises: NotPermitted for all but the authority; NotFound; InvalidRequest while it is needed.
        """
        need_authority(caller)

        def write(connection: Connection) -> int:
            admitted = witnesses.witness_keys(connection)
            found = next((one for one in admitted if one.name == name), None)
            if found is None:
                raise NotFound("witness", name[:80])
            needed = witnesses.needed_witnesses(connection)
            if needed > len(admitted) - 1:
                raise invalid("name", "witness_needed", needed=needed)
            witnesses.withdraw_witness(connection, found.seq, withdrawn_by=caller.party, now_s=self._context.now_s())
            note_change(self._context, connection, caller, "witness withdrawn", about=found.name)
            return found.seq

        return self._view(run_write(self._context, write))

    def need(self, caller: Caller, needed: int) -> int:
        """So many distinct witnesses must have signed what evidence proves; 0 asks for none.

        Raises: NotPermitted for all but the authority; InvalidRequest for more than are admitted.
        """
        need_authority(caller)

        def write(connection: Connection) -> None:
            high = len(witnesses.witness_keys(connection))
            if not 0 <= needed <= high:
                raise invalid("needed", "count_range", low=0, high=high, given=needed)
            if needed != witnesses.needed_witnesses(connection):
                witnesses.set_needed_witnesses(connection, needed, set_by=caller.party, now_s=self._context.now_s())
                note_change(self._context, connection, caller, "witnesses needed", about="", needed=needed)

        run_write(self._context, write)
        return needed

    def listed(self, caller: Caller) -> WitnessList:
        """Every key ever admitted, the policy, the alarms. Raises: NotPermitted for all but officers and auditors."""
        need_overseer(caller)
        with self._context.reading() as connection:
            keys = witnesses.witness_keys(connection, admitted_only=False)
            names = {key.seq: key.name for key in keys}
            return WitnessList(
                needed=witnesses.needed_witnesses(connection),
                witnesses=_views(connection, keys),
                alarms=tuple(
                    WitnessAlarmView(
                        name=names.get(one.witness, ""),
                        block=one.block,
                        block_hash=one.block_hash.hex(),
                        own_hash=None if one.own_hash is None else one.own_hash.hex(),
                        received_at=_time(one.received_at),
                        note=one.note.decode(),
                    )
                    for one in witnesses.witness_alarms(connection)
                ),
            )

    def take(self, data: bytes) -> CheckpointTaken:
        """Takes a checkpoint that witnesses signed, from anybody; see ledger.service.checkpoints."""
        return checkpoints.take(self._context, data)

    def latest(self, signatures: int = 1) -> str:
        """The newest checkpoint with at least so many signatures. Raises: NotFound."""
        return checkpoints.latest(self._context, signatures)

    def _view(self, seq: int) -> WitnessView:
        with self._context.reading() as connection:
            keys = witnesses.witness_keys(connection, admitted_only=False)
            (found,) = _views(connection, tuple(key for key in keys if key.seq == seq))
            return found


def trusted_witnesses(connection: Connection) -> dict[str, Json]:
    """What the trust file says of witnesses."""
    keys: list[Json] = [key.line for key in witnesses.witness_keys(connection)]
    return {"needed": witnesses.needed_witnesses(connection), "keys": keys}


def _checked_key(line: str) -> VerifierKey:
    try:
        key = parse_verifier_key(line.strip())
    except NoteError as err:
        raise invalid("key", "witness_key_form", reason=err.message) from err
    if key.kind != COSIGNATURE:
        raise invalid("key", "witness_key_form", reason="a witness's key is of kind 0x04, for cosignatures")
    return key


def _views(connection: Connection, keys: tuple[WitnessKey, ...]) -> tuple[WitnessView, ...]:
    newest = witnesses.newest_cosignatures(connection)
    views = []
    for key in keys:
        last = newest.get(key.seq)
        views.append(
            WitnessView(
                name=key.name,
                key=key.line,
                admitted_by=key.admitted_by,
                admitted_at=_time(key.admitted_at),
                withdrawn_by=key.withdrawn_by,
                withdrawn_at=None if key.withdrawn_at is None else _time(key.withdrawn_at),
                block=None if last is None else last.block,
                signed_at=None if last is None else _time(last.signed_at),
            )
        )
    return tuple(views)


def _time(seconds: int) -> datetime:
    return utc_time(min(seconds, SECONDS_SHOWN_MAX))
