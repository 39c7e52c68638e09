"""Tills of a seller: registering with their keys and goods, listing, closing."""

from __future__ import annotations

import re
import secrets

from ledger.domain.invoice import RATE_BP_MAX
from ledger.domain.till_order import ITEMS_MAX, LINE_NAME_LENGTH_MAX, TILL_ID_SIZE
from ledger.domain.times import utc_time
from ledger.projection import Connection, TillState, parties, tills
from ledger.projection.ground_tills import TILL_NAME_LENGTH_MAX
from ledger.projection.tills import Till
from ledger.service.audit_log import note_change
from ledger.service.context import Context
from ledger.service.errors import NotFound, NotPermitted
from ledger.service.forms import checked_party, checked_text
from ledger.service.issuing import seller_of
from ledger.service.people import acts_for, is_overseen, overseen_by, oversees
from ledger.service.problems import invalid
from ledger.service.till_views import TillItem, TillView
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json, dumps, loads
from verifier.words import Grant, PartyKind

ITEMS_SIZE_MAX = 65_536  # bytes; 100 items of 60 characters
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Tills:
    """Tills of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def register(
        self, caller: Caller, *, name: str, public_key: str, clerk: int | None = None, items: tuple[TillItem, ...] = (),
        subject: int | None = None, idempotency_key: str,
    ) -> TillView:  # fmt: skip
        """A till of the caller's enterprise. `clerk` (None: the caller) signs its invoices with its kept key.

        Raises: InvalidRequest at the wrong field; NotPermitted; IdempotencyConflict; Busy.
        """
        seller = seller_of(self._context, caller, subject)
        if not acts_for(caller, seller.party, Grant.ISSUE):
            raise NotPermitted("only the seller and its clerks register tills", "仅销售方及其开票员可登记收银台")
        shown = checked_text("name", name, TILL_NAME_LENGTH_MAX)
        if not _KEY.fullmatch(public_key):
            raise invalid("public_key", "till_key_form")
        signer = checked_party("clerk", caller.party if clerk is None else clerk)
        if signer not in (caller.party, seller.party) and caller.party != seller.party:
            raise NotPermitted("only the enterprise itself names another as clerk", "仅企业本身可指定他人为开票员")
        packed = dumps([[item.name, item.rate_bp] for item in _checked_items(items)])
        made_id = secrets.token_hex(TILL_ID_SIZE)
        hashed = request_hash(
            "till",
            {
                "name": shown,
                "public_key": public_key,
                "clerk": signer,
                "items": packed.decode(),
                "seller": seller.party,
            },
        )

        def write(connection: Connection) -> str:
            def take() -> dict[str, Json]:
                self._check_clerk(connection, seller.party, signer)
                if len(tills.tills(connection, seller.party)) >= tills.TILLS_MAX:
                    raise invalid("name", "tills_max", high=tills.TILLS_MAX)
                if tills.till_of_key(connection, bytes.fromhex(public_key)) is not None:
                    raise invalid("public_key", "till_key_known")
                now_s = self._context.now_s()
                tills.add_till(
                    connection,
                    Till(
                        made_id, seller.party, signer, shown, bytes.fromhex(public_key), packed, TillState.OPEN,
                        caller.party, now_s, now_s,
                    ),
                )  # fmt: skip
                note_change(self._context, connection, caller, "till registered", about=made_id, clerk=signer)
                return {"till_id": made_id}

            return str(remembered(self._context, connection, caller, idempotency_key, hashed, take)["till_id"])

        return self.till(caller, run_write(self._context, write))

    def till(self, caller: Caller, till_id: str) -> TillView:
        """One till. Raises: NotFound unless the caller acts for its seller or is an officer."""
        with self._context.reading() as connection:
            return view_of(own_till(connection, caller, till_id))

    def tills(self, caller: Caller, *, subject: int | None = None) -> tuple[TillView, ...]:
        """Tills of the caller's enterprise, oldest first. Raises: NotFound, InvalidRequest, NotPermitted."""
        if subject is not None and overseen_by(caller) is not None and not is_overseen(self._context, caller, subject):
            raise invalid("subject", "party_unknown", party=subject)  # of another district: as unknown as none
        seller = seller_of(self._context, caller, subject)
        if not acts_for(caller, seller.party, Grant.ISSUE) and not is_overseen(self._context, caller, seller.party):
            raise NotFound("party", str(seller.party))
        with self._context.reading() as connection:
            return tuple(view_of(one) for one in tills.tills(connection, seller.party))

    def close(self, caller: Caller, till_id: str, *, idempotency_key: str) -> TillView:
        """For good: orders that were not collected are refused from then on.

        Raises: NotFound; NotPermitted for an officer, who only looks; Busy.
        """
        hashed = request_hash("till closing", {"till_id": till_id})

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                known = own_till(connection, caller, till_id)
                if not acts_for(caller, known.seller, Grant.ISSUE):
                    raise NotPermitted("only the seller and its clerks close tills", "仅销售方及其开票员可关闭收银台")
                tills.close_till(connection, till_id, self._context.now_s())
                note_change(self._context, connection, caller, "till closed", about=till_id)
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        return self.till(caller, till_id)

    def _check_clerk(self, connection: Connection, seller: int, clerk: int) -> None:
        """Raises: InvalidRequest at `clerk` unless invoices can be signed here in its name."""
        record = parties.party(connection, clerk)
        may = clerk == seller or bool(parties.grant_bits(connection, seller, clerk) & Grant.ISSUE)
        if record is None or not may or record.kind not in (PartyKind.ENTERPRISE, PartyKind.PERSON):
            raise invalid("clerk", "till_clerk")
        if not record.signer or self._context.private_key(connection, record.signer) is None:
            raise invalid("clerk", "till_clerk")


def own_till(connection: Connection, caller: Caller, till_id: str) -> Till:
    """The till, for who acts for its seller. Raises: NotFound."""
    known = tills.till(connection, till_id)
    if known is None or not (acts_for(caller, known.seller, Grant.ISSUE) or oversees(connection, caller, known.seller)):
        raise NotFound("till", till_id[:40])
    return known


def items_of(known: Till) -> tuple[TillItem, ...]:
    """Goods of a till, in its order."""
    found = loads(known.items, ITEMS_SIZE_MAX)
    assert isinstance(found, list)
    items = []
    for one in found:
        assert isinstance(one, list)
        name, rate_bp = one
        assert isinstance(rate_bp, int)
        items.append(TillItem(str(name), rate_bp))
    return tuple(items)


def view_of(known: Till) -> TillView:
    """A till as its seller sees it."""
    return TillView(
        till_id=known.till_id,
        seller=known.seller,
        clerk=known.clerk,
        name=known.name,
        public_key=known.public_key.hex(),
        items=items_of(known),
        state=known.state.value,
        created_at=utc_time(known.created_at),
    )


def _checked_items(items: tuple[TillItem, ...]) -> tuple[TillItem, ...]:
    if len(items) > ITEMS_MAX:
        raise invalid("items", "count_range", low=0, high=ITEMS_MAX, given=len(items))
    checked = []
    for index, item in enumerate(items):
        name = checked_text(f"items.{index}.name", item.name, LINE_NAME_LENGTH_MAX)
        if not name:
            raise invalid(f"items.{index}.name", "count_range", low=1, high=LINE_NAME_LENGTH_MAX, given=0)
        if not 0 <= item.rate_bp <= RATE_BP_MAX:
            raise invalid(f"items.{index}.rate_bp", "count_range", low=0, high=RATE_BP_MAX, given=item.rate_bp)
        checked.append(TillItem(name, item.rate_bp))
    return tuple(checked)
