"""Collecting at the till (领取): a signed order or a payment notice becomes an invoice, once.

The order's text is a bearer's paper: whoever scanned it may have the invoice made out. Who comes second with the same
title is shown the same invoice; who comes with another learns that it went out, and nothing more.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from ledger.domain.errors import FieldProblem
from ledger.domain.invoice import InvoiceDocument
from ledger.domain.numbers import format_number
from ledger.domain.till_order import SIGNING_TAG, SignedOrder, TillOrderError, parse_signed_order
from ledger.domain.till_order import TillOrder as PaperOrder
from ledger.domain.times import utc_time
from ledger.identity import is_signed_by_till
from ledger.projection import Connection, TillState, invoices, parties, queued, till_orders, tills
from ledger.projection.till_orders import TillOrder
from ledger.projection.tills import BuyerTitle, Till
from ledger.service import holding
from ledger.service.context import INDEXED_TITLE, Context
from ledger.service.errors import InvalidRequest, NotFound, NotPermitted
from ledger.service.forms import checked_number, checked_text
from ledger.service.issuing import Seller, check_first_holder, read_draft, seller_at, seller_of
from ledger.service.people import acts_for
from ledger.service.problems import invalid
from ledger.service.till_issuing import (
    SELLER_HOLDS,
    Wanted,
    bind_key,
    draft_of,
    issue_once,
    issued_document,
    party_as_caller,
)
from ledger.service.till_views import Collected, OrderLineView, OrderView, Title
from ledger.service.tills import items_of
from ledger.service.views import Caller, Written
from ledger.service.writing import request_hash, run_write, status_of
from verifier.canonical import Json, dumps, loads
from verifier.hashing import keccak256
from verifier.words import Grant

EXPIRES_AHEAD_MAX_S = 366 * 86_400  # a clock a year fast must not make orders that never end
TITLE_SIZE_MAX = 4_096  # bytes of a sealed title
NAME_LENGTH_MAX = 200
TAX_ID_LENGTH_MAX = 20
PAYMENT_LINES_MAX = 100
SEALED_TITLE = "buyer title"
PAYMENT = "pay"  # in front of the order ids of payment notices, where tills have their id


class Collecting:
    """Collecting on one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def offer(self, text: str) -> OrderView:
        """What a signed order holds. Raises: InvalidRequest at `order`, the same for every text that is none."""
        with self._context.reading() as connection:
            till, signed = self._checked(connection, text)
            order = signed.order
            seller = seller_at(connection, till.seller)
            stored = till_orders.till_order(connection, till.seller, _order_id(order))
            failed = stored is not None and queued.group_failed(connection, stored.digest)
            return OrderView(
                seller_name=seller.name,
                seller_tax_id=seller.tax_id,
                order_id=order.order_id,
                gross_fen=order.gross_fen,
                lines=_lines(order, till),
                expires_at=utc_time(order.expires_at),
                expired=order.expires_at < self._context.now_s(),
                collected=stored is not None and stored.number is not None and not failed,
            )

    def collect(
        self, text: str, title: Title, *, collector: Caller | None = None, idempotency_key: str | None = None
    ) -> Collected:
        """The invoice of a signed order, made out to `title`; a person that collects holds it, else it is kept.

        Raises: InvalidRequest at `order`, `name` or `tax_id`; the errors of a write.
        """
        if collector is not None and collector.kind != "person":
            raise NotPermitted(
                "people collect; an enterprise receives invoices of its own name", "仅个人可领取，企业按抬头接收发票"
            )
        with self._context.reading() as connection:
            till, signed = self._checked(connection, text)
            order, seller = signed.order, seller_at(connection, till.seller)
            if (
                not parties.grant_bits(connection, seller.party, till.clerk) & Grant.ISSUE
                and till.clerk != seller.party
            ):
                raise invalid("order", "till_clerk")
        draft = _titled(draft_of(_lines(order, till), _checked_title(title)), seller)
        wanted = Wanted(
            TillOrder(
                seller=seller.party,
                order_id=_order_id(order),
                order_hash=keccak256(signed.unsigned),
                gross_fen=order.gross_fen,
                expires_at=order.expires_at,
                number=None,
                digest=None,
                picked_by=None,
                seen_at=self._context.now_s(),
            ),
            draft,
            seller,
            till.clerk,
            SELLER_HOLDS if collector is None else collector.party,
        )

        def bind(connection: Connection) -> None:
            if collector is not None and idempotency_key is not None:
                said: Json = {"order": text, "name": title.name, "tax_id": title.tax_id}
                bind_key(self._context, connection, collector, idempotency_key, "collect", said)

        return self._issued(wanted, collector, bind, lambda: self._check_time(order.expires_at))

    def pay(
        self, caller: Caller, *, order_id: str, gross_fen: int, lines: tuple[OrderLineView, ...], title: Title,
        first_holder: int | None = None, subject: int | None = None, idempotency_key: str,
    ) -> Collected:  # fmt: skip
        """The invoice of a payment a channel notices: parking, metro, hospital. Asked twice it is the same.

        Raises: InvalidRequest at the wrong field; NotPermitted without the seller's issue grant; the errors of a write.
        """
        seller = seller_of(self._context, caller, subject)
        if not acts_for(caller, seller.party, Grant.ISSUE):
            raise NotPermitted("only the seller and its clerks collect payments", "仅销售方及其开票员可上报付款")
        if not 1 <= len(lines) <= PAYMENT_LINES_MAX:
            raise invalid("lines", "count_range", low=1, high=PAYMENT_LINES_MAX, given=len(lines))
        if sum(line.gross_fen for line in lines) != gross_fen:
            raise invalid("gross_fen", "order_lines", reason="they do not add up to gross_fen")
        draft = _titled(draft_of(lines, _checked_title(title)), seller)
        with self._context.reading() as connection:
            check_first_holder(connection, draft, first_holder)
        content: Json = {
            "order_id": order_id, "lines": [[line.name, line.rate_bp, line.gross_fen] for line in lines],
        }  # fmt: skip
        now_s = self._context.now_s()
        order = TillOrder(
            seller=seller.party,
            order_id=f"{PAYMENT}:{order_id}",
            order_hash=request_hash("payment", content),
            gross_fen=gross_fen,
            expires_at=now_s,
            number=None,
            digest=None,
            picked_by=None,
            seen_at=now_s,
        )
        wanted = Wanted(order, draft, seller, caller.party, SELLER_HOLDS if first_holder is None else first_holder)
        said: Json = {"content": content, "title": [title.name, title.tax_id], "first_holder": first_holder}

        def bind(connection: Connection) -> None:
            bind_key(self._context, connection, caller, idempotency_key, "pay", said)

        return self._issued(wanted, None, bind, lambda: None)

    def pick_up(self, caller: Caller, number: str, commitment: str, *, idempotency_key: str) -> Written:
        """Hands an invoice that is kept for pickup to the person who knows its number and commitment.

        Raises: NotFound unless both fit one that is kept still; NotPermitted for who is no person.
        """
        if caller.kind != "person":
            raise NotPermitted("people pick invoices up", "仅个人可领取")
        key = checked_number(number)
        with self._context.reading() as connection:
            record = invoices.invoice(connection, key)
            order = till_orders.order_of_number(connection, key)
            fits = record is not None and hmac.compare_digest(record.commitment.hex().encode(), commitment.encode())
            if record is None or order is None or not fits or order.digest != record.digest:
                raise NotFound("invoice", number)
            if record.holder not in (record.seller, caller.party) or order.picked_by is not None:
                raise NotFound("invoice", number)
            group = queued.signed_group(connection, record.digest)
            if group is None:
                raise NotFound("invoice", number)
            clerk = party_as_caller(self._context, connection, group.group.actor)
        said: Json = {"number": number, "commitment": commitment}
        run_write(
            self._context, lambda inside: bind_key(self._context, inside, caller, idempotency_key, "pick up", said)
        )
        version = 1 if record.holder == caller.party else record.version
        return holding.transfer(
            self._context, clerk, number, caller.party, subject=record.seller,
            idempotency_key=f"pickup-{number}-{version}-{caller.party}",
        )  # fmt: skip

    def titles(self, caller: Caller) -> tuple[Title, ...]:
        """Titles the caller collected under, the last used first."""
        with self._context.reading() as connection:
            found = tills.titles(connection, caller.party)
            return tuple(self._opened(one) for one in found)

    # -- inside ------------------------------------------------------------------------------

    def _checked(self, connection: Connection, text: str) -> tuple[Till, SignedOrder]:
        """An order of an open till of ours. Raises: InvalidRequest at `order`."""
        try:
            signed = parse_signed_order(text)
        except TillOrderError as err:
            raise invalid("order", "order_form") from err
        till = tills.till(connection, signed.order.till_id)
        if till is None or not is_signed_by_till(till.public_key, SIGNING_TAG + signed.unsigned, signed.signature):
            raise invalid("order", "order_form")
        if till.state is not TillState.OPEN:
            raise invalid("order", "order_form")
        return till, signed

    def _check_time(self, expires_at: int) -> None:
        now_s = self._context.now_s()
        if expires_at < now_s:
            until = utc_time(expires_at).strftime("%Y-%m-%dT%H:%M:%SZ")
            raise invalid("order", "order_expired", until=until)
        if expires_at > now_s + EXPIRES_AHEAD_MAX_S:
            raise invalid("order", "order_far", high=EXPIRES_AHEAD_MAX_S // 86_400)

    def _issued(
        self,
        wanted: Wanted,
        collector: Caller | None,
        bind: Callable[[Connection], None],
        check_new: Callable[[], None],
    ) -> Collected:
        def write(connection: Connection) -> tuple[TillOrder, bool]:
            bind(connection)
            order, replayed = issue_once(self._context, connection, wanted, check_new)
            if collector is not None and not replayed:
                self._remember(connection, collector.party, wanted.draft)
            return order, replayed

        order, replayed = run_write(self._context, write)
        assert order.digest is not None
        assert order.number is not None
        self._context.watch.wait(order.digest, self._context.settings.post_wait_ms)
        with self._context.reading() as connection:
            issued = issued_document(self._context, connection, order)
            if issued is None or issued[0].buyer != wanted.draft.buyer:
                raise invalid("order", "order_collected")
            signed = queued.signed_group(connection, order.digest)
            assert signed is not None
            clerk = party_as_caller(self._context, connection, signed.group.actor)
            written = status_of(self._context, connection, clerk, order.digest, signed.group)
        return Collected(
            written, format_number(order.number), issued[1], wanted.draft.gross_fen, order.picked_by is None, replayed
        )

    def _remember(self, connection: Connection, party: int, draft: InvoiceDocument) -> None:
        plain = dumps({"name": draft.buyer.name, "tax_id": draft.buyer.tax_id})
        hashed = self._context.vault.index(plain.decode(), INDEXED_TITLE)
        sealed = self._context.seal(plain, SEALED_TITLE, f"{party}-{hashed.hex()}")
        tills.put_title(connection, BuyerTitle(party, hashed, sealed, self._context.now_s()))

    def _opened(self, one: BuyerTitle) -> Title:
        opened = self._context.opened(one.sealed_title, SEALED_TITLE, f"{one.party}-{one.title_hash.hex()}")
        plain = loads(opened, TITLE_SIZE_MAX)
        assert isinstance(plain, dict)
        return Title(str(plain["name"]), str(plain["tax_id"]))


def _order_id(order: PaperOrder) -> str:
    return f"{order.till_id}:{order.order_id}"


def _lines(order: PaperOrder, till: Till) -> tuple[OrderLineView, ...]:
    """Lines with the till's own goods filled in. Raises: InvalidRequest at `order` for goods it does not have."""
    items = items_of(till)
    found = []
    for line in order.lines:
        if line.item is None:
            found.append(OrderLineView(line.name, line.rate_bp, line.gross_fen))
        elif line.item <= len(items):
            item = items[line.item - 1]
            found.append(OrderLineView(item.name, item.rate_bp, line.gross_fen))
        else:
            raise invalid("order", "order_lines", reason=f"the till has no item {line.item}")
    return tuple(found)


def _checked_title(title: Title) -> Title:
    name = checked_text("name", title.name, NAME_LENGTH_MAX)
    if not name:
        raise invalid("name", "count_range", low=1, high=NAME_LENGTH_MAX, given=0)
    return Title(name, checked_text("tax_id", title.tax_id, TAX_ID_LENGTH_MAX).upper())


def _titled(document: dict[str, Json], seller: Seller) -> InvoiceDocument:
    """The draft of an order. Raises: InvalidRequest at `name`, `tax_id` or `order`."""
    try:
        return read_draft(document, seller)
    except InvalidRequest as err:
        paths = {"buyer.name": "name", "buyer.tax_id": "tax_id", "buyer": "name"}
        raise InvalidRequest(
            tuple(
                FieldProblem(paths.get(one.path, one.path), one.code, one.message_en, one.message_zh)
                for one in err.problems
            )
        ) from err
