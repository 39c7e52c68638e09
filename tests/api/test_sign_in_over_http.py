"""Signing in over HTTP: cookie, other sites, the password again, pages without script."""

from __future__ import annotations

import itertools
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest
from argon2 import PasswordHasher

from api.app import ROUTERS
from api.sessions import COOKIE, DEVICE_COOKIE, PASSWORD_ROUTES
from api.web.sign_in_words import SIGN_IN_WORDS
from ledger.identity import passwords
from ledger.service import sign_in
from ledger.service.context import Context
from ledger.service.sign_in import PASSWORD_FRESH_S
from tests.api.conftest import Answer, Client, Installation

PASSWORD = "sieben Raben am Fenster 41"
OTHER_PASSWORD = "ein anderer Satz mit 7 Enten"
OWN = {"sec-fetch-site": "same-origin"}
_COUNT = itertools.count(1)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash of 1 MiB takes a hundredth of the time; tests/service/test_sign_in.py measures the real one."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ledger's clock stands still; seconds added to it."""
    ahead, begun = [0], int(time.time())
    monkeypatch.setattr(Context, "now_s", lambda _self: begun + ahead[0])
    return ahead


def cookie_of(answer: Answer, name: str = COOKIE) -> str:
    """Value of a cookie that an answer sets."""
    found = [value for key, value in answer.raw_headers if key == "set-cookie" and value.startswith(f"{name}=")]
    assert len(found) == 1, answer.raw_headers
    return found[0].partition(";")[0].partition("=")[2]


def person(officer: Client) -> int:
    answer = officer.post("/v1/parties", {"kind": "person", "name": "陆游"}, key=f"person-{next(_COUNT)}")
    assert answer.status == 201, answer.text
    return int(answer.json()["party"])


class Member:
    """A person that accepted an invitation; its browser."""

    def __init__(self, door: Client, officer: Client) -> None:
        self.party = person(officer)
        made = officer.post("/v1/invitations", {"parties": [self.party]}, key=None)
        assert made.status == 201, made.text
        (one,) = made.json()["items"]
        self.invitation, self.link = one["invitation"], one["link"]
        self.name = f"member{next(_COUNT)}@example.com"
        self.door = door
        body = {"invitation": self.invitation, "name": self.name, "password": PASSWORD}
        self.accepted = door.post("/v1/invitations/acceptance", body, key=None)
        assert self.accepted.status == 201, self.accepted.text
        self.cookie = cookie_of(self.accepted)

    @property
    def headers(self) -> dict[str, str]:
        return {"cookie": f"{COOKIE}={self.cookie}", **OWN}

    def get(self, address: str) -> Answer:
        return self.door.request("GET", address, headers=self.headers)

    def send(self, method: str, address: str, value: object = None, **headers: str) -> Answer:
        given = {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        key = f"member-{next(_COUNT)}"
        return self.door.post(
            address, value, key=key, method=method, **{k.replace("-", "_"): v for k, v in given.items()}
        )

    def form(self, address: str, **fields: str) -> Answer:
        return form(self.door, address, fields, self.headers)


def form(door: Client, address: str, fields: dict[str, str], headers: dict[str, str]) -> Answer:
    given = {"content-type": "application/x-www-form-urlencoded", **headers}
    return door.request("POST", address, urlencode(fields).encode(), given)


@pytest.fixture
def member(public_door: Client, officer: Client) -> Member:
    return Member(public_door, officer)


def test_session_reads_and_writes_where_an_api_key_does(member):
    assert member.accepted.json()["party"] == member.party
    assert member.get(f"/v1/parties/{member.party}").status == 200
    rotated = member.send("POST", routes_by_name()["rotate_key"].path, {})
    assert rotated.status == 201, rotated.text


def test_cookie_is_of_this_host_alone_and_no_script_reads_it(member):
    for name in (COOKIE, DEVICE_COOKIE):
        (line,) = [value for key, value in member.accepted.raw_headers if value.startswith(f"{name}=")]
        parts = {one.strip().lower() for one in line.split(";")[1:]}
        assert name.startswith("__Host-")
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
        assert not any(one.startswith("domain") for one in parts)


def test_wrong_password_and_unknown_name_have_one_answer(member, public_door):
    said = []
    for name in (member.name, "nobody.at.all@example.com"):
        answer = public_door.post("/v1/sessions", {"name": name, "password": OTHER_PASSWORD}, key=None)
        assert answer.status == 401
        assert "set-cookie" not in answer.headers
        said.append({key: value for key, value in answer.json().items() if key != "instance"})
    assert said[0] == said[1]
    assert said[0]["type"] == "/problems/sign-in-failed"
    right = public_door.post("/v1/sessions", {"name": member.name, "password": PASSWORD}, key=None)
    assert right.status == 201


def test_whoever_confirms_on_and_on_has_one_place_and_keeps_nobody_from_signing_in(member, public_door, monkeypatch):
    looking, gate, look = threading.Semaphore(0), threading.Event(), sign_in.password_matches

    def held(hashed: str | None, password: str) -> bool:
        if password == PASSWORD:
            looking.release()
            assert gate.wait(30)
        return look(hashed, password)

    monkeypatch.setattr(sign_in, "password_matches", held)
    with ThreadPoolExecutor(31) as pool:
        sent = [pool.submit(member.send, "POST", "/v1/sessions/confirmation", {"password": PASSWORD})]
        assert looking.acquire(timeout=20)
        sent += [
            pool.submit(member.send, "POST", "/v1/sessions/confirmation", {"password": PASSWORD}) for _ in range(28)
        ]
        sent.append(pool.submit(member.send, "POST", "/v1/password", {"password": PASSWORD, "new_password": PASSWORD}))
        sent.append(pool.submit(member.form, "/me/confirmation", password=PASSWORD))
        assert {one.result(30).status for one in sent[1:]} == {503}  # while the first is still looked at
        guess = {"name": f"nobody{next(_COUNT)}@example.com", "password": OTHER_PASSWORD}
        assert public_door.post("/v1/sessions", guess, key=None).status == 401  # looked at, not told to wait
        gate.set()
        assert sent[0].result(30).status == 200
    assert member.send("POST", "/v1/sessions/confirmation", {"password": PASSWORD}).status == 200


def test_too_many_attempts_say_when_to_come_again(public_door):
    body = {"name": f"guessed{next(_COUNT)}@example.com", "password": OTHER_PASSWORD}
    answers = [public_door.post("/v1/sessions", body, key=None) for _ in range(8)]
    refused = [one for one in answers if one.status == 429]
    assert refused
    assert refused[0].json()["type"] == "/problems/too-many-attempts"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
    ],
)
def test_cookie_that_another_site_sent_changes_nothing(member, headers):
    given = {"cookie": f"{COOKIE}={member.cookie}", "host": "ledger.example", **headers}
    refused = member.door.request("DELETE", "/v1/sessions", headers=given)
    assert refused.status == 403
    assert refused.json()["type"] == "/problems/foreign-site"
    page = form(member.door, "/me/sign-out-everywhere", {}, given)
    assert page.status == 403
    assert member.get("/v1/sessions").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin", "origin": "null"},  # what browsers say under Referrer-Policy: no-referrer
        {"origin": "https://ledger.example"},
        {"origin": "http://ledger.example"},
    ],
)
def test_cookie_that_our_own_page_sent_counts(member, headers):
    given = {"cookie": f"{COOKIE}={member.cookie}", "host": "ledger.example", **headers}
    assert member.door.request("DELETE", "/v1/sessions", headers=given).json() == {"ended": 1}
    assert member.get("/v1/sessions").status == 401


