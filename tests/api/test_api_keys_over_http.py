"""API keys over HTTP: what each route takes, making narrower ones, ending them."""

from __future__ import annotations

from itertools import count

import pytest
from eth_account import Account
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.pools import access_of
from api.routes import rpc
from api.schemas.api_keys import LABEL_LENGTH_MAX, LIFETIME_DAYS_MAX
from api.scopes import READING, TAKEN, UNLISTED, taken_by
from ledger.service import Scope, api_keys
from tests.api.conftest import Client, Installation

KEYS = (f"api-key-{number}" for number in count())
CREDENTIALED = [
    route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and not access_of(route.endpoint).public
]


def test_every_route_with_a_credential_says_which_scope_it_takes() -> None:
    writing = {route.name for route in CREDENTIALED if not route.methods <= {"GET", "HEAD"}}
    assert writing - TAKEN.keys() == set(), "a route that api/scopes.py does not list"
    assert TAKEN.keys() - {route.name for route in CREDENTIALED} == set(), "a route that is no more"
    assert all(scopes for scopes in TAKEN.values())


def test_a_route_that_was_forgotten_takes_everything() -> None:
    assert taken_by("no_such_route", is_read=False) == UNLISTED == (Scope.ALL,)
    assert taken_by("no_such_route", is_read=True) == READING


def test_the_limits_shown_are_those_kept() -> None:
    assert (LABEL_LENGTH_MAX, LIFETIME_DAYS_MAX) == (api_keys.LABEL_LENGTH_MAX, api_keys.LIFETIME_DAYS_MAX)


@pytest.fixture
def narrow(officer: Client) -> Client:
    """The officer with a key for reading alone."""
    made = officer.post("/v1/api-keys", {"label": "reader", "scopes": ["read"]}, key=next(KEYS))
    assert made.status == 201, made.text
    return officer.acting(made.json()["api_key"])


def test_a_reading_key_reads_and_does_nothing_else(officer: Client, narrow: Client) -> None:
    assert narrow.get("/v1/parties").status == 200
    body = {"kind": "person", "name": "新人"}
    refused = narrow.post("/v1/parties", body, key=next(KEYS))
    assert (refused.status, refused.json()["type"]) == (403, "/problems/scope-missing")
    assert refused.json()["scope"] == "all"
    assert "`all`" in refused.json()["detail"]
    assert "all" in refused.json()["detail_zh"]
    assert officer.post("/v1/parties", body, key=next(KEYS)).status == 201


def test_a_supervising_key_makes_no_full_key_of_somebody_else(officer: Client, installation: Installation) -> None:
    made = officer.post("/v1/api-keys", {"label": "desk", "scopes": ["supervise", "read"]}, key=next(KEYS)).json()
    desk, party = officer.acting(made["api_key"]), {"kind": "person", "name": "新人"}
    for address, body in (("/v1/parties", party), ("/v1/officers", {"name": "新税官"})):
        refused = desk.post(address, body, key=next(KEYS))
        assert (refused.status, refused.json()["scope"]) == (403, "all")
    enrolled = officer.post("/v1/parties", party, key=next(KEYS)).json()
    reason = {"reason": "not suspended", "x": 1}
    admitted = desk.post(f"/v1/parties/{enrolled['party']}/reinstatement", reason, key=next(KEYS))
    assert admitted.status == 422  # what it supervises it does, once the body is right


def test_a_credential_is_checked_before_the_body_is_read(narrow: Client) -> None:
    refused = narrow.request("POST", "/v1/claims", b"not json", {"content-type": "text/plain"})
    assert refused.json()["type"] == "/problems/scope-missing"


