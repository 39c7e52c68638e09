"""What a witness remembers: the head it has checked, the last headers before it, clocks, refusals.

One file, replaced whole: a crash leaves the state before or after, never between. It is saved
before anything is signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ledger.witness.errors import HomeError
from ledger.witness.headers import HEADER_SIZE_MAX, Seen, read_header
from verifier.canonical import Json, dumps, loads
from verifier.errors import EvidenceError
from verifier.shape import base64_of, based, fields, hexed, integer, items, text

STATE_FORMAT: Final = "einvoice-witness-state"
STATE_VERSION: Final = 1
RECENT_MAX: Final = 128  # headers kept: a fork this deep is located and proven; they take 100 KB
REFUSALS_MAX: Final = 32  # last refusals told by status
STATE_SIZE_MAX: Final = 1 * 1024 * 1024  # bytes; RECENT_MAX of the largest headers take 700 KB
SKEW_LIMIT_S: Final = 10  # seconds between block time and own clock that need no explanation
TEXT_SIZE_MAX: Final = 400  # characters of a refusal's text
_SKEW_FIELDS: Final = ("last_s", "ahead_max_s", "ahead_block", "behind_max_s", "behind_block", "over_limit")
_SKEW_MAX_S: Final = 2**48


class Kind(StrEnum):
    """Why a witness does not sign."""

    ROLLBACK = "rollback"
    FORK = "fork"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: kind, height that it is about, what happened, by the witness's clock, and the proof's file or ""."""

    kind: Kind
    height: int
    text: str
    at_s: int
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Skew:
    """Distance of block times from the witness's clock, in seconds.

    A block seen now for the first time was sealed between the last look and now. Its time inside that span is skew 0;
    later than now is ahead (positive), earlier than the last look is behind (negative).
    """

    last_s: int = 0
    ahead_max_s: int = 0
    ahead_block: int = 0
    behind_max_s: int = 0
    behind_block: int = 0
    over_limit: int = 0  # blocks beyond SKEW_LIMIT_S either way

    def with_block(self, number: int, time_s: int, *, looked_s: int | None, now_s: int) -> Skew:
        """As it is after one more block; `looked_s` is the last look at a live source, None when there is none."""
        ahead = max(0, time_s - now_s)
        behind = 0 if looked_s is None else max(0, looked_s - time_s)
        skew = replace(self, last_s=ahead or -behind, over_limit=self.over_limit + (max(ahead, behind) > SKEW_LIMIT_S))
        if ahead > self.ahead_max_s:
            skew = replace(skew, ahead_max_s=ahead, ahead_block=number)
        if behind > self.behind_max_s:
            skew = replace(skew, behind_max_s=behind, behind_block=number)
        return skew


@dataclass(frozen=True, slots=True)
class State:
    """Everything remembered. `recent` are the last headers up to the head, oldest first; empty at genesis.

    `looked_s`: last look at a live source that found it in order, seconds since 1970, 0 before the first; kept to
    within a minute. `is_forked`: a second history was seen; nothing is ever signed again.
    """

    origin: str
    height: int
    hash: bytes
    time_s: int
    recent: tuple[Seen, ...] = ()
    looked_s: int = 0
    skew: Skew = field(default_factory=Skew)
    refusals: tuple[Refusal, ...] = ()
    is_forked: bool = False

    def grown(self, seen: Seen, *, skew: Skew) -> State:
        """With one more block on the head."""
        recent = (*self.recent, seen)[-RECENT_MAX:]
        return replace(self, height=seen.number, hash=seen.hash, time_s=seen.header.time_s, recent=recent, skew=skew)

    def refused(self, refusal: Refusal) -> State:
        """With one more refusal; the same one again takes the place of the last, and a fork is for good."""
        before = self.refusals
        if before and (before[-1].kind, before[-1].height) == (refusal.kind, refusal.height):
            before = before[:-1]
        refusals = (*before, refusal)[-REFUSALS_MAX:]
        return replace(self, refusals=refusals, is_forked=self.is_forked or refusal.kind is Kind.FORK)

    def recent_at(self, number: int) -> Seen | None:
        """The header kept of block `number`."""
        at = number - (self.height - len(self.recent) + 1)
        return self.recent[at] if 0 <= at < len(self.recent) else None

    def to_bytes(self) -> bytes:
        """The state file, canonical JSON."""
        skew: dict[str, Json] = {name: getattr(self.skew, name) for name in _SKEW_FIELDS}
        refusals: list[Json] = [
            {"kind": one.kind.value, "height": one.height, "text": one.text, "at": one.at_s, "proof": one.proof}
            for one in self.refusals
        ]
        recent: list[Json] = [base64_of(one.encoded) for one in self.recent]
        value: dict[str, Json] = {
            "format": STATE_FORMAT,
            "version": STATE_VERSION,
            "origin": self.origin,
            "height": self.height,
            "hash": self.hash.hex(),
            "time": self.time_s,
            "recent": recent,
            "looked": self.looked_s,
            "skew": skew,
            "refusals": refusals,
            "forked": self.is_forked,
        }
        return dumps(value)


def parse_state(data: bytes) -> State:
    """The state that a file's bytes are.

    Raises: HomeError when they are none, or do not agree with themselves.
    """
    try:
        return _state(loads(data, STATE_SIZE_MAX))
    except (EvidenceError, ValueError) as err:
        raise HomeError(
            f"state.json is damaged ({err}): put back a copy that is not older than the last checkpoint"
        ) from err


def _state(value: Json) -> State:
    names = ("format", "version", "origin", "height", "hash", "time", "recent", "looked", "skew", "refusals", "forked")
    found = fields(value, names, "")
    if found["format"] != STATE_FORMAT or found["version"] != STATE_VERSION:
        raise ValueError("format or version")
    forked = found["forked"]
    if not isinstance(forked, bool):
        raise ValueError("forked")  # noqa: TRY004 - a damaged file, not a wrong call
    skew = fields(found["skew"], _SKEW_FIELDS, "skew")
    state = State(
        origin=text(found["origin"], TEXT_SIZE_MAX, "origin"),
        height=integer(found["height"], "height"),
        hash=hexed(found["hash"], 32, "hash"),
        time_s=integer(found["time"], "time"),
        recent=tuple(
            read_header(based(one, HEADER_SIZE_MAX, "recent")) for one in items(found["recent"], RECENT_MAX, "recent")
        ),
        looked_s=integer(found["looked"], "looked"),
        skew=Skew(**{name: integer(skew[name], f"skew.{name}", -_SKEW_MAX_S) for name in _SKEW_FIELDS}),
        refusals=tuple(map(_refusal, items(found["refusals"], REFUSALS_MAX, "refusals"))),
        is_forked=forked,
    )
    linked = all(one.hash == two.parent_hash for one, two in zip(state.recent, state.recent[1:], strict=False))
    if state.recent and ((state.recent[-1].hash, state.recent[-1].number) != (state.hash, state.height) or not linked):
        raise ValueError("recent headers do not lead to the head")
    if bool(state.recent) != bool(state.height):
        raise ValueError("height and recent headers disagree")
    return state


def _refusal(value: Json) -> Refusal:
    found = fields(value, ("kind", "height", "text", "at", "proof"), "refusals")
    return Refusal(
        kind=Kind(text(found["kind"], 16, "refusals.kind")),
        height=integer(found["height"], "refusals.height"),
        text=text(found["text"], TEXT_SIZE_MAX, "refusals.text"),
        at_s=integer(found["at"], "refusals.at"),
        proof=text(found["proof"], TEXT_SIZE_MAX, "refusals.proof"),
    )
