"""What of an invoice of elsewhere goes on chain: number, amounts, month, kind, title, and what its source proves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date

from ledger.domain.errors import FieldProblem
from ledger.domain.identities import enterprise_identity
from ledger.domain.invoice import AMOUNT_FEN_MAX, InvoiceColour, InvoiceKind
from ledger.domain.months import FIRST_YEAR, month_of
from ledger.formats import FormatError, ReadInvoice, Strength, read_file, read_qr, read_typed
from ledger.service.errors import InvalidRequest
from ledger.service.outside_titles import Employer, title_problems
from ledger.service.problems import service_problem
from verifier.canonical import Json
from verifier.hashing import ZERO_HASH

FIRST_DAY = date(FIRST_YEAR, 1, 1)  # the first that the signed word can hold


@dataclass(frozen=True)
class OutsideItem:
    """One invoice of elsewhere to register: what was read, the file it was read from, what was typed beside it.

    `gross_fen`, `tax_fen`, `issued_on` and `kind` complete what the source does not hold; they never overrule it.
    """

    read: ReadInvoice
    original: bytes | None = None
    gross_fen: int | None = None
    tax_fen: int | None = None
    issued_on: date | None = None
    kind: InvoiceKind | None = None


@dataclass(frozen=True)
class Claiming:
    """Circumstances of a claim: from whom (None: not named yet), by whom, and the day in China Standard Time."""

    employer: Employer | None
    claimant_name: str
    today: date


@dataclass(frozen=True)
class OutsideFacts:
    """What is registered. `buyer_identity` is 32 bytes, zero when the title names no enterprise by its tax id.

    `document` is the canonical content that is committed to and kept sealed; `tax_known` says whether the tax was read
    or typed, or stands as 0 because nobody knows it.
    """

    number: int
    strength: Strength
    special: bool
    gross_fen: int
    tax_fen: int
    tax_known: bool
    issued_on: date
    buyer_identity: bytes
    document: dict[str, Json]

    @property
    def month(self) -> int:
        """Month index of the issue date."""
        return month_of(self.issued_on)


def item_of_file(data: bytes, name: str | None, path: str) -> OutsideItem:
    """Item of a file's bytes. Raises: InvalidRequest with what is wrong with the file, below `path`."""
    return OutsideItem(_read(lambda: read_file(data, name), path), data)


def item_of_qr(text: str, path: str) -> OutsideItem:
    """Item of the text of a QR code. Raises: InvalidRequest."""
    return OutsideItem(_read(lambda: read_qr(text), path), text.encode())


def item_of_fields(fields: object, path: str) -> OutsideItem:
    """Item of typed fields (docs/FORMATS.md). Raises: InvalidRequest."""
    return OutsideItem(_read(lambda: read_typed(fields), path))


def fingerprint(item: OutsideItem) -> Json:
    """What an Idempotency-Key is bound to of an item: the file by its hash, and what was typed."""
    return {
        "number": item.read.number,
        "file": hashlib.sha256(item.original).hexdigest() if item.original is not None else "",
        "read": item.read.draft() if item.read.document is not None else "",
        "gross_fen": item.gross_fen if item.gross_fen is not None else -1,
        "tax_fen": item.tax_fen if item.tax_fen is not None else -1,
        "issued_on": item.issued_on.isoformat() if item.issued_on else "",
        "kind": item.kind.value if item.kind else "",
        "parties": [item.read.seller.to_json(), item.read.buyer.to_json()],
        "amounts": [str(item.read.net_fen), str(item.read.tax_fen), str(item.read.gross_fen)],
        "day": str(item.read.issued_on),
    }


def problems_of(item: OutsideItem, claiming: Claiming) -> tuple[FieldProblem, ...]:
    """Everything that keeps an item from being registered at that employer; without one, its title is not looked at."""
    read = item.read
    found: list[FieldProblem] = []
    if read.strength is None:
        assert read.signature is not None, "only a signature takes the strength away"
        found.append(replace(read.signature.reason, path="file"))
    if not read.number:
        found.append(service_problem("number", "outside_number_part"))
    if read.colour is InvoiceColour.RED:
        found.append(service_problem("colour", "outside_red"))
    found += _amount_problems(item)
    found += _date_problems(item, claiming.today)
    if item.kind is not None and read.kind is not None and item.kind is not read.kind:
        found.append(service_problem("kind", "outside_contradicts", given=item.kind.value, read=read.kind.value))
    if claiming.employer is not None:
        found += title_problems(read, claiming.employer, claiming.claimant_name)
    return tuple(found)


