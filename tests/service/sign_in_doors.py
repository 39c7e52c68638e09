"""People with a sign-in name."""

from __future__ import annotations

import itertools

from ledger.service import Caller
from ledger.service.sign_in_views import SignedIn
from tests.service.world import World

PASSWORD = "sieben Raben am Fenster 41"
OTHER_PASSWORD = "ein anderer Satz mit 7 Enten"
_NUMBERS = itertools.count(1)


def new_name() -> str:
    """A name that nobody has yet."""
    return f"n{next(_NUMBERS)}.example.com"


def joined(world: World, caller: Caller, password: str = PASSWORD) -> tuple[str, SignedIn]:
    """A sign-in name of that party, made by invitation, and its first session."""
    name = f"member@{new_name()}"
    (made,) = world.ledger.invitations.invite(world.officer, [caller.party])
    return name, world.ledger.invitations.accept(made.token, name, password)
