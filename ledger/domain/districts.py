"""Districts of the tax bureau: whose enterprises an officer sees.

An enterprise's district is digits 3 to 8 of its unified social credit code, the administrative division of the
authority that registered it (GB 32100-2015, 5.3; GB/T 2260). A prefix of it is a larger one: 44 a province, 4403 a
city, 440305 a district of it.
"""

from __future__ import annotations

import re

from ledger.domain.identifiers import USCC_LENGTH

DISTRICT_LENGTHS = (2, 4, 6)  # province, city, district
WHOLE_LEDGER = ""  # district of an officer who sees every enterprise, and those without a district

_DISTRICT = re.compile(r"(?:[0-9]{2}){1,3}", re.ASCII)
_FIRST, _END = 2, 8


def district_of(tax_id: str | None) -> str | None:
    """Six digits; None for a tax id that is no unified social credit code, or names no division in it."""
    if tax_id is None or len(tax_id) != USCC_LENGTH:
        return None
    return tax_id[_FIRST:_END]


def is_district(text: str) -> bool:
    """Whether `text` is a district, or the whole ledger."""
    return text == WHOLE_LEDGER or bool(_DISTRICT.fullmatch(text))
