"""A ledger with a history, and what hands it over to a successor."""

from __future__ import annotations

from pathlib import Path

from ledger.projection.audit import AuditReport
from ledger.service import Caller, Succeeded, audit, open_succession
from tests.service.world import Sequencing, World


class Town(World):
    """A founded ledger whose parties have lived before the tests begin."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.seller = self.enterprise("深圳咖啡有限公司", segment=True)
        self.employer = self.enterprise("雇主公司")
        self.other_employer = self.enterprise("另一雇主公司")
        self.claimant = self.person("张三", (self.employer, ["claim"]), (self.other_employer, ["claim"]))
        self.cashier = self.person("李财务", (self.employer, ["finance"]))
        self.first = self.contracts[0]

    @property
    def contracts(self) -> tuple[bytes, ...]:
        """Addresses of the ledger's contracts, first to current."""
        return self.ledger.context.reader.identity.contracts

    def succeeded(self, artifact: Path | None = None) -> Succeeded:
        """The ledger handed over, while this process has it open; its node stands still meanwhile."""
        self.sequencing.close()
        try:
            with open_succession(self.ledger.context, artifact) as succession:
                return succession.run()
        finally:
            self.sequencing = Sequencing(self.ledger)
            self.sequencing.start()

    def audited(self) -> AuditReport:
        return audit(self.ledger.context)

    def settled(self, claim_id: str, cashier: Caller | None = None) -> None:
        self.ledger.approve_claim(
            cashier or self.cashier, claim_id, payment_reference=f"P-{claim_id[:8]}", idempotency_key=self.key()
        )
