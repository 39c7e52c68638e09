"""Titles (购买方) of invoices of elsewhere: the employer's own, a person's, or one that contradicts the employer."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ledger.domain.errors import FieldProblem
from ledger.formats import ReadInvoice
from ledger.service.problems import service_problem

ORGANISATION_WORDS = (
    "公司", "集团", "企业", "中心", "学校", "大学", "医院", "研究院", "研究所", "事务所", "合作社", "委员会", "银行",
    "工作室", "经营部",
)  # fmt: skip
LATIN_ORGANISATION_WORDS = frozenset({
    "BANK", "CO", "COMPANY", "CORP", "CORPORATION", "GMBH", "GROUP", "INC", "LLC", "LLP", "LTD", "LIMITED", "PLC", "SA",
    "UNIVERSITY",
})  # fmt: skip
PERSONAL_TITLES = frozenset({"", "个人", "个人抬头", "自然人", "个人消费者"})
PERSONAL_NAME_LENGTH_MAX = 4  # characters of a Chinese person's name that has no point inside
NAME_POINTS = "·•・"  # inside names such as 阿卜杜拉·买买提, which are longer
_MASK = re.compile(r"[*＊]{2,}|(?<![A-Za-z0-9])[Xx]{2,}(?![A-Za-z0-9])|[Xx]{4,}")  # FOXXCONN hides nothing
_DROPPED = re.compile(r"[\s()（）\-—·•・.,，。]")
_LATIN = re.compile(r"[A-Za-z][A-Za-z .,'\-]*")


@dataclass(frozen=True)
class Employer:
    """Who is to reimburse: party id, registered name, tax id."""

    party: int
    name: str
    tax_id: str


def title_problems(read: ReadInvoice, employer: Employer, claimant_name: str) -> list[FieldProblem]:
    """A title (购买方) that contradicts the employer, and a seller that is the employer itself."""
    found = []
    buyer = read.buyer
    if read.seller.tax_id == employer.tax_id:
        found.append(service_problem("seller.tax_id", "outside_own_sale", name=employer.name))
    if buyer.tax_id and not _may_be(buyer.tax_id, employer.tax_id):
        found.append(service_problem("buyer.tax_id", "outside_title", given=buyer.tax_id, name=employer.name))
    elif buyer.name and not (
        _is_personal(buyer.name, buyer.tax_id, claimant_name) or _same_name(buyer.name, employer.name)
    ):
        found.append(service_problem("buyer.name", "outside_title", given=buyer.name, name=employer.name))
    return found


def _may_be(shown: str, tax_id: str) -> bool:
    """Whether a printed tax id can be this one; files come with ids masked by stars."""
    if not _MASK.search(shown):
        return shown == tax_id
    parts = _MASK.split(shown)
    if not any(parts) or len(parts[0]) + len(parts[-1]) > len(tax_id):
        return False  # a mask alone fits everybody
    if not tax_id.startswith(parts[0]) or not tax_id.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(tax_id) - len(parts[-1])
    for part in parts[1:-1]:  # each at its first place after the one before: no pattern that could take long
        found = tax_id.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _is_personal(name: str, tax_id: str, claimant_name: str) -> bool:
    """Whether a title names a person, or nobody. What could be a company is taken for one: better asked than paid."""
    plain = _plain(name)
    if tax_id or (plain and not _MASK.sub("", plain)):
        return False
    if plain in PERSONAL_TITLES or plain == _plain(claimant_name):
        return True
    if any(word in plain for word in ORGANISATION_WORDS):
        return False
    if _LATIN.fullmatch(name.strip()):
        return not LATIN_ORGANISATION_WORDS & set(re.split(r"[ .,]+", name.upper()))
    return len(plain) <= PERSONAL_NAME_LENGTH_MAX or _is_pointed(name)


def _is_pointed(name: str) -> bool:
    """Whether points stand between the parts of a name, none at its edge."""
    parts = [_plain(part) for part in re.split(f"[{NAME_POINTS}]", name)]
    return len(parts) > 1 and all(parts)


def _same_name(one: str, other: str) -> bool:
    if _MASK.search(one):
        return _may_be(_plain(one), _plain(other))
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    """A name without blanks, brackets, points and signs that nobody sees, full-width letters as plain ones."""
    seen = (char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) not in ("Cf", "Mn"))
    return _DROPPED.sub("", "".join(seen)).upper()
