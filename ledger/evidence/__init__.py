"""Evidence: an invoice's document, history and proof put together for a stranger to check offline."""

from ledger.evidence.assembly import EvidenceChangedError, EvidenceError, EvidenceUnavailableError, assemble

__all__ = ["EvidenceChangedError", "EvidenceError", "EvidenceUnavailableError", "assemble"]
