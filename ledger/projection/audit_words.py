"""Every word the projection implies, held against the contract's own words.

The rows say what the words must be; none of them is stored as it stands on chain but states and heads. So a mistake of
this package in what follows from an operation (who is a slip's other side, what a red takes back) shows here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, tuple_

from ledger.projection.derived import FILING, GRANT, INVOICE, PARTY, SEGMENT, TOTALS
from ledger.projection.derived_rules import ANCHOR, DEDUCTED, DEDUCTION, EXCEPTION, LIFT, REVOCATION, SLIP
from ledger.projection.source import BlockSource
from verifier.words import (
    SEGMENT_BLOCK_SIZE,
    WRITTEN,
    Claim,
    ClaimWord,
    DeductedWord,
    DeductionWord,
    ExceptionWord,
    SlipWord,
    TotalsWord,
    hash_key,
    storage_key,
)
from verifier.words import Table as WordTable

WORDS_AT_A_TIME = 1_000  # keys in one question to the chain
ROWS_AT_A_TIME = 500  # rows held in memory


@dataclass(frozen=True)
class Difference:
    """The first place where what is stored is not what it should be; values as text, bytes as hex."""

    table: str
    key: str
    column: str
    stored: str
    recomputed: str


@dataclass(frozen=True)
class _Expected:
    """A word that a row implies: the row's table, key and column, and where the contract keeps the word."""

    table: str
    row_key: str
    column: str
    word_table: WordTable
    key: int
    word: int


def compare_words(connection: Connection, source: BlockSource) -> tuple[int, Difference | None]:
    """Count of invoices held against `source`, and the first word that differs from what the rows imply."""
    invoices = 0
    for expected_of in _EXPECTED:
        expected = expected_of(connection)
        while batch := list(islice(expected, WORDS_AT_A_TIME)):
            words = source.words([storage_key(one.word_table, one.key) for one in batch])
            for one, word in zip(batch, words, strict=True):
                if one.word != word:
                    stored, found = f"{one.word:064x}", f"{word:064x} on the chain"
                    return invoices, Difference(one.table, one.row_key, one.column, stored, found)
                invoices += one.word_table == WordTable.HEAD
    return invoices, None


def _states(connection: Connection) -> Iterator[_Expected]:
    statement = select(INVOICE.c.number, INVOICE.c.state, INVOICE.c.head).order_by(INVOICE.c.number)
    for row in _rows(connection, statement):
        for column, table, word in (("state", WordTable.STATE, row.state), ("head", WordTable.HEAD, row.head)):
            yield _Expected("p_invoice", row.number, column, table, int(row.number), int.from_bytes(word, "big"))


def _claims(connection: Connection) -> Iterator[_Expected]:
    # A free invoice keeps its last claim's word on chain, and no row of ours repeats it.
    statement = select(INVOICE).where(INVOICE.c.claim != Claim.FREE.value).order_by(INVOICE.c.number)
    for row in _rows(connection, statement):
        word = ClaimWord(
            claimant=row.claimant, employer=row.employer, time=row.claimed_at, claim_id=int(row.claim_id, 16)
        )
        yield _Expected("p_invoice", row.number, "claim_id", WordTable.CLAIM, int(row.number), word.pack())


def _slips(connection: Connection) -> Iterator[_Expected]:
    last = select(SLIP).join(INVOICE, INVOICE.c.slip_order == SLIP.c.opened_order).order_by(SLIP.c.opened_order)
    for row in _rows(connection, last):
        word = SlipWord(
            state=row.state,
            reason=row.reason,
            opener=row.opener,
            other=row.other,
            gross=row.gross_fen,
            tax=row.tax_fen,
            time=row.opened_at,
        )
        yield _Expected("p_slip", str(row.opened_order), "state", WordTable.SLIP, int(row.number), word.pack())


def _deductions(connection: Connection) -> Iterator[_Expected]:
    for row in _rows(connection, select(DEDUCTION).order_by(DEDUCTION.c.number)):
        word = DeductionWord(
            tax_left=row.tax_left_fen,
            valid_tax=row.valid_tax_fen,
            month=row.month,
            purpose=row.purpose,
            reason=row.reason,
        )
        yield _Expected("p_deduction", row.number, "tax_left_fen", WordTable.DEDUCTION, int(row.number), word.pack())


def _deducted(connection: Connection) -> Iterator[_Expected]:
    for row in _rows(connection, select(DEDUCTED).order_by(DEDUCTED.c.party, DEDUCTED.c.month)):
        count = row._mapping["count"]
        word = DeductedWord(valid_tax=row.valid_tax_fen, count=count, confirmed=int(row.confirmed_at is not None))
        key = f"{row.party} {row.month}"
        yield _Expected(
            "p_deducted", key, "valid_tax_fen", WordTable.DEDUCTED, row.party << 12 | row.month, word.pack()
        )