def test_api_key_needs_no_word_of_a_browser(officer):
    assert officer.request("DELETE", "/v1/sessions", headers={"sec-fetch-site": "cross-site"}).status == 200


def test_sign_in_form_of_another_site_signs_nobody_in(member, public_door):
    fields = {"name": member.name, "password": PASSWORD}
    assert form(public_door, "/sign-in", fields, {"sec-fetch-site": "cross-site"}).status == 403
    assert form(public_door, "/sign-in", fields, {}).status == 403
    body = {"name": member.name, "password": PASSWORD}
    assert public_door.post("/v1/sessions", body, key=None, sec_fetch_site="cross-site").status == 403
    assert public_door.post("/v1/sessions", body, key=None, origin="https://evil.example").status == 403


@pytest.mark.parametrize("cookie", ["", "x", "a" * 5_000, f"{'0' * 32}.{'0' * 64}", "９" * 4, "../../etc"])
def test_strange_cookie_is_no_credential(public_door, cookie):
    given = {"cookie": f"{COOKIE}={quote(cookie, safe='./')}"}
    assert public_door.request("GET", "/v1/sessions", headers=given).status == 401


def test_session_list_ends_one_and_all(member, public_door):
    body = {"name": member.name, "password": PASSWORD}
    second = cookie_of(public_door.post("/v1/sessions", body, key=None, user_agent="curl/8"))
    listed = member.get("/v1/sessions").json()["items"]
    assert [(one["agent"], one["current"]) for one in listed if not one["current"]] == [("curl", False)]
    other = next(one["session_id"] for one in listed if not one["current"])
    assert member.send("DELETE", f"/v1/sessions/{other}").status == 200
    assert public_door.request("GET", "/v1/sessions", headers={"cookie": f"{COOKIE}={second}"}).status == 401
    assert member.send("DELETE", f"/v1/sessions/{'0' * 32}").status == 404
    assert member.send("DELETE", "/v1/sessions").json() == {"ended": 1}
    assert member.get("/v1/sessions").status == 401


