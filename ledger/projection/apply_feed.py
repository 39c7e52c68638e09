"""Who may read an operation in the feed of events: p_event.

An applied operation is seen by everybody who takes part in what it changed just before or just after it; a refused one
by its signer and the party it was tried for, as nobody else's affairs changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag

from ledger.domain.blocks import ExceptionRaised, PartyWritten
from ledger.projection.apply_red import slip_parties
from ledger.projection.derived_rules import PUBLIC
from ledger.projection.draft import Changes
from ledger.projection.step import Change, Step


class Role(IntFlag):
    """As what a party sees an operation. FORMER: that role ended with it, so what came after is not theirs."""

    SIGNER = 1  # signed it, or it was signed for them
    SELLER = 2
    BUYER = 4
    HOLDER = 8
    CLAIMANT = 16
    EMPLOYER = 32
    SLIP_SIDE = 64
    TOLD = 128  # an exception names them
    NAMED = 256  # their own party was changed, or the operation names them
    FORMER = 512


_OF_INVOICE = (
    ("seller", Role.SELLER),
    ("buyer", Role.BUYER),
    ("holder", Role.HOLDER),
    ("claimant", Role.CLAIMANT),
    ("employer", Role.EMPLOYER),
)


def feed_invoices(step: Step, changes: tuple[Change, ...], raised: tuple[ExceptionRaised, ...]) -> None:
    """An applied operation on invoices."""
    roles = _signers(step)
    for change in changes:
        _add_of(roles, change.after)
        for party in slip_parties(step, change.after):
            _add(roles, party, Role.SLIP_SIDE)
    for event in raised:
        _add(roles, event.party, Role.TOLD)
    present = set(roles)
    for change in changes:
        if change.before is not None:
            former: dict[int, int] = {}
            _add_of(former, change.before)
            for party, role in former.items():
                if party not in present or roles[party] == Role.TOLD:
                    _add(roles, party, role | Role.FORMER)
    _put(step, roles)


def feed_party(step: Step, event: PartyWritten) -> None:
    """An applied operation on a party."""
    roles = _signers(step)
    _add(roles, event.party, Role.NAMED)
    _add(roles, step.operation.party, Role.NAMED)
    _put(step, roles)


def feed_public(step: Step) -> None:
    """An applied operation for all: a month opened, the contract retired."""
    _put(step, {PUBLIC: Role.NAMED.value})


def feed_refused(step: Step) -> None:
    """An operation of a refused group."""
    _put(step, _signers(step))


def _signers(step: Step) -> dict[int, int]:
    roles: dict[int, int] = {}
    for party in (step.actor, step.operation.subject):
        _add(roles, party, Role.SIGNER)
    return roles


def _add_of(roles: dict[int, int], invoice: Changes) -> None:
    for column, role in _OF_INVOICE:
        _add(roles, invoice[column], role)


def _add(roles: dict[int, int], party: int | None, role: int) -> None:
    if party:
        roles[party] = roles.get(party, 0) | int(role)


def _put(step: Step, roles: dict[int, int]) -> None:
    step.draft.events.extend(_rows(step.order, roles.items()))


def _rows(order: int, roles: Iterable[tuple[int, int]]) -> list[Changes]:
    return [{"party": party, "order": order, "roles": role} for party, role in roles]