def _exceptions(connection: Connection) -> Iterator[_Expected]:
    found = _rows(connection, select(EXCEPTION).order_by(EXCEPTION.c.number, EXCEPTION.c.order))
    for number, rows in groupby(found, key=lambda row: row.number):
        kinds, last = 0, None
        for last in rows:
            kinds |= last.kinds
        assert last is not None, "a group has a row"
        acknowledged = (last.officer_at is not None) | (last.party_at is not None) << 1
        word = ExceptionWord(kinds=kinds, party=last.party, time=last.raised_at, acknowledged=acknowledged)
        yield _Expected("p_exception", str(last.order), "kinds", WordTable.EXCEPTION, int(number), word.pack())


def _totals(connection: Connection) -> Iterator[_Expected]:
    for row in _rows(connection, select(TOTALS).order_by(TOTALS.c.party, TOTALS.c.month)):
        word = TotalsWord(
            blue_gross=row.blue_gross_fen,
            red_gross=row.red_gross_fen,
            blue_tax=row.blue_tax_fen,
            red_tax=row.red_tax_fen,
            quota_used=row.quota_used_fen,
            count=row._mapping["count"],
        )
        key = f"{row.party} {row.month}"
        yield _Expected("p_totals", key, "blue_gross_fen", WordTable.TOTALS, row.party << 12 | row.month, word.pack())


def _filings(connection: Connection) -> Iterator[_Expected]:
    standing = select(FILING.c.party, FILING.c.month, func.max(FILING.c.revision)).group_by(
        FILING.c.party, FILING.c.month
    )
    last = select(FILING).where(tuple_(FILING.c.party, FILING.c.month, FILING.c.revision).in_(standing))
    for row in _rows(connection, last.order_by(FILING.c.party, FILING.c.month)):
        key, word = f"{row.party} {row.month} {row.revision}", int.from_bytes(row.report_hash, "big")
        yield _Expected("p_filing", key, "report_hash", WordTable.FILING, row.party << 12 | row.month, word)


def _registers(connection: Connection) -> Iterator[_Expected]:
    for row in _rows(connection, select(PARTY).order_by(PARTY.c.id)):
        yield _Expected("p_party", str(row.id), "word", WordTable.PARTY, row.id, int.from_bytes(row.word, "big"))
    for row in _rows(connection, select(GRANT).order_by(GRANT.c.enterprise, GRANT.c.person)):
        key = f"{row.enterprise} {row.person}"
        yield _Expected("p_grant", key, "bits", WordTable.GRANT, row.enterprise << 32 | row.person, row.bits | WRITTEN)
    for row in _rows(connection, select(SEGMENT).order_by(SEGMENT.c.first_number)):
        for first in range(int(row.first_number), int(row.last_number), SEGMENT_BLOCK_SIZE):
            at = first // SEGMENT_BLOCK_SIZE
            yield _Expected("p_segment", row.first_number, "party", WordTable.SEGMENT, at, row.party)
    for row in _rows(connection, select(LIFT).order_by(LIFT.c.party, LIFT.c.month)):
        yield _Expected("p_lift", f"{row.party} {row.month}", "month", WordTable.LIFT, row.party << 12 | row.month, 1)


def _officers(connection: Connection) -> Iterator[_Expected]:
    last = select(func.max(ANCHOR.c.order)).group_by(ANCHOR.c.party)
    for row in _rows(connection, select(ANCHOR).where(ANCHOR.c.order.in_(last)).order_by(ANCHOR.c.order)):
        word = int.from_bytes(row.log_head, "big")
        yield _Expected("p_anchor", str(row.order), "log_head", WordTable.ANCHOR, row.party, word)
    for row in _rows(connection, select(REVOCATION).order_by(REVOCATION.c.certificate_hash)):
        word = row.revoked_at | row.reason << 40 | row.party << 48
        at = hash_key(row.certificate_hash)
        yield _Expected("p_revocation", row.certificate_hash.hex(), "reason", WordTable.REVOKED, at, word)


def _rows(connection: Connection, statement: Select[Any]) -> Iterator[Row[Any]]:
    yield from connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME))


_EXPECTED: tuple[Callable[[Connection], Iterator[_Expected]], ...] = (
    _states,
    _claims,
    _slips,
    _deductions,
    _deducted,
    _exceptions,
    _totals,
    _filings,
    _registers,
    _officers,
)
