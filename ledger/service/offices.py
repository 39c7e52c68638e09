"""Offices: auditors and witnesses' readers of the authority, administrators of enterprises.

They are kept here, not on chain: the contract knows signers, and neither an auditor nor a reader signs anything. What
an administrator has signed is signed with the enterprise's own key, kept here, and each use of it is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.domain.times import utc_time
from ledger.projection import Connection, offices, providers
from ledger.projection.offices import (
    OFFICES_PER_PARTY_MAX,
    OFFICES_PER_PRINCIPAL_MAX,
    Office,
    OfficeKind,
    OfficeUse,
)
from ledger.service.audit_log import note_change
from ledger.service.company_links import end_links_of_stranger
from ledger.service.context import Context
from ledger.service.errors import NotFound, NotPermitted
from ledger.service.forms import checked_cursor, checked_page_size
from ledger.service.office_seals import checked_office, seal_office
from ledger.service.people import caller_by_id, governs, names_of, need_authority, need_party, overseen_by
from ledger.service.problems import invalid
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json
from verifier.words import PartyKind

OFFICE_NUMBER_MAX = 2**53 - 1  # an integer of JSON


@dataclass(frozen=True)
class OfficeView:
    """An office; `name` as the caller may know it, times aware UTC."""

    office: int
    kind: str  # auditor, witness, administrator
    party: int
    name: str
    principal: int
    principal_name: str
    appointed_at: datetime
    ended_at: datetime | None
    ended_by: int | None


@dataclass(frozen=True)
class OfficePage:
    items: tuple[OfficeView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class OfficeUseView:
    """A group signed with the enterprise's key for an administrator; `digest` in hex, as of read_operation."""

    digest: str
    used_at: datetime


@dataclass(frozen=True)
class OfficeUsePage:
    items: tuple[OfficeUseView, ...]
    next_cursor: str | None


class Offices:
    """Offices of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def appoint(self, caller: Caller, kind: str, party: int, *, idempotency_key: str) -> OfficeView:
        """The authority appoints an auditor or a witness's reader, an enterprise its administrator: an enrolled person.

        Raises: NotPermitted; InvalidRequest at `kind`, or at `party` for no person, or one that holds it already.
        """
        wanted = _checked_kind(kind)
        _need_principal(caller, wanted)

        def write(connection: Connection) -> dict[str, Json]:
            def take() -> dict[str, Json]:
                person = need_party(connection, party, kind=PartyKind.PERSON)
                held = offices.standing(connection, party)
                if any((one.kind, one.principal) == (wanted, caller.party) for one in held):
                    raise invalid("party", "office_held", party=party, kind=wanted.value)
                if len(held) >= OFFICES_PER_PARTY_MAX:
                    raise invalid("party", "offices_max", high=OFFICES_PER_PARTY_MAX)
                if offices.count_standing(connection, principal=caller.party) >= OFFICES_PER_PRINCIPAL_MAX:
                    raise invalid("kind", "offices_max", high=OFFICES_PER_PRINCIPAL_MAX)
                end_links_of_stranger(self._context, connection, person, caller.party)
                made = offices.add_office(
                    connection, kind=wanted, party=party, principal=caller.party, now_s=self._context.now_s()
                )
                seal_office(self._context, connection, made)
                change = f"appointed as {wanted.value}"
                note_change(self._context, connection, caller, change, about=str(party), office=made.seq)
                return {"office": made.seq}

            return remembered(self._context, connection, caller, idempotency_key, hashed, take)

        hashed = request_hash("appoint office", {"kind": wanted.value, "party": party})
        return self._view_of(caller, _number(run_write(self._context, write)))

    def end(self, caller: Caller, office: int, *, idempotency_key: str) -> OfficeView:
        """Who appointed ends the office, for good; the person's next request is without it. Ended it stays as it is.

        Raises: NotFound for an office of somebody else's giving.
        """

        def write(connection: Connection) -> dict[str, Json]:
            def take() -> dict[str, Json]:
                known = _known(connection, office)
                if known is None or known.principal != caller.party:
                    raise NotFound("office", str(office))
                if known.ended_at is None:
                    checked_office(self._context, known)
                    ended = offices.end_office(connection, office, ended_by=caller.party, now_s=self._context.now_s())
                    seal_office(self._context, connection, ended)
                    person = need_party(connection, known.party)
                    end_links_of_stranger(self._context, connection, person, known.principal)
                    providers.end_links_of_inviter(connection, known.principal, known.party)
                    change = f"ended as {known.kind}"
                    note_change(self._context, connection, caller, change, about=str(known.party), office=office)
                return {"office": office}

            return remembered(self._context, connection, caller, idempotency_key, hashed, take)

        hashed = request_hash("end office", {"office": office})
        return self._view_of(caller, _number(run_write(self._context, write)))

    def offices(self, caller: Caller, *, cursor: str | None = None, limit: int) -> OfficePage:
        """Offices newest first, ended ones too: all to officers and auditors, to others those they gave or hold.

        An enterprise sees those it gave, anybody else those it holds.
        """
        size = checked_page_size(self._context, limit)
        principal = caller.party if caller.kind == "enterprise" else None
        holder = caller.party if principal is None and not caller.oversees else None
        district = overseen_by(caller)
        with self._context.reading() as connection:
            with checked_cursor():
                page = offices.offices(
                    connection, principal=principal, party=holder, district=district, limit=size, cursor=cursor
                )
            return OfficePage(self._views(connection, caller, page.items, listed=True), page.next_cursor)

    def uses(self, caller: Caller, office: int, *, cursor: str | None = None, limit: int) -> OfficeUsePage:
        """What was signed for the holder of an office, newest first; to who gave it, who holds it, and overseers.

        Raises: NotFound to anybody else.
        """
        size = checked_page_size(self._context, limit)
        with self._context.reading() as connection:
            _need_seen(connection, caller, _known(connection, office), office)
            with checked_cursor():
                page = offices.uses(connection, office, limit=size, cursor=cursor)
            return OfficeUsePage(tuple(map(_use_view, page.items)), page.next_cursor)

    def _view_of(self, caller: Caller, office: int) -> OfficeView:
        with self._context.reading() as connection:
            known = _need_seen(connection, caller, _known(connection, office), office)
            return self._views(connection, caller, (known,))[0]

    def _views(
        self, connection: Connection, caller: Caller, found: tuple[Office, ...], *, listed: bool = False
    ) -> tuple[OfficeView, ...]:
        ids = {party for one in found for party in (one.party, one.principal)}
        # whoever sees an office gave it or holds it: both know who that is
        acted = frozenset(one.party for one in found)
        names = names_of(self._context, connection, ids, caller=caller, acted=acted, listed=listed)
        return tuple(
            OfficeView(
                office=one.seq,
                kind=one.kind,
                party=one.party,
                name=names.get(one.party, ""),
                principal=one.principal,
                principal_name=names.get(one.principal, ""),
                appointed_at=utc_time(one.appointed_at),
                ended_at=None if one.ended_at is None else utc_time(one.ended_at),
                ended_by=one.ended_by,
            )
            for one in (checked_office(self._context, each) for each in found)
        )


@dataclass(frozen=True)
class ActingAs:
    """Whose key signs a change of members, and by which office when not by the enterprise itself."""

    signer: Caller
    office: int | None

    def record(self, connection: Connection, digest: bytes, now_s: int) -> None:
        """Stores the use of the enterprise's key, in the transaction that accepts the group."""
        if self.office is not None:
            offices.add_use(connection, office=self.office, digest=digest, now_s=now_s)


