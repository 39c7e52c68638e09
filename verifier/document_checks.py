"""Steps `document` and `fields`: the document is the one committed to, and says what the chain says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from verifier.bundle import Event
from verifier.commitment import Scalar
from verifier.errors import CheckError, CommitmentError
from verifier.examination import Examination
from verifier.first_rules import GROSS_BITS, KIND_MASK, OUTSIDE_KIND_SHIFT
from verifier.hashing import keccak256
from verifier.operations import RED_TERMS_LAYOUT, Code, unpack_bits
from verifier.reasons import Reason
from verifier.report import Compared
from verifier.rules import source_of
from verifier.words import StateWord, Strength

KIND_NAMES = ("ordinary", "special")
NOT_SHOWN = "not_shown"
MASK = re.compile(r"[*＊Xx]{2,}")  # how files that are handed around hide digits of a tax id
TEXT_SHOWN_MAX = 64  # characters of a differing value a report repeats


def check_document(run: Examination) -> Compared:
    """The root over the shown and hidden leaves is the `ref` that the issue or registration was signed with."""
    document = run.bundle.document
    assert document is not None, "an erased one has steps of its own"
    try:
        root = document.root()
    except CommitmentError as err:
        raise CheckError(Reason.DOCUMENT_MALFORMED, err.at) from err
    if root != source_event(run).operation.ref:
        raise CheckError(Reason.COMMITMENT_DIFFERS, root.hex())
    return {"commitment": root.hex(), "shown": len(document.shown), "hidden": len(document.hidden)}


def check_fields(run: Examination) -> Compared:
    """Every shown field that the chain also knows agrees with the issue and the proven identities."""
    document = run.bundle.document
    assert document is not None, "step document runs first"
    shown, is_whole = document.fields(), not document.hidden
    expected = _expected(run)
    compared: dict[str, str | int] = {}
    hidden = []
    for path, value in expected.items():
        if path in shown:
            if type(shown[path]) is not type(value) or shown[path] != value:
                raise CheckError(Reason.FIELD_DIFFERS, f"{path}: {_short(shown[path])}, on chain {value}")
            compared[path] = value
        elif is_whole:
            raise CheckError(Reason.FIELD_MISSING, path)
        else:
            hidden.append(path)
    hidden += _check_parties(run, shown, is_whole=is_whole)
    for path in ("issued_on", "seller.tax_id", "buyer.tax_id"):
        if path in shown:
            compared[path] = _short(shown[path])
    if hidden:
        compared[NOT_SHOWN] = ", ".join(hidden)
    return compared


def source_event(run: Examination) -> Event:
    """The event whose document stands: the issue, or the last registration that took effect."""
    history = run.bundle.history
    return history[source_of([(event.operation, event.state) for event in history])]


def _expected(run: Examination) -> dict[str, str | int]:
    """Values that the source operation says, by path. A blue invoice leaves its colour out."""
    operation = source_event(run).operation
    mask = (1 << GROSS_BITS) - 1
    gross, tax = operation.terms & mask, operation.terms >> GROSS_BITS & mask
    if operation.code == Code.ISSUE_RED:
        blue = unpack_bits(RED_TERMS_LAYOUT, operation.terms)["blue"]
        sums: dict[str, str | int] = {"gross_fen": -gross, "net_fen": tax - gross, "tax_fen": -tax}
        names = {"number": f"{operation.number:020d}", "colour": "red", "original.number": f"{blue:020d}"}
        return {**names, "red_reason": operation.option, **sums}
    kind = operation.option >> OUTSIDE_KIND_SHIFT
    if operation.code == Code.ISSUE:
        kind = operation.option & KIND_MASK
    return {
        "number": f"{operation.number:020d}",
        "kind": KIND_NAMES[kind] if kind < len(KIND_NAMES) else str(kind),
        "gross_fen": gross,
        "net_fen": gross - tax,
        "tax_fen": tax,
    }


def _check_parties(run: Examination, shown: Mapping[str, Scalar], *, is_whole: bool) -> list[str]:
    """Compare colour, issue day and both tax ids where shown; the paths that are not shown are returned."""
    source = source_event(run)
    operation, state, known = source.operation, StateWord.unpack(source.state), run.identity_hashes()
    hashes = {"seller.tax_id": known.get(state.seller), "buyer.tax_id": known.get(state.buyer)}
    if operation.code != Code.ISSUE_RED and shown.get("colour", "blue") != "blue":
        raise CheckError(Reason.FIELD_DIFFERS, "colour")
    hidden = []
    for path in ("issued_on", "seller.tax_id", "buyer.tax_id"):
        if path not in shown:
            if is_whole and (path == "issued_on" or hashes[path] is not None):
                raise CheckError(Reason.FIELD_MISSING, path)
            hidden.append(path)
            continue
        value = shown[path]
        if path == "issued_on":
            agrees = month_of(value) == operation.month
        elif hashes[path] is not None:
            agrees = enterprise_hash(value) == hashes[path]
        else:
            agrees = _may_be_unnamed(path, value, state)
        if not agrees:
            raise CheckError(Reason.FIELD_DIFFERS, f"{path}: {_short(value)}")
    return hidden


def _may_be_unnamed(path: str, tax_id: Scalar, state: StateWord) -> bool:
    """Whether a party that the chain does not name may have that tax id in the document.

    A personal buyer has none. An invoice of elsewhere is registered without its buyer also when the tax id is masked;
    its seller the chain never knows.
    """
    if state.strength == Strength.ISSUED_HERE:
        return tax_id in {"", None}
    return path == "seller.tax_id" or tax_id in {"", None} or bool(MASK.search(str(tax_id)))


def enterprise_hash(tax_id: Scalar) -> bytes:
    """Identity hash of the enterprise with that tax id: keccak256 of `enterprise:<tax id>`."""
    return keccak256(f"enterprise:{tax_id}".encode())


def month_of(day: Scalar) -> int:
    """Month index, (year - 2000) * 12 + month - 1, of a day written YYYY-MM-DD; -1 when it is none."""
    parts = day.split("-") if isinstance(day, str) and day.isascii() else []
    if [len(part) for part in parts] != [4, 2, 2] or not all(map(str.isdigit, parts)):
        return -1
    year, month = int(parts[0]), int(parts[1])
    return (year - 2000) * 12 + month - 1 if 1 <= month <= 12 else -1


def _short(value: Scalar) -> str:
    return str(value)[:TEXT_SHOWN_MAX]
