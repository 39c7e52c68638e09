"""Hostile values that pass the edge's shapes, sent to the real service: refused as problems, never a 500."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.examples import EXAMPLES
from api.pools import access_of
from tests.api.conftest import Client, Installation
from tests.api.test_answers_match_schemas import ROUTES, address_of
from tests.api.test_any_request import assert_orderly, values
from tests.api.test_life_of_an_invoice import Actor, draft, enrolled, tax_id

pytestmark = pytest.mark.slow
FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_keys = itertools.count()

integers = st.integers(-(2**53) + 1, 2**53 - 1)
leaves = integers | st.text(max_size=12) | st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def issuer(officer: Client) -> Actor:
    seller = enrolled(officer, "enterprise", "敌意测试商行")
    officer.post(f"/v1/parties/{seller.party}/segments", {"blocks": 1}, key="hostile-segment")
    return seller


def sent(client: Client, address: str, body: Any, method: str = "POST") -> None:
    text = json.dumps(body).encode()
    headers = {"content-type": "application/json", "idempotency-key": f"hostile-{next(_keys)}"}
    assert_orderly(client.request(method, address, text, headers))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += places(child, (*path, key))
    return found


@FUZZ
@given(st.data())
def test_damaged_documents(issuer: Actor, data: Any) -> None:
    document = draft({"name": "买方", "tax_id": tax_id()}, note="备注", number="", issued_on="2026-11-05")
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from(places(document)))
        parent = document
        for step in above:
            parent = parent[step]
        parent[last] = data.draw(leaves | values)
    sent(issuer.client, "/v1/invoices", {"document": document})
    sent(issuer.client, "/v1/invoices/list", {"documents": [document, draft({"name": "个人", "tax_id": ""})]})


AREAS = st.from_regex(r"[0-9]{4}", fullmatch=True)
GRANTS = st.lists(st.sampled_from(["issue", "finance", "claim"]), min_size=1, max_size=3)
NUMBERS = st.lists(st.text("0123456789", min_size=20, max_size=20), min_size=1, max_size=4)
PARTIES = st.integers(1, 20) | st.integers(1, 2**32 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
FEN = st.integers(-(2**44) + 1, 2**44 - 1)
MARKS = st.sampled_from(["rate", "exempt", "not_taxable", "zero", "difference"])
SUMS = st.lists(
    st.fixed_dictionaries(
        {"rate_bp": st.integers(0, 10_000), "net_fen": FEN, "tax_fen": FEN}, optional={"rate_mark": MARKS}
    ),
    max_size=3,
)
DECLARED = {"uninvoiced": SUMS, "unread": SUMS, "note": TEXTS, "subject": PARTIES}
SELECTIONS = st.fixed_dictionaries(
    {"number": st.text("0123456789", min_size=20, max_size=20)},
    optional={
        "purpose": st.sampled_from(["deduct", "not_deduct", "export_refund"]),
        "valid_tax_fen": st.integers(0, 2**44 - 1),
        "reason": st.sampled_from(["not_taxable", "exempt", "other"]),
    },
)
BODIES = {
    "issue_invoice": st.fixed_dictionaries(
        {"document": values}, optional={"subject": PARTIES, "first_holder": PARTIES}
    ),
    "transfer_invoice": st.fixed_dictionaries({"to": PARTIES}, optional={"subject": PARTIES}),
    "book_invoice": st.fixed_dictionaries({"deductible": st.booleans()}, optional={"subject": PARTIES}),
    "withdraw_booking": st.fixed_dictionaries({"reason": TEXTS}, optional={"subject": PARTIES}),
    "reserve_numbers": st.fixed_dictionaries({"count": st.integers(1, 1000)}, optional={"subject": PARTIES}),
    "open_claim": st.fixed_dictionaries({"numbers": NUMBERS, "employer": PARTIES, "reference": TEXTS}),
    "withdraw_claim": st.fixed_dictionaries({}, optional={"numbers": NUMBERS}),
    "approve_claim": st.fixed_dictionaries({"payment_reference": TEXTS}, optional={"numbers": NUMBERS}),
    "reject_claim": st.fixed_dictionaries({"reason": TEXTS}, optional={"numbers": NUMBERS}),
    "file_month": st.fixed_dictionaries({}, optional=DECLARED),
    "declare_month": st.fixed_dictionaries({"uninvoiced": SUMS}, optional={"unread": SUMS, "subject": PARTIES}),
    "refile_month": st.fixed_dictionaries({}, optional={**DECLARED, "replaces": HASHES}),
    "select_invoices": st.fixed_dictionaries(
        {"selections": st.lists(SELECTIONS, min_size=1, max_size=4)}, optional={"subject": PARTIES}
    ),
    "unselect_invoices": st.fixed_dictionaries({"numbers": NUMBERS}, optional={"subject": PARTIES}),
    "confirm_period": st.fixed_dictionaries({}, optional={"subject": PARTIES}),
    "open_month": st.just({}),
    "enrol_party": st.fixed_dictionaries(
        {"kind": st.sampled_from(["enterprise", "person"]), "name": TEXTS},
        optional={
            "tax_id": st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=15, max_size=20),
            "quota_fen": st.integers(0, 2**44 - 1),
            "first_month": st.from_regex(r"20[0-9]{2}-(0[1-9]|1[0-2])", fullmatch=True),
        },
    ),
    "set_quota": st.fixed_dictionaries({"quota_fen": st.integers(0, 2**44 - 1)}),
    "allot_segment": st.fixed_dictionaries({"blocks": st.integers(1, 64)}, optional={"area": AREAS}),
    "propose_suspension": st.fixed_dictionaries({"reason": TEXTS}),
    "reinstate_party": st.fixed_dictionaries({"reason": TEXTS}),
    # always some hash: that of a party's own certificate would spoil its evidence for the tests after this one
    "revoke_certificate": st.fixed_dictionaries({"reason": TEXTS, "certificate_hash": HASHES})
    | st.fixed_dictionaries({"reason": st.sampled_from(["key_compromise", "superseded"]), "certificate_hash": HASHES}),
    "appoint_officer": st.fixed_dictionaries({"name": TEXTS}, optional={"district": TEXTS}),
    "set_district": st.fixed_dictionaries({"district": TEXTS}),
    "dismiss_officer": st.fixed_dictionaries({"reason": TEXTS}),
    "rotate_key": st.just({}),
    "recover_key": st.just({}),
    "grant": st.fixed_dictionaries({"person": PARTIES, "grants": GRANTS}),
    "revoke": st.fixed_dictionaries({"person": PARTIES, "grants": GRANTS}),
    "import_members": st.fixed_dictionaries(
        {"rows": st.lists(
            st.fixed_dictionaries({"person": PARTIES, "grants": GRANTS}, optional={"invite": st.booleans()}),
            min_size=1, max_size=4,
        )},
        optional={"subject": PARTIES},
    ),
}  # fmt: skip


WRITES = {
    name
    for name, route in ROUTES.items()
    if route.methods != {"GET"}
    and not access_of(route.endpoint).upload
    and name not in ("issue_list", "verify_invoice")
}
for _name in sorted(WRITES - BODIES.keys()):  # the fields of the example, with any values
    _fields = EXAMPLES[_name].request or {}
    BODIES[_name] = st.fixed_dictionaries({}, optional=dict.fromkeys(_fields, values))


def test_every_write_but_the_list_is_tried():
    assert set(BODIES) == WRITES


@FUZZ
@given(st.sampled_from(sorted(BODIES)), st.booleans(), st.data())
def test_well_formed_but_senseless_writes(
    officer: Client, issuer: Actor, installation: Installation, name: str, official: bool, data: Any
) -> None:
    route = ROUTES[name]
    body = data.draw(BODIES[name])
    sent(officer if official else issuer.client, address_of(route), body, next(iter(route.methods)))


READS = sorted(name for name, route in ROUTES.items() if route.methods == {"GET"})
QUERIES = [
    "",
    "?cursor=ffffffffffffffff",
    "?cursor=7fffffffffffffff",
    "?cursor=0",
    "?cursor=g",
    "?limit=200",
    "?kind=person",
    "?tax_id=91440300MA5000001X",
    "?month=2099-12",
    "?gross_min_fen=17592186044415&gross_max_fen=0",
    "?state=cancelled&party=4294967295",
    f"?number={'9' * 20}",
    "?subject=1",
    "?subject=4294967295",
]


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("query", QUERIES)
def test_well_formed_but_senseless_reads(officer: Client, issuer: Actor, name: str, query: str) -> None:
    for client in (officer, issuer.client):
        assert_orderly(client.get(address_of(ROUTES[name]) + query))
