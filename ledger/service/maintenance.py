"""Looking after a ledger: audit, rebuild, backup, restore, and a node for commands when none runs."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.chain import ChainError, ChainInUseError, copy_chain, open_reader
from ledger.domain.blocks import ChainBlock
from ledger.domain.document import parse_document
from ledger.domain.errors import DomainError
from ledger.identity import SealError, create_master_key
from ledger.projection import StorageError
from ledger.projection.audit import AuditReport
from ledger.projection.audit import audit as audit_projection
from ledger.projection.backup import backup as copy_database
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.keystore import StoredDocument
from ledger.projection.rebuild import Progress
from ledger.projection.rebuild import rebuild as rebuild_projection
from ledger.sequencer import run_until_signal
from ledger.service.context import Context
from ledger.service.errors import NotReady
from ledger.service.installation import chain_place, open_sequencer, sync_directory
from ledger.service.proofs import opened_stored
from ledger.settings import Settings
from verifier.hashing import keccak256

MANIFEST_NAME = "manifest.json"
DATABASE_NAME = "ledger.sqlite"
CHAIN_NAME = "chain"
MASTER_KEY_NAME = "master.key"
MANIFEST_FORMAT = "einvoice-backup-1"
CHUNK_SIZE = 1 << 20


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds: the chain's last block, sizes in bytes, and whether the master key is in it."""

    directory: Path
    block: int
    size: int
    master_key: bool


def audit(context: Context, progress: Progress | None = None) -> AuditReport:
    """Recomputes every derived row from the chain and every commitment from its document; names the first difference.

    Raises: NotReady when the chain or database cannot be read.
    """

    def check(record: InvoiceRecord, stored: StoredDocument | None) -> str | None:
        return _document_trouble(context, record, stored)

    try:
        return audit_projection(context.store.engine, context.reader, check, progress)
    except (ChainError, StorageError) as err:
        raise NotReady(str(err)) from err


def rebuild(context: Context, progress: Progress | None = None) -> int:
    """Drops what is derived and derives it again; the last block applied.

    Raises: NotReady while a node runs, or when the chain or database cannot be read.
    """
    try:
        _, writer = open_sequencer(context)
    except ChainInUseError as err:
        raise NotReady("a node runs on this ledger; stop it first", "该账本的节点正在运行，请先停止") from err
    except ChainError as err:
        raise NotReady(str(err)) from err
    try:
        return rebuild_projection(context.store.engine, context.reader, progress)
    except (ChainError, StorageError) as err:
        raise NotReady(str(err)) from err
    finally:
        writer.close()


def backup(context: Context, target: Path, *, master_key: bool = False) -> BackupReport:
    """Copies the whole ledger of one moment into the new directory `target`, while it runs.

    The writer's lock is held while both copies are made, so the database holds every document of every invoice on
    the chain copied, and the chain is at most one block ahead, which the next start projects.

    Raises: NotReady when the target exists or cannot be written.
    """
    settings = context.settings
    if target.exists():
        raise NotReady(
            f"{target} exists; a backup never overwrites, name a new directory", f"{target} 已存在，请换一个目录"
        )
    building = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        with context.store.writing_alone():
            copy_database(context.store.engine, building / DATABASE_NAME)
            copy_chain(settings.chain_dir, building / CHAIN_NAME)
        block = context.reader.head().number
        if master_key:
            shutil.copy2(settings.master_key_path, building / MASTER_KEY_NAME)
        _write_manifest(building)
        building.rename(target)
        sync_directory(target.parent)
    except (ChainError, StorageError, OSError) as err:
        raise NotReady(f"the backup was not made, nothing is left behind: {err}") from err
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return BackupReport(target, block, size, master_key)


