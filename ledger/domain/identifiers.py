"""Identifiers printed on invoices: tax ids, tax classification codes, invoice codes.

A function returns the code of what is wrong (docs/FORMATS.md), None when nothing is.
"""

from __future__ import annotations

import re

from stdnum.cn import uscc

TAX_ID_LENGTHS = (15, 17, 18, 20)  # real invoices carry all four; only 18 characters have a check character
USCC_LENGTH = 18
TAX_CODE_DIGITS = 19
TAX_CODE_CLASSES = "123456"  # goods, services of labour, services, intangibles, real estate, not taxable [?]
BLOCKCHAIN_AREAS = frozenset({"4403", "1100", "5300"})  # Shenzhen, Beijing, Yunnan
CODE_KINDS = frozenset({"04", "05", "06", "07", "11", "12", "13"})
"""Last two digits of a 12-digit code starting with 0: 04, 05 paper; 06, 07 roll; 11 electronic; 12 toll; 13 special."""
_PROVINCE_RANGES = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65))
PROVINCES = frozenset(str(area) for first, last in _PROVINCE_RANGES for area in range(first, last + 1))
"""First two digits of an area, GB/T 2260."""

_TAX_ID = re.compile(r"[0-9A-Z]*", re.ASCII)
_TAX_CODE = re.compile(rf"[0-9]{{{TAX_CODE_DIGITS}}}", re.ASCII)
_LONG_CODE = re.compile(r"[0-9]{12}", re.ASCII)
_SHORT_CODE = re.compile(r"[0-9]{10}", re.ASCII)


def tax_id_problem(tax_id: str) -> str | None:
    """What is wrong with a tax id: `tax_id_characters`, `tax_id_length`, `uscc_check`.

    18 characters are a unified social credit code (GB 32100-2015) and must carry its check character.
    """
    if not _TAX_ID.fullmatch(tax_id):
        return "tax_id_characters"
    if len(tax_id) not in TAX_ID_LENGTHS:
        return "tax_id_length"
    if len(tax_id) == USCC_LENGTH and not uscc.is_valid(tax_id):
        return "uscc_check"
    return None


def tax_code_problem(tax_code: str) -> str | None:
    """What is wrong with a tax classification code: `tax_code_form` unless 19 digits, the first of 1..6."""
    return None if _TAX_CODE.fullmatch(tax_code) and tax_code[0] in TAX_CODE_CLASSES else "tax_code_form"


def invoice_code_problem(code: str) -> str | None:
    """What is wrong with a 12- or 10-digit invoice code: `invoice_code_form`, `invoice_code_unknown`.

    The second is a code whose area or kind nobody is known to use: a reason to look twice, not to refuse.
    """
    if _SHORT_CODE.fullmatch(code):
        return None if code[:2] in PROVINCES else "invoice_code_unknown"
    if not _LONG_CODE.fullmatch(code):
        return "invoice_code_form"
    if code.startswith("1"):
        known = code[1:5] in BLOCKCHAIN_AREAS and code.endswith("0")
    else:
        known = code.startswith("0") and code[1:3] in PROVINCES and code[-2:] in CODE_KINDS
    return None if known else "invoice_code_unknown"
