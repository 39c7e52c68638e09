"""Witnesses as the authority sees them, and what became of a checkpoint that was sent here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Witnessed(StrEnum):
    """What evidence is to carry of witnesses' signatures."""

    REQUIRED = "required"  # as many as are needed, at least one, or no evidence
    PREFERRED = "preferred"  # as many as are needed where the invoice did not change since, else as of the head
    NONE = "none"  # as of the head, without any


@dataclass(frozen=True)
class WitnessView:
    """A key that was admitted; `block` and `signed_at` (the witness's clock) of its newest signature kept here."""

    name: str
    key: str
    admitted_by: int
    admitted_at: datetime
    withdrawn_by: int | None
    withdrawn_at: datetime | None
    block: int | None
    signed_at: datetime | None


@dataclass(frozen=True)
class WitnessAlarmView:
    """A witness signed `block_hash` at `block`, where this chain has `own_hash` or (None) ended. Hashes in hex."""

    name: str
    block: int
    block_hash: str
    own_hash: str | None
    received_at: datetime
    note: str


@dataclass(frozen=True)
class WitnessList:
    """How many are needed, every key ever admitted, every alarm."""

    needed: int
    witnesses: tuple[WitnessView, ...]
    alarms: tuple[WitnessAlarmView, ...]


@dataclass(frozen=True)
class CheckpointTaken:
    """A checkpoint of this chain that was sent here: whose signatures it brought, lines of keys unknown here.

    `signature_count` is how many admitted witnesses' signatures the block has now.
    """

    block: int
    block_hash: str
    taken: tuple[str, ...]
    unknown_count: int
    signature_count: int
