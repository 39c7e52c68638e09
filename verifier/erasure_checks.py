"""Steps `document` and `fields` of a file without its document: the authority says that it erased it, and when.

Nothing of the content is shown, so nothing of it is checked. What the file says of the chain is checked as ever.
"""

from __future__ import annotations

from verifier.bundle import Event
from verifier.certificates import AUTHORITY, kind_of
from verifier.document_checks import NOT_SHOWN, source_event
from verifier.erasure import erasure_digest
from verifier.errors import CheckError
from verifier.examination import Examination
from verifier.operations import Code, domain_separator, numbers_written
from verifier.reasons import Reason
from verifier.report import Compared
from verifier.shape import utc_text
from verifier.signatures import is_signed


def check_erasure(run: Examination) -> Compared:
    """The key of the authority's root certificate signed the erasure of this invoice, or of the blue that a red is of.

    It is not older than the operation that brought the document: an invoice of elsewhere can be registered again, and
    a blue reddened, after an erasure.
    """
    bundle, root, source = run.bundle, run.trust.root, source_event(run)
    erasure = bundle.erasure
    assert erasure is not None, "a document that is there has steps of its own"
    place = f"{erasure.number:020d} at {utc_text(erasure.at_s)}"
    if erasure.number not in _erased_with(bundle.number, source):
        raise CheckError(Reason.ERASURE_OF_ANOTHER, place)
    if erasure.at_s < source.time_s:
        raise CheckError(Reason.ERASURE_TOO_EARLY, f"{place}, document of {utc_text(source.time_s)}")
    may_sign = root.may_sign and kind_of(root.identity) == AUTHORITY and root.is_valid_at(erasure.at_s)
    digest = erasure_digest(domain_separator(bundle.chain_id, bundle.contracts[0]), erasure.number, erasure.at_s)
    if not may_sign or not is_signed(root.key, digest, erasure.r, erasure.s):
        raise CheckError(Reason.ERASURE_INVALID, place)
    return {
        "erased": f"{erasure.number:020d}",
        "erased_at": utc_text(erasure.at_s),
        "signed_by": root.identity,
        "commitment": source.operation.ref.hex(),
    }


def check_erased_fields(_run: Examination) -> Compared:
    """There is no field to compare."""
    return {NOT_SHOWN: "all"}


def _erased_with(number: int, source: Event) -> tuple[int, ...]:
    """Numbers whose erasure takes this document with it: a red goes with its blue."""
    if source.operation.code == Code.ISSUE_RED:
        return numbers_written(source.operation)
    return (number,)
