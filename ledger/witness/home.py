"""A witness's own directory: key, pinned trust, state, checkpoints and proofs; one process at a time.

| file | what | mode |
|---|---|---|
| `witness.key` | the private key, one line | 0600 |
| `trust.json` | the ledger that is followed, pinned at the beginning | 0644 |
| `state.json` | what was witnessed | 0600 |
| `checkpoint` | the newest signed checkpoint | 0644 |
| `checkpoints/<size>` | the last signed ones | 0644 |
| `proofs/` | headers of second histories | 0644 |
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.witness.checkpoint import Checkpoint, origin_of, parse_checkpoint
from ledger.witness.conviction import conviction_bytes
from ledger.witness.errors import HomeError, NoteError, StateOlderError
from ledger.witness.headers import Seen
from ledger.witness.note import COSIGNATURE, KEY_SIZE, NOTE_SIZE_MAX, Note, SignerKey, parse_note, parse_signer_key
from ledger.witness.state import STATE_SIZE_MAX, State, parse_state
from verifier.errors import TrustError
from verifier.trust import TRUST_SIZE_MAX, Trust, parse_trust

KEY_FILE: Final = "witness.key"
TRUST_FILE: Final = "trust.json"
STATE_FILE: Final = "state.json"
CHECKPOINT_FILE: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints"
PROOFS: Final = "proofs"
LOCK_FILE: Final = "lock"
CHECKPOINTS_KEPT_MAX: Final = 1_000  # 500 bytes each; who collects them has to come by before
KEY_FILE_SIZE_MAX: Final = 1_024  # bytes; a name of 255 characters and the key
OWNER_ONLY: Final = 0o600
PUBLIC: Final = 0o644


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest checkpoint that this witness signed, when (seconds since 1970), and the note."""

    checkpoint: Checkpoint
    time_s: int
    note: str


@dataclass(frozen=True)
class Home:
    """An opened directory."""

    directory: Path
    key: SignerKey
    trust: Trust

    @property
    def origin(self) -> str:
        """Origin line of the chain that is followed."""
        return origin_of(self.trust.chain_id, self.trust.genesis)

    def state(self) -> State:
        """What was witnessed.

        Raises: HomeError when it is damaged or of another ledger; StateOlderError when more than it was signed.
        """
        state = parse_state(_read(self.directory / STATE_FILE, STATE_SIZE_MAX))
        if state.origin != self.origin:
            raise HomeError(
                f"state.json is about {state.origin}, trust.json about {self.origin}: one of them was exchanged"
            )
        signed = self.signed()
        if signed is not None and not _reaches(state, signed.checkpoint):
            raise StateOlderError(state.height + 1, signed.checkpoint.size)
        return state

    def save(self, state: State) -> None:
        """Keeps `state`; it is on disk when this returns."""
        _replace(self.directory / STATE_FILE, state.to_bytes(), OWNER_ONLY)

    def signed(self) -> Signed | None:
        """The newest checkpoint signed, by its own files; None before the first.

        Raises: HomeError when a file there is none of this witness's.
        """
        kept = [self.directory / CHECKPOINTS / str(size) for size in self._sizes()[-1:]]
        newest: Signed | None = None
        for path in (self.directory / CHECKPOINT_FILE, *kept):
            if path.exists():
                found = self._own(path)
                if newest is None or (found.checkpoint.size, found.time_s) > (newest.checkpoint.size, newest.time_s):
                    newest = found
        return newest

    def sign(self, state: State, now_s: int) -> Signed:
        """Signs the head of `state`, which must have been saved, and writes the checkpoint's files.

        Raises: HomeError when the last checkpoint is not this witness's; StateOlderError when `state` does not hold it.
        """
        assert state.recent, "genesis alone is not signed"
        assert not state.is_forked, "after a fork nothing is signed"
        signed = self.signed()
        if signed is not None and not _reaches(state, signed.checkpoint):
            raise StateOlderError(state.height + 1, signed.checkpoint.size)
        state_root = state.recent[-1].header.state_root
        checkpoint = Checkpoint(self.origin, state.height + 1, state.hash, state_root, state.time_s)
        text = checkpoint.to_text()
        note = f"{text}\n{self.key.sign(text, now_s)}"
        (self.directory / CHECKPOINTS).mkdir(exist_ok=True)
        _replace(self.directory / CHECKPOINTS / str(checkpoint.size), note.encode(), PUBLIC)
        _replace(self.directory / CHECKPOINT_FILE, note.encode(), PUBLIC)
        for size in self._sizes()[:-CHECKPOINTS_KEPT_MAX]:
            (self.directory / CHECKPOINTS / str(size)).unlink(missing_ok=True)
        return Signed(checkpoint, now_s, note)

    def keep_proof(self, witnessed: Seen, shown: Seen) -> Path:
        """Writes both headers as a conviction file; gives its path."""
        (self.directory / PROOFS).mkdir(exist_ok=True)
        path = self.directory / PROOFS / f"fork-{witnessed.number}-{shown.hash.hex()[:16]}.json"
        _replace(path, conviction_bytes(self.trust, witnessed.encoded, shown.encoded), PUBLIC)
        return path

    def _own(self, path: Path) -> Signed:
        data = _read(path, NOTE_SIZE_MAX)
        try:
            note: Note = parse_note(data)
            found = note.signed_by(self.key.verifier)
            checkpoint = parse_checkpoint(note.text)
        except NoteError as err:
            raise HomeError(f"{path}: {err.message}; put back the one that this witness wrote") from err
        if found is None or found.time_s is None or checkpoint.origin != self.origin:
            raise HomeError(f"{path} is no checkpoint of this witness for {self.origin}")
        return Signed(checkpoint, found.time_s, data.decode())

    def _sizes(self) -> list[int]:
        folder = self.directory / CHECKPOINTS
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def found_home(
    directory: Path, *, name: str, trust_data: bytes, draw: Callable[[int], bytes] = secrets.token_bytes
) -> Home:
    """Makes a witness's directory with a new key called `name`; all of it or nothing.

    `trust_data` is the trust file as the authority publishes it; `draw` gives the key's random bytes.

    Raises: HomeError when the directory has anything in it; NoteError for a name no key can have; OSError.
    """
    trust = _trust(trust_data, "the trust file")
    key = SignerKey(name, COSIGNATURE, draw(KEY_SIZE))
    line = key.to_text()  # a wrong name is refused before anything is written
    origin = origin_of(trust.chain_id, trust.genesis)
    state = State(origin=origin, height=0, hash=trust.genesis, time_s=0)
    is_new = not directory.exists()
    if not is_new and (not directory.is_dir() or any(directory.iterdir())):
        raise HomeError(f"{directory} is not empty: a witness begins in a directory of its own")
    directory.mkdir(parents=True, exist_ok=True)
    try:
        _replace(directory / TRUST_FILE, trust_data, PUBLIC)
        _replace(directory / STATE_FILE, state.to_bytes(), OWNER_ONLY)
        _replace(directory / KEY_FILE, f"{line}\n".encode(), OWNER_ONLY)
    except BaseException:
        for file in (TRUST_FILE, STATE_FILE, KEY_FILE):
            (directory / file).unlink(missing_ok=True)
        if is_new:
            directory.rmdir()
        raise
    return Home(directory, key, trust)


