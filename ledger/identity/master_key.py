"""The one key that opens the key store, kept outside the database.

It comes from the environment or from a file only its owner can read. `einvoice init` creates the file;
nothing else ever does, because a silently made new key would make every sealed item unreadable.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from ledger.identity.errors import MasterKeyError
from ledger.settings import Settings

MASTER_KEY_SIZE = 32  # bytes: AES-256
FILE_SIZE_MAX = 256  # 64 hex digits and white space; a larger file is not a key


def load_master_key(settings: Settings) -> bytes:
    """32-byte master key from EINVOICE_MASTER_KEY, else from the master key file.

    Raises: MasterKeyError when it is missing, not 64 hex digits, or its file is open to others.
    """
    if settings.master_key is not None:
        return _parse(settings.master_key.get_secret_value(), "EINVOICE_MASTER_KEY")
    path = settings.master_key_path
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")[:FILE_SIZE_MAX]
    except FileNotFoundError as err:
        raise MasterKeyError(
            f"no master key: {path} does not exist; run `einvoice init`, restore the file, or set EINVOICE_MASTER_KEY",
            source=str(path),
        ) from err
    except (OSError, UnicodeDecodeError) as err:
        raise MasterKeyError(f"the master key file {path} cannot be read", source=str(path)) from err
    if stat.S_IMODE(mode) & 0o077:
        raise MasterKeyError(f"{path} is open to other users; run `chmod 600 {path}`", source=str(path))
    return _parse(text, str(path))


def create_master_key(path: Path, key: bytes | None = None) -> bytes:
    """`key`, or a new random 32-byte master key, written to `path` with mode 0600 and synced to disk.

    Raises: MasterKeyError when the file exists (it is never overwritten) or cannot be written.
    """
    key = secrets.token_bytes(MASTER_KEY_SIZE) if key is None else _parse(key.hex(), "argument")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as err:
        raise MasterKeyError(f"{path} exists; a master key is never overwritten", source=str(path)) from err
    except OSError as err:
        raise MasterKeyError(f"{path} cannot be created: {err.strerror}", source=str(path)) from err
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # without it the new name may be lost with the machine
    finally:
        os.close(directory)
    return key


def _parse(text: str, source: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != MASTER_KEY_SIZE:
        raise MasterKeyError(f"{source} does not hold a master key: 64 hex digits are expected", source=source)
    return key
