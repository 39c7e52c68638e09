"""One order becomes one invoice: asked twice, by whomever and however often, it is the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from ledger.domain.document import parse_document
from ledger.domain.groups import Group
from ledger.domain.invoice import InvoiceDocument
from ledger.domain.numbers import format_number
from ledger.identity import sign_group
from ledger.projection import (
    Acceptance,
    Connection,
    NewGroup,
    OrderConflictError,
    accept,
    keystore,
    number_pool,
    parties,
    till_orders,
    tills,
)
from ledger.projection.till_orders import TillOrder
from ledger.service.audit_log import note_group
from ledger.service.context import Context
from ledger.service.errors import NotFound
from ledger.service.issuing import FirstHolder, Seller, numbered
from ledger.service.people import caller_of
from ledger.service.problems import invalid
from ledger.service.proofs import opened_stored
from ledger.service.till_views import OrderLineView, Title
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash
from verifier.canonical import Json

NUMBER_HELD_S = 60  # until this transaction marks it used
SELLER_HOLDS = "seller"


@dataclass(frozen=True)
class Wanted:
    """What is to be issued for an order. `order` has neither number nor digest yet.

    `number` is one the seller reserved, None takes the next free one; `issued_on` None is today.
    """

    order: TillOrder
    draft: InvoiceDocument
    seller: Seller
    clerk: int
    first_holder: FirstHolder
    number: int | None = None
    issued_on: date | None = None


def issue_once(
    context: Context, connection: Connection, wanted: Wanted, check_new: Callable[[], None]
) -> tuple[TillOrder, bool]:
    """The order with its invoice's number and group, and whether it had them before.

    `check_new` raises what stands against a new invoice; one that is there already is answered whatever the time.

    Raises: InvalidRequest at `order`, or at `number` for one that is not reserved; NoSigningKey; AcceptError.
    """
    tills.lock_seller(connection, wanted.seller.party)
    try:
        known = till_orders.put_order(connection, wanted.order)
    except OrderConflictError as err:
        raise invalid("order", "order_differs") from err
    if known.number is not None:
        return known, True
    check_new()
    now_s = context.now_s()
    number = wanted.number
    if number is None:
        (number,) = number_pool.reserve(
            connection, wanted.seller.party, 1, expires_at=now_s + NUMBER_HELD_S, now_s=now_s
        )
    elif number not in number_pool.reserved(connection, wanted.seller.party, now_s):
        raise invalid("number", "number_not_reserved", number=format_number(number))
    draft = numbered(context, [wanted.draft], [number], wanted.seller, wanted.first_holder, wanted.issued_on)
    group = Group(wanted.clerk, now_s + context.settings.group_lifetime_s, draft.operations)
    domain = context.domain
    digest = group.digest(domain)
    signed = sign_group(context.signing_key(connection, wanted.clerk), group, domain)
    acceptance = Acceptance((NewGroup(digest, signed, draft.documents),))
    accept(connection, acceptance, queue_limit=context.settings.queue_limit_per_party, now_s=now_s)
    note_group(context, connection, actor=wanted.clerk, digest=digest, operations=group.operations)
    picked_by = wanted.first_holder if isinstance(wanted.first_holder, int) else None
    till_orders.assign_order(
        connection, wanted.seller.party, wanted.order.order_id, number=number, digest=digest, picked_by=picked_by
    )
    return replace(wanted.order, number=number, digest=digest, picked_by=picked_by), False


def issued_document(context: Context, connection: Connection, order: TillOrder) -> tuple[InvoiceDocument, str] | None:
    """The invoice of an order and its commitment (hex); None once it was erased."""
    assert order.number is not None
    assert order.digest is not None
    stored = keystore.document(connection, format_number(order.number), order.digest)
    if stored is None or stored.sealed_document is None:
        return None
    plain, _ = opened_stored(context, stored)
    return parse_document(plain), stored.commitment.hex()


def draft_of(lines: tuple[OrderLineView, ...], title: Title) -> dict[str, Json]:
    """The document of an order: a till knows prices with tax, of which net and tax are parted here, half up."""
    made: list[Json] = []
    net = tax = 0
    for line in lines:
        line_tax = (2 * line.gross_fen * line.rate_bp + 10_000 + line.rate_bp) // (2 * (10_000 + line.rate_bp))
        net += line.gross_fen - line_tax
        tax += line_tax
        made.append(
            {
                "name": line.name,
                "net_fen": line.gross_fen - line_tax,
                "rate_bp": line.rate_bp,
                "tax_fen": line_tax,
            }
        )
    buyer: dict[str, Json] = {"name": title.name}
    if title.tax_id:
        buyer["tax_id"] = title.tax_id
    return {
        "kind": "ordinary",
        "buyer": buyer,
        "lines": made,
        "net_fen": net,
        "tax_fen": tax,
        "gross_fen": net + tax,
    }


def bind_key(context: Context, connection: Connection, caller: Caller, key: str, kind: str, request: Json) -> None:
    """Binds an Idempotency-Key to a request that is safe to repeat anyway. Raises: IdempotencyConflictError."""
    remembered(context, connection, caller, key, request_hash(kind, request), dict)


def party_as_caller(context: Context, connection: Connection, party: int) -> Caller:
    """A party as a caller. Raises: NotFound."""
    record = parties.party(connection, party)
    if record is None:
        raise NotFound("party", str(party))
    return caller_of(context, connection, record)
