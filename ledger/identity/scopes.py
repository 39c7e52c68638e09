"""Scopes: what a credential is for, so that a till's key cannot file a month.

A scope narrows a credential and gives nothing: what a party may do at all the contract and the service decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from ledger.identity.errors import ScopeError


class Scope(StrEnum):
    """What a credential is for; `api/scopes.py` says which one each route takes."""

    READ = "read"  # everything the party may see
    ISSUE = "issue"  # invoices, reds, slips, sheets, tills' orders
    CLAIM = "claim"  # hold, hand on, claim, register what was issued elsewhere
    FINANCE = "finance"  # settle, book, deduct, file
    MANAGE = "manage"  # the party's own keys, grants, tills, webhooks and policies
    SUPERVISE = "supervise"  # what officers do to others
    ALL = "all"  # each of these


Scopes = frozenset[Scope]
EVERYTHING: Scopes = frozenset({Scope.ALL})
SCOPES_TEXT_LENGTH_MAX = 128  # characters of all scopes with a blank between them


def covers(scopes: Scopes, wanted: Scope) -> bool:
    """Whether a credential with `scopes` may be used for `wanted`."""
    return Scope.ALL in scopes or wanted in scopes


def parse_scopes(names: Iterable[str]) -> Scopes:
    """Scopes of their names; `all` with others is `all`.

    Raises: ScopeError naming the first that is none; when there are none.
    """
    found = set()
    for index, name in enumerate(names):
        try:
            found.add(Scope(name))
        except ValueError as err:
            raise ScopeError(f"{name[:40]!r} is no scope", index=index) from err
    if not found:
        raise ScopeError("a credential has at least one scope", index=None)
    return EVERYTHING if Scope.ALL in found else frozenset(found)


def scopes_text(scopes: Scopes) -> str:
    """One text for one set of scopes: names in the order above, a blank between them."""
    return " ".join(scope for scope in Scope if scope in scopes)
