"""What checking the national signature of an invoice file says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.domain.errors import FieldProblem


class SignatureVerdict(StrEnum):
    """Outcome of checking the signature of a file, from best to worst; meanings in docs/FORMATS.md."""

    SIGNED_INTACT = "signed_intact"
    UNSIGNED = "unsigned"
    CANNOT_CHECK = "cannot_check"
    NOT_COVERED = "not_covered"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class NationalSignature:
    """Verdict on a file's signature and who signed, as the certificate inside the file says.

    The certificate is not followed to a root: whoever makes a certificate in that name is not told apart from the
    owner of the name. `signer` common name, `subject` and `issuer` whole names of the certificate; of several
    signatures those of each, joined by "; ". `signed_at` is the signer's own word, of the first signature.
    `uncovered` names the files of the archive that no signature holds, the signature's own aside.
    """

    verdict: SignatureVerdict
    reason: FieldProblem
    signer: str = ""
    subject: str = ""
    issuer: str = ""
    algorithm: str = ""
    signed_at: datetime | None = None
    uncovered: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the file must not be taken for an invoice: its bytes are not those that were signed."""
        return self.verdict in (SignatureVerdict.ALTERED, SignatureVerdict.NOT_COVERED)
