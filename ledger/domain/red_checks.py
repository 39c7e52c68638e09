"""Checks of a red document against the blue invoice it credits and the reds before it.

A red either mirrors its blue (every line negated, discounts included) or lists lines of nature 0, each crediting part
or all of what is left of one blue line.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.domain.checks import arithmetic_problems
from ledger.domain.credits import (
    LineLeft,
    blue_line_number,
    credited_line,
    goods_quantity,
    lines_left,
)
from ledger.domain.decimals import format_yuan, scaled, unscaled
from ledger.domain.errors import FieldProblem
from ledger.domain.fields import Problems
from ledger.domain.invoice import InvoiceColour, InvoiceDocument, Line, LineNature
from ledger.domain.slips import RedReason

_COPIED = ("name", "tax_code")
_COPIED_IF_GIVEN = ("specification", "unit")  # a credit of money alone need not repeat them


def check_red(
    red: InvoiceDocument, blue: InvoiceDocument, earlier_reds: Sequence[InvoiceDocument] = ()
) -> tuple[FieldProblem, ...]:
    """Everything wrong with a red document: its own sums, and what it credits; empty when sound.

    Raises: DocumentError when `earlier_reds` are not reds of `blue`.
    """
    problems = Problems()
    arithmetic_problems(red, problems)
    credit_problems(red, blue, earlier_reds, problems)
    return problems.all()


def is_mirror(red: InvoiceDocument, blue: InvoiceDocument) -> bool:
    """Whether the red is the whole blue with every amount negated, line by line."""
    return len(red.lines) == len(blue.lines) and all(
        not ours.blue_line
        and ours.nature is theirs.nature
        and (ours.net_fen, ours.tax_fen) == (-theirs.net_fen, -theirs.tax_fen)
        and (ours.quantity == theirs.quantity == "" or scaled(ours.quantity or "0") == -scaled(theirs.quantity or "0"))
        for ours, theirs in zip(red.lines, blue.lines, strict=True)
    )


def credit_problems(
    red: InvoiceDocument, blue: InvoiceDocument, earlier_reds: Sequence[InvoiceDocument], problems: Problems
) -> None:
    """Note where a parsed red document does not fit its blue invoice or credits more than is left."""
    if red.colour is not InvoiceColour.RED:
        problems.add("colour", "not_red")
        return
    if not _check_original(red, blue, problems):
        return
    _check_head(red, blue, problems)
    left = lines_left(blue, earlier_reds)
    mirror = is_mirror(red, blue)
    if red.red_reason is not None and red.red_reason.is_full_only and (not mirror or earlier_reds):
        problems.add("red_reason", "red_error_partial")
    if red.net_fen >= 0:
        problems.add("net_fen", "red_nothing")
    for index, line in enumerate(red.lines):
        if line.nature is LineNature.DISCOUNT and not mirror:
            problems.add(f"lines.{index}.nature", "red_line_nature")
    _check_lines(red, blue, left, problems, mirror=mirror)


def _check_original(red: InvoiceDocument, blue: InvoiceDocument, problems: Problems) -> bool:
    """Whether the red names `blue`, and `blue` is one that can be credited here."""
    if blue.colour is InvoiceColour.RED:
        problems.add("original", "red_of_red")
    elif red.original is None or blue.is_draft or red.original.key != blue.number_key:
        given = red.original.number if red.original is not None else "-"
        problems.add("original", "red_other_blue", given=given, expected=blue.number or "-")
    elif not red.credits_ledger_invoice:
        problems.add("original", "red_outside")
    else:
        return True
    return False


def _check_head(red: InvoiceDocument, blue: InvoiceDocument, problems: Problems) -> None:
    if red.kind is not blue.kind:
        problems.add("kind", "red_kind", expected=blue.kind.value)
    for role, ours, theirs in (("seller", red.seller, blue.seller), ("buyer", red.buyer, blue.buyer)):
        for key in ("name", "tax_id"):
            if getattr(ours, key) != getattr(theirs, key):
                problems.add(f"{role}.{key}", "red_party", expected=getattr(theirs, key) or "-")
    if red.red_reason is None:
        problems.add("red_reason", "missing")
    if red.issued_on is not None and blue.issued_on is not None and red.issued_on < blue.issued_on:
        problems.add("issued_on", "red_before_blue", expected=blue.issued_on.isoformat())


def _check_lines(
    red: InvoiceDocument, blue: InvoiceDocument, left: dict[int, LineLeft], problems: Problems, *, mirror: bool
) -> None:
    """Every line against the blue line it credits, then what the lines take against what is left."""
    after = dict(left)
    path_of: dict[int, str] = {}
    for index, line in enumerate(red.lines):
        path, number = f"lines.{index}", blue_line_number(index, line)
        if number > len(blue.lines):
            problems.add(f"{path}.blue_line", "red_line_unknown", given=number, expected=len(blue.lines))
            continue
        owner = credited_line(blue, number)
        if not mirror and owner != number:
            problems.add(f"{path}.blue_line", "red_line_discount", given=number, expected=owner)
            continue
        if not mirror and owner in path_of:
            problems.add(f"{path}.blue_line", "red_line_repeated", given=number)
            continue
        path_of.setdefault(owner, path)
        _check_copied(line, blue.lines[number - 1], path, number, problems)
        if not mirror:
            _check_part(line, path, problems, allowance=red.red_reason is RedReason.ALLOWANCE)
        after[owner] = after[owner].less(-line.net_fen, -line.tax_fen, goods_quantity(line))
    for owner, path in path_of.items():
        _check_left(left[owner], after[owner], path, problems)


def _check_copied(line: Line, blue_line: Line, path: str, number: int, problems: Problems) -> None:
    for key in _COPIED:
        if getattr(line, key) != getattr(blue_line, key):
            problems.add(f"{path}.{key}", "red_line_differs", given=number)
    for key in _COPIED_IF_GIVEN:
        if getattr(line, key) not in ("", getattr(blue_line, key)):
            problems.add(f"{path}.{key}", "red_line_differs", given=number)
    if (line.rate_bp, line.rate_mark) != (blue_line.rate_bp, blue_line.rate_mark):
        problems.add(f"{path}.rate_bp", "red_rate", given=number)


def _check_part(line: Line, path: str, problems: Problems, *, allowance: bool) -> None:
    if line.nature is LineNature.DISCOUNTED:
        problems.add(f"{path}.nature", "red_line_nature")
    if line.net_fen == 0 == line.tax_fen:
        problems.add(f"{path}.net_fen", "red_nothing")
    if allowance and line.quantity:
        problems.add(f"{path}.quantity", "red_allowance_quantity")


def _check_left(before: LineLeft, after: LineLeft, path: str, problems: Problems) -> None:
    """A credit takes no more than is left, and leaves what a later red can take."""
    net_fen, tax_fen = before.net_fen - after.net_fen, before.tax_fen - after.tax_fen
    if after.net_fen < 0:
        _note_more(f"{path}.net_fen", "red_more_net", net_fen, before.net_fen, problems)
    if after.tax_fen < 0:
        _note_more(f"{path}.tax_fen", "red_more_tax", tax_fen, before.tax_fen, problems)
    if before.quantity is not None and after.quantity is not None and after.quantity < 0:
        given, expected = unscaled(before.quantity - after.quantity), unscaled(max(before.quantity, 0))
        problems.add(f"{path}.quantity", "red_more_quantity", given=given, expected=expected)
    within = after.net_fen >= 0 and after.tax_fen >= 0
    if within and not after.is_creditable() and tax_fen != before.tax_share_fen(net_fen):
        expected_fen = before.tax_share_fen(net_fen)
        values = {"given": format_yuan(tax_fen), "expected": format_yuan(expected_fen)}
        problems.add(f"{path}.tax_fen", "red_tax_share", **values)


def _note_more(path: str, code: str, given_fen: int, left_fen: int, problems: Problems) -> None:
    problems.add(path, code, given=format_yuan(given_fen), expected=format_yuan(max(left_fen, 0)))
