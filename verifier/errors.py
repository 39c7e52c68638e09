"""Errors of the verifier: one root, each carrying the reason code that a report shows.

EvidenceError
  CanonicalError     not canonical JSON, or outside its limits
  CommitmentError    a document or a disclosure that has no commitment
  ShapeError         canonical JSON, but not a file of this format
  TrustError         the trust file cannot be used
  CheckError         a check failed: the evidence is invalid
"""

from __future__ import annotations

from verifier.reasons import Reason


class EvidenceError(ValueError):
    """Root. `reason` never changes meaning (docs/EVIDENCE.md); `at` names the field or limit, "" when none."""

    def __init__(self, reason: Reason, at: str = "") -> None:
        super().__init__(f"{reason.value}: {at}" if at else reason.value)
        self.reason = reason
        self.at = at


class CanonicalError(EvidenceError):
    """Bytes or a value that RFC 8785, as this format uses it, does not allow."""


class CommitmentError(EvidenceError):
    """A document that cannot be committed to, or shown fields that fit no tree."""


class ShapeError(EvidenceError):
    """Canonical JSON that is not an evidence file; `at` is the path of the first wrong field."""


class TrustError(EvidenceError):
    """The trust file is missing, unreadable or incomplete; `at` names the field."""


class CheckError(EvidenceError):
    """One comparison of a step failed; `at` names what was compared."""


class UncheckedError(EvidenceError):
    """One comparison could not be made; says nothing against the evidence."""
