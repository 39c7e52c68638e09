"""The callers' own ids: an ERP names with its id whatever it makes here, and finds it again by that.

An id belongs to a party and to a kind of thing. It is stored with the group that makes the thing, in one
transaction; when the group fails the id is free again. The same id with other content is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, ExternalId
from ledger.projection import external_ids as stored
from ledger.projection.ground_work import EXTERNAL_ID_SIZE_MAX
from ledger.projection.invoice_filter import VISIBLE_PARTIES_MAX
from ledger.projection.queued import group_failed, signed_group, status
from ledger.service.context import Context
from ledger.service.errors import InvalidRequest, NotFound
from ledger.service.forms import checked_party, checked_text
from ledger.service.people import oversees, own_party
from ledger.service.problems import invalid
from ledger.service.views import Caller
from verifier.operations import INVOICE_CODES
from verifier.words import Grant

INVOICE_ID = "invoice"  # sheets keep theirs under it too
CLAIM_ID = "claim"
SETTLEMENT_ID = "settlement"
BOOKING_ID = "booking"
TRANSFER_ID = "transfer"
EXTERNAL_ID_LENGTH_MAX = EXTERNAL_ID_SIZE_MAX

# which grants let somebody use, and look up, an enterprise's own ids of a kind
_GRANTS = {
    INVOICE_ID: Grant.ISSUE,
    CLAIM_ID: Grant.FINANCE,
    SETTLEMENT_ID: Grant.FINANCE,
    BOOKING_ID: Grant.FINANCE,
    TRANSFER_ID: Grant.ISSUE | Grant.FINANCE,
}
KINDS = tuple(_GRANTS)
_KINDS_ZH = {
    INVOICE_ID: "发票", CLAIM_ID: "报销单", SETTLEMENT_ID: "核销", BOOKING_ID: "入账", TRANSFER_ID: "转交",
}  # fmt: skip


@dataclass(frozen=True)
class NewId:
    """An own id to store with a group; `target` None: the group itself, by its digest in hex."""

    party: int
    kind: str
    external_id: str
    target: str | None = None

    def named(self, target: str) -> NewId:
        """The same id of what only now has a name."""
        return replace(self, target=target)

    def of_group(self, digest: bytes, now_s: int) -> ExternalId:
        """As it is stored."""
        target = self.target if self.target is not None else digest.hex()
        return ExternalId(self.party, self.kind, self.external_id, target, digest, now_s)


@dataclass(frozen=True)
class ExternalIdView:
    """What an own id stands for; `numbers` are the invoices of the group, `claim_id` where it is about one."""

    external_id: str
    party: int
    kind: str  # invoice, claim, settlement, booking, transfer
    number: str | None  # invoice: the one it names
    numbers: tuple[str, ...]
    claim_id: str | None
    digest: str
    status: str  # accepted, recorded, refused, malformed, expired; the id of a failed one is free again
    created_at: datetime


def checked_id(given: str | None, path: str = "external_id") -> str | None:
    """An own id without outer blanks, None for none. Raises: InvalidRequest at `path` when it is too long or empty."""
    if given is None:
        return None
    text = checked_text(path, given, EXTERNAL_ID_LENGTH_MAX)
    if not text:
        raise invalid(path, "external_id_empty")
    return text


def checked_ids(given: list[str | None] | None, count: int) -> list[str | None]:
    """Own ids of `count` rows, each its own. Raises: InvalidRequest at `external_ids` or `external_ids.N`."""
    if given is None:
        return [None] * count
    if len(given) != count:
        raise invalid("external_ids", "external_ids_count", high=count, given=len(given))
    seen: dict[str, int] = {}
    found = [checked_id(one, f"external_ids.{index}") for index, one in enumerate(given)]
    for index, one in enumerate(found):
        if one is not None and seen.setdefault(one, index) != index:
            raise invalid(f"external_ids.{index}", "external_id_twice", row=seen[one])
    return found


def new_id(
    connection: Connection, caller: Caller, party: int, kind: str, given: str | None, target: str | None = None,
    *, path: str = "external_id",
) -> tuple[NewId, ...]:  # fmt: skip
    """The own id to store with a group, none where none is given.

    Of somebody else's enterprise nothing is stored nor told: the contract refuses such a group.

    Raises: InvalidRequest at `path` naming what the id stands for.
    """
    if given is None or not _acts(caller, party, kind):
        return ()
    earlier = stored.external_id(connection, party, kind, given)
    if earlier is not None and not group_failed(connection, earlier.digest):
        raise invalid(path, "external_id_taken", kind=kind, kind_zh=_KINDS_ZH[kind], target=earlier.target)
    return (NewId(party, kind, given, target),)


class ExternalIds:
    """Finding by own ids."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def find(
        self, caller: Caller, external_id: str, *, kind: str | None = None, party: int | None = None
    ) -> tuple[ExternalIdView, ...]:
        """What an own id of the caller, or of enterprises it acts for, stands for, kind by kind.

        Raises: NotFound when it stands for nothing the caller may see; InvalidRequest for an unknown kind.
        """
        if kind is not None and kind not in KINDS:
            raise invalid("kind", "format_unknown", given=kind[:32], choices=", ".join(KINDS))
        if party is not None:
            checked_party("party", party)
        try:
            given = checked_id(external_id)
        except InvalidRequest:
            given = None  # no such id was ever stored
        if given is None:
            raise NotFound("external id", external_id[:EXTERNAL_ID_LENGTH_MAX])
        found = []
        with self._context.reading() as connection:
            for owner in _owners(caller, party):
                for one in KINDS if kind is None else (kind,):
                    if not _acts(caller, owner, one) and not oversees(connection, caller, owner):
                        continue
                    earlier = stored.external_id(connection, owner, one, given)
                    if earlier is not None:
                        found.append(_view(connection, earlier))
        if not found:
            raise NotFound("external id", given)
        return tuple(found)


def _acts(caller: Caller, party: int, kind: str) -> bool:
    return party in own_party(caller) or bool(caller.grants.get(party, 0) & _GRANTS[kind])


def _owners(caller: Caller, party: int | None) -> tuple[int, ...]:
    """Parties whose own ids are asked for."""
    if party is not None:
        return (party,)
    return (*own_party(caller), *sorted(set(caller.grants) - {caller.party})[: VISIBLE_PARTIES_MAX - 1])


def _view(connection: Connection, one: ExternalId) -> ExternalIdView:
    outcome = status(connection, one.digest) if one.digest is not None else None
    signed = signed_group(connection, one.digest) if one.digest is not None else None
    operations = signed.group.operations if signed is not None else ()
    numbers = tuple(format_number(op.number) for op in operations if op.code in INVOICE_CODES)
    claim_id = one.target if one.kind == CLAIM_ID else None
    if one.kind == SETTLEMENT_ID and operations:
        claim_id = f"{operations[0].terms:032x}"
    return ExternalIdView(
        external_id=one.external_id,
        party=one.party,
        kind=one.kind,
        number=one.target if one.kind == INVOICE_ID else None,
        numbers=(one.target,) if one.kind == INVOICE_ID else numbers,
        claim_id=claim_id,
        digest=one.digest.hex() if one.digest is not None else "",
        status=outcome.state.value if outcome is not None else "recorded",
        created_at=utc_time(one.created_at),
    )
