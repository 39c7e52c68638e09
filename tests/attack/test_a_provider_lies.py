"""A company's sign-in provider that lies, leads inside the network or holds a sign-in up, beside an honest one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ledger.projection import providers
from ledger.service import Caller, Ledger, provider_fetch
from ledger.service.company_links import new_link
from ledger.service.errors import InvalidRequest, ProviderFailed, ProviderRefused
from ledger.service.provider_fetch import ANSWER_SIZE_MAX
from ledger.service.provider_sign_in import Answer, Purpose
from ledger.service.provider_talk import WELL_KNOWN, read_metadata
from ledger.service.sign_in import identity_of
from ledger.service.writing import run_write
from tests.service.world import World

KEY, OTHER = (RSAKey.generate_key(2048, {"kid": "k", "use": "sig"}) for _ in range(2))


@dataclass
class Liar:
    """What a provider answers by path: an object, bytes, or a status with headers. Changed by each test."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)  # beside what an honest token says
    key: RSAKey = field(default_factory=lambda: KEY)
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    nonce: str = ""
    asked: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)

    def said(self, path: str) -> Any:
        if path == WELL_KNOWN:
            known = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return {"issuer": self.issuer, **known, **self.metadata}
        if path == "/jwks_uri":
            return {"keys": [KEY.as_dict(private=False)]}
        now_s = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "li.ming", "aud": "einvoice", "iat": now_s, "exp": now_s + 60,
            "nonce": self.nonce, **self.claims,
        }  # fmt: skip
        return {"id_token": jwt.encode({"alg": "RS256", "kid": "k"}, claims, self.key), "token_type": "Bearer"}


@pytest.fixture
def liar() -> Iterator[Liar]:
    liar = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])))

        def _answer(self, body: bytes) -> None:
            liar.asked.append((self.path, parse_qs(body.decode()), self.headers.get("authorization", "")))
            if self.path in liar.answers:
                liar.answers[self.path](self)
                return
            said = json.dumps(liar.said(self.path)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up is what is tested."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    liar.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield liar
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def ledger(world: World) -> Ledger:
    """The ledger of all files, which lets providers on this machine in."""
    return world.opened(provider_private=True)


@pytest.fixture(scope="module")
def company(world: World) -> tuple[Caller, Caller]:
    """A company and its employee."""
    employer = world.enterprise("被骗公司")
    return employer, world.person("被骗员工", (employer, ["claim"]))


@dataclass
class SignIn:
    """One sign-in through the liar, begun when it was honest."""

    ledger: Ledger
    provider_id: str
    cookie: str
    query: dict[str, str]

    def arrive(self, **changes: str) -> Any:
        given = {"code": "c0de", "state": self.query["state"], **changes}
        return self.ledger.provider_sign_in.arrive(self.provider_id, self.cookie, Answer(**given), address="192.0.2.7")


@pytest.fixture
def begun(ledger: Ledger, company: tuple[Caller, Caller], world: World, liar: Liar) -> Iterator[SignIn]:
    employer, employee = company
    view = ledger.sign_in_providers.register(
        employer, issuer=liar.issuer, client_id="einvoice", client_secret="s3cret", idempotency_key=world.key()
    )
    link = new_link(ledger.context, view.provider_id, identity_of(employee), "li.ming")
    run_write(ledger.context, lambda connection: providers.put_link(connection, link))
    leaving = ledger.provider_sign_in.leave(view.provider_id, Purpose.SIGN_IN)
    query = {name: values[0] for name, values in parse_qs(urlsplit(leaving.address).query).items()}
    liar.nonce = query["nonce"]
    yield SignIn(ledger, view.provider_id, leaving.cookie, query)
    ledger.sign_in_providers.remove(employer, view.provider_id, idempotency_key=world.key())


def test_an_honest_answer_is_taken_once(begun: SignIn, liar: Liar, company: tuple[Caller, Caller]) -> None:
    arrived = begun.arrive()
    assert arrived.signed_in.caller.party == company[1].party
    path, form, authorization = next(one for one in liar.asked if one[0] == "/token_endpoint")
    assert (path, form["code"], len(form["code_verifier"][0])) == ("/token_endpoint", ["c0de"], 64)
    assert authorization.startswith("Basic ")
    assert "s3cret" not in begun.cookie
    assert liar.nonce not in begun.cookie
    with pytest.raises(ProviderRefused) as caught:
        begun.arrive()
    assert caught.value.reason == "lost"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"claims": {"nonce": "another"}}, "token_nonce"),
        ({"claims": {"aud": "another"}}, "token_aud"),
        ({"claims": {"iss": "https://login.example.com"}}, "token_iss"),
        ({"claims": {"exp": 1_000_000_000}}, "token_exp"),
        ({"key": OTHER}, "token_signature"),
        ({"metadata": {"issuer": "https://login.example.com"}}, "provider_issuer"),
        ({"metadata": {"token_endpoint": "http://elsewhere.example/"}}, "provider_url_not_https"),
        ({"metadata": {"jwks_uri": "file:///etc/passwd"}}, "provider_url_form"),
        ({"metadata": {"token_endpoint": "https://127.0.0.1@elsewhere.example/"}}, "provider_url_form"),
        ({"metadata": {"token_endpoint": 7}}, "provider_metadata"),
        ({"metadata": {"authorization_response_iss_parameter_supported": True}}, "provider_issuer"),
    ],
)
def test_a_lie_ends_the_sign_in(begun: SignIn, liar: Liar, change: dict[str, Any], reason: str) -> None:
    for name, value in change.items():
        setattr(liar, name, value)
    with pytest.raises(ProviderFailed) as caught:
        begun.arrive()
    assert caught.value.reason == reason
    with pytest.raises(ProviderRefused):
        begun.arrive()  # one lie, and the sign-in is over


