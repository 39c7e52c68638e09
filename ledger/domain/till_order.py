"""A till's order as a QR code carries it: small enough to print, complete enough to issue from, signed by the till.

    1 byte    format, 1
    8 bytes   till
    n bytes   canonical JSON: [order id, expires at (seconds since 1970), gross fen, lines]
    64 bytes  Ed25519 signature of everything before it, under `SIGNING_TAG`

A line is [item of the till's list, counted from 1, gross fen] or [name, rate in basis points, gross fen]. As text it is
Base64 for URLs without padding. Byte budget: ORDER_SIZE_MAX becomes 640 characters, with its address under 700 bytes,
which a QR code of version 22 holds at level M (779 bytes), 5 cm wide as tills print it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from ledger.domain.invoice import AMOUNT_FEN_MAX, RATE_BP_MAX
from verifier.canonical import Json, dumps, loads

FORMAT = 1
SIGNING_TAG = b"einvoice till order\0"
TILL_ID_SIZE = 8  # bytes, random
SIGNATURE_SIZE = 64
ORDER_SIZE_MAX = 480  # bytes, see above
ORDER_TEXT_LENGTH_MAX = 640  # characters
ORDER_LINES_MAX = 8  # a till sums the rest up by rate
ORDER_ID_PATTERN = r"^[!-9;-~]{1,64}$"  # visible ASCII without a colon, which parts till and order where both are kept
LINE_NAME_LENGTH_MAX = 60  # characters; the document itself takes 200
ITEMS_MAX = 100  # known goods of a till
SECONDS_MAX = 2**40

_TEXT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ORDER_ID = re.compile(ORDER_ID_PATTERN, re.ASCII)


class TillOrderError(ValueError):
    """Not an order of this form; the message says which part, for who makes orders."""


@dataclass(frozen=True)
class OrderLine:
    """One line: `item` of the till's list, or None with a name and rate of its own. `gross_fen` holds the tax."""

    gross_fen: int
    item: int | None = None
    name: str = ""
    rate_bp: int = 0


@dataclass(frozen=True)
class TillOrder:
    """An order as its till signs it. `till_id` is 16 hex digits, `expires_at` seconds since 1970."""

    till_id: str
    order_id: str
    expires_at: int
    gross_fen: int
    lines: tuple[OrderLine, ...]

    def unsigned(self) -> bytes:
        """What the till signs, without the tag. Raises: TillOrderError beyond the limits."""
        _check(self)
        lines: list[Json] = [
            [line.item, line.gross_fen] if line.item is not None else [line.name, line.rate_bp, line.gross_fen]
            for line in self.lines
        ]
        body = dumps([self.order_id, self.expires_at, self.gross_fen, lines])
        data = bytes((FORMAT,)) + bytes.fromhex(self.till_id) + body
        if len(data) + SIGNATURE_SIZE > ORDER_SIZE_MAX:
            raise TillOrderError(f"the order takes {len(data) + SIGNATURE_SIZE} bytes, at most {ORDER_SIZE_MAX} fit")
        return data


@dataclass(frozen=True)
class SignedOrder:
    """An order with its signature, which is still to be checked with the till's key."""

    order: TillOrder
    unsigned: bytes
    signature: bytes

    @property
    def text(self) -> str:
        """The text a QR code carries."""
        return base64.urlsafe_b64encode(self.unsigned + self.signature).decode().rstrip("=")


def parse_signed_order(text: str) -> SignedOrder:
    """The order a text holds. Raises: TillOrderError for any other text."""
    if not 1 <= len(text) <= ORDER_TEXT_LENGTH_MAX or not _TEXT.fullmatch(text):
        raise TillOrderError("not the text of an order")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as err:
        raise TillOrderError("not the text of an order") from err
    unsigned, signature = data[:-SIGNATURE_SIZE], data[-SIGNATURE_SIZE:]
    if len(unsigned) <= 1 + TILL_ID_SIZE or unsigned[0] != FORMAT:
        raise TillOrderError("not an order of format 1")
    try:
        body = loads(unsigned[1 + TILL_ID_SIZE :], ORDER_SIZE_MAX)
    except ValueError as err:
        raise TillOrderError("the order's content cannot be read") from err
    order = _read(unsigned[1 : 1 + TILL_ID_SIZE].hex(), body)
    if order.unsigned() != unsigned or SignedOrder(order, unsigned, signature).text != text:
        raise TillOrderError("one order has one text, and this is another")
    return SignedOrder(order, unsigned, signature)


def _read(till_id: str, body: Json) -> TillOrder:
    if not isinstance(body, list) or len(body) != 4:
        raise TillOrderError("an order has four parts")
    order_id, expires_at, gross_fen, lines = body
    if not isinstance(order_id, str) or not _is_int(expires_at) or not _is_int(gross_fen):
        raise TillOrderError("id, expiry or amount has the wrong type")
    if not isinstance(lines, list):
        raise TillOrderError("an order has lines")
    assert isinstance(expires_at, int)
    assert isinstance(gross_fen, int)
    return TillOrder(till_id, order_id, expires_at, gross_fen, tuple(_line(one) for one in lines))


def _line(value: Json) -> OrderLine:
    match value:
        case [int() as item, int() as gross_fen] if _is_int(item) and _is_int(gross_fen):
            return OrderLine(gross_fen, item=item)
        case [str() as name, int() as rate_bp, int() as gross_fen] if _is_int(rate_bp) and _is_int(gross_fen):
            return OrderLine(gross_fen, name=name, rate_bp=rate_bp)
    raise TillOrderError("a line is [item, gross] or [name, rate, gross]")


def _check(order: TillOrder) -> None:
    if not re.fullmatch(rf"[0-9a-f]{{{2 * TILL_ID_SIZE}}}", order.till_id):
        raise TillOrderError("a till id has 16 hex digits")
    if not _ORDER_ID.fullmatch(order.order_id):
        raise TillOrderError("an order id is 1 to 64 visible ASCII characters without a colon")
    if not 0 < order.expires_at < SECONDS_MAX:
        raise TillOrderError("the expiry is a time in seconds since 1970")
    if not 1 <= len(order.lines) <= ORDER_LINES_MAX:
        raise TillOrderError(f"an order has 1 to {ORDER_LINES_MAX} lines")
    for line in order.lines:
        if not 0 < line.gross_fen <= AMOUNT_FEN_MAX:
            raise TillOrderError("a line's gross is above 0")
        named = 1 <= len(line.name) <= LINE_NAME_LENGTH_MAX and 0 <= line.rate_bp <= RATE_BP_MAX
        if not (named if line.item is None else 1 <= line.item <= ITEMS_MAX):
            raise TillOrderError("a line names an item of the till's list, or a name and a rate")
    if order.gross_fen != sum(line.gross_fen for line in order.lines) or order.gross_fen > AMOUNT_FEN_MAX:
        raise TillOrderError("the lines do not add up to the order's gross")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
