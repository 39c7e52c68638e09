"""Passwords: what is refused, and how the others are kept.

Kept as argon2id. What is refused is what a guesser tries first: zxcvbn brings the lists of leaked and common passwords,
names and words, and estimates how many guesses a password stands; nothing is asked of its kinds of characters (NIST SP
800-63B, 5.1.1.2; OWASP ASVS 2.1).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

PASSWORD_LENGTH_MIN = 12  # characters, after NFKC
PASSWORD_LENGTH_MAX = 128  # characters: room for a sentence, no work for a hostile megabyte
MEMORY_KIB = 47_104  # 46 MiB a hash: OWASP's memory for one pass, so a guesser's cards run out of it
PASSES = 2  # one more than OWASP asks at this memory
LANES = 1  # a request has one thread
HASH_SIZE = 32  # bytes
SALT_SIZE = 16  # bytes
STRENGTH_MIN = 3  # of zxcvbn's 0 to 4: over 10^8 guesses, each a tenth of a second of a core
ESTIMATED_LENGTH_MAX = 36  # characters zxcvbn looks at, in under a second at worst; what follows may only help
PERSONAL_LENGTH_MIN = 4  # bytes of a name or tax id that a password may not hold; two Chinese characters have six

_HASHER = PasswordHasher(
    time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=HASH_SIZE, salt_len=SALT_SIZE, type=Type.ID
)


def password_fault(password: str, personal: Sequence[str] = ()) -> str | None:
    """Why a password is refused, None for a good one: short, long, personal or guessable.

    `personal` are texts a guesser of this person tries: its name, tax id, sign-in name.
    """
    text = _normal(password)
    if len(text) < PASSWORD_LENGTH_MIN:
        return "short"
    if len(text) > PASSWORD_LENGTH_MAX:
        return "long"
    folded = text.casefold()
    tried = [one for one in (_normal(each).casefold() for each in personal) if len(one.encode()) >= PERSONAL_LENGTH_MIN]
    if any(one in folded for one in tried):
        return "personal"
    from zxcvbn import zxcvbn  # its lists take 70 ms to load, and most processes never see a password

    found = zxcvbn(text[:ESTIMATED_LENGTH_MAX], user_inputs=tried)
    return "guessable" if int(found["score"]) < STRENGTH_MIN else None


def hash_password(password: str) -> str:
    """The argon2id hash of a password with a random salt, as a PHC string. Takes about 0.1 s and MEMORY_KIB."""
    return _HASHER.hash(_normal(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Whether a stored hash is of that password.

    None, of a name nobody has, is no; it takes as long, so that nobody learns who has an account.
    """
    text = _normal(password)[: PASSWORD_LENGTH_MAX + 1]
    if stored is None:
        _HASHER.hash(text)
        return False
    try:
        return _HASHER.verify(stored, text)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's: a password that just matched is hashed anew."""
    return _HASHER.check_needs_rehash(stored)


def _normal(text: str) -> str:
    """NFKC: keyboards write the same letter in several ways. Lone surrogates have no UTF-8 form."""
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
