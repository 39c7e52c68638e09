"""Setting a ledger up, opening it, and running its node.

Setting up builds everything in a directory beside the final one and renames it into place at the end: a machine
switched off in between leaves either nothing or a whole ledger.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ledger import chain
from ledger.chain import ChainError, ChainIdentity, open_reader
from ledger.domain.document import NAME_LENGTH_MAX
from ledger.domain.groups import Group, SignedGroup
from ledger.domain.identities import Identity, authority_identity, calendar_identity, new_person_id, officer_identity
from ledger.domain.months import month_end, month_of, month_start
from ledger.domain.references import new_reference
from ledger.domain.times import utc_time
from ledger.identity import (
    IdentityError,
    Vault,
    address_of,
    certificate_hash,
    create_master_key,
    create_root,
    issue_certificate,
    load_master_key,
    new_key,
    public_key_of,
    sign_group,
)
from ledger.projection import Connection, StorageError, Store, keystore, parties
from ledger.projection.keystore import PartyName, SigningKey, StoredCertificate
from ledger.projection.rebuild import follow
from ledger.sequencer import OutcomeWatch, Pace, Sequencer
from ledger.service import instructions
from ledger.service.certifying import CERTIFICATE_BACKDATED, CERTIFICATE_LIFETIME
from ledger.service.context import AUTHORITY_ROOT, CHAIN_IDENTITY, OPERATOR_ADDRESS, SEALED_KEY, SEALED_NAME, Context
from ledger.service.errors import NotReady
from ledger.service.forms import checked_text
from ledger.service.places import chain_place, require_database, require_unused, sync_directory
from ledger.service.problems import invalid
from ledger.service.unusable import in_chinese, unusable
from ledger.settings import Settings
from verifier.hashing import ZERO_HASH
from verifier.words import AUTHORITY_PARTY, PartyKind

GROUP_LIFETIME_S = 600
AUTHORITY_ID = "tax-bureau"
CALENDAR_ID = "calendar"


@dataclass(frozen=True)
class Founded:
    """A ledger just set up: party ids of its first officer and its calendar."""

    identity: ChainIdentity
    officer: int
    calendar: int


@dataclass(frozen=True)
class _Founder:
    """One of the first parties: its key, identity and certificate (a root for the authority)."""

    key: bytes
    identity: Identity
    name: str
    certificate: bytes

    @property
    def address(self) -> bytes:
        return address_of(self.key)


def found(settings: Settings, *, authority_name: str, officer_name: str) -> Founded:
    """Sets a new ledger up in the data directory: chain, contract, keys, first parties, open month.

    Raises: NotReady when something is there already or cannot be written; InvalidRequest for a name that is none.
    """
    require_unused(
        settings.data_dir,
        "choose another EINVOICE_DATA_DIR, or use the ledger that is there",
        "请另选目录，或直接使用其中的账本",
    )
    authority_name = _checked_name("authority", authority_name)
    officer_name = _checked_name("officer", officer_name)
    target = settings.data_dir.resolve()
    if settings.database_url:
        raise NotReady(
            "a ledger on a database server is set up with an empty data directory and its own migrations",
            "使用数据库服务器的账本须以空数据目录和单独的数据库迁移建立",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as err:
        raise NotReady(f"{target.parent} cannot be written: {err.strerror}", in_chinese(err)) from err
    try:
        founded = _build(settings.model_copy(update={"data_dir": building}), authority_name, officer_name)
        building.rename(target)  # replaces an empty directory
        sync_directory(target.parent)
    except (ChainError, StorageError, IdentityError, OSError) as err:
        raise NotReady(
            f"the ledger was not set up, nothing is left behind: {err}",
            f"账本未建立，未留下任何文件。{in_chinese(err)}",
        ) from err
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return founded


def _checked_name(path: str, name: str) -> str:
    text = checked_text(path, name, NAME_LENGTH_MAX)
    if not text:
        raise invalid(path, "count_range", low=1, high=NAME_LENGTH_MAX, given=0)
    return text


def open_context(settings: Settings) -> Context:
    """Everything the service works with. Close it with `close_context`.

    Raises: NotReady naming what is missing, foreign or damaged.
    """
    try:
        vault = Vault(load_master_key(settings))
        require_database(settings)
        store = Store.open(
            settings.database, busy_timeout_ms=settings.busy_timeout_ms, waiting_max=settings.write_queue_max
        )
    except (IdentityError, StorageError) as err:
        raise unusable(err) from err
    try:
        reader = open_reader(chain_place(settings))
    except ChainError as err:
        store.close()
        raise unusable(err) from err
    try:
        operator_key = _checked_operator_key(store, vault, reader.identity)
    except NotReady:
        reader.close()
        store.close()
        raise
    watch = OutcomeWatch(store, poll_ms=settings.outcome_poll_ms)
    return Context(settings, store, reader, vault, watch, operator_key)


def close_context(context: Context) -> None:
    """Finishes writes and closes everything `open_context` opened."""
    context.watch.close()
    context.store.close()
    context.reader.close()


def open_sequencer(context: Context, *, any_contract: bool = False) -> tuple[Sequencer, chain.ChainWriter]:
    """The one writer of this ledger's chain, and its sequencer. Close the writer.

    With `any_contract` the chain may carry another contract than this release's: one that is about to be succeeded.

    Raises: ChainInUseError when a node runs already; NotReady for other trouble with the chain.
    """
    settings = context.settings
    writer = chain.open_writer(
        chain_place(settings), sealer_key=context.operator_key, now=_now_s, any_contract=any_contract
    )
    pace = Pace(
        operations_max=settings.batch_operations_max,
        interval_ms=settings.batch_interval_ms,
        clock_step_back_max_ms=settings.clock_step_back_max_ms,
    )
    return Sequencer(context.store, writer, context.reader, pace=pace, now=_now_s), writer


def _build(settings: Settings, authority_name: str, officer_name: str) -> Founded:
    vault = Vault(load_master_key(settings) if settings.master_key else create_master_key(settings.master_key_path))
    now_s = int(time.time())
    authority, others = _founders(authority_name, officer_name, utc_time(now_s))
    operator_key = new_key()
    identity = chain.create_chain(settings.chain_dir, sealer_key=operator_key, authority=authority.address, now_s=now_s)
    with Store.create(settings.database) as store:

        def keep(connection: Connection) -> None:
            keystore.put_meta(connection, CHAIN_IDENTITY, identity.to_bytes().decode())
            keystore.put_meta(connection, OPERATOR_ADDRESS, address_of(operator_key).hex())
            keystore.put_meta(connection, AUTHORITY_ROOT, authority.certificate.hex())
            _keep_key(connection, vault, operator_key, ZERO_HASH, now_s)
            for founder in (authority, *others):
                _keep_founder(connection, vault, founder, now_s)

        store.write(keep)
        reader = open_reader(settings.chain_dir)
        with closing(reader), chain.open_writer(settings.chain_dir, sealer_key=operator_key, now=_now_s) as writer:
            writer.commit([_appointment(authority, founder, identity, now_s) for founder in others])
            follow(store.engine, reader)
            with store.reading() as connection:
                records = [parties.party_of_identity(connection, founder.identity.hash) for founder in others]
            officer, calendar = (record.id for record in records if record is not None)
            writer.commit([_first_month(others[1], calendar, identity, now_s)])
            follow(store.engine, reader)
    return Founded(identity, officer, calendar)


def _now_s() -> int:
    return int(time.time())


def _founders(authority_name: str, officer_name: str, now: datetime) -> tuple[_Founder, tuple[_Founder, _Founder]]:
    root_key = new_key()
    identity = authority_identity(AUTHORITY_ID)
    root = create_root(root_key, authority_name, now - CERTIFICATE_BACKDATED, identity_text=str(identity))
    authority = _Founder(root_key, identity, authority_name, root)

    def certified(identity: Identity, name: str) -> _Founder:
        key = new_key()
        until = now + CERTIFICATE_LIFETIME
        der = issue_certificate(
            root_key, root, public_key_of(key), str(identity), identity.id, now - CERTIFICATE_BACKDATED, until
        )
        return _Founder(key, identity, name, der)

    officer = certified(officer_identity(new_person_id()), officer_name)
    return authority, (officer, certified(calendar_identity(CALENDAR_ID), CALENDAR_ID))


def _appointment(authority: _Founder, founder: _Founder, identity: ChainIdentity, now_s: int) -> SignedGroup:
    operation = instructions.appoint(
        authority=AUTHORITY_PARTY,
        identity=founder.identity.hash,
        kind=founder.identity.kind,
        signer=founder.address,
        certificate_hash=certificate_hash(founder.certificate),
    )
    return sign_group(authority.key, Group(AUTHORITY_PARTY, now_s + GROUP_LIFETIME_S, (operation,)), identity.domain)


def _first_month(founder: _Founder, calendar: int, identity: ChainIdentity, now_s: int) -> SignedGroup:
    month = month_of(utc_time(now_s))
    operation = instructions.open_month(
        actor=calendar,
        month=month,
        opens_at=int(month_start(month).timestamp()),
        closes_at=int(month_end(month).timestamp()),
        ref=new_reference("").ref,
    )
    return sign_group(founder.key, Group(calendar, now_s + GROUP_LIFETIME_S, (operation,)), identity.domain)


def _keep_founder(connection: Connection, vault: Vault, founder: _Founder, now_s: int) -> None:
    # the contract learns the authority's address in its constructor, not its identity: its row has a zero hash
    hashed = ZERO_HASH if founder.identity.kind is PartyKind.AUTHORITY else founder.identity.hash
    _keep_key(connection, vault, founder.key, hashed, now_s)
    keystore.put_certificate(
        connection,
        StoredCertificate(certificate_hash(founder.certificate), founder.certificate, str(founder.identity), now_s),
    )
    public = founder.identity.kind is not PartyKind.OFFICER
    keystore.put_party_name(
        connection,
        PartyName(
            identity=hashed,
            identity_text=str(founder.identity),
            display_name=founder.name if public else None,
            tax_id=None,
            sealed=None if public else vault.seal(founder.name.encode(), SEALED_NAME, hashed.hex()),
            updated_at=now_s,
        ),
    )


def _keep_key(connection: Connection, vault: Vault, key: bytes, identity: bytes, now_s: int) -> None:
    address = address_of(key)
    sealed = vault.seal(key, SEALED_KEY, address.hex())
    keystore.put_signing_key(connection, SigningKey(address, identity, sealed, now_s))


def _checked_operator_key(store: Store, vault: Vault, identity: ChainIdentity) -> bytes:
    """The operator's key, once database, master key and chain are seen to belong together. Raises: NotReady."""
    try:
        with store.reading() as connection:
            facts = keystore.meta(connection)
            if facts.get(CHAIN_IDENTITY) != identity.to_bytes().decode():
                raise NotReady(
                    "the chain directory belongs to another ledger than the database; restore both from one backup",
                    "链数据目录与数据库不属于同一账本，请从同一备份恢复",
                )
            address = bytes.fromhex(facts[OPERATOR_ADDRESS])
            stored = keystore.signing_key(connection, address)
        if stored is None:
            raise NotReady(
                "the operator's key is not in the key store; restore the database from a backup",
                "数据库中没有运营方密钥：请从备份恢复数据库",
            )
        return vault.open(stored.sealed_key, SEALED_KEY, address.hex())
    except (StorageError, IdentityError, KeyError) as err:
        raise NotReady(
            f"database, master key and chain do not fit together: {err}", f"数据库、主密钥与链不相符。{in_chinese(err)}"
        ) from err