def open_home(directory: Path) -> Home:
    """The witness's directory as it is; for reading, or inside `locked`.

    Raises: HomeError.
    """
    path = directory / KEY_FILE
    line = _read(path, KEY_FILE_SIZE_MAX)
    if path.stat().st_mode & 0o077:
        raise HomeError(f"{path} can be read by others: chmod 600 it, and think about who read it")
    try:
        key = parse_signer_key(line.decode("ascii").removesuffix("\n"))
    except (NoteError, UnicodeDecodeError) as err:
        raise HomeError(f"{path} holds no witness key; put the right one back") from err
    if key.kind != COSIGNATURE:
        raise HomeError(f"{path} is a key for plain notes; a witness's is of kind {COSIGNATURE:#04x}")
    trust = _trust(_read(directory / TRUST_FILE, TRUST_SIZE_MAX), str(directory / TRUST_FILE))
    return Home(directory, key, trust)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One process writes; the lock ends with it, however it ends.

    Raises: HomeError when another one has it.
    """
    try:
        handle = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
    except OSError as err:
        raise HomeError(f"{directory}: {err.strerror}; begin with einvoice witness init") from err
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise HomeError(f"{directory} is in use by another witness process") from err
        yield
    finally:
        os.close(handle)


def _reaches(state: State, checkpoint: Checkpoint) -> bool:
    """Whether the chain witnessed holds what was signed, as far as the headers kept tell."""
    if checkpoint.size > state.height + 1:
        return False
    kept = state.recent_at(checkpoint.height)
    return kept is None or kept.hash == checkpoint.block_hash


def _trust(data: bytes, where: str) -> Trust:
    try:
        return parse_trust(data)
    except TrustError as err:
        raise HomeError(f"{where} is no trust file ({err}): get it from the authority") from err


def _read(path: Path, size_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size_max + 1)
    except OSError as err:
        raise HomeError(f"{path}: {err.strerror}; begin with einvoice witness init, or restore it") from err
    if len(data) > size_max:
        raise HomeError(f"{path} has more than {size_max} bytes")
    return data


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Writes the file whole or not at all; on disk when it returns."""
    unfinished = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        unfinished.unlink()  # left by a process that was killed
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
