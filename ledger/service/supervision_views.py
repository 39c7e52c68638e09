"""What officers read over all parties; amounts in fen, times aware UTC.

`area` is the 4 digits of the area that registered an enterprise, from its tax id (4403 is Shenzhen), "" where unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class SupervisionPage(Generic[T]):
    """One page of rows; `next_cursor` is None on the last."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class NonfilerView:
    """An enrolled enterprise that has not filed the month; sums are of that month.

    `months_behind` counts the months it has not filed up to that one; `lifted`: an officer lets it issue in it.
    """

    party: int
    name: str
    tax_id: str
    area: str
    filed_through: str
    months_behind: int
    suspended: bool
    lifted: bool
    count: int
    blue_gross_fen: int
    red_gross_fen: int
    gross_fen: int  # blue less red


@dataclass(frozen=True)
class SupervisedException:
    """What happened to an invoice after it was paid out, deducted or claimed; `party` is the company told."""

    number: str
    kinds: tuple[str, ...]
    text: str
    text_zh: str
    operation: str
    party: int | None
    party_name: str
    area: str
    claimant: int | None
    claimant_name: str
    claim_id: str | None
    gross_fen: int
    raised_at: datetime
    block: int
    officer_at: datetime | None
    party_at: datetime | None


@dataclass(frozen=True)
class SupervisedRefusal:
    """A refused group by the operation that broke a rule; `gross_fen` of the invoice asked for, where known."""

    reason: str
    reason_text: str
    reason_text_zh: str
    operation: str
    number: str | None
    party: int  # acted for
    party_name: str
    area: str
    actor: int  # who signed
    actor_name: str
    gross_fen: int | None
    refused_at: datetime
    digest: str


@dataclass(frozen=True)
class DuplicateView:
    """A second claim or registration of one invoice. `kind`: locked, settled, booked (refused); displaced, disputed.

    `first_*` is the claim that stood, None and "" when there was none; `area` is that of the second employer.
    """

    number: str
    kind: str
    gross_fen: int
    first_claimant: int | None
    first_claimant_name: str
    first_employer: int | None
    first_employer_name: str
    first_claim_id: str | None
    first_at: datetime | None
    second_claimant: int
    second_claimant_name: str
    second_employer: int
    second_employer_name: str
    area: str
    second_claim_id: str
    happened_at: datetime
    digest: str