@pytest.mark.parametrize(
    "change", [{"code": ""}, {"error": "access_denied"}, {"state": "another"}, {"iss": "https://a"}]
)
def test_another_answer_than_the_browser_s_own_is_refused(begun: SignIn, change: dict[str, str]) -> None:
    with pytest.raises((ProviderRefused, ProviderFailed)):
        begun.arrive(**change)


def redirected(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("location", "http://127.0.0.1:1/")
    handler.send_header("content-length", "0")
    handler.end_headers()


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b" " * (ANSWER_SIZE_MAX + 2))


DRIPPED_OUT: list[str] = []  # addresses whose whole slow answer somebody waited for


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        time.sleep(0.05)
        handler.wfile.write(b" ")
        handler.wfile.flush()
    DRIPPED_OUT.append(handler.path)


def nested(handler: BaseHTTPRequestHandler) -> None:
    said = b"[" * 100_000
    handler.send_response(200)
    handler.send_header("content-length", str(len(said)))
    handler.end_headers()
    handler.wfile.write(said)


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        (WELL_KNOWN, redirected, "provider_metadata"),
        ("/token_endpoint", redirected, "provider_token"),
        ("/jwks_uri", redirected, "provider_keys"),
        (WELL_KNOWN, endless, "provider_too_long"),
        ("/jwks_uri", endless, "provider_too_long"),
        (WELL_KNOWN, nested, "provider_issuer"),
        ("/token_endpoint", dripping, "provider_timeout"),
    ],
)
def test_an_answer_that_leads_on_or_does_not_end_is_cut(
    begun: SignIn, liar: Liar, monkeypatch: pytest.MonkeyPatch, path: str, answer: Any, reason: str
) -> None:
    monkeypatch.setattr(provider_fetch, "FETCH_TIMEOUT_S", 0.5)
    liar.answers[path] = answer
    with pytest.raises(ProviderFailed) as caught:
        begun.arrive()
    assert caught.value.reason == reason
    assert not DRIPPED_OUT


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "address", ["https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "https://0x7f.1/"]
)
def test_metadata_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
    issuer = "https://login.example.com"
    known = {one: f"{issuer}/{one}" for one in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    said: dict[str, object] = {"issuer": issuer, **known}

    def fetched(url: str, *, private: bool) -> provider_fetch.Fetched:
        assert (url, private) == (issuer + WELL_KNOWN, False)
        return provider_fetch.Fetched(200, said)

    monkeypatch.setattr("ledger.service.provider_talk.fetch", fetched)
    assert read_metadata(issuer, private=False).issuer == issuer
    said[name] = address
    with pytest.raises(ProviderFailed, match="url_"):
        read_metadata(issuer, private=False)


def test_a_provider_that_cannot_be_read_is_not_registered(
    ledger: Ledger, world: World, company: tuple[Caller, Caller], liar: Liar
) -> None:
    liar.answers[WELL_KNOWN] = redirected
    with pytest.raises(InvalidRequest) as caught:
        ledger.sign_in_providers.register(
            company[0], issuer=liar.issuer, client_id="a", client_secret="b", idempotency_key=world.key()
        )
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("issuer", "issuer_unusable")
