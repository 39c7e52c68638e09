"""Invoices a till issued off line with numbers it held, uploaded within 48 hours; a result for each row."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.domain.errors import NumberError
from ledger.domain.months import cst_date
from ledger.domain.numbers import format_number, parse_number
from ledger.projection import Connection, QueueState, TillState, keystore, parties, queued
from ledger.projection.till_orders import TillOrder
from ledger.service.context import Context
from ledger.service.errors import InvalidRequest, NotPermitted
from ledger.service.issuing import ISSUE_LIST_MAX, Seller, read_draft, seller_at
from ledger.service.people import acts_for
from ledger.service.problems import invalid
from ledger.service.refusals import refusal_of
from ledger.service.till_issuing import Wanted, bind_key, issue_once
from ledger.service.till_views import UploadRow
from ledger.service.tills import own_till
from ledger.service.views import Caller
from ledger.service.writing import request_hash, run_write
from verifier.canonical import Json
from verifier.hashing import keccak256
from verifier.words import Grant

UPLOAD_AGE_MAX_S = 48 * 3_600
CLOCK_AHEAD_MAX_S = 300  # a till's clock may be five minutes fast
UPLOADS_MAX = ISSUE_LIST_MAX


@dataclass(frozen=True)
class Offline:
    """One invoice as the till issued it. `issued_at`: ISO 8601 with offset; `order_id` where it was of an order."""

    number: str
    issued_at: str
    document: object
    order_id: str | None = None


class TillUploads:
    """Uploading on one ledger."""

    def __init__(self, context: Context, now_s: Callable[[], int] | None = None) -> None:
        self._context = context
        self._now_s = now_s or context.now_s

    def upload(
        self, caller: Caller, till_id: str, rows: tuple[Offline, ...], *, idempotency_key: str
    ) -> tuple[UploadRow, ...]:
        """Issues what a till issued off line, each row for itself; a row that was uploaded before is the same again.

        Raises: InvalidRequest at `invoices` for an empty or too long list; NotFound; NotPermitted; Busy.
        """
        if not 1 <= len(rows) <= UPLOADS_MAX:
            raise invalid("invoices", "count_range", low=1, high=UPLOADS_MAX, given=len(rows))
        with self._context.reading() as connection:
            till = own_till(connection, caller, till_id)
            if not acts_for(caller, till.seller, Grant.ISSUE):
                raise NotPermitted("only the seller and its clerks upload", "仅销售方及其开票员可上传")
            if till.state is not TillState.OPEN:
                raise invalid("till", "order_form")
            if till.clerk != till.seller and not parties.grant_bits(connection, till.seller, till.clerk) & Grant.ISSUE:
                raise invalid("till", "till_clerk")
            seller = seller_at(connection, till.seller)
        said: Json = {"till": till_id, "rows": [_fingerprint(row) for row in rows]}
        run_write(
            self._context, lambda inside: bind_key(self._context, inside, caller, idempotency_key, "upload", said)
        )
        taken: list[tuple[TillOrder, bool] | InvalidRequest] = []
        for row in rows:
            try:
                taken.append(self._take(till_id, till.clerk, seller, row))
            except InvalidRequest as err:
                taken.append(err)
        return self._results(caller, rows, taken)

    def _take(self, till_id: str, clerk: int, seller: Seller, row: Offline) -> tuple[TillOrder, bool]:
        try:
            number = parse_number(row.number)
        except NumberError as err:
            raise invalid("number", "number_not_reserved", number=row.number[:40]) from err
        issued_at = _time(row.issued_at)
        draft = read_draft(row.document, seller)
        issued_on = cst_date(issued_at)
        hashed = request_hash(
            "till upload", {"number": row.number, "issued_on": issued_on.isoformat(), "document": draft.to_json()}
        )
        now_s = self._now_s()
        order = TillOrder(
            seller=seller.party,
            order_id=f"{till_id}:{row.order_id}" if row.order_id is not None else f"{till_id}:#{row.number}",
            order_hash=hashed,
            gross_fen=draft.gross_fen,
            expires_at=int(issued_at.timestamp()) + UPLOAD_AGE_MAX_S,
            number=None,
            digest=None,
            picked_by=None,
            seen_at=now_s,
        )
        wanted = Wanted(order, draft, seller, clerk, None, number, issued_on)

        def check_new() -> None:
            if issued_at.timestamp() < now_s - UPLOAD_AGE_MAX_S:
                raise invalid("issued_at", "upload_late", hours=UPLOAD_AGE_MAX_S // 3_600)
            if issued_at.timestamp() > now_s + CLOCK_AHEAD_MAX_S:
                raise invalid("issued_at", "upload_early")

        return run_write(self._context, lambda connection: issue_once(self._context, connection, wanted, check_new))

    def _results(
        self, caller: Caller, rows: tuple[Offline, ...], taken: list[tuple[TillOrder, bool] | InvalidRequest]
    ) -> tuple[UploadRow, ...]:
        digests = tuple(one[0].digest for one in taken if not isinstance(one, InvalidRequest) and one[0].digest)
        if digests:
            self._context.watch.wait(digests[-1], self._context.settings.post_wait_ms)
        with self._context.reading() as connection:
            return tuple(
                self._result(connection, caller, index, row, one)
                for index, (row, one) in enumerate(zip(rows, taken, strict=True))
            )

    def _result(
        self, connection: Connection, caller: Caller, index: int, row: Offline,
        one: tuple[TillOrder, bool] | InvalidRequest,
    ) -> UploadRow:  # fmt: skip
        if isinstance(one, InvalidRequest):
            problems = tuple((p.path, p.code, p.message_en, p.message_zh) for p in one.problems)
            return UploadRow(index, row.number, "invalid", None, duplicate=False, problems=problems)
        order, duplicate = one
        assert order.digest is not None
        assert order.number is not None
        status = queued.status(connection, order.digest)
        stored = keystore.document(connection, format_number(order.number), order.digest)
        refusal = None
        if status is not None and status.state is QueueState.REFUSED:
            refusal = refusal_of(self._context, connection, caller, status.reason, order.number)
        return UploadRow(
            index,
            format_number(order.number),
            status.state.value if status is not None else QueueState.ACCEPTED.value,
            stored.commitment.hex() if stored is not None else None,
            duplicate,
            refusal=refusal,
        )


def _fingerprint(row: Offline) -> Json:
    """What an Idempotency-Key is bound to of a row; its document by a hash, for it may hold anything still."""
    document = json.dumps(row.document, sort_keys=True, default=str)
    return [row.number, row.issued_at, row.order_id or "", keccak256(document.encode()).hex()]


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise invalid("issued_at", "time_form") from err
    if moment.tzinfo is None:
        raise invalid("issued_at", "time_form")
    return utc
