"""Every setting of the ledger, read once from the environment.

A setting is the environment variable `EINVOICE_<NAME>`; docs/STORAGE.md lists them all. There is no
settings file and no default secret: without a master key nothing starts.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

EMBEDDED_CHAIN = "embedded"
PORT = 8000  # where nothing else is said


class Settings(BaseSettings):
    """Settings of one installation. Sizes in bytes, times in the unit the name ends with.

    Raises: pydantic.ValidationError naming the setting that is out of range.
    """

    model_config = SettingsConfigDict(env_prefix="EINVOICE_", extra="ignore", frozen=True)

    data_dir: Path = Field(
        default=Path("data"), description="Directory of everything the installation keeps: SQLite, LMDB, master key."
    )
    database_url: str = Field(
        default="",
        description="SQL database; empty means SQLite at <data_dir>/ledger.sqlite, postgresql://... a server.",
    )
    chain_url: str = Field(
        default=EMBEDDED_CHAIN, description="`embedded` for the built-in node, else the JSON-RPC address of a network."
    )
    master_key: SecretStr | None = Field(
        default=None, description="Key of the key store, 64 hex digits; takes precedence over the file."
    )
    master_key_file: Path | None = Field(
        default=None,
        description="File (mode 0600) with the key of the key store; empty means <data_dir>/master.key, made by init.",
    )
    rpc_open: bool = Field(
        default=False,
        description="Whether `/rpc` answers everybody instead of officers' keys alone. A reader of the chain can "
        "follow parties by number.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=PORT, ge=0, le=65535, description="Port the server listens on; 0 takes a free one.")
    public_url: str = Field(
        default="",
        description="Address of this server as others reach it; printed in QR codes and links of invitations. Empty "
        "means http://127.0.0.1 with EINVOICE_PORT, 8000 where that is 0.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="API processes beside the one node process.")
    batch_interval_ms: int = Field(
        default=100, ge=1, le=60_000, description="How long the sequencer lets groups gather before it seals a block."
    )
    batch_operations_max: int = Field(
        default=512, ge=1, le=512, description="Operations in one block's transaction at most; 512 fits the gas limit."
    )
    clock_step_back_max_ms: int = Field(
        default=2_000,
        ge=0,
        le=2_000,
        description="A clock further than this behind the last block stops sequencing; the chain allows 2 s.",
    )
    post_wait_ms: int = Field(
        default=2_000, ge=0, le=30_000, description="How long a POST waits for 201 (recorded) before it answers 202."
    )
    outcome_poll_ms: int = Field(
        default=20, ge=1, le=1_000, description="How often an API process asks whether a new block was projected."
    )
    queue_limit_per_party: int = Field(
        default=2_000,
        ge=1,
        le=100_000,
        description="Accepted, not yet sequenced operations of one party at most, so that no party starves the others.",
    )
    write_queue_max: int = Field(
        default=1_024, ge=1, le=65_536, description="SQL writes of one process waiting for the disk at most; then 503."
    )
    page_size_max: int = Field(default=200, ge=1, le=1_000, description="Rows in one page of a list at most.")
    body_size_max: int = Field(
        default=2 * 1024 * 1024, ge=1_024, le=64 * 1024 * 1024, description="Size of a request body at most, in bytes."
    )
    upload_size_max: int = Field(
        default=16 * 1024 * 1024,
        ge=1_024,
        le=16 * 1024 * 1024,
        description="Size of an uploaded file at most, in bytes: a sheet of invoices, an outside original.",
    )
    group_lifetime_s: int = Field(
        default=3_600,
        ge=60,
        le=86_000,
        description="How long a group signed by our key store stays valid; the contract allows 86,400 s of block time.",
    )
    reservation_lifetime_s: int = Field(
        default=4 * 86_400,
        ge=60,
        le=90 * 86_400,
        description="How long a reserved invoice number is held for its seller: two days off line, 48 h to upload.",
    )
    idempotency_lifetime_s: int = Field(
        default=7 * 86_400, ge=3_600, le=90 * 86_400, description="How long an Idempotency-Key is remembered."
    )
    busy_timeout_ms: int = Field(
        default=10_000, ge=100, le=120_000, description="How long an SQLite write waits for the other process's write."
    )
    open_months: bool = Field(
        default=True,
        description="Whether the node opens each month of China Standard Time by itself, with the calendar's key.",
    )
    anchor_interval_s: int = Field(
        default=3_600,
        ge=60,
        le=86_400,
        description="How long an entry of the audit log waits at most until the node puts the log's head on chain.",
    )
    webhook_private: bool = Field(
        default=False,
        description="Whether webhooks may go to private addresses, and by http to this machine itself. Only where "
        "no system of others stands in this network.",
    )
    provider_private: bool = Field(
        default=False,
        description="Whether enterprises' sign-in providers may have private addresses, and http on this machine "
        "itself. Only where no system of others stands in this network.",
    )
    webhook_timeout_ms: int = Field(
        default=10_000, ge=100, le=30_000, description="How long one delivery to a webhook may take, all in all."
    )
    webhook_attempts_max: int = Field(
        default=9, ge=1, le=20, description="Attempts at one delivery before it is given up and its webhook paused."
    )
    webhook_retry_s: int = Field(
        default=5,
        ge=0,
        le=3_600,
        description="Pause after the first failed attempt; each is 4 times the one before, 6 h at most.",
    )
    session_idle_s: int = Field(
        default=1_800, ge=60, le=86_400, description="A session that was not used for so long has ended."
    )
    session_lifetime_s: int = Field(
        default=43_200, ge=300, le=30 * 86_400, description="A session ends after so long, however it is used."
    )
    rate_address_per_s: int = Field(
        default=500,
        ge=0,
        le=1_000_000,
        description="Requests a second of one client address (IPv6: one /64) in one API process; 0: no limit.",
    )
    rate_address_burst: int = Field(
        default=5_000, ge=1, le=1_000_000, description="Requests a client address that was quiet may send at once."
    )
    rate_key_per_s: int = Field(
        default=250, ge=0, le=1_000_000, description="Requests a second of one API key or session; 0: no limit."
    )
    rate_key_burst: int = Field(
        default=2_500, ge=1, le=1_000_000, description="Requests a key or session that was quiet may send at once."
    )
    rate_party_per_s: int = Field(
        default=500, ge=0, le=1_000_000, description="Requests a second of one party with all its keys; 0: no limit."
    )
    rate_party_burst: int = Field(
        default=5_000, ge=1, le=1_000_000, description="Requests a party that was quiet may send at once."
    )
    trusted_proxies: str = Field(
        default="",
        description="Networks of proxies whose X-Forwarded-For counts, with commas between them: 10.0.0.5,fd00::/8. "
        "Without one the header is ignored.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line written."
    )
    log_format: Literal["json", "console"] = Field(default="json", description="Form of a log line.")

    @field_validator("trusted_proxies")
    @classmethod
    def _checked_networks(cls, value: str) -> str:
        _networks(value)  # its ValueError names the one that is none
        return value

    @model_validator(mode="after")
    def _own_address(self) -> Self:
        if not self.public_url:  # of a frozen model: what pydantic's own documentation does in such a validator
            object.__setattr__(self, "public_url", f"http://127.0.0.1:{self.port or PORT}")
        return self

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks of proxies whose X-Forwarded-For counts."""
        return _networks(self.trusted_proxies)

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the SQL database, the default filled in."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'ledger.sqlite').absolute()}"

    @property
    def chain_dir(self) -> Path:
        """Directory of the embedded chain's LMDB files."""
        return self.data_dir / "chain"

    @property
    def master_key_path(self) -> Path:
        """File the master key is read from when EINVOICE_MASTER_KEY is not set."""
        return self.master_key_file or self.data_dir / "master.key"


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
