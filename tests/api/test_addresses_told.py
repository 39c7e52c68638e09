"""Addresses that programs print for people to open are addresses of this server."""

from __future__ import annotations

import pytest

from ledger.cli.demo import PAGES
from ledger.settings import Settings


def test_the_pages_the_demo_names_are_there(public_door):
    assert {page: public_door.get(page).status for page in PAGES} == dict.fromkeys(PAGES, 200)
    assert public_door.get("/docs").status == 404  # scripts of somebody else's


def test_the_bare_address_leads_to_the_page_for_everybody(public_door):
    answer = public_door.get("/")
    assert (answer.status, answer.headers["location"]) == (303, "/check")
    assert public_door.get("//").status == 404


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"port": 9000}, "http://127.0.0.1:9000"),
        ({"port": 0}, "http://127.0.0.1:8000"),
        ({"port": 9000, "public_url": "https://bills.example"}, "https://bills.example"),
    ],
)
def test_links_lead_to_the_port_the_server_listens_on_unless_told_otherwise(monkeypatch, given, address):
    monkeypatch.delenv("EINVOICE_PUBLIC_URL", raising=False)
    monkeypatch.delenv("EINVOICE_PORT", raising=False)
    assert Settings(**given).public_url == address
