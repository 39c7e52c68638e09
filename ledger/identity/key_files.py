"""A private key in its owner's file, encrypted with a password: the keystore format that wallets share (version 3).

The file is written with mode 0600 and never over another one; the key itself is never printed or logged.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ledger.identity.errors import KeyFileError
from ledger.identity.signing import address_of, new_key

KEY_FILE_SIZE_MAX = 16_384  # bytes; one holds some 500
PASSWORD_LENGTH_MIN = 12  # characters; scrypt makes each guess cost a second and 256 MB
SCRYPT_COST_MAX = 1 << 20  # n of a file; a larger one would be a hang, not a key
_MODE = 0o600


def create_key_file(path: Path, password: str) -> bytes:
    """Makes a key, writes it encrypted to `path`, which must not exist; its 20-byte address.

    Raises: KeyFileError for a password that is too short; FileExistsError and other OSErrors naming the file.
    """
    if len(password) < PASSWORD_LENGTH_MIN:
        raise KeyFileError(f"a password of a key has at least {PASSWORD_LENGTH_MIN} characters")
    from eth_account import Account  # a second to load: only these functions need it

    key = new_key()
    content = json.dumps(Account.encrypt(key, password)).encode()
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, _MODE)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return address_of(key)


def address_in(path: Path) -> bytes:
    """20-byte address that a key file names, whether it is the key's or not. Raises: KeyFileError."""
    try:
        address = bytes.fromhex(str(_read(path).get("address", "")).removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise KeyFileError("a key file without an address")
    return address


def read_key_file(path: Path, password: str) -> bytes:
    """The private key, 32 bytes. Raises: KeyFileError for another password or no key file; OSError."""
    content = _read(path)
    from eth_account import Account

    try:
        key = bytes(Account.decrypt(content, password))
    except Exception as err:  # the library raises what a damaged file happens to break
        raise KeyFileError("the password is wrong, or the key file is damaged") from err
    if address_of(key) != address_in(path):
        raise KeyFileError("the key file names another address than its key's")
    return key


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        content = file.read(KEY_FILE_SIZE_MAX + 1)
    try:
        value = json.loads(content) if len(content) <= KEY_FILE_SIZE_MAX else None
        cost = value["crypto"]["kdfparams"].get("n", 0) if isinstance(value, dict) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        cost = None
    if not isinstance(cost, int) or cost > SCRYPT_COST_MAX:
        raise KeyFileError("not a key file: make one with `einvoice key new`")
    assert isinstance(value, dict)
    return value
