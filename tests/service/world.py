"""A founded ledger for behaviour tests: real chain directory, real SQLite, real sequencer thread, parties by role."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stdnum.cn import uscc

from ledger.domain.months import format_month, month_of
from ledger.sequencer import SequencerStoppedError
from ledger.service import Caller, ClaimWritten, Ledger, WriteStatus, Written, found, open_sequencer
from ledger.settings import Settings

QUOTA_FEN = 10**9
SERIALS = itertools.count(1)


def tax_id(serial: int, district: str = "440300") -> str:
    """A valid unified social credit code of a district, another for every serial."""
    body = f"91{district}MA5{serial:06d}"
    return body + str(uscc.calc_check_digit(body))


def settings_of(data_dir: Path, **changes: Any) -> Settings:
    """Quick settings: small intervals, a long wait for the block."""
    values: dict[str, Any] = {
        "data_dir": data_dir,
        "batch_interval_ms": 1,
        "outcome_poll_ms": 1,
        "post_wait_ms": 20_000,
        "page_size_max": 50,
    }
    return Settings(**{**values, **changes})


class Sequencing:
    """The sequencer of one ledger on a thread of its own; can be held up."""

    def __init__(self, ledger: Ledger) -> None:
        self.sequencer, self.writer = open_sequencer(ledger.context)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended_by: SequencerStoppedError | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="sequencer")
        self._thread.start()

    def _run(self) -> None:
        try:
            self.sequencer.run(self._stop)
        except SequencerStoppedError as err:  # raised again by `stop`
            self._ended_by = err

    def stop(self) -> None:
        """Raises: what ended the sequencer, when it ended by itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._ended_by is not None:
            ended_by, self._ended_by = self._ended_by, None
            raise ended_by

    @contextmanager
    def running(self) -> Iterator[None]:
        """At work inside only: a ledger that many test files share rests while files of others run."""
        if self._thread is not None:
            yield
            return
        self.start()
        try:
            yield
        finally:
            self.stop()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is sequenced inside."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def close(self) -> None:
        try:
            self.stop()
        finally:
            self.writer.close()


