"""People sign in through their company's own provider: a real one, started here, driven as a browser drives it.

The browser is two: httpx at the provider, the ASGI client at the ledger; what it carries between them is all it knows.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from argon2 import PasswordHasher
from fastapi.routing import APIRoute

from api.app import ROUTERS, create_app
from api.pools import COMPANY_SIGN_INS_MAX, access_of
from api.sessions import COMPANY_ROUTES, COOKIE, FLOW_COOKIE
from ledger.identity import passwords
from ledger.service import Ledger
from ledger.service.context import Context
from ledger.service.provider_sign_in import FLOW_LIFETIME_S, ProviderSignIn
from ledger.service.sign_in import PASSWORD_FRESH_S
from tests.api.conftest import Answer, Client, Installation
from tests.api.test_sign_in_over_http import PASSWORD, Member
from tests.js import clients
from tests.service.world import SERIALS, tax_id

pytestmark = pytest.mark.slow
OWN = {"sec-fetch-site": "same-origin"}
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the provider speaks http; the default one takes long to make
ELSEWHERE = "https://elsewhere.example/answer"
_COUNT = itertools.count(1)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with clients.sign_in_provider() as found:
        yield found


@pytest.fixture(scope="module")
def door(portal: BlockingPortal, installation: Installation) -> Iterator[Client]:
    """The ledger of all files, reached where providers on this machine are let in."""
    settings = installation.settings.model_copy(update={"provider_private": True})
    with Ledger.open(settings) as ledger:
        app = create_app(ledger, settings)
        with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
            yield Client(portal, app)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seconds by which the ledger's clock is ahead."""
    ahead = [0]
    monkeypatch.setattr(Context, "now_s", lambda _self: int(time.time()) + ahead[0])
    return ahead


@dataclass
class Company:
    """An enterprise with a provider of its own, registered on both sides."""

    door: Client
    party: int
    client: Client  # with the enterprise's credential
    provider_id: str
    issuer: str
    registration: dict[str, str]  # what the provider said of the client

    def grant(self, person: int, *grants: str) -> None:
        given = self.client.post("/v1/grants", {"person": person, "grants": list(grants)}, key=f"grant-{next(_COUNT)}")
        assert given.status == 201, given.text


def enterprise(door: Client, officer: Client, name: str) -> tuple[int, Client]:
    body = {"kind": "enterprise", "name": name, "tax_id": tax_id(next(SERIALS)), "quota_fen": 100_000_000}
    made = officer.post("/v1/parties", body, key=f"company-{next(_COUNT)}")
    assert made.status == 201, made.text
    return int(made.json()["party"]), door.acting(made.json()["api_key"])


