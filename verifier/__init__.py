"""Offline verification of evidence files: this folder alone, with `cryptography` and one Keccak, checks a file.

    report = verify(evidence_bytes, parse_trust(trust_bytes))

docs/EVIDENCE.md describes the file, the steps and the reason codes.
"""

from verifier.report import Report, Result
from verifier.steps import verify
from verifier.trust import Trust, parse_trust

__all__ = ["Report", "Result", "Trust", "parse_trust", "verify"]