def test_nobody_ends_the_session_of_another(member, public_door, officer):
    other = Member(public_door, officer)
    theirs = other.get("/v1/sessions").json()["items"][0]["session_id"]
    assert member.send("DELETE", f"/v1/sessions/{theirs}").status == 404
    assert other.get("/v1/sessions").status == 200


def routes_by_name():
    return {route.name: route for router in ROUTERS for route in router.routes}


def test_every_route_that_wants_the_password_again_is_one():
    routes = routes_by_name()
    for name in PASSWORD_ROUTES:
        assert routes[name].methods <= {"POST", "PUT", "DELETE"}, name
    enrols = {"enrol_party", "approve_enrolment", "sign_register"}
    wanted = {"rotate_key", "recover_key", "file_month", "refile_month", "approve_claim", "dismiss_officer"} | enrols
    assert wanted <= PASSWORD_ROUTES


@pytest.mark.parametrize("name", sorted(PASSWORD_ROUTES))
def test_what_cannot_be_undone_wants_a_fresh_password(member, clock, name):
    route = routes_by_name()[name]
    address = re.sub(r"\{\w+\}", "2026-11" if "month" in name else "7", route.path)
    method = next(iter(route.methods))
    fresh = member.send(method, address, {})
    clock[0] += PASSWORD_FRESH_S
    stale = member.send(method, address, {})
    assert stale.status == 401
    assert stale.json()["type"] == "/problems/password-needed"
    assert fresh.status != 401 or fresh.json()["type"] != "/problems/password-needed"
    assert member.send("POST", "/v1/sessions/confirmation", {"password": OTHER_PASSWORD}).status == 401
    assert member.send("POST", "/v1/sessions/confirmation", {"password": PASSWORD}).status == 200
    assert member.send(method, address, {}).json().get("type") != "/problems/password-needed"


def test_reading_needs_no_fresh_password_and_an_api_key_none_at_all(member, officer, clock):
    clock[0] += PASSWORD_FRESH_S
    assert member.get("/v1/sessions").status == 200
    answer = officer.post("/v1/invitations", {"parties": [person(officer)]}, key=None)
    assert answer.status == 201


def test_new_password_brings_a_new_cookie_and_ends_the_old_one(member):
    body = {"password": PASSWORD, "new_password": OTHER_PASSWORD}
    changed = member.send("POST", "/v1/password", body)
    assert changed.status == 200, changed.text
    assert member.get("/v1/sessions").status == 401
    member.cookie = cookie_of(changed)
    assert member.get("/v1/sessions").status == 200
    weak = member.send("POST", "/v1/password", {"password": OTHER_PASSWORD, "new_password": "password1234"})
    assert [(one["path"], one["code"]) for one in weak.json()["errors"]] == [("new_password", "password_guessable")]


def test_cookie_beside_an_api_key_is_left_alone(member, officer):
    given = {"cookie": f"{COOKIE}={member.cookie}"}
    answer = officer.post("/v1/sessions/confirmation", {"password": PASSWORD}, key=None, **given)
    assert answer.status == 401


def test_member_that_leaves_acts_for_the_enterprise_no_more(public_door, officer, installation: Installation):
    enrolled = officer.post(
        "/v1/parties",
        {"kind": "enterprise", "name": "离职公司", "tax_id": "91310112703255042R", "quota_fen": 10**6},
        key=f"firm-{next(_COUNT)}",
    )
    assert enrolled.status == 201, enrolled.text
    firm = public_door.acting(enrolled.json()["api_key"])
    member = Member(public_door, officer)
    body = {"person": member.party, "grants": ["finance", "claim"]}
    assert firm.post("/v1/grants", body, key="grant-both").status == 201
    sign_in = installation.ledger.sign_in
    assert sign_in.authenticate(member.cookie).grants != {}
    shown = member.get("/me?lang=en").text
    assert "离职公司" in shown
    assert "finance, claim" in shown
    assert firm.post(f"/v1/members/{member.party}/leaving", {}, key="leaves").status == 201
    assert sign_in.authenticate(member.cookie).grants == {}
    assert member.get("/v1/sessions").status == 200  # its own


