"""Backup of a running ledger, and restoring one.

A backup is a directory: a copy of the database, a copy of the chain, and a manifest with every file's hash. Both ways
everything is built beside the final place and renamed into it: an interruption leaves nothing or the whole.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ledger.chain import ChainError, copy_chain, open_reader
from ledger.identity import IdentityError, create_master_key, load_master_key
from ledger.projection import StorageError
from ledger.projection.backup import backup as copy_database
from ledger.projection.rebuild import Progress
from ledger.service.context import Context
from ledger.service.erasing import ErasedAgain, apply_list
from ledger.service.errors import NotReady
from ledger.service.installation import close_context, open_context
from ledger.service.places import require_unused, sync_directory
from ledger.service.unusable import in_chinese
from ledger.settings import EMBEDDED_CHAIN, Settings
from verifier.canonical import check_depth
from verifier.errors import EvidenceError
from verifier.hashing import keccak256

MANIFEST_NAME = "manifest.json"
DATABASE_NAME = "ledger.sqlite"
CHAIN_NAME = "chain"
MASTER_KEY_NAME = "master.key"
MANIFEST_FORMAT = "einvoice-backup-1"
CHUNK_SIZE = 1 << 20
PRIVATE = 0o600


@dataclass(frozen=True)
class BackupReport:
    """A backup, or a ledger restored from one: the chain's last block, size in bytes, whether a master key is there."""

    directory: Path
    block: int
    size: int
    master_key: bool
    erased: ErasedAgain | None = None


def backup(
    context: Context, target: Path, *, master_key: bool = False, progress: Progress | None = None
) -> BackupReport:
    """Copies the whole ledger of one moment into the new directory `target`, while it runs.

    The writer's lock is held while both copies are made, so the database holds every document of every invoice on
    the chain copied, and the chain is at most one block ahead, which the next start projects. `progress` counts bytes.

    Raises: NotReady when the target exists or cannot be written.
    """
    settings = context.settings
    if target.exists():
        raise NotReady(
            f"{target} exists; a backup never overwrites, name a new directory", f"{target} 已存在，请换一个目录"
        )
    if settings.chain_url != EMBEDDED_CHAIN:
        raise NotReady(
            "the chain is on a network of its own: copy the database with its own tools",
            "链在独立的网络上：请用数据库自带的工具备份数据库",
        )
    building = None
    try:
        target = target.absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        with context.store.writing_alone():
            copy_database(context.store.engine, building / DATABASE_NAME)
            copy_chain(settings.chain_dir, building / CHAIN_NAME)
        block = _last_block(building / CHAIN_NAME)
        if master_key:
            create_master_key(building / MASTER_KEY_NAME, load_master_key(settings))
        size = _write_manifest(building, progress)
        building.rename(target)
        sync_directory(target.parent)
    except (ChainError, StorageError, IdentityError, OSError) as err:
        raise NotReady(
            f"the backup was not made, nothing is left behind: {err}", f"备份未完成，未留下任何文件。{in_chinese(err)}"
        ) from err
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
    return BackupReport(target, block, size, master_key)