def company(door: Client, officer: Client, issuer: str, name: str = "登录公司") -> Company:
    party, client = enterprise(door, officer, name)
    registered = httpx.post(f"{issuer}/reg", json={"redirect_uris": [ELSEWHERE]}).json()
    body = {key: registered[key] for key in ("client_id", "client_secret")}
    made = client.post("/v1/sign-in-providers", {"issuer": issuer, **body}, key=f"provider-{next(_COUNT)}")
    assert made.status == 201, made.text
    assert registered["client_secret"] not in made.text
    changed = {
        **{key: registered[key] for key in ("client_id", "client_secret")},
        "redirect_uris": [made.json()["redirect_uri"]],
    }
    answer = httpx.put(
        registered["registration_client_uri"], json=changed,
        headers={"authorization": f"Bearer {registered['registration_access_token']}"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return Company(door, party, client, made.json()["provider_id"], issuer, registered)


@dataclass
class Browser:
    """Cookies it keeps for the ledger, and a session of its own at the provider."""

    door: Client
    cookies: dict[str, str] = field(default_factory=dict)
    at_provider: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, address: str, site: str = "same-origin") -> Answer:
        return self._kept(self.door.request("GET", address, headers={**self._sent(), "sec-fetch-site": site}))

    def form(self, address: str, **fields: str) -> Answer:
        headers = {**self._sent(), **OWN, "content-type": "application/x-www-form-urlencoded"}
        return self._kept(self.door.request("POST", address, urlencode(fields).encode(), headers))

    def leave(self, of: Company, purpose: str = "sign-in", **more: str) -> str:
        """Address at the provider that the ledger sends it to."""
        left = self.get(f"/sign-in/through/{of.provider_id}/start?{urlencode({'purpose': purpose, **more})}")
        assert left.status == 303, left.text
        return left.headers["location"]

    def signed_in_there(self, address: str, account: str) -> str:
        """Address the provider sends it back to, once it said who it is there where it is asked."""
        with httpx.Client(cookies=self.at_provider, verify=_NO_TLS) as there:
            for _ in range(10):
                if address.startswith("http://127.0.0.1:8000"):
                    self.at_provider = there.cookies
                    return address
                answer = there.get(address)
                if answer.status_code not in (302, 303):
                    action = re.search(r'action="([^"]+)"', answer.text)
                    assert action is not None, answer.text
                    fields = {"prompt": "login", "login": account, "password": "anything"}
                    answer = there.post(str(httpx.URL(address).join(action.group(1))), data=fields)
                address = str(httpx.URL(address).join(answer.headers["location"]))
        raise AssertionError(address)

    def arrive(self, address: str) -> Answer:
        """The ledger's answer to what the provider sent it back with."""
        parts = urlsplit(address)
        return self.get(f"{parts.path}?{parts.query}", site="cross-site")

    def through(self, of: Company, account: str, purpose: str = "sign-in", **more: str) -> Answer:
        return self.arrive(self.signed_in_there(self.leave(of, purpose, **more), account))

    def api(self, method: str, address: str, value: object = None) -> Answer:
        headers = {name.replace("-", "_"): text for name, text in {**self._sent(), **OWN}.items()}
        return self.door.post(address, value, key=f"browser-{next(_COUNT)}", method=method, **headers)

    def _sent(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def _kept(self, answer: Answer) -> Answer:
        for name, value in answer.raw_headers:
            if name != "set-cookie":
                continue
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(value.split("; ")), value
            key, _, text = value.partition(";")[0].partition("=")
            assert key.startswith("__Host-")
            if text in ("", '""'):
                self.cookies.pop(key, None)
            else:
                self.cookies[key] = text
        return answer


@dataclass
class Linked:
    """A person with a password, employed by a company and linked to an account there."""

    of: Company
    person: Member
    account: str
    own: Browser  # with the session of the password


def own_browser(door: Client, member: Member) -> Browser:
    return Browser(door, {COOKIE: member.cookie})


def linked(door: Client, officer: Client, of: Company, *grants: str) -> Linked:
    member, account = Member(door, officer), f"account-{next(_COUNT)}"
    of.grant(member.party, *(grants or ("claim",)))
    own = own_browser(door, member)
    done = own.through(of, account, "link")
    assert (done.status, done.headers["location"]) == (303, "/me?lang=zh&done=linked"), done.text
    return Linked(of, member, account, own)


@pytest.fixture(scope="module")
def employer(door: Client, officer: Client, issuer: str) -> Company:
    return company(door, officer, issuer)


def whoami(browser: Browser) -> int | None:
    page = browser.get("/me?lang=en")
    found = re.search(r"<dt>Party</dt><dd>(\d+)</dd>", page.text)
    return int(found.group(1)) if found else None


def said(answer: Answer) -> str:
    found = re.search(r'id="problem">([^<]+)<', answer.text)
    return found.group(1) if found else ""


def test_person_links_an_account_and_signs_in_with_it(door: Client, officer: Client, employer: Company) -> None:
    known = linked(door, officer, employer)
    assert known.account not in known.own.get("/me").text
    fresh = Browser(door)
    begin = fresh.get(f"/sign-in/through/{employer.provider_id}?lang=en")
    assert (begin.status, employer.issuer in begin.text) == (200, True)
    assert "script" not in begin.text
    address = fresh.leave(employer, next="/v1/sessions")
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (query["response_type"], query["code_challenge_method"], query["scope"]) == ("code", "S256", "openid")
    assert query["redirect_uri"] == f"http://127.0.0.1:8000/sign-in/through/{employer.provider_id}/answer"
    assert len(query["state"]) >= 32 <= len(query["nonce"])
    arrived = fresh.arrive(fresh.signed_in_there(address, known.account))
    assert (arrived.status, arrived.headers["location"]) == (303, "/v1/sessions")
    assert whoami(fresh) == known.person.party
    assert FLOW_COOKIE not in fresh.cookies
    sessions = known.own.api("GET", "/v1/sessions").json()["items"]
    assert sorted(one["company"] or 0 for one in sessions) == [0, employer.party]


def test_account_nobody_linked_signs_nobody_in(door: Client, officer: Client, employer: Company) -> None:
    known, fresh = linked(door, officer, employer), Browser(door)
    refused = fresh.through(employer, f"{known.account}-x")
    assert refused.status == 401
    assert "linked" in said(refused) or "关联" in said(refused)
    assert COOKIE not in fresh.cookies
    assert fresh.through(employer, known.account).status == 401  # the provider remembers whom it asked
    fresh.at_provider = httpx.Cookies()
    assert fresh.through(employer, known.account).status == 303


def test_account_of_one_is_not_linked_to_another(door: Client, officer: Client, employer: Company) -> None:
    known, other = linked(door, officer, employer), Member(door, officer)
    employer.grant(other.party, "claim")
    taken = own_browser(door, other).through(employer, known.account, "link")
    assert taken.status == 401
    assert str(known.person.party) not in said(taken)
    assert own_browser(door, other).through(employer, f"{known.account}-own", "link").status == 303


def test_linking_needs_the_password_just_given_and_a_job_there(
    door: Client, officer: Client, employer: Company, clock: list[int]
) -> None:
    member = Member(door, officer)
    own = own_browser(door, member)
    start = f"/sign-in/through/{employer.provider_id}/start?purpose=link"
    assert own.get(start).status == 404
    employer.grant(member.party, "claim")
    assert own.get(start).status == 303
    clock[0] += PASSWORD_FRESH_S
    assert own.get(start).status == 401
    assert own.form("/me/confirmation", password=PASSWORD).status == 303
    assert own.get(start).status == 303
    assert Browser(door).get(start).headers["location"].startswith("/sign-in?")


def test_another_site_cannot_send_a_browser_to_a_provider(door: Client, employer: Company) -> None:
    start = f"/sign-in/through/{employer.provider_id}/start"
    assert Browser(door).get(start, site="cross-site").status == 403
    assert door.request("GET", start).status == 403
    assert Browser(door).get(start).status == 303


def test_answer_counts_in_its_browser_once_and_in_time(
    door: Client, officer: Client, employer: Company, clock: list[int]
) -> None:
    known, attacker, victim = linked(door, officer, employer), Browser(door), Browser(door)
    injected = attacker.signed_in_there(attacker.leave(employer), known.account)
    assert victim.arrive(injected).status == 401  # no sign-in began there
    victim.leave(employer)
    assert victim.arrive(injected).status == 401  # another one did
    assert COOKIE not in victim.cookies

    flow = dict(attacker.cookies)
    assert attacker.arrive(injected).status == 303
    attacker.cookies = flow
    replayed = attacker.arrive(injected)
    assert replayed.status == 401
    assert COOKIE not in attacker.cookies

    late = Browser(door)
    address = late.signed_in_there(late.leave(employer), known.account)
    clock[0] += FLOW_LIFETIME_S
    assert late.arrive(address).status == 401


def test_state_or_provider_of_another_sign_in_is_refused(
    door: Client, officer: Client, employer: Company, issuer: str
) -> None:
    known, other = linked(door, officer, employer), company(door, officer, issuer, "别家公司")
    one = Browser(door)
    address = one.signed_in_there(one.leave(employer), known.account)
    flow = dict(one.cookies)
    for changed in (
        re.sub(r"state=[^&]+", "state=x", address),
        address.replace(employer.provider_id, other.provider_id),
        re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Felsewhere.example", address),
    ):
        one.cookies = dict(flow)
        refused = one.arrive(changed)
        assert refused.status in (401, 502)
        assert COOKIE not in one.cookies
        one = Browser(door)
        address = one.signed_in_there(one.leave(employer), known.account)
        flow = dict(one.cookies)
    assert one.arrive(f"{address}&session_state=1&authuser=0").status == 303  # further words of a provider are let in


def test_declined_sign_in_says_so(door: Client, employer: Company) -> None:
    browser = Browser(door)
    state = parse_qs(urlsplit(browser.leave(employer)).query)["state"][0]
    query = urlencode({"error": "access_denied", "state": state, "iss": employer.issuer})
    refused = browser.get(f"/sign-in/through/{employer.provider_id}/answer?{query}", site="cross-site")
    assert refused.status == 401
    assert said(refused)


def test_person_who_left_is_out_at_once_and_the_link_with_it(door: Client, officer: Client, employer: Company) -> None:
    known, fresh = linked(door, officer, employer), Browser(door)
    assert fresh.through(employer, known.account).status == 303
    assert whoami(fresh) == known.person.party
    left = employer.client.post(f"/v1/members/{known.person.party}/leaving", {}, key=f"leave-{next(_COUNT)}")
    assert left.status == 201, left.text
    assert whoami(fresh) is None
    assert Browser(door).through(employer, known.account).status == 401
    employer.grant(known.person.party, "claim")
    assert Browser(door).through(employer, known.account).status == 401  # hired again, it links again
    assert whoami(known.own) == known.person.party


def test_removed_provider_ends_links_and_sessions(door: Client, officer: Client, issuer: str) -> None:
    of = company(door, officer, issuer, "换登录公司")
    known, fresh = linked(door, officer, of), Browser(door)
    assert fresh.through(of, known.account).status == 303
    foreign = officer.post(f"/v1/sign-in-providers/{of.provider_id}/removal", {}, key=f"remove-{next(_COUNT)}")
    assert foreign.status == 403
    (listed,) = of.client.get("/v1/sign-in-providers").json()["items"]
    assert listed["linked_count"] == 1
    removed = of.client.post(f"/v1/sign-in-providers/{of.provider_id}/removal", {}, key=f"remove-{next(_COUNT)}")
    assert (removed.status, removed.json()) == (201, {"links": 1})
    assert whoami(fresh) is None
    assert Browser(door).get(f"/sign-in/through/{of.provider_id}/start").status == 404
    assert of.client.get("/v1/sign-in-providers").json() == {"items": []}
    assert whoami(known.own) == known.person.party


@pytest.mark.parametrize(
    "ending",
    [
        lambda known: known.own.form("/me/providers/end", provider_id=known.of.provider_id),
        lambda known: known.own.form("/me/sign-out-everywhere"),
        lambda known: known.own.form("/me/password", password=PASSWORD, new_password="ein anderer Satz mit 7 Enten"),
    ],
    ids=["unlinked", "everywhere", "password"],
)
def test_person_ends_links_and_their_sessions(
    door: Client, officer: Client, employer: Company, ending: Callable[[Linked], Answer]
) -> None:
    known, fresh = linked(door, officer, employer), Browser(door)
    assert fresh.through(employer, known.account).status == 303
    assert ending(known).status == 303
    assert whoami(fresh) is None
    assert Browser(door).through(employer, known.account).status == 401


def test_irreversible_act_waits_until_the_provider_asked_again(
    door: Client, officer: Client, employer: Company, clock: list[int]
) -> None:
    known, fresh = linked(door, officer, employer, "finance"), Browser(door)
    assert fresh.through(employer, known.account).status == 303
    clock[0] += PASSWORD_FRESH_S
    act = lambda: fresh.api("POST", f"/v1/claims/{'ab' * 16}/approve", {"payment_reference": "P-1"})  # noqa: E731
    waiting = act()
    assert (waiting.status, waiting.json()["type"]) == (401, "/problems/password-needed")
    clock[0] -= PASSWORD_FRESH_S
    asked = fresh.leave(employer, "again")
    query = parse_qs(urlsplit(asked).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    again = fresh.arrive(fresh.signed_in_there(asked, known.account))
    assert (again.status, again.headers["location"]) == (303, "/me?lang=zh&done=confirmed")
    assert act().status == 404  # there is no such claim: the act itself was looked at

    fresh.at_provider = httpx.Cookies()
    another = fresh.arrive(fresh.signed_in_there(fresh.leave(employer, "again"), f"{known.account}-x"))
    assert another.status == 401
    assert whoami(fresh) == known.person.party


def test_provider_that_did_not_ask_again_confirms_nothing(
    door: Client, officer: Client, employer: Company, clock: list[int]
) -> None:
    known, fresh = linked(door, officer, employer, "finance"), Browser(door)
    assert fresh.through(employer, known.account).status == 303
    clock[0] += 2 * PASSWORD_FRESH_S  # the provider's own clock, and so its auth_time, stays behind
    stale = fresh.arrive(fresh.signed_in_there(fresh.leave(employer, "again"), known.account))
    assert stale.status == 502
    assert "token" in said(stale)


def test_invited_person_accepts_through_the_provider_of_its_company(
    door: Client, officer: Client, employer: Company, issuer: str
) -> None:
    other = company(door, officer, issuer, "未聘公司")
    made = officer.post("/v1/parties", {"kind": "person", "name": "陆游"}, key=f"person-{next(_COUNT)}")
    person = int(made.json()["party"])
    employer.grant(person, "claim")
    invited = employer.client.post("/v1/invitations", {"parties": [person]}, key=None)
    assert invited.status == 201, invited.text
    (one,) = invited.json()["items"]
    browser, account = Browser(door), f"account-{next(_COUNT)}"
    page = browser.get(f"/invitation?i={one['invitation']}")
    assert f"/sign-in/through/{employer.provider_id}/start?purpose=invitation" in page.text
    assert other.provider_id not in page.text
    foreign = browser.get(f"/sign-in/through/{other.provider_id}/start?purpose=invitation&i={one['invitation']}")
    assert foreign.status == 404
    assert browser.through(employer, account, "invitation", i=one["invitation"]).status == 303
    assert whoami(browser) == person
    assert browser.get(f"/invitation?i={one['invitation']}").status == 404  # it served
    assert Browser(door).through(employer, account).status == 303
    assert browser.form("/me/password", password=PASSWORD, new_password=PASSWORD + " 2").status == 403
    assert whoami(browser) == person


def test_provider_that_is_down_or_lies_gives_a_page(
    door: Client, officer: Client, employer: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clients.sign_in_provider() as gone:
        of = company(door, officer, gone, "断网公司")
        assert Browser(door).get(f"/sign-in/through/{of.provider_id}/start").status == 303
    down = Browser(door).get(f"/sign-in/through/{of.provider_id}/start?lang=en")
    assert (down.status, down.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "provider_down" in said(down)
    _, client = enterprise(door, officer, "无服务公司")
    body = {"issuer": gone, "client_id": "a", "client_secret": "b"}
    refused = client.post("/v1/sign-in-providers", body, key=f"provider-{next(_COUNT)}")
    assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "issuer_unusable")


def test_slow_providers_of_one_company_keep_no_place_of_anothers(
    door: Client, officer: Client, issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = company(door, officer, issuer, "慢登录公司"), company(door, officer, issuer, "快登录公司")
    registered = httpx.post(f"{issuer}/reg", json={"redirect_uris": [ELSEWHERE]}).json()
    body = {"issuer": issuer, **{key: registered[key] for key in ("client_id", "client_secret")}}
    second = slow.client.post("/v1/sign-in-providers", body, key=f"provider-{next(_COUNT)}").json()["provider_id"]
    entered, let_go, leave = threading.Semaphore(0), threading.Event(), ProviderSignIn.leave

    def slowly(self: ProviderSignIn, provider_id: str, *args: Any, **kwargs: Any) -> Any:
        if provider_id != other.provider_id:
            entered.release()
            assert let_go.wait(30)
        return leave(self, provider_id, *args, **kwargs)

    async def start(provider_id: str) -> int:
        return (await door._request("GET", f"/sign-in/through/{provider_id}/start", None, OWN)).status

    async def crowd() -> tuple[list[int], int, int]:
        places = [(slow.provider_id, second)[at % 2] for at in range(COMPANY_SIGN_INS_MAX)]
        waiting = [asyncio.ensure_future(start(one)) for one in places]
        taken = 0
        while taken < COMPANY_SIGN_INS_MAX:
            taken += entered.acquire(blocking=False)
            await asyncio.sleep(0.01)
        beyond, elsewhere = await start(second), await start(other.provider_id)
        let_go.set()
        return [await one for one in waiting], beyond, elsewhere

    monkeypatch.setattr(ProviderSignIn, "leave", slowly)
    assert door.portal.call(crowd) == ([303] * COMPANY_SIGN_INS_MAX, 503, 303)
    assert door.portal.call(start, second) == 303  # the place is free again


def test_enterprise_alone_registers_a_provider_on_the_public_internet(
    door: Client, public_door: Client, officer: Client, employer: Company, issuer: str
) -> None:
    body = {"issuer": issuer, "client_id": "a", "client_secret": "b"}
    assert officer.post("/v1/sign-in-providers", body, key=f"provider-{next(_COUNT)}").status == 403
    _, client = enterprise(public_door, officer, "内网公司")
    inside = client.post("/v1/sign-in-providers", body, key=f"provider-{next(_COUNT)}")
    assert (inside.status, inside.json()["errors"][0]["code"]) == (422, "issuer_form")
    for wrong in ("https://169.254.169.254/", "https://2130706433/", "https://a.example/?x=1", "ftp://a.example", ""):
        answer = client.post("/v1/sign-in-providers", {**body, "issuer": wrong}, key=f"provider-{next(_COUNT)}")
        assert (answer.status, answer.json()["errors"][0]["path"]) == (422, "issuer"), wrong


def test_a_company_session_is_refused_by_every_route_not_named_for_it(
    door: Client, officer: Client, employer: Company
) -> None:
    known, fresh = linked(door, officer, employer, "issue", "finance", "claim"), Browser(door)
    assert fresh.through(employer, known.account).status == 303
    routes = {
        route.name: route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema and not access_of(route.endpoint).public
    }
    assert set(routes) > COMPANY_ROUTES
    for name, route in routes.items():
        if name in ("end_session", "end_sessions"):
            continue
        method, address = min(route.methods), re.sub(r"\{[^}]+\}", "0f" * 8, route.path)
        answer = fresh.api(method, address, {})
        refused = answer.status == 403 and f"enterprise {employer.party}" in answer.json()["detail"]
        assert refused is (name not in COMPANY_ROUTES), (name, answer.status, answer.text)
    assert fresh.api("DELETE", "/v1/sessions", {}).json() == {"ended": 1}
    assert whoami(known.own) == known.person.party
