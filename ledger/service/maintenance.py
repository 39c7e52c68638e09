"""Looking after a ledger: audit, rebuild, and running its node, for a while or until told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import partial

import structlog

from ledger.chain import ChainError, ChainInUseError, open_reader
from ledger.domain.blocks import ChainBlock
from ledger.domain.document import parse_document
from ledger.domain.errors import DomainError
from ledger.domain.numbers import format_number
from ledger.identity import IdentityError, Vault, load_master_key
from ledger.projection import StorageError, Store
from ledger.projection.audit import AuditReport
from ledger.projection.audit import audit as audit_projection
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.keystore import StoredDocument
from ledger.projection.rebuild import Progress
from ledger.projection.rebuild import rebuild as rebuild_projection
from ledger.sequencer import SequencerStoppedError, run_until_signal
from ledger.service.anchoring import Anchoring
from ledger.service.audit_log import check_log
from ledger.service.bulk_signing import BulkSigning
from ledger.service.calendar import Calendar
from ledger.service.context import Context
from ledger.service.errors import NotReady, ServiceError
from ledger.service.installation import open_sequencer
from ledger.service.outside_papers import DOCUMENT_SIZE_MAX, SEALED_OUTSIDE_DOCUMENT, SEALED_OUTSIDE_SEED
from ledger.service.places import chain_place, require_database
from ledger.service.proofs import opened_stored
from ledger.service.register_signing import RegisterSigning
from ledger.service.retention import Housekeeping
from ledger.service.unusable import unusable
from ledger.service.webhook_sending import run_sending
from ledger.settings import Settings
from verifier.canonical import loads
from verifier.commitment import commit

AGAIN_S = 5.0  # after an error that nobody foresaw in what a node looks after

log = structlog.get_logger("node")


def audit(context: Context, progress: Progress | None = None) -> AuditReport:
    """Recomputes every derived row from the chain, every commitment from its document, and the chain of the audit log.

    Names the first difference.

    Raises: NotReady when the chain or database cannot be read.
    """

    def check(record: InvoiceRecord, stored: StoredDocument | None) -> str | None:
        return document_trouble(context, record, stored)

    try:
        report = audit_projection(context.store.engine, context.reader, check, progress)
        if report.difference is not None:
            return report
        with context.store.reading() as connection:
            for count, difference in enumerate(check_log(context, connection), 1):
                report = replace(report, entries=count, difference=difference)
    except (ChainError, StorageError) as err:
        raise unusable(err) from err
    return report


def rebuild(context: Context, progress: Progress | None = None) -> int:
    """Drops what is derived and derives it again; the last block applied.

    Raises: NotReady while a node runs, or when the chain or database cannot be read.
    """
    try:
        _, writer = open_sequencer(context)
    except ChainInUseError as err:
        raise NotReady("a node runs on this ledger; stop it first", "该账本的节点正在运行，请先停止") from err
    except ChainError as err:
        raise unusable(err) from err
    try:
        return rebuild_projection(context.store.engine, context.reader, progress)
    except (ChainError, StorageError) as err:
        raise unusable(err) from err
    finally:
        writer.close()


def upgrade(settings: Settings) -> None:
    """Brings the database's schema to this program's version; nothing changes when it has it. Raises: NotReady."""
    require_database(settings)
    try:
        Store.create(settings.database, Vault(load_master_key(settings))).close()
    except (IdentityError, StorageError) as err:
        raise unusable(err) from err


def run_node(context: Context, on_ready: Callable[[], None]) -> None:
    """Runs the node until SIGTERM or SIGINT. Raises: NotReady when it cannot start; SequencerStoppedError."""
    try:
        sequencer, writer = open_sequencer(context)
    except ChainError as err:
        raise unusable(err) from err
    try:
        with ExitStack() as beside:
            for name, run in _beside_a_node(context).items():
                beside.enter_context(_beside(name, partial(_kept_running, name, run)))
            run_until_signal(sequencer, on_ready)
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
        raise unusable(err) from err
    if context.settings.open_months:
        with suppress(ServiceError):  # whoever writes now is told by the contract that the month is not open
            Calendar(context).open_due()
    with suppress(ServiceError):  # the next node anchors what this one could not
        Anchoring(context).anchor_due()

    def sequence(stop: threading.Event) -> None:
        with suppress(
            SequencerStoppedError
        ):  # it said why in the log; what waits is stored and goes on with the next node
            sequencer.run(stop)

    try:
        with _beside("node", sequence):
            yield True
    finally:
        writer.close()


def _beside_a_node(context: Context) -> dict[str, Callable[[threading.Event], None]]:
    """What a node has to look after beside sequencing, by the name of its thread; each runs until its event is set."""
    work: dict[str, Callable[[threading.Event], None]] = {
        "anchoring": Anchoring(context).run,
        "sheets": BulkSigning(context).run,
        "registers": RegisterSigning(context).run,
        "webhooks": partial(run_sending, context),
        "housekeeping": Housekeeping(context).run,
    }
    if context.settings.open_months:
        work["calendar"] = Calendar(context).run
    return work


def _kept_running(name: str, run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """`run` until `stop` is set, whatever breaks in it: a thread that ended unheard would leave sheets unsigned."""
    while not stop.is_set():
        try:
            run(stop)
        except Exception:
            log.exception("work_failed", work=name, again_in_s=AGAIN_S)
            stop.wait(AGAIN_S)


@contextmanager
def _beside(name: str, run: Callable[[threading.Event], None]) -> Iterator[None]:
    """`run` goes on, on a thread of its own, until it is told to stop: for as long as the `with` lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(stop,), name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def sealed_blocks(settings: Settings) -> Iterator[ChainBlock]:
    """Every sealed block from the first, read from the chain itself. Raises: NotReady."""
    try:
        with closing(open_reader(chain_place(settings))) as reader:
            for number in range(1, reader.head().number + 1):
                yield reader.block(number)
    except ChainError as err:
        raise unusable(err) from err


def document_trouble(context: Context, record: InvoiceRecord, stored: StoredDocument | None) -> str | None:
    """What is wrong with an invoice's stored document, in words; None when it is what the chain commits to."""
    if stored is None:
        return "no document is stored"
    if stored.sealed_document is None and stored.sealed_seed is None:
        return None  # erased on purpose; the chain keeps its history
    if stored.sealed_document is None or stored.sealed_seed is None:
        return "document or seed is gone, the other is not: no erasure does that"
    try:
        if record.is_outside:  # what was read of others' invoices need not be a whole document
            number = format_number(record.number)
            read = context.opened(stored.sealed_document, SEALED_OUTSIDE_DOCUMENT, number)
            content = loads(read, DOCUMENT_SIZE_MAX)
            assert isinstance(content, dict)
            commitment = commit(content, context.opened(stored.sealed_seed, SEALED_OUTSIDE_SEED, number))
        else:
            document, seed = opened_stored(context, stored)
            commitment = parse_document(document).commitment(seed)
    except (NotReady, DomainError, ValueError) as err:
        return f"the stored document cannot be read: {err}"
    if commitment != record.commitment:
        return f"the stored document commits to {commitment.hex()}"
    return None
