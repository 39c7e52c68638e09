"""Rows of a register: read and checked one by one, sealed as they are stored, and what is wrong with each in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.domain.errors import FieldProblem
from ledger.domain.identities import Identity, enterprise_identity
from ledger.domain.key_proof import Purpose
from ledger.domain.reasons import reason_text
from ledger.formats.register_rows import RegisterRow
from ledger.projection import RowState
from ledger.projection.bulk_jobs import BulkRow, NewBulkRow
from ledger.service.bulk_rows import ROW_SIZE_MAX, SEALED_DRAFT, SEALED_ROW, row_item
from ledger.service.context import Context
from ledger.service.districts import need_own_district
from ledger.service.enrolment import proof_identity
from ledger.service.errors import InvalidRequest, NotReady
from ledger.service.key_proofs import OwnKey, proven_public_key
from ledger.service.problems import invalid
from ledger.service.registry import checked_enterprise, checked_name
from ledger.service.views import Caller
from verifier.canonical import Json, dumps, loads
from verifier.operations import Reason


@dataclass(frozen=True)
class RegisterFacts:
    """What is kept of a row for its result: cells as they stood, and what is wrong."""

    name: str = ""
    tax_id: str = ""
    quota_class: str = ""
    problems: tuple[FieldProblem, ...] = ()

    def sealed(self, context: Context, job_id: str, position: int) -> bytes:
        """As it is stored."""
        value: dict[str, Json] = {
            "name": self.name,
            "tax_id": self.tax_id,
            "class": self.quota_class,
            "problems": [[one.path, one.code, one.message_en, one.message_zh] for one in self.problems],
        }
        return context.seal(dumps(value), SEALED_ROW, row_item(job_id, position))

    @classmethod
    def of(cls, context: Context, job_id: str, row: BulkRow) -> RegisterFacts:
        """Facts of a stored row; empty once they were forgotten. Raises: NotReady when somebody changed it."""
        if row.problems is None:
            return cls()
        value = loads(context.opened(row.problems, SEALED_ROW, row_item(job_id, row.position)), ROW_SIZE_MAX)
        assert isinstance(value, dict)
        problems = value["problems"]
        assert isinstance(problems, list)
        found = tuple(FieldProblem(*map(str, one)) for one in problems if isinstance(one, list))
        return cls(str(value["name"]), str(value["tax_id"]), str(value["class"]), found)


@dataclass(frozen=True)
class RegisterEntry:
    """A row that can be enrolled; `public_key` (65 bytes) of a key that the enterprise keeps, b"" for one made here."""

    name: str
    tax_id: str
    quota_fen: int
    public_key: bytes = b""
    address: bytes = field(default=b"")

    @property
    def identity(self) -> Identity:
        """Who it is on the chain."""
        return enterprise_identity(self.tax_id)

    def sealed(self, context: Context, job_id: str, position: int) -> bytes:
        """As it is stored until the register is done."""
        value: dict[str, Json] = {
            "name": self.name,
            "tax_id": self.tax_id,
            "quota_fen": self.quota_fen,
            "public_key": self.public_key.hex(),
            "address": self.address.hex(),
        }
        return context.seal(dumps(value), SEALED_DRAFT, row_item(job_id, position))

    @classmethod
    def of(cls, context: Context, job_id: str, row: BulkRow) -> RegisterEntry:
        """The entry of a row that is ready. Raises: NotReady when somebody changed it."""
        if row.sealed_draft is None:
            raise NotReady(
                f"row {row.position} of a register is ready and has nothing to enrol: its row was changed; "
                "run `einvoice audit`, restore from a backup",
                f"登记表第 {row.position} 行待签名却无内容，数据库记录被改动，请运行 einvoice audit 并从备份恢复",
            )
        value = loads(context.opened(row.sealed_draft, SEALED_DRAFT, row_item(job_id, row.position)), ROW_SIZE_MAX)
        assert isinstance(value, dict)
        quota_fen = value["quota_fen"]
        assert isinstance(quota_fen, int)
        key, address = bytes.fromhex(str(value["public_key"])), bytes.fromhex(str(value["address"]))
        return cls(str(value["name"]), str(value["tax_id"]), quota_fen, key, address)


def new_rows(
    context: Context, caller: Caller, job_id: str, rows: Sequence[RegisterRow], quotas: Mapping[str, int]
) -> Iterator[NewBulkRow]:
    """Rows of a register as they are stored: ready with an entry, or invalid with what is wrong."""
    seen: dict[str, int] = {}
    for row in rows:
        entry: RegisterEntry | None = None
        problems: tuple[FieldProblem, ...] = ()
        try:
            entry = _entry(context, caller, row, quotas, seen)
        except InvalidRequest as err:
            problems = err.problems
        facts = RegisterFacts(row.name, row.tax_id, row.quota_class, problems)
        yield NewBulkRow(
            position=row.number,
            state=RowState.INVALID if entry is None else RowState.READY,
            sealed_draft=None if entry is None else entry.sealed(context, job_id, row.number),
            problems=facts.sealed(context, job_id, row.number),
        )


def reason_problem(reason: int) -> FieldProblem:
    """What is told of a row that the contract refused."""
    text = reason_text(reason)
    return FieldProblem("", Reason(reason).name.lower(), text.what_en, text.what_zh)


def _entry(
    context: Context, caller: Caller, row: RegisterRow, quotas: Mapping[str, int], seen: dict[str, int]
) -> RegisterEntry:
    """Raises: InvalidRequest naming the column."""
    if row.flaws:
        raise invalid("class" if row.flaws[0] == "quota_class" else row.flaws[0], "register_cell")
    name = checked_name(row.name)
    checked_enterprise(row.tax_id)
    need_own_district(caller, row.tax_id)
    if seen.setdefault(row.tax_id, row.number) != row.number:
        raise invalid("tax_id", "register_twice", row=seen[row.tax_id])
    if row.quota_class not in quotas:
        raise invalid("class", "register_class", given=row.quota_class[:40], choices=", ".join(sorted(quotas)))
    if not (row.address or row.signed_at or row.signature):
        return RegisterEntry(name, row.tax_id, quotas[row.quota_class])
    signed_at = int(row.signed_at) if row.signed_at.isascii() and row.signed_at.isdigit() else -1
    own = OwnKey(row.address, signed_at, row.signature)
    key = proven_public_key(context, own, Purpose.ENROL, proof_identity("enterprise", row.tax_id), name)
    return RegisterEntry(name, row.tax_id, quotas[row.quota_class], key, bytes.fromhex(row.address[2:]))
