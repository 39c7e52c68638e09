"""One look at a source: what is new is checked and taken, what contradicts what was witnessed is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from ledger.witness.errors import SourceError
from ledger.witness.headers import HeaderRefusedError, Seen, check_child, check_seal
from ledger.witness.sources import HEADERS_AT_ONCE_MAX, Source
from ledger.witness.state import TEXT_SIZE_MAX, Kind, Refusal, State
from verifier.trust import Trust

Save = Callable[[State], None]
Stopping = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing may be signed, and of a fork the two headers (witnessed, shown) at the height where it shows."""

    kind: Kind
    height: int
    text: str
    headers: tuple[Seen, Seen] | None = None

    def as_refusal(self, at_s: int, proof: str = "") -> Refusal:
        """As the state keeps it."""
        return Refusal(self.kind, self.height, self.text[:TEXT_SIZE_MAX], at_s, proof)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gave: the state after it, whether all that the source has was taken, and a refusal."""

    state: State
    is_whole: bool
    refused: Refused | None = None


def look(
    source: Source, state: State, trust: Trust, now_s: int, save: Save, stopping: Stopping = lambda: False
) -> Look:
    """Follows the source to its head; `save` is called with each state that is to be kept, before more is read.

    `now_s` is the witness's clock, seconds since 1970. Raises: SourceError; what `save` raises.
    """
    shown = source.height()
    against = _contradiction(source, state, trust, shown)
    if against is not None:
        return Look(state, is_whole=False, refused=against)
    looked_s = (state.looked_s or None) if source.is_live else None
    while state.height < shown:
        if stopping():
            return Look(state, is_whole=False)
        headers = source.headers(state.height + 1, min(HEADERS_AT_ONCE_MAX, shown - state.height))
        for seen in headers:
            try:
                check_child(seen, state.hash, state.time_s, state.height + 1, trust)
            except HeaderRefusedError as err:
                save(state)
                # the source may have changed its history since it was asked for the head
                again = _contradiction(source, state, trust, max(shown, state.height))
                return Look(
                    state, is_whole=False, refused=again or Refused(Kind.INVALID, state.height + 1, err.message)
                )
            skew = state.skew.with_block(seen.number, seen.header.time_s, looked_s=looked_s, now_s=now_s)
            state = state.grown(seen, skew=skew)
        save(state)
    if source.is_live:
        state = replace(state, looked_s=max(now_s, 0))
    return Look(state, is_whole=True)


def _contradiction(source: Source, state: State, trust: Trust, shown: int) -> Refused | None:
    """What the source shows against the blocks witnessed: another block of a height, or fewer blocks."""
    top = min(shown, state.height)
    ours = state.recent_at(top)
    if ours is not None:
        [theirs] = source.headers(top, 1)
        if theirs.number != top:
            return Refused(Kind.INVALID, top, f"asked for block {top}, the source shows block {theirs.number}")
        if theirs.hash != ours.hash:
            return _fork(source, state, trust, theirs)
    if shown < state.height:
        return Refused(
            Kind.ROLLBACK, shown, f"the source ends at block {shown}, but block {state.height} was witnessed"
        )
    return None


def _fork(source: Source, state: State, trust: Trust, theirs: Seen) -> Refused:
    """The fork as deep as the headers kept reach: the lowest height that differs, and the pair that convicts.

    `theirs` is the block that differs already. Below it the source may lie or fall silent; then the fork begins there.
    """
    first, top = state.height - len(state.recent) + 1, theirs.number
    shown: dict[int, Seen] = {}
    with suppress(SourceError):  # what is in hand is enough
        for start in range(first, top, HEADERS_AT_ONCE_MAX):
            shown.update((one.number, one) for one in source.headers(start, min(HEADERS_AT_ONCE_MAX, top - start)))
    shown[top] = theirs
    pairs = [
        (ours, shown[ours.number])
        for ours in state.recent
        if ours.number in shown and ours.hash != shown[ours.number].hash and _sealer(shown[ours.number], trust)
    ]
    if not pairs:
        return Refused(Kind.INVALID, top, f"block {top} differs from the one witnessed and has no pinned sealer's seal")
    begins = pairs[0][0].number
    where = f"from block {begins}" if begins > first or first == 1 else f"from block {begins} or earlier"
    for ours, other in pairs:
        if _sealer(ours, trust) == _sealer(other, trust):
            return Refused(Kind.FORK, begins, f"a second history {where}, sealed by the same sealer", (ours, other))
    return Refused(Kind.FORK, begins, f"a second history {where}, by another sealer", pairs[0])


def _sealer(seen: Seen, trust: Trust) -> bytes | None:
    try:
        return check_seal(seen, trust)
    except HeaderRefusedError:
        return None
