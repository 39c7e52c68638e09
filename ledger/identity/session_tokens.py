"""Bearer tokens of people: of a session in a cookie, of an invitation in a link. `<id>.<secret>`, both random.

The secret has 256 bits. What is stored is a keyed hash of it (Vault.index), and a second one of that and all that the
row says, so that neither a copy of the database signs anybody in nor a row that was written or changed in it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

TOKEN_ID_SIZE = 16  # bytes
TOKEN_SECRET_SIZE = 32  # bytes
_FORM = re.compile(rf"([0-9a-f]{{{2 * TOKEN_ID_SIZE}}})\.([0-9a-f]{{{2 * TOKEN_SECRET_SIZE}}})", re.ASCII)


@dataclass(frozen=True)
class Token:
    """A token: the id finds its row, the secret proves it."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """As it is sent."""
        return f"{self.id}.{self.secret}"


def new_token() -> Token:
    """New random token."""
    return Token(secrets.token_hex(TOKEN_ID_SIZE), secrets.token_hex(TOKEN_SECRET_SIZE))


def parse_token(text: str) -> Token | None:
    """The token in a text, None when it has another form."""
    match = _FORM.fullmatch(text)
    return None if match is None else Token(*match.groups())
