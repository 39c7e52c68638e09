"""Who plays in the demo: made-up enterprises with valid codes, their people, and their API keys."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stdnum.cn import uscc

from ledger.cli.demo.client import Client
from ledger.domain.key_proof import read_proof
from ledger.identity import address_of, new_key, sign_digest
from ledger.identity.signing import signature_text

LIVES = 16  # invoices that live a whole life side by side, so that every block is crowded
EMPLOYERS = 4
QUOTA_FEN = 10_000_000
TRADES = ("酒楼", "咖啡", "书店", "酒店", "出行", "打印", "花店", "茶业")
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN = ("伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "杰", "娟", "涛", "超", "霞", "平")


@dataclass(frozen=True)
class Party:
    """One actor: party id, name, API key, tax id of an enterprise."""

    id: int
    name: str
    key: str
    tax_id: str = ""


@dataclass(frozen=True)
class Life:
    """One invoice's actors: who sells, who receives and claims, who reimburses and pays."""

    seller: Party
    employee: Party
    employer: Party
    cashier: Party


def new_tax_id() -> str:
    """A made-up unified social credit code of Shenzhen with its right check character."""
    body = "91440300" + "".join(secrets.choice("0123456789ABCDEFGHJKLMNPQRTUWXY") for _ in range(9))
    return body + str(uscc.calc_check_digit(body))


class Casting:
    """Enrols the cast through the API, as an officer does."""

    def __init__(self, client: Client, officer_keys: tuple[str, str], pool: ThreadPoolExecutor) -> None:
        self._client = client
        self.officer_keys = officer_keys  # the second one confirms what the first one proposes
        self.officer_key = officer_keys[0]
        self._pool = pool

    def lives(self) -> list[Life]:
        """Sellers with numbers and quota, employees with claim grants, cashiers with finance grants."""
        sellers = list(self._pool.map(self._seller, range(LIVES)))
        employers = list(
            self._pool.map(lambda at: self.enterprise(f"深圳示例科技{at + 1}有限公司", 0), range(EMPLOYERS))
        )
        cashiers = list(self._pool.map(lambda at: self.person(f"{SURNAMES[at]}会计"), range(EMPLOYERS)))
        employees = list(self._pool.map(lambda at: self.person(SURNAMES[at] + GIVEN[at]), range(LIVES)))
        list(self._pool.map(self.keep_own_key, (sellers[2], cashiers[1], *employees[1::4])))
        for at, employer in enumerate(employers):  # one after another: each grant changes its enterprise's version
            self.grant(employer, cashiers[at], ["finance", "claim"])
            for employee in employees[at::EMPLOYERS]:
                self.grant(employer, employee, ["claim"])
        return [
            Life(sellers[at], employees[at], employers[at % EMPLOYERS], cashiers[at % EMPLOYERS]) for at in range(LIVES)
        ]

    def enterprise(self, name: str, quota_fen: int) -> Party:
        """An enrolled enterprise."""
        tax_id = new_tax_id()
        answer = self._client.recorded(
            "POST", "/v1/parties", self.officer_key,
            {"kind": "enterprise", "name": name, "tax_id": tax_id, "quota_fen": quota_fen},
        )  # fmt: skip
        return Party(answer["party"], name, answer["api_key"], tax_id)

    def person(self, name: str) -> Party:
        """An enrolled person."""
        answer = self._client.recorded("POST", "/v1/parties", self.officer_key, {"kind": "person", "name": name})
        return Party(answer["party"], name, answer["api_key"])

    def keep_own_key(self, party: Party) -> None:
        """The party's key is from now on one that it made itself; the server sees no more of it than the address."""
        key = new_key()
        address = f"0x{address_of(key).hex()}"
        said = f"purpose=replace%20key&address={address}&identity=party:{party.id}"
        proof, domain = read_proof(json.loads(self._client.read(f"/v1/key-proof?{said}")))
        own = {
            "address": address,
            "time": proof.time,
            "signature": signature_text(sign_digest(key, proof.digest(domain))),
        }
        self._client.recorded("POST", "/v1/key/rotation", party.key, {"own": own})
        self._client.keeps(party.key, key)

    def grant(self, enterprise: Party, person: Party, grants: list[str]) -> None:
        """The enterprise lets the person act."""
        self._client.recorded("POST", "/v1/grants", enterprise.key, {"person": person.id, "grants": grants})

    def segment(self, enterprise: Party) -> None:
        """Numbers for an enterprise, until the officer's request hits a free block: two may ask at once."""
        path = f"/v1/parties/{enterprise.id}/segments"
        status, _ = self._client.write("POST", path, self.officer_key, {"blocks": 1})
        if status != 201:
            self._client.recorded("POST", path, self.officer_key, {"blocks": 1})

    def _employer(self, at: int) -> Party:
        return self.enterprise(f"深圳示例科技{at + 1}有限公司", 0)

    def _seller(self, at: int) -> Party:
        return self.enterprise(f"深圳示例{TRADES[at % len(TRADES)]}{at + 1}有限公司", QUOTA_FEN)