def restore(
    settings: Settings, source: Path, *, master_key_file: Path | None = None, erasures: Path | None = None,
    progress: Progress | None = None,
) -> BackupReport:  # fmt: skip
    """Puts a backup into the (absent or empty) data directory; every byte is checked against its manifest.

    The key in `master_key_file` is put beside it when the backup holds none. With a master key at hand, the restored
    ledger is opened with it before it is put in place, and what the list in `erasures` names, of a time after the
    backup, is erased in it. `progress` counts bytes.

    Raises: NotReady when the backup is incomplete or altered, when the master key is another ledger's, or when the
    data directory is not empty; then nothing was changed.
    """
    require_unused(settings.data_dir, "restore into a new EINVOICE_DATA_DIR", "请恢复到新目录")
    target = settings.data_dir.resolve()
    building = None
    try:
        files = _manifest_of(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        size = _copy_checked(source, building, files, progress)
        if master_key_file is not None and MASTER_KEY_NAME not in files:
            given = settings.model_copy(update={"master_key": None, "master_key_file": master_key_file})
            create_master_key(building / MASTER_KEY_NAME, load_master_key(given))
        built = settings.model_copy(update={"data_dir": building})
        has_key = built.master_key is not None or built.master_key_path.exists()
        if erasures is not None and not has_key:
            raise NotReady(
                "a list of erasures is applied with the master key: give --master-key-file as well",
                "应用删除清单需要主密钥，请同时提供 --master-key-file",
            )
        erased = _opened_with_key(built, erasures) if has_key else None
        block = _last_block(building / CHAIN_NAME)
        building.rename(target)  # replaces an empty directory
        sync_directory(target.parent)
    except (ChainError, IdentityError, OSError) as err:
        raise NotReady(
            f"the backup was not restored, nothing was changed: {err}", f"备份未恢复，未作任何更改。{in_chinese(err)}"
        ) from err
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
    return BackupReport(settings.data_dir, block, size, has_key, erased)


def _opened_with_key(built: Settings, erasures: Path | None) -> ErasedAgain | None:
    """Opens the copy with its master key, and erases what the list names. Raises: NotReady."""
    try:
        context = open_context(built)
        try:
            return None if erasures is None else apply_list(context, erasures.read_bytes())
        finally:
            close_context(context)
    except NotReady as err:
        raise NotReady(
            f"the backup was not restored, nothing was changed: {err.message}",
            f"未恢复，未作任何改动：{err.message_zh}",
        ) from err


def _last_block(chain_dir: Path) -> int:
    """Number of the last block of a copied chain; leaves the directory as it was."""
    before = set(chain_dir.iterdir())
    with closing(open_reader(chain_dir)) as reader:
        block = reader.head().number
    for path in set(chain_dir.iterdir()) - before:
        path.unlink()  # the store's lock file: it belongs to whoever opens the chain, not to the copy
    return block


def _write_manifest(directory: Path, progress: Progress | None) -> int:
    """Writes names and hashes of all files; their size together, in bytes."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    moved = _Moved(sum(path.stat().st_size for path in paths), progress)
    files = {str(path.relative_to(directory)): _hash_of(path, moved) for path in paths}
    with (directory / MANIFEST_NAME).open("w", encoding="ascii") as file:
        json.dump({"format": MANIFEST_FORMAT, "files": files}, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    return moved.of


def _manifest_of(source: Path) -> dict[str, str]:
    """Hash by name of every file of a backup, which holds these files and no other. Raises: NotReady."""
    try:
        text = (source / MANIFEST_NAME).read_text(encoding="ascii")
        check_depth(text)
        manifest = json.loads(text)
        files = {str(name): str(value) for name, value in manifest["files"].items()}
        known = manifest["format"] == MANIFEST_FORMAT
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EvidenceError) as err:
        raise NotReady(
            f"{source} is not a backup: it holds no readable {MANIFEST_NAME}", f"{source} 不是备份目录"
        ) from err
    if not known:
        raise NotReady(f"{source} is a backup of another version", f"{source} 是其他版本的备份")
    found = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()} - {MANIFEST_NAME}
    for name in sorted(found ^ set(files)):
        said = "lacks" if name in files else "holds, against its manifest,"
        raise NotReady(f"the backup {said} {name}; use another copy", f"备份的文件不符：{name}，请使用另一份备份")
    return files


def _copy_checked(source: Path, target: Path, files: dict[str, str], progress: Progress | None) -> int:
    """Copies a backup's files and syncs them; what is written is what was hashed. Size in bytes. Raises: NotReady."""
    moved = _Moved(sum((source / name).stat().st_size for name in files), progress)
    for name in sorted(files):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "wb") as copy:
            if _hash_of(source / name, moved, copy) != files[name]:
                raise NotReady(
                    f"{name} is not what the backup wrote; use another copy",
                    f"备份文件 {name} 已被改动，请使用另一份备份",
                )
            copy.flush()
            os.fsync(copy.fileno())
    for directory in {(target / name).parent for name in files}:
        sync_directory(directory)
    return moved.of


class _Moved:
    """Bytes done of all, told to `progress`."""

    def __init__(self, of: int, progress: Progress | None) -> None:
        self.of = of
        self._done = 0
        self._progress = progress

    def add(self, size: int) -> None:
        """Counts `size` bytes."""
        self._done += size
        if self._progress is not None:
            self._progress(self._done, self.of)


def _hash_of(path: Path, moved: _Moved, copy: BinaryIO | None = None) -> str:
    """Keccak over the hashes of its chunks, hex: files may be larger than memory. Writes the bytes to `copy`."""
    chunks = []
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_SIZE):
            chunks.append(keccak256(chunk))
            if copy is not None:
                copy.write(chunk)
            moved.add(len(chunk))
    return keccak256(b"".join(chunks)).hex()
