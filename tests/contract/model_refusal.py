"""What every rule of the model is made of: a refusal with its reason, and who may act for whom."""

from __future__ import annotations

from tests.contract.model_words import Words
from verifier.operations import Operation, Reason
from verifier.words import PartyKind, Table

OFFICERS = (PartyKind.OFFICER, PartyKind.AUTHORITY)


class Refusal(Exception):  # noqa: N818 a refusal is an answer
    """An operation breaks a rule."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


def require(holds: bool, reason: Reason) -> None:
    if not holds:
        raise Refusal(reason)


def may(words: Words, enterprise: int, actor: int, bits: int) -> bool:
    """A party may do everything of its own; a person what the enterprise granted it."""
    return enterprise == actor or bool(words[Table.GRANT, enterprise << 32 | actor] & bits)


def by_officer(words: Words, op: Operation, actor: int) -> bool:
    """Whether an officer or the authority acts for itself."""
    return op.subject == actor and words.party(actor).kind in OFFICERS
