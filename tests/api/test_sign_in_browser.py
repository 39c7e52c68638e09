"""Signing in with a real browser, driven by its own protocol: it takes the cookie, and tells on other sites."""

from __future__ import annotations

import http.server
import itertools
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from api.sessions import COOKIE
from ledger.service import Ledger, found
from ledger.settings import Settings
from tests.api.test_server_process import serving

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.slow
PASSWORD = "sieben Raben am Fenster 41"
LIMIT_S = 60


class Browser:
    """One page of a browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    def call(self, method: str, **params: Any) -> Any:
        """Result of one command."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(LIMIT_S))
            if answer.get("id") == number:
                return answer["result"]

    def run(self, script: str) -> Any:
        """Value of a script; that of the page under test has none, so this is the tester's."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def wait_for(self, path: str) -> str:
        """Text of the page once the browser has come to `path`."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            if self.run("document.readyState") == "complete" and self.run("location.pathname") == path:
                return str(self.run("document.body.innerText"))
            time.sleep(0.05)
        raise AssertionError(f"at {self.run('location.href')}, not {path}")

    def fill(self, form: str, **values: str) -> None:
        """Fills the form that goes to `form` and presses its button."""
        for name, value in values.items():
            self.run(f"document.querySelector('form[action=\"{form}\"] [name={name}]').value = {json.dumps(value)}")
        self.run(f"document.querySelector('form[action=\"{form}\"] button').click()")

    def cookies(self, address: str) -> dict[str, Any]:
        return {one["name"]: one for one in self.call("Network.getCookies", urls=[address])["cookies"]}


@contextmanager
def browsing(directory: Path) -> Iterator[Browser]:
    """A browser with a new profile; without one the test is skipped, and fails where CI is set."""
    if BROWSER is None and os.environ.get("CI"):
        pytest.fail("no browser is installed here: CI installs one")
    if BROWSER is None:
        pytest.skip("no browser is installed here")
    process = subprocess.Popen(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
         f"--user-data-dir={directory}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port_file, until = directory / "DevToolsActivePort", time.monotonic() + LIMIT_S
        while not (port_file.exists() and len(port_file.read_text().splitlines()) == 2):
            assert time.monotonic() < until
            time.sleep(0.05)
        port, path = port_file.read_text().splitlines()
        with connect(f"ws://127.0.0.1:{port}{path}", proxy=None) as socket:
            whole = Browser(socket)
            targets = whole.call("Target.getTargets")["targetInfos"]
            target = next(one["targetId"] for one in targets if one["type"] == "page")
        with connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", proxy=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def other_site(target: str) -> Iterator[str]:
    """Address of a page of another site that sends a form to `target` as soon as it is opened."""
    page = f'<form method="post" action="{target}"></form><script>document.forms[0].submit()</script>'.encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: the tests' output is not its place."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_browser_signs_in_without_script_and_another_site_signs_nobody_out(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    made = found(settings, authority_name="深圳市税务局", officer_name="陈税官")
    with Ledger.open(settings) as ledger:
        (invited,) = ledger.invitations.invite(ledger.caller(1), [made.officer])
    with serving(settings.data_dir) as (address, _), browsing(tmp_path / "profile") as browser:
        browser.open(f"{address}/invitation?i={invited.token}&lang=en")
        browser.wait_for("/invitation")
        browser.fill("/invitation", name="chen@example.com", password=PASSWORD)
        assert "陈税官" in browser.wait_for("/me")
        cookie = browser.cookies(address)[COOKIE]
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
        assert cookie["value"] not in str(browser.run("document.cookie"))
        with other_site(f"{address}/me/sign-out-everywhere") as elsewhere:
            browser.open(elsewhere)
            assert "foreign-site" in browser.wait_for("/me/sign-out-everywhere")
        browser.open(f"{address}/me")
        assert "陈税官" in browser.wait_for("/me")
        browser.fill("/me/sign-out-everywhere")
        browser.wait_for("/sign-in")
        assert COOKIE not in browser.cookies(address)
        browser.fill("/sign-in", name="chen@example.com", password=PASSWORD)
        assert "陈税官" in browser.wait_for("/me")
