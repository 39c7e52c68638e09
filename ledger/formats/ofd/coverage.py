"""Which files left out of a signature repeat invoice data, so that changing them would show another invoice.

The rule in words stands in docs/FORMATS.md. In doubt a file repeats data: what cannot be looked into is not passed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

from ledger.domain.decimals import format_yuan
from ledger.formats.errors import FileRefusedError
from ledger.formats.read_invoice import ReadInvoice
from ledger.formats.xml_fields import local_name
from ledger.formats.xml_tree import XML_SIZE_MAX, parse_xml

VALUE_LENGTH_MIN = 4  # characters; a shorter value of an invoice also stands in files that have nothing to do with it
LOOKED_INTO_SIZE_MAX = XML_SIZE_MAX  # bytes of uncovered files in all; what lies beyond is not passed
ITEMS_MAX = 16  # items looked for: every text of a file is compared with every value

_DRAWN_TEXT = "TextCode"
_PICTURES = frozenset({"ImageObject", "CompositeObject", "Video"})
_FIELDS = frozenset({"CustomData", "InvoiceNo", "InvoiceNumber", "EIid"})
_FIGURES = re.compile(r"\d|[¥￥零壹贰叁肆伍陆柒捌玖拾佰仟]")


def invoice_values(invoice: ReadInvoice) -> frozenset[str]:
    """Texts by which a file is known to repeat this invoice: numbers, parties, amounts, first items, as printed."""
    document = invoice.document
    texts = [invoice.number, invoice.code, invoice.printed_number]
    texts += [format_yuan(fen) for fen in (invoice.net_fen, invoice.tax_fen, invoice.gross_fen) if fen]
    if document is not None:
        for party in (document.seller, document.buyer):
            texts += [party.name, party.tax_id, party.address, party.account]
        texts += [document.gross_in_words, document.note]
        texts += [line.name for line in document.lines[:ITEMS_MAX]]
    return frozenset(text for text in texts if len(text) >= VALUE_LENGTH_MIN)


def first_repeating(uncovered: Mapping[str, bytes], values: Collection[str], backgrounds: Collection[str]) -> str:
    """Name of the first uncovered file that repeats invoice data, "" when none does.

    `backgrounds` names of the templates drawn below the pages.
    """
    left_size = LOOKED_INTO_SIZE_MAX
    for name, content in uncovered.items():
        left_size -= len(content)
        if left_size < 0 or repeats_invoice(content, values, background=name in backgrounds):
            return name
    return ""


def repeats_invoice(content: bytes, values: Collection[str], *, background: bool) -> bool:
    """Whether a file that no signature covers repeats invoice data.

    `background` a template drawn below the pages: it may hold labels, but no figures, no pictures and no value of the
    invoice. Another file may draw nothing at all.
    """
    if not content.strip():
        return False
    try:
        root = parse_xml(content)
    except FileRefusedError:
        return True  # a picture, a font or broken: it cannot be read, so it cannot be passed
    drawn: list[str] = []
    for element in root.iter():
        name = local_name(element)
        text = element.text or ""
        if name in _PICTURES or (name in _FIELDS and text.strip()):
            return True
        if name == _DRAWN_TEXT:
            drawn.append(text)
        if _holds("".join((text, *map(str, element.attrib.values()))), values):
            return True
    printed = unicodedata.normalize("NFKC", "".join("".join(drawn).split()))  # ① and １ are figures too
    if not background:
        return bool(printed)
    return _FIGURES.search(printed) is not None or _holds(printed, values)


def _holds(text: str, values: Collection[str]) -> bool:
    return len(text) >= VALUE_LENGTH_MIN and any(value in text for value in values)
