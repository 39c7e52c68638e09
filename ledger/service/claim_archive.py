"""What an archive says of a booked claim: its lines, and for each the operation that booked it.

An invoice is booked once: the contract refuses a second booking while one stands (`already_so`), and the archive
names the operation, its block and the digest under which anybody finds it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.documents.archive import ARCHIVE_SIZE_MAX
from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, invoices
from ledger.projection.claims import ClaimRecord
from ledger.projection.invoices import HistoryStep, InvoiceRecord
from ledger.service.claim_lines import lines_of
from ledger.service.context import Context
from ledger.service.errors import NotBooked
from ledger.service.people import names_of
from ledger.service.problems import invalid
from ledger.service.reading import COLOURS, ENTRIES
from ledger.service.salted_texts import claim_reference
from verifier.canonical import Json
from verifier.operations import Code
from verifier.words import Claim, Colour, Entry

TEXT_LENGTH_MAX = 200  # characters of a name that an archive repeats
BOOKED = (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE)


@dataclass(frozen=True)
class BookedLine:
    """An invoice of a claim and the operation that booked it."""

    record: InvoiceRecord
    booking: HistoryStep


def booked_lines(connection: Connection, claim: ClaimRecord) -> tuple[BookedLine, ...]:
    """The settled invoices of a claim, by number, each with its booking.

    Raises: NotBooked naming the first that is still locked or not booked, or the claim when nothing is settled.
    """
    found = sorted(lines_of(connection, claim), key=lambda line: line.number)
    settled = [line for line in found if line.claim == Claim.SETTLED]
    for line in found:
        if line.claim == Claim.LOCKED:
            raise NotBooked(format_number(line.number), "still locked", "仍处于锁定状态")
        if line.claim == Claim.SETTLED and line.entry not in BOOKED:
            raise NotBooked(format_number(line.number), "not booked", "尚未入账")
    if not settled:
        raise NotBooked(claim.claim_id, "without a settled invoice", "没有已核销的发票")
    return tuple(BookedLine(line, _booking(connection, line.number)) for line in settled)


def about(
    context: Context, connection: Connection, claim: ClaimRecord, booked: tuple[BookedLine, ...]
) -> dict[str, str]:
    """What the index says the archive is of; short texts."""
    names = names_of(context, connection, {claim.claimant, claim.employer})
    texts = {
        "claim": claim.claim_id,
        "employer": names[claim.employer],
        "claimant": names[claim.claimant],
        "reference": claim_reference(context, connection, claim.claim_id),
        "chain": str(context.reader.identity.chain_id),
        "contract": context.reader.identity.contract.hex(),
        "booked_at": _time(max(line.booking.time_s for line in booked)),
        "settled_fen": str(claim.settled_fen),
    }
    shown = {key: "".join(char if char.isprintable() else "?" for char in text) for key, text in texts.items()}
    return {key: text[:TEXT_LENGTH_MAX] for key, text in shown.items() if text}


def summary(texts: dict[str, str], booked: tuple[BookedLine, ...]) -> Json:
    """The claim with its lines and bookings, for programs."""
    lines: list[Json] = [
        {
            "number": format_number(line.record.number),
            "gross_fen": line.record.gross_fen,
            "tax_fen": line.record.tax_fen,
            "colour": COLOURS[Colour(line.record.colour)],
            "credited_fen": line.record.credited_fen,
            "entry": ENTRIES[Entry(line.record.entry)],
            "issued_here": not line.record.is_outside,
            "booking": {
                "digest": line.booking.digest.hex(),
                "block": line.booking.block,
                "at": _time(line.booking.time_s),
                "actor": line.booking.actor,
            },
        }
        for line in booked
    ]
    return {**texts, "lines": lines}


def check_size(size: int) -> None:
    """Raises: InvalidRequest at `claim_id` once an archive's files are larger than it may be."""
    if size > ARCHIVE_SIZE_MAX:
        raise invalid("claim_id", "archive_too_large", limit=ARCHIVE_SIZE_MAX)


def _booking(connection: Connection, number: int) -> HistoryStep:
    """The last booking of an invoice that is booked."""
    steps = [step for step in invoices.history(connection, number) if step.operation.code == Code.BOOK]
    return steps[-1]


def _time(seconds: int) -> str:
    return utc_time(seconds).isoformat().replace("+00:00", "Z")