# -- pages


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_lead_from_an_invitation_to_sign_out(public_door, officer, language):
    words = SIGN_IN_WORDS[language]
    invited = officer.post("/v1/invitations", {"parties": [person(officer)]}, key=None).json()["items"][0]
    path = invited["link"].partition("//")[2].partition("/")[2]
    page = public_door.get(f"/{path}&lang={language}")
    assert page.status == 200
    assert f"<h1>{words['invitation_title']}</h1>" in page.text
    assert "<script" not in page.text
    name = f"page{next(_COUNT)}@example.com"
    fields = {"i": invited["invitation"], "name": name, "password": PASSWORD, "lang": language}
    weak = form(public_door, "/invitation", {**fields, "password": "kurz"}, OWN)
    assert weak.status == 400
    assert 'role="alert"' in weak.text
    assert "kurz" not in weak.text
    done = form(public_door, "/invitation", fields, OWN)
    assert (done.status, done.headers["location"]) == (303, f"/me?lang={language}")
    assert form(public_door, "/invitation", fields, OWN).status == 404
    signed = form(public_door, "/sign-in", {"name": name, "password": PASSWORD, "next": "/check"}, OWN)
    assert (signed.status, signed.headers["location"]) == (303, "/check")
    browser = {"cookie": f"{COOKIE}={cookie_of(signed)}", **OWN}
    me = public_door.request("GET", f"/me?lang={language}", headers=browser)
    assert me.status == 200
    assert words["sessions"] in me.text
    assert "陆游" in me.text
    assert me.headers["cache-control"] == "no-store"
    out = form(public_door, "/me/sign-out", {"lang": language}, browser)
    assert (out.status, out.headers["location"]) == (303, f"/sign-in?done=out&lang={language}")
    assert words["signed_out"] in public_door.get(out.headers["location"]).text
    gone = public_door.request("GET", "/me", headers=browser)
    assert gone.status == 303
    assert gone.headers["location"].startswith("/sign-in?next=%2Fme")


def test_page_says_what_was_wrong_and_repeats_no_password(member, public_door):
    fields = {"name": '"><b>x', "password": OTHER_PASSWORD, "lang": "en"}
    answer = form(public_door, "/sign-in", fields, OWN)
    assert answer.status == 401
    assert "name or password is wrong" in answer.text
    assert OTHER_PASSWORD not in answer.text
    assert "<b>x" not in answer.text


def test_me_page_changes_the_password_and_ends_sessions(member, public_door):
    body = {"name": member.name, "password": PASSWORD}
    other = cookie_of(public_door.post("/v1/sessions", body, key=None))
    listed = member.get("/v1/sessions").json()["items"]
    other_id = next(one["session_id"] for one in listed if not one["current"])
    assert member.form("/me/sessions", session_id=other_id).status == 303
    assert member.form("/me/sessions", session_id=other_id).status == 404
    assert public_door.request("GET", "/me", headers={"cookie": f"{COOKIE}={other}"}).status == 303
    assert member.form("/me/confirmation", password=OTHER_PASSWORD).status == 401
    assert member.form("/me/confirmation", password=PASSWORD).headers["location"].endswith("done=confirmed")
    assert member.form("/me/password", password=PASSWORD, new_password="password1234").status == 400
    changed = member.form("/me/password", password=PASSWORD, new_password=OTHER_PASSWORD)
    assert changed.status == 303
    assert member.get("/me").status == 303
    member.cookie = cookie_of(changed)
    assert member.get("/me").status == 200
    assert member.form("/me/sign-out-everywhere").status == 303
    assert member.get("/me").status == 303


@pytest.mark.parametrize(
    ("following", "goes"),
    [
        ("/me", "/me"),
        ("/check?number=1", "/check?number=1"),
        ("", "/me"),
        ("https://evil.example/", "/me"),
        ("//evil.example/", "/me"),
        ("/\\evil.example", "/me"),
        ("/%0d%0aset-cookie:x", "/%0d%0aset-cookie:x"),
        ("/a\r\nset-cookie: x=1", "/me"),
        ("\t//evil.example", "/me"),
        ("javascript:alert(1)", "/me"),
        (f"/sign-in/through/{'0f' * 16}/start?purpose=link", "/me"),
        (f"/sign%2din/through/{'0f' * 16}/start?purpose=link", "/me"),
        (f"/x/../sign-in/through/{'0f' * 16}/start?purpose=link", "/me"),
        (f"/x/%2e%2e/sign-in/through/{'0f' * 16}/start?purpose=link", "/me"),
        ("/sign-in", "/sign-in"),
    ],
)
def test_visitor_is_sent_on_within_this_server_only(member, public_door, following, goes):
    fields = {"name": member.name, "password": PASSWORD, "next": following}
    answer = form(public_door, "/sign-in", fields, OWN)
    assert (answer.status, answer.headers["location"]) == (303, goes)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"name", b"a=1&" * 60, b"name=%ff&password=%00"])
@pytest.mark.parametrize("address", ["/sign-in", "/invitation", "/me/password", "/me/sessions"])
def test_any_form_is_answered_in_order(public_door, address, body):
    given = {"content-type": "application/x-www-form-urlencoded", **OWN}
    answer = public_door.request("POST", address, body, given)
    assert answer.status < 500
