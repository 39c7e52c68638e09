"""The table of rights walked: every route asked for a victim's things by every role, and held against its row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from argon2 import PasswordHasher

from api.access_table import RULES, Admission, Right, Role, table_lines
from api.app import create_app
from api.endpoint import LedgerRoute
from api.pools import access_of
from ledger.identity import passwords
from tests.api.conftest import Answer, Client
from tests.attack.conftest import make_cast
from tests.attack.requests import REQUESTS, Asked
from tests.attack.scene import Scene, make_scene
from tests.attack.walking import ROUTES, Walk
from tests.service.world import World, must

SECURITY = Path(__file__).parents[2] / "docs" / "SECURITY.md"
NEVER_DONE = frozenset({  # to whom it would be done gives a password here, or keeps a key
    "open_session", "sign_in_form", "confirm_session", "change_password", "accept_invitation", "invitation_form",
    "password_form", "confirmation_form", "end_session_form", "read_draft", "sign_draft", "answer_challenge",
    "provider_start", "provider_answer", "unlink_form", "register_provider",  # a provider would have to be asked
})  # fmt: skip
MISSING: dict[str, object] = {
    "number": "94403260911099999999",
    "claim_id": "0f" * 16,
    "digest": "0f" * 32,
    "job": "0f" * 16,
    "webhook_id": "0f" * 16,
    "till_id": "0f" * 8,
    "office": 999_999,
    "session_id": "0f" * 16,
    "external_id": "NOBODY-1",
    "key_id": "0f" * 8,
    "proposal_id": "0f" * 16,
    "request_id": "0f" * 16,
    "party": 999_999,
}
PUTS_FILES_TOGETHER = "read_archive"  # half a second for every invoice of it
READS = [name for name in REQUESTS if name in ROUTES and ROUTES[name].methods == {"GET"}]
WRITES = [name for name in REQUESTS if name in ROUTES and ROUTES[name].methods != {"GET"}]
OUTSIDE = (Role.OUTSIDER, Role.SUSPENDED, Role.WITNESS, Role.OFFICER_ELSEWHERE)
HIDDEN_READS = [
    (name, role)
    for name in READS
    for role in OUTSIDE
    if RULES[name].right(role) is Right.HIDDEN
    and any(f"{{{value}" in ROUTES[name].path for value in MISSING)
    and (role is Role.OFFICER_ELSEWHERE or "{party" not in ROUTES[name].path)
]  # that an enterprise exists is no secret but to officers of other districts


@pytest.fixture(scope="module")
def walk(world: World) -> Iterator[Walk]:
    """The application on a ledger in which the victim lives, apart from the parties of other attacks."""
    with pytest.MonkeyPatch.context() as patch, start_blocking_portal() as portal:
        # a hash of 1 MiB takes a hundredth of the time; tests/service/test_sign_in.py measures the real one
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1))
        scene = make_scene(world, make_cast(world))
        app = create_app(world.ledger, world.settings)
        with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
            yield Walk(Client(portal, app), scene)


def walked(walk: Walk, name: str) -> dict[Role, tuple[Right, int]]:
    """What every role gets of a route, and the status it is answered with."""
    walk.scene.used()
    found = {}
    for role in Role:
        right, answer = walk.ask(name, role)
        assert answer.status < 500, (role, answer.text)
        found[role] = (right, answer.status)
    return found


def check(walk: Walk, name: str) -> None:
    found = walked(walk, name)
    assert {role: right for role, (right, _) in found.items()} == {role: RULES[name].right(role) for role in Role}
    if name not in NEVER_DONE:
        assert any(status < 400 for _, status in found.values()), "the request is never a good one: nothing is shown"


# -- the table itself ------------------------------------------------------------------------


def test_every_route_has_a_row_and_a_request_and_no_row_is_left_over() -> None:
    assert set(ROUTES) == set(RULES)
    assert set(ROUTES) == set(REQUESTS)


def test_a_route_that_nobody_thought_about_does_not_start() -> None:
    async def forgotten_route() -> None:
        raise AssertionError

    with pytest.raises(LookupError, match="forgotten_route has no row"):
        LedgerRoute("/v1/forgotten", forgotten_route)


def test_who_needs_no_credential_is_the_same_in_the_table_and_at_the_route() -> None:
    for name, route in ROUTES.items():
        if route.include_in_schema:  # pages know their visitor by the session themselves
            assert access_of(route.endpoint).public is (RULES[name].admission is Admission.ANYONE), name


def test_no_write_is_an_auditors_and_no_read_of_an_officer_is_kept_from_one() -> None:
    for name, route in ROUTES.items():
        access = access_of(route.endpoint)
        if access.writes:
            assert RULES[name].right(Role.AUDITOR) is Right.REFUSED, name
        elif not access.own and route.methods == {"GET"}:
            assert RULES[name].right(Role.AUDITOR) is RULES[name].right(Role.OFFICER) or name == "read_audit_log", name


def test_an_officer_elsewhere_gets_what_outsiders_get_or_less_and_enrols() -> None:
    shown = {name for name, rule in RULES.items() if rule.right(Role.OFFICER_ELSEWHERE) is Right.ALLOWED}
    own = {name for name, rule in RULES.items() if rule.right(Role.OUTSIDER) is Right.ALLOWED}
    assert shown - own == {"enrol_party", "upload_register"}  # of new parties, which lie nowhere yet


def test_the_security_page_shows_the_table_as_it_is() -> None:
    assert "\n".join(table_lines()) in SECURITY.read_text(encoding="utf-8")


# -- searching -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(walk: Walk) -> tuple[list[str], list[str]]:
    """Twelve invoices of the victim's and three of the outsider's enterprise, between each other in time."""
    world, scene = walk.scene.world, walk.scene
    own, others = [], []
    for _ in range(3):
        others += issued(world, scene, 2)
        own.append(world.issued(scene.cast.front, net_fen=12_300))
        others += issued(world, scene, 2)
    return own, others


def issued(world: World, scene: Scene, count: int) -> list[str]:
    documents: list[object] = [world.draft(net_fen=12_300)] * count
    written = world.ledger.issue_list(scene.victim, documents, idempotency_key=world.key()).written
    assert written is not None
    return list(must(written).numbers)


def test_a_search_by_what_is_known_of_anothers_invoice_finds_nothing(
    walk: Walk, crowd: tuple[list[str], list[str]]
) -> None:
    _, (number, *_) = crowd
    victim, month = walk.scene.victim.party, walk.scene.world.month
    for query in (f"number={number}", f"party={victim}", f"party={victim}&month={month}", f"party={victim}&state=free",
                  f"party={victim}&gross_min_fen=1&gross_max_fen=999999"):  # fmt: skip
        empty = walk.send("search_invoices", Role.OUTSIDER, Asked(query=query))
        assert empty.json() == {"items": [], "next_cursor": None}, query
        shown = walk.send("search_invoices", Role.ENTERPRISE, Asked(query=query))
        assert shown.json()["items"], query


def test_pages_of_a_search_hold_ones_own_alone_and_count_nothing_else(
    walk: Walk, crowd: tuple[list[str], list[str]]
) -> None:
    own, _ = crowd
    found: list[list[str]] = []
    cursor = ""
    while True:
        query = "gross_min_fen=13038&gross_max_fen=13038&limit=1" + (f"&cursor={cursor}" if cursor else "")
        page = walk.send("search_invoices", Role.OUTSIDER, Asked(query=query)).json()
        found.append([one["number"] for one in page["items"]])
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert found == [[number] for number in reversed(own)]


def test_a_cursor_of_somebody_else_opens_nothing(walk: Walk, crowd: tuple[list[str], list[str]]) -> None:
    own, others = crowd
    page = walk.send("search_invoices", Role.ENTERPRISE, Asked(query="limit=1")).json()
    query = f"cursor={page['next_cursor']}&limit=50"
    seen = walk.send("search_invoices", Role.OUTSIDER, Asked(query=query))
    assert not any(number.encode() in seen.body for number in others)
    assert set(own) <= {one["number"] for one in seen.json()["items"]}


def test_a_wrong_search_is_refused_in_the_same_words_whether_or_not_it_would_find_something(
    walk: Walk, crowd: tuple[list[str], list[str]]
) -> None:
    _, (number, *_) = crowd
    for wrong in ("state=lost", "cursor=zz", "limit=0", "gross_min_fen=-1"):
        answers = []
        for known in (number, str(MISSING["number"])):
            body = walk.send("search_invoices", Role.OUTSIDER, Asked(query=f"number={known}&{wrong}")).json()
            del body["instance"]
            answers.append(body)
        assert answers[0] == answers[1]
        assert answers[0]["status"] == 400


# -- walking it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one == PUTS_FILES_TOGETHER else one for one in READS]
)
def test_what_the_table_says_of_a_read_is_what_happens(walk: Walk, name: str) -> None:
    check(walk, name)


@pytest.mark.parametrize(("name", "role"), HIDDEN_READS)
def test_what_is_hidden_is_answered_as_what_does_not_exist(walk: Walk, name: str, role: Role) -> None:
    asked = REQUESTS[name](walk.scene)
    unknown = {key: MISSING[key] for key in asked.path if key in MISSING}
    missing = Asked({**asked.path, **unknown}, asked.query, asked.body, asked.headers, asked.session)
    assert told(walk.send(name, role, asked), asked) == told(walk.send(name, role, missing), missing)


def told(answer: Answer, asked: Asked) -> tuple[int, str]:
    """Status and words of an answer, but for what was asked and the name of this occurrence."""
    words = answer.json()
    del words["instance"]
    text = str(words)
    for value in (*asked.path.values(), *(pair.partition("=")[2] for pair in asked.query.split("&"))):
        text = text.replace(f" {value} ", " X ").replace(f" {value}'", " X'")
    return answer.status, text


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITES)
def test_what_the_table_says_of_a_write_is_what_happens(walk: Walk, name: str) -> None:
    check(walk, name)
