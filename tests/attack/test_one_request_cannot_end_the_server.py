"""A body nested so deep that a recursive parser overflows the stack. It ends the process, so each runs in its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

# api.app brings the engine in, which raises the interpreter's recursion limit for the whole process
READ = """
import sys, threading
import api.app, ledger.chain.engine
from api.json_body import parse_body
from api.problems import ProblemError

def read():
    try:
        parse_body(eval(sys.argv[1]))
    except ProblemError as refused:
        print(refused)

thread = threading.Thread(target=read)
thread.start()
thread.join()
assert sys.getrecursionlimit() > 50_000, "the engine no longer raises the limit: this test attacks nothing"
"""


@pytest.mark.slow
@pytest.mark.parametrize("body", ["b'[' * 100_000", "b'{\"a\":' * 100_000", "b'[' * 60_000 + b']' * 60_000"])
def test_a_deeply_nested_body_is_refused_and_the_process_lives(body: str) -> None:
    done = subprocess.run([sys.executable, "-c", READ, body], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "nested deeper than 16\n"