def test_the_chain_itself_takes_a_reading_key(officer: Client, narrow: Client) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    assert narrow.post("/rpc", asked, key=None).status == 200
    made = officer.post("/v1/api-keys", {"label": "x", "scopes": ["supervise"]}, key=next(KEYS)).json()
    refused = officer.acting(made["api_key"]).post("/rpc", asked, key=None)
    assert refused.json()["scope"] == "read"
    assert rpc.routes.routes


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"scopes": ["write"]}, "choice_unknown"),
        ({"scopes": []}, None),
        ({"lifetime_days": LIFETIME_DAYS_MAX + 1}, None),
        ({"lifetime_days": 0}, None),
        ({"label": ""}, None),
    ],
)
def test_a_key_that_cannot_be_made_names_the_field(officer: Client, changed: dict[str, object], code: str) -> None:
    refused = officer.post("/v1/api-keys", {"label": "x", **changed}, key=next(KEYS))
    assert refused.status == 422
    assert refused.json()["errors"][0]["path"].split(".")[0] == next(iter(changed))


def test_a_key_is_made_listed_and_ended(officer: Client, installation: Installation) -> None:
    made = officer.post("/v1/api-keys", {"label": "till 3", "lifetime_days": 30}, key=next(KEYS)).json()
    acting = officer.acting(made["api_key"])
    assert acting.get("/v1/parties").status == 200
    listed = officer.get("/v1/api-keys").json()["items"]
    assert next(one for one in listed if one["key_id"] == made["key_id"])["state"] == "active"
    assert made["api_key"].rsplit("_", 1)[1] not in officer.get("/v1/api-keys").text
    ended = officer.post(f"/v1/api-keys/{made['key_id']}/revocation", {}, key=next(KEYS))
    assert (ended.status, ended.json()["state"]) == (201, "revoked")
    refused = acting.get("/v1/parties")
    assert (refused.status, refused.json()["type"]) == (401, "/problems/not-authenticated")


def test_a_signed_challenge_signs_in(officer: Client, public_door: Client, installation: Installation) -> None:
    context = installation.ledger.context
    party = installation.ledger.authenticate(installation.officer_key).party
    with context.reading() as connection:
        key = context.signing_key(connection, party)
    asked = public_door.post("/v1/challenges", {"party": party, "scopes": ["read"]}, key=None)
    assert asked.status == 200, asked.text
    typed = asked.json()["typed_data"]
    signature = Account.from_key(key).sign_typed_data(full_message=typed).signature.hex()
    address = f"/v1/challenges/{asked.json()['challenge_id']}/answer"
    wrong = Account.from_key(b"\x07" * 32).sign_typed_data(full_message=typed).signature.hex()
    refused = public_door.post(address, {"signature": wrong}, key=None)
    assert (refused.status, refused.json()["type"]) == (401, "/problems/challenge-refused")
    form = public_door.post(address, {"signature": signature[:-2]}, key=None)
    assert (form.status, form.json()["errors"][0]["code"]) == (422, "signature_form")
    made = public_door.post(address, {"signature": signature}, key=None)
    assert made.status == 200, made.text
    acting = public_door.acting(made.json()["api_key"])
    assert acting.get("/v1/parties").status == 200
    assert acting.post("/v1/api-keys", {"label": "x"}, key=next(KEYS)).json()["scope"] == "manage"
    again = public_door.post(address, {"signature": signature}, key=None)
    assert (again.status, again.json()["type"]) == (409, "/problems/challenge-ended")
    none = public_door.post(f"/v1/challenges/{'0d' * 61}/answer", {"signature": signature}, key=None)
    assert none.status == 404


def test_an_ended_time_is_told_to_who_has_the_secret(
    officer: Client, monkeypatch: pytest.MonkeyPatch, installation: Installation
) -> None:
    made = officer.post("/v1/api-keys", {"label": "brief", "lifetime_days": 1}, key=next(KEYS)).json()
    later = installation.ledger.context.now_s() + 90_000
    monkeypatch.setattr(type(installation.ledger.context), "now_s", lambda _: later)
    refused = officer.acting(made["api_key"]).get("/v1/parties")
    assert (refused.status, refused.json()["type"]) == (401, "/problems/key-expired")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    guessed = officer.acting(f"einv_{made['key_id']}_{'0' * 64}").get("/v1/parties")
    assert guessed.json()["type"] == "/problems/not-authenticated"
