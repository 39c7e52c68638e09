"""Names of downloads: whatever a name is made of, it ends no header, leads into no folder, hides nothing."""

from __future__ import annotations

import ast
import re
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from api.downloads import PDF, file_answer
from tests.docs.pages import ROOT

_FORM = re.compile(r'attachment; filename="([ -~]*)"(?:; filename\*=UTF-8\'\'([A-Za-z0-9._~%-]*))?')


def told(name: str) -> tuple[str, str]:
    """The plain and the full name a client reads."""
    match = _FORM.fullmatch(file_answer(name, PDF, b"").headers["content-disposition"])
    assert match is not None
    return match.group(1), unquote(match.group(2)) if match.group(2) is not None else match.group(1)


def test_an_ordinary_name_stays() -> None:
    assert told("invoice-94403260911000000001.pdf") == ("invoice-94403260911000000001.pdf",) * 2
    assert told("发票清单 2026-11.csv") == ("____ 2026-11.csv", "发票清单 2026-11.csv")


@given(st.text(max_size=60) | st.text(alphabet='./\\"\r\n%;\x00\u202e\u2028é发', max_size=30))
def test_any_name_is_one_name(name: str) -> None:
    plain, full = told(name)
    for shown in (plain, full):
        assert not set(shown) & set("/\\\r\n\x00\u202e\u2028")
        assert len(shown) == len(name)
    assert '"' not in plain


def test_every_table_that_is_written_goes_through_the_safe_cell() -> None:
    """A module that writes CSV itself is one of those whose cells were looked at."""
    writers = set()
    for folder in ("ledger", "api", "verifier", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            calls = {
                node.func.attr
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "csv"
            }
            if calls & {"writer", "DictWriter"} or "WriteOnlyCell" in text or "inlineStr" in text:
                writers.add(str(path.relative_to(ROOT)))
                assert "safe_cell(" in text, path
    assert writers >= {"ledger/documents/tables.py", "ledger/documents/archive.py", "ledger/formats/sheets_write.py"}
