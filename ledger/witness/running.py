"""The witness at work: looks, refuses or signs, waits, looks again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ledger.witness.conviction import check_conviction
from ledger.witness.errors import ConvictionError, SourceError
from ledger.witness.following import Refused, look
from ledger.witness.home import Home, Signed
from ledger.witness.sources import Source
from ledger.witness.state import SKEW_LIMIT_S, Refusal, State

INTERVAL_DEFAULT_S: Final = 5.0  # seconds between looks: blocks come several a second, checkpoints need not
INTERVAL_MAX_S: Final = 86_400.0
BACKOFF_FIRST_S: Final = 1.0
BACKOFF_MAX_S: Final = 60.0  # an operator who comes back is followed again within a minute
REFRESH_S: Final = 3_600  # an unchanged head is signed again: a cosignature says "the largest seen as of"
LOOKED_KEPT_S: Final = 60  # while nothing grows, the time of the last look is kept this often
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Told:
    """What happened: a checkpoint, a refusal, an outage, or blocks from the future that hold signing up.

    `passed` is a checkpoint of a block on the way to the head, signed just before the head's.
    """

    signed: Signed | None = None
    passed: Signed | None = None
    refusal: Refusal | None = None
    outage: SourceError | None = None
    ahead_s: int = 0


Tell = Callable[[Told], None]


def witness_once(home: Home, source: Source, *, clock: Clock = time.time, stop: threading.Event | None = None) -> Told:
    """One look, to the source's head, and a checkpoint or a refusal. Call it inside `locked`.

    After a fork the source is not even asked. What was checked until an error is kept.

    Raises: SourceError, HomeError, OSError.
    """
    state = home.state()
    if state.is_forked:
        return Told(refusal=state.refusals[-1])
    stop = stop or threading.Event()
    found = look(source, state, home.trust, int(clock()), home.save, stop.is_set)
    if found.refused is not None:
        return Told(refusal=_refuse(home, found.state, found.refused, int(clock())))
    if found.state.height > state.height or found.state.looked_s - state.looked_s >= LOOKED_KEPT_S:
        home.save(found.state)
    return _sign(home, found.state, int(clock())) if found.is_whole else Told()


def witness(
    home: Home,
    source: Source,
    tell: Tell,
    stop: threading.Event,
    *,
    interval_s: float = INTERVAL_DEFAULT_S,
    clock: Clock = time.time,
) -> Refusal | None:
    """Looks every `interval_s` until `stop` is set (None) or something is refused. Call it inside `locked`.

    Outages are told and waited for, longer each time. Raises: HomeError, OSError.
    """
    pause_s = BACKOFF_FIRST_S
    while not stop.is_set():
        try:
            told = witness_once(home, source, clock=clock, stop=stop)
        except SourceError as err:
            tell(Told(outage=err))
            stop.wait(pause_s)
            pause_s = min(2 * pause_s, BACKOFF_MAX_S)
            continue
        pause_s = BACKOFF_FIRST_S
        if told != Told():
            tell(told)
        if told.refusal is not None:
            return told.refusal
        stop.wait(interval_s)
    return None


def _sign(home: Home, state: State, now_s: int) -> Told:
    ahead_s = state.time_s - now_s
    if ahead_s > SKEW_LIMIT_S:
        return Told(ahead_s=ahead_s)
    signed = home.signed()
    if not state.height:
        return Told()
    if signed is not None and signed.checkpoint.size == state.height + 1 and now_s - signed.time_s < REFRESH_S:
        return Told()
    # a clock that was set back: what was said of a later time stays true of it
    time_s = max(now_s, signed.time_s if signed else 0)
    passed = _passed(state, signed.checkpoint.height if signed else 0)
    return Told(
        passed=None if passed is None else home.sign(passed, time_s),
        signed=home.sign(state, time_s),
    )


def roundest(above: int, top: int) -> int:
    """The number in above + 1 to `top` that the highest power of two divides.

    Whoever follows one chain in steps of his own meets the roundest numbers in any case, and signs them: so witnesses
    who never look at the same moment have blocks in common, two looks apart at most.
    """
    while top & (top - 1) > above:
        top &= top - 1
    return top


def _passed(state: State, signed_height: int) -> State | None:
    """The state as it was at the roundest block since the last one signed; None when that is the head."""
    number = roundest(max(signed_height, state.height - len(state.recent)), state.height)
    if number == state.height:
        return None
    seen = state.recent_at(number)
    assert seen is not None, "it is among the headers kept"
    recent = tuple(one for one in state.recent if one.number <= number)
    return replace(state, height=number, hash=seen.hash, time_s=seen.header.time_s, recent=recent)


def _refuse(home: Home, state: State, refused: Refused, now_s: int) -> Refusal:
    """Keeps the proof, then the refusal; the proof is checked as a stranger would, so that its text says what it is."""
    proof = ""
    text = refused.text
    if refused.headers is not None:
        path = home.keep_proof(*refused.headers)
        proof = path.name
        try:
            check_conviction(path.read_bytes(), home.trust)
        except ConvictionError as err:
            text = f"{text}; the proof convicts nobody: {err.message}"
    refusal = Refused(refused.kind, refused.height, text).as_refusal(max(now_s, 0), proof)
    home.save(state.refused(refusal))
    return refusal
