"""The last step of reading XML: plain values through the domain's checks into a read invoice."""

from __future__ import annotations

from ledger.domain.document import parse_outside
from ledger.domain.errors import DocumentError, FieldProblem
from ledger.domain.numbers import is_ledger_number, split_number
from ledger.formats.errors import FieldsRefusedError, format_problem
from ledger.formats.read_invoice import ReadInvoice, Source
from verifier.canonical import Json

_SUMS = frozenset({"total_net", "total_tax", "total_gross", "words_differ", "tax_error_sum"})


def finish(
    source: Source,
    values: dict[str, Json],
    problems: list[FieldProblem],
    warnings: list[FieldProblem],
    red_slip: str,
) -> ReadInvoice:
    """Read invoice of document values taken from a file.

    Raises: FieldsRefusedError with the problems noted so far and every one the domain finds; what the domain says
    of a field already noted is left out.
    """
    try:
        outside = parse_outside(values)
    except DocumentError as err:
        raise FieldsRefusedError([*problems, *_others(problems, err.problems)]) from err
    if problems:
        raise FieldsRefusedError(problems)
    document = outside.document
    if is_ledger_number(document.number_key):
        warnings = [*warnings, format_problem("number", "number_in_our_space")]
    code, printed = split_number(document.number_key)
    return ReadInvoice(
        source=source,
        number=document.number,
        code=code,
        printed_number=printed,
        kind=document.kind,
        colour=document.colour,
        issued_on=document.issued_on,
        net_fen=document.net_fen,
        tax_fen=document.tax_fen,
        gross_fen=document.gross_fen,
        seller_tax_id=document.seller.tax_id,
        document=document,
        red_slip=red_slip,
        warnings=(*warnings, *outside.warnings),
    )


def _others(noted: list[FieldProblem], found: tuple[FieldProblem, ...]) -> list[FieldProblem]:
    """Problems of other fields and lines. Sums over a value that could not be read say nothing and are left out."""
    places = {_place(one.path) for one in noted}
    sums = _SUMS if noted else frozenset()
    return [one for one in found if _place(one.path) not in places and one.code not in sums]


def _place(path: str) -> str:
    """A line as a whole, or a field of the head."""
    return ".".join(path.split(".")[:2]) if path.startswith("lines.") else path