def facts_of(item: OutsideItem, claiming: Claiming, path: str) -> OutsideFacts:
    """What of the item is registered at that employer. Raises: InvalidRequest with every problem, below `path`."""
    found = problems_of(item, claiming)
    if found:
        raise InvalidRequest(tuple(replace(one, path=f"{path}.{one.path}") for one in found))
    read = item.read
    gross_fen, tax_fen = _amounts(item)
    issued_on = item.issued_on or read.issued_on
    kind = read.kind or item.kind or InvoiceKind.ORDINARY
    employer = claiming.employer
    assert employer is not None, "nothing is registered without an employer"
    assert gross_fen is not None
    assert issued_on is not None
    assert read.strength is not None
    buyer = read.buyer.tax_id
    return OutsideFacts(
        number=int(read.number),
        strength=read.strength,
        special=kind is InvoiceKind.SPECIAL,
        gross_fen=gross_fen,
        tax_fen=tax_fen or 0,
        tax_known=tax_fen is not None,
        issued_on=issued_on,
        buyer_identity=enterprise_identity(buyer).hash if buyer == employer.tax_id else ZERO_HASH,
        document=_document(read, kind, gross_fen, tax_fen, issued_on),
    )


def _read(read: object, path: str) -> ReadInvoice:
    assert callable(read)
    try:
        found = read()
    except FormatError as err:
        problems = tuple(replace(one, path=f"{path}.{one.path}" if one.path else path) for one in err.problems)
        raise InvalidRequest(problems) from err
    assert isinstance(found, ReadInvoice)
    return found


def _amounts(item: OutsideItem) -> tuple[int | None, int | None]:
    """Gross and tax, fen: read where the source holds them, else reckoned, else typed."""
    read = item.read
    gross_fen = read.gross_fen if read.gross_fen is not None else item.gross_fen
    tax_fen = read.tax_fen if read.tax_fen is not None else item.tax_fen
    if tax_fen is None and gross_fen is not None and read.net_fen is not None:
        tax_fen = gross_fen - read.net_fen
    if gross_fen is None and tax_fen is not None and read.net_fen is not None:
        gross_fen = read.net_fen + tax_fen
    return gross_fen, tax_fen


def _amount_problems(item: OutsideItem) -> list[FieldProblem]:
    read = item.read
    found = []
    for name, given, held in (("gross_fen", item.gross_fen, read.gross_fen), ("tax_fen", item.tax_fen, read.tax_fen)):
        if given is not None and held is not None and given != held:
            found.append(service_problem(name, "outside_contradicts", given=given, read=held))
    gross_fen, tax_fen = _amounts(item)
    if gross_fen is None:
        found.append(service_problem("gross_fen", "outside_gross_missing"))
    elif read.colour is not InvoiceColour.RED and not 0 < gross_fen <= AMOUNT_FEN_MAX:
        found.append(service_problem("gross_fen", "count_range", low=1, high=AMOUNT_FEN_MAX, given=gross_fen))
    elif read.colour is not InvoiceColour.RED and tax_fen is not None and not 0 <= tax_fen < gross_fen:
        found.append(service_problem("tax_fen", "count_range", low=0, high=gross_fen - 1, given=tax_fen))
    elif tax_fen is not None and read.net_fen is not None and read.net_fen + tax_fen != gross_fen:
        found.append(service_problem("gross_fen", "outside_sum", given=gross_fen, expected=read.net_fen + tax_fen))
    return found


def _date_problems(item: OutsideItem, today: date) -> list[FieldProblem]:
    typed, read = item.issued_on, item.read.issued_on
    day = typed or read
    if day is None:
        return [service_problem("issued_on", "outside_date_missing")]
    if typed and read and typed != read:
        return [service_problem("issued_on", "outside_contradicts", given=typed, read=read)]
    if not FIRST_DAY <= day <= today:
        return [service_problem("issued_on", "outside_date_range", given=day, low=FIRST_DAY, high=today)]
    return []


def _document(
    read: ReadInvoice, kind: InvoiceKind, gross_fen: int, tax_fen: int | None, issued_on: date
) -> dict[str, Json]:
    """Content that is committed to: the whole document where the source holds it, else what is known."""
    if read.document is not None:
        value = read.document.to_json()
    else:
        named = (("seller", read.seller), ("buyer", read.buyer))
        value = {side: {k: v for k, v in who.to_json().items() if v} for side, who in named if who.name or who.tax_id}
    value |= {
        "number": read.number,
        "kind": kind.value,
        "issued_on": issued_on.isoformat(),
        "gross_fen": gross_fen,
        "net_fen": gross_fen - (tax_fen or 0),
        "tax_fen": tax_fen or 0,
        "source": read.source.value,
    }
    if tax_fen is None:
        value["tax_known"] = False
    return value