def acting_for(context: Context, caller: Caller, enterprise: int | None) -> ActingAs:
    """The enterprise that an administrator acts in the name of; the caller itself when none is named, or it is it.

    Raises: NotPermitted to whom that enterprise did not appoint.
    """
    if enterprise is None or enterprise == caller.party:
        return ActingAs(caller, None)
    if enterprise not in caller.administers:
        raise NotPermitted(
            f"enterprise {enterprise} has not made you its administrator; ask it, or leave subject out",
            f"企业 {enterprise} 未委任您为管理员，请向其申请，或留空 subject",
        )
    with context.reading() as connection:
        found = [
            one
            for one in offices.standing(connection, caller.party)
            if (one.kind, one.principal) == (OfficeKind.ADMINISTRATOR, enterprise)
        ]
    if not found:
        raise NotPermitted("your office has just ended", "您的管理员职务刚刚终止")
    return ActingAs(caller_by_id(context, enterprise), found[0].seq)


def _checked_kind(kind: str) -> OfficeKind:
    try:
        return OfficeKind(kind)
    except ValueError as err:
        choices = ", ".join(one.value for one in OfficeKind)
        raise invalid("kind", "office_unknown", given=kind[:40], choices=choices) from err


def _need_principal(caller: Caller, kind: OfficeKind) -> None:
    if kind is not OfficeKind.ADMINISTRATOR:
        need_authority(caller)
    elif caller.kind != "enterprise":
        raise NotPermitted(
            "only an enterprise itself appoints its administrators, with its own credential",
            "管理员只能由企业本身使用其凭证委任",
        )


def _known(connection: Connection, office: int) -> Office | None:
    return offices.office(connection, office) if 1 <= office <= OFFICE_NUMBER_MAX else None


def _need_seen(connection: Connection, caller: Caller, known: Office | None, office: int) -> Office:
    if known is None or not (
        caller.party in (known.party, known.principal) or governs(connection, caller, known.principal)
    ):
        raise NotFound("office", str(office))
    return known


def _number(answer: dict[str, Json]) -> int:
    return int(str(answer["office"]))


def _use_view(use: OfficeUse) -> OfficeUseView:
    return OfficeUseView(use.digest.hex(), utc_time(use.used_at))