def restore(settings: Settings, source: Path, *, master_key_hex: str | None = None) -> Path:
    """Puts a backup into the (absent or empty) data directory; every byte is checked against its manifest first.

    `master_key_hex` is written as the master key file when the backup holds none and no setting gives one.

    Raises: NotReady when the backup is incomplete or altered, or the data directory is not empty.
    """
    target = settings.data_dir
    if target.exists() and any(target.iterdir()):
        raise NotReady(
            f"{target} is not empty; restore into a new EINVOICE_DATA_DIR", f"{target} 不是空目录，请恢复到新目录"
        )
    building = None
    try:
        _check_manifest(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        shutil.copytree(source, building, dirs_exist_ok=True)
        (building / MANIFEST_NAME).unlink()
        if master_key_hex is not None and not (building / MASTER_KEY_NAME).exists():
            create_master_key(building / MASTER_KEY_NAME, bytes.fromhex(master_key_hex))
        if target.exists():
            target.rmdir()
        building.rename(target)
        sync_directory(target.parent)
    except (OSError, ValueError) as err:
        raise NotReady(f"the backup was not restored, nothing was changed: {err}") from err
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
    return target


def run_node(context: Context, on_ready: Callable[[], None]) -> None:
    """Runs the node until SIGTERM or SIGINT. Raises: NotReady when it cannot start; SequencerStoppedError."""
    try:
        sequencer, writer = open_sequencer(context)
    except ChainError as err:
        raise NotReady(str(err)) from err
    try:
        on_ready()
        run_until_signal(sequencer)
    finally:
        writer.close()


@contextmanager
def node_if_none_runs(context: Context) -> Iterator[bool]:
    """A node in this process for as long as the `with` lasts, unless one runs already; whether it is ours.

    Raises: NotReady when the chain cannot be written.
    """
    try:
        sequencer, writer = open_sequencer(context)
    except ChainInUseError:
        yield False
        return
    except ChainError as err:
        raise NotReady(str(err)) from err
    stop = threading.Event()
    thread = threading.Thread(target=sequencer.run, args=(stop,), name="node")
    thread.start()
    try:
        yield True
    finally:
        stop.set()
        thread.join()
        writer.close()


def sealed_blocks(settings: Settings) -> Iterator[ChainBlock]:
    """Every sealed block from the first, read from the chain itself. Raises: NotReady."""
    try:
        with closing(open_reader(chain_place(settings))) as reader:
            for number in range(1, reader.head().number + 1):
                yield reader.block(number)
    except ChainError as err:
        raise NotReady(str(err)) from err


def _document_trouble(context: Context, record: InvoiceRecord, stored: StoredDocument | None) -> str | None:
    if stored is None:
        return "no document is stored"
    if stored.sealed_document is None or stored.sealed_seed is None:
        return None  # erased on purpose; the chain keeps its history
    try:
        document, seed = opened_stored(context, stored)
        commitment = parse_document(document).commitment(seed)
    except (SealError, DomainError, ValueError) as err:
        return f"the stored document cannot be read: {err}"
    if commitment != record.commitment:
        return f"the stored document commits to {commitment.hex()}"
    return None


def _write_manifest(directory: Path) -> None:
    files = {
        str(path.relative_to(directory)): _hash_of(path) for path in sorted(directory.rglob("*")) if path.is_file()
    }
    path = directory / MANIFEST_NAME
    with path.open("w", encoding="ascii") as file:
        json.dump({"format": MANIFEST_FORMAT, "files": files}, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())


def _check_manifest(source: Path) -> None:
    try:
        manifest = json.loads((source / MANIFEST_NAME).read_text(encoding="ascii"))
        files = dict(manifest["files"])
        known = manifest["format"] == MANIFEST_FORMAT
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise NotReady(f"{source} is not a backup: it holds no readable {MANIFEST_NAME}") from err
    if not known:
        raise NotReady(f"{source} is a backup of another version")
    found = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()} - {MANIFEST_NAME}
    for name in sorted(found | set(files)):
        if name not in found:
            raise NotReady(f"the backup lacks {name}; use another copy")
        if files.get(name) != _hash_of(source / name):
            raise NotReady(f"{name} is not what the backup wrote; use another copy")


def _hash_of(path: Path) -> str:
    """Keccak over the hashes of its chunks, hex: files may be larger than memory."""
    chunks = []
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_SIZE):
            chunks.append(keccak256(chunk))
    return keccak256(b"".join(chunks)).hex()