class World:
    """A founded ledger with its sequencer running, and makers of parties and documents."""

    def __init__(self, directory: Path, **changes: Any) -> None:
        self.settings = settings_of(directory / "data", **changes)
        self.founded = found(self.settings, authority_name="深圳市税务局", officer_name="王税官")
        self.ledger = Ledger.open(self.settings)
        self.sequencing = Sequencing(self.ledger)
        self.sequencing.start()
        self.officer = self.ledger.caller(self.founded.officer)
        self.authority = self.ledger.caller(1)
        self.calendar = self.ledger.caller(self.founded.calendar)
        self._keys = itertools.count(1)
        self.tax_ids: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.api_keys: dict[int, str] = {}
        self._opened: list[Ledger] = []
        self._hurried: Ledger | None = None

    def close(self) -> None:
        self.sequencing.close()
        for opened in self._opened:
            opened.close()
        self.ledger.close()

    def opened(self, **changes: Any) -> Ledger:
        """The same ledger opened again with other settings."""
        self._opened.append(Ledger.open(settings_of(self.settings.data_dir, **changes)))
        return self._opened[-1]

    def hurried(self) -> Ledger:
        """The same ledger, not waiting for blocks."""
        if self._hurried is None:
            self._hurried = self.opened(post_wait_ms=0)
        return self._hurried

    def key(self) -> str:
        """An Idempotency-Key never used before."""
        return f"key-{next(self._keys)}"

    def again(self, caller: Caller) -> Caller:
        """The caller with its grants as they are now."""
        return self.ledger.caller(caller.party)

    @property
    def month(self) -> str:
        """The month that is open, YYYY-MM."""
        from datetime import UTC, datetime

        return format_month(month_of(datetime.now(UTC)))

    def enterprise(
        self, name: str, *, quota_fen: int = QUOTA_FEN, segment: bool = False, district: str = "440300"
    ) -> Caller:
        """An enrolled enterprise."""
        code = tax_id(next(SERIALS), district)
        written, api_key = self.ledger.enrol(
            self.officer, kind="enterprise", name=name, tax_id=code, quota_fen=quota_fen, idempotency_key=self.key()
        )
        party = self._made(written, name, api_key)
        self.tax_ids[party] = code
        if segment:
            must(self.ledger.allot_segment(self.officer, party, idempotency_key=self.key()))
        return self.ledger.caller(party)

    def person(self, name: str, *grants: tuple[Caller, list[str]]) -> Caller:
        """An enrolled person with grants of enterprises."""
        written, api_key = self.ledger.enrol(self.officer, kind="person", name=name, idempotency_key=self.key())
        party = self._made(written, name, api_key)
        for enterprise, names in grants:
            must(self.ledger.grant(enterprise, party, names, idempotency_key=self.key()))
        return self.ledger.caller(party)

    def draft(
        self, buyer: Caller | dict[str, str] | None = None, *, net_fen: int = 10_000, **changes: object
    ) -> dict[str, object]:
        """An issuable document of 6 % tax."""
        tax_fen = net_fen * 6 // 100
        named: dict[str, object] = {"name": "张三"}
        if isinstance(buyer, dict):
            named = dict(buyer)
        elif buyer is not None:
            named = {"name": self.names[buyer.party], "tax_id": self.tax_ids[buyer.party]}
        return {
            "kind": "ordinary",
            "buyer": named,
            "lines": [{"name": "*餐饮服务*餐费", "net_fen": net_fen, "rate_bp": 600, "tax_fen": tax_fen}],
            "net_fen": net_fen,
            "tax_fen": tax_fen,
            "gross_fen": net_fen + tax_fen,
            **changes,
        }

    def issued(
        self, seller: Caller, holder: Caller | None = None, buyer: Caller | None = None, *, net_fen: int = 10_000
    ) -> str:
        """Number of a fresh invoice."""
        written = must(
            self.ledger.issue(
                seller,
                self.draft(buyer, net_fen=net_fen),
                first_holder=holder.party if holder is not None else None,
                idempotency_key=self.key(),
            )
        )
        return written.numbers[0]

    def claimed(self, claimant: Caller, employer: Caller, *numbers: str, reference: str = "BX-1") -> str:
        """Claim id of a fresh claim."""
        claimed = self.ledger.open_claim(
            claimant, list(numbers), employer=employer.party, reference=reference, idempotency_key=self.key()
        )
        claim_id = must(claimed).claim_id
        assert claim_id is not None
        return claim_id

    def officer_of(self, district: str) -> Caller:
        """An officer appointed for a district."""
        written, _ = self.ledger.appoint_officer(
            self.authority, name=f"税官{district}", district=district, idempotency_key=self.key()
        )
        party = must(written).party
        assert party is not None
        return self.ledger.caller(party)

    def suspended(self, party: int, *, reason: str = "核查") -> Written:
        """The answer to a suspension that the officer proposed and the authority confirmed."""
        proposed = self.ledger.proposals.suspension(self.officer, party, reason=reason, idempotency_key=self.key())
        return self.ledger.proposals.confirm(self.authority, proposed.proposal_id, idempotency_key=self.key())

    def flagged(self, number: str, *, reason: str = "走逃失联") -> Written:
        """The answer to a risk flag that the officer proposed and the authority confirmed."""
        proposed = self.ledger.proposals.flag(self.officer, number, reason=reason, idempotency_key=self.key())
        return self.ledger.proposals.confirm(self.authority, proposed.proposal_id, idempotency_key=self.key())

    def _made(self, written: Written, name: str, api_key: str) -> int:
        party = must(written).party
        assert party is not None
        self.names[party] = name
        self.api_keys[party] = api_key
        return party


def must(answer: Written | ClaimWritten) -> Written:
    """The answer to a write that was recorded."""
    written = answer.written if isinstance(answer, ClaimWritten) else answer
    assert written.status is WriteStatus.RECORDED, written.refusal
    return written


def refused(answer: Written | ClaimWritten, reason: str) -> Written:
    """The answer to a write that the contract refused for `reason`."""
    written = answer.written if isinstance(answer, ClaimWritten) else answer
    assert written.status is WriteStatus.REFUSED, written.status
    assert written.refusal is not None
    assert written.refusal.reason == reason
    return written
