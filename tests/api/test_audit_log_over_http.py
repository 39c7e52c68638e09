"""The audit log over HTTP: what requests leave there, and who may read it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.pools import access_of
from ledger.domain.key_proof import Purpose
from ledger.service import Ledger
from ledger.service.request_notes import ABOUT
from tests.api.conftest import Answer, Client, Installation
from tests.api.test_life_of_an_invoice import World, done, key
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too
from tests.api.test_problem_shapes import assert_problem
from tests.service.own_keys import Wallet
from tests.service.world import tax_id

EMPLOYER = tax_id(870_001)


class Reader(Client):
    """The authority, whose reading waits until refusals of before are on disk: nobody who is refused waits for that."""

    ledger: Ledger

    def get(self, address: str, **headers: str) -> Answer:
        self.ledger.context.store.write(lambda _: None)
        return super().get(address, **headers)


@pytest.fixture(scope="module")
def authority(public_door: Client, installation: Installation) -> Reader:
    made = Reader(public_door.portal, public_door.app)
    made.headers = {"authorization": f"Bearer {installation.ledger.new_api_key(1, 'authority')}"}
    made.ledger = installation.ledger
    return made


def entries(authority: Client, query: str = "", count: int = 50) -> list[dict[str, Any]]:
    answer = authority.get(f"/v1/audit-log?limit={count}&{query}".rstrip("&"))
    assert answer.status == 200, answer.text
    return list(answer.json()["items"])


def test_an_officer_s_look_at_an_invoice_is_noted_and_its_seller_s_is_not(world: World, authority: Client) -> None:
    number = world.issue()
    assert world.issuer.client.get(f"/v1/invoices/{number}").status == 200
    assert entries(authority, f"about={number}&kind=officer_query") == []
    assert world.officer.get(f"/v1/invoices/{number}").status == 200
    (looked,) = entries(authority, f"about={number}&kind=officer_query")
    assert (looked["actor"], looked["detail"]["route"]) == (2, "read_invoice")
    assert looked["detail"]["credential"]


def test_each_request_for_enrolment_an_officer_reads_is_an_entry_of_its_own(
    world: World, authority: Client, installation: Installation
) -> None:
    ledger, asked = installation.ledger, []
    for name in ("孙独特", "周独特", "吴独特"):
        own = Wallet().proof(ledger, Purpose.ENROL, f"person@{EMPLOYER}", name)
        asked.append(ledger.enrolment.ask(kind="person", name=name, tax_id=EMPLOYER, own=own).request_id)
    for request_id in asked:
        assert world.officer.get(f"/v1/enrolment-requests/{request_id}").status == 200
    for request_id in asked:
        (looked,) = entries(authority, f"about={request_id}&kind=officer_query")
        assert (looked["actor"], looked["detail"]["route"]) == (2, "read_enrolment_request")


def test_no_route_shows_one_thing_of_several_without_saying_which() -> None:
    silent = []
    for made in ROUTERS:
        for route in made.routes:
            assert isinstance(route, APIRoute)
            access = access_of(route.endpoint)
            named = set(re.findall(r"{(\w+)", route.path))
            if "GET" in route.methods and not access.public and named and not named & set(ABOUT):
                silent.append(route.name)
    assert silent == ["read_external_id"]  # of the caller's own records, by a text that it chose


def test_an_officer_s_search_tells_which_ids_were_asked_for_and_which_other_filters(
    world: World, authority: Client
) -> None:
    assert world.officer.get(f"/v1/invoices?party={world.issuer.party}&gross_min_fen=10001").status == 200
    (searched,) = entries(authority, "kind=officer_query&actor=2", 1)
    assert searched["detail"]["party"] == str(world.issuer.party)
    assert searched["detail"]["filters"] == "gross_min_fen"
    assert "10001" not in str(searched)


def test_what_an_officer_changes_is_a_use_of_its_key_and_no_query(world: World, authority: Client) -> None:
    before = entries(authority, "kind=officer_query&actor=2", 1)
    address = f"/v1/parties/{world.issuer.party}/quota"
    written = done(world.officer.post(address, {"quota_fen": 10**9}, key=key(), method="PUT"), "set_quota")
    assert entries(authority, "kind=officer_query&actor=2", 1) == before
    (used,) = entries(authority, "kind=key_used&actor=2", 1)
    assert (used["detail"]["digest"], used["detail"]["operation"]) == (written["digest"], "set_quota")
    (changed,) = entries(authority, f"kind=permission_changed&about={world.issuer.party}", 1)
    assert changed["detail"]["digest"] == written["digest"]


def test_a_refusal_is_noted_with_its_party_and_route(world: World, authority: Client) -> None:
    assert_problem(world.issuer.client.get("/v1/supervision/nonfilers?month=2026-11"), "not-permitted")
    (refused,) = entries(authority, f"kind=refused&actor={world.issuer.party}", 1)
    assert (refused["detail"]["route"], refused["detail"]["reason"]) == ("list_nonfilers", "not_permitted")


def test_asking_for_what_one_may_not_see_is_noted_as_what_it_was(world: World, authority: Client) -> None:
    assert_problem(world.employer.client.get(f"/v1/claims/{'0' * 32}"), "not-found")
    (refused,) = entries(authority, f"kind=refused&actor={world.employer.party}", 1)
    assert (refused["about"], refused["detail"]["reason"]) == ("0" * 32, "not_found")


def test_a_credential_that_does_not_count_is_noted_and_a_request_without_one_is_not(
    public_door: Client, installation: Installation, authority: Client
) -> None:
    key_id = installation.ledger.new_api_key(2, "stolen").split("_")[1]
    assert_problem(public_door.acting(f"einv_{key_id}_{'0' * 64}").get("/v1/invoices"), "not-authenticated")
    (failed,) = entries(authority, f"about={key_id}&kind=sign_in_failed")
    assert failed["actor"] == 2
    before = entries(authority, "kind=sign_in_failed")
    assert_problem(public_door.get("/v1/invoices"), "not-authenticated")
    assert entries(authority, "kind=sign_in_failed") == before


def test_a_refusal_at_the_chain_s_own_door_is_noted(world: World, authority: Client) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'
    headers = {"content-type": "application/json"}
    assert_problem(world.issuer.client.request("POST", "/rpc", body, headers), "not-permitted")
    (refused,) = entries(authority, f"kind=refused&actor={world.issuer.party}", 1)
    assert refused["detail"]["route"] == "read_chain"


@pytest.mark.parametrize("who", ["issuer", "employer", "claimant"])
def test_parties_do_not_read_the_log(world: World, who: str) -> None:
    assert_problem(getattr(world, who).client.get("/v1/audit-log"), "not-permitted")


def test_an_officer_does_not_read_the_log_and_the_authority_does(officer: Client, authority: Client) -> None:
    assert_problem(officer.get("/v1/audit-log"), "not-permitted")
    assert authority.get("/v1/audit-log").status == 200


def test_reading_the_log_is_itself_noted(authority: Client) -> None:
    assert authority.get("/v1/audit-log?about=no-such-thing").status == 200
    (read,) = entries(authority, "kind=officer_query&actor=1", 1)
    assert read["detail"]["route"] == "read_audit_log"


def test_pages_follow_each_other_and_times_bound_them(authority: Client) -> None:
    first = authority.get("/v1/audit-log?limit=2").json()
    second = authority.get(f"/v1/audit-log?limit=2&cursor={first['next_cursor']}").json()
    numbers = [one["seq"] for one in first["items"] + second["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 4
    assert entries(authority, "since=2126-01-01T00:00:00Z") == []
    assert entries(authority, "until=2020-01-01T00:00:00%2B08:00") == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("since=yesterday", "query.since"),
        ("until=2026-02-30T00:00:00Z", "query.until"),
        ("since=0001-01-01T00:00:00%2B08:00", "query.since"),
        ("kind=everything", "query.kind"),
        ("actor=0", "query.actor"),
        ("about=%20", "query.about"),
        ("cursor=zz", "cursor"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(authority: Client, query: str, path: str) -> None:
    answer = authority.get(f"/v1/audit-log?{query}")
    assert answer.status in (400, 422), answer.text
    assert path in [one["path"] for one in answer.json()["errors"]]
