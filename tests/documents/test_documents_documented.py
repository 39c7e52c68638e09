from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from ledger.documents.errors import DOCUMENT_TEXTS, DocumentsError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "DOCUMENTS.md").read_text(encoding="utf-8")
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "ledger" / "documents").glob("*.py")}


def limits() -> dict[str, int]:
    """Every constant of the package that bounds something, as `module.NAME`."""
    return {
        f"{module}.{name}": getattr(import_module(f"ledger.documents.{module}"), name)
        for module, text in SOURCES.items()
        for name in re.findall(r"^([A-Z_]+(?:_MAX|CHUNK_SIZE))\b[^\n]* = ", text, re.MULTILINE)
        + re.findall(r"^(CHUNK_SIZE) = ", text, re.MULTILINE)
        + re.findall(r"^(?:[A-Z_]+, )+([A-Z_]+_MAX) = ", text, re.MULTILINE)
        + re.findall(r"^([A-Z_]+_MAX) = ", text, re.MULTILINE)
    }


def test_every_limit_is_documented_with_its_value() -> None:
    found = limits()
    assert len(found) > 20
    for name, value in found.items():
        assert f"| `{name}` | {value:,} | " in PAGE, f"| `{name}` | {value:,} |"


def test_every_code_is_documented_and_raised() -> None:
    raised = set(re.findall(r"Error\(\s*\"([a-z_]+)\"", "\n".join(SOURCES.values())))
    assert raised == set(DOCUMENT_TEXTS)
    documented = re.findall(r"^\| `([a-z_]+)` \|", PAGE.partition("## Codes")[2], re.MULTILINE)
    assert sorted(documented) == sorted(DOCUMENT_TEXTS)


def test_every_text_has_both_languages_and_the_same_values() -> None:
    for code, (english, chinese) in DOCUMENT_TEXTS.items():
        fields = [set(re.findall(r"\{([a-z]+)", text)) for text in (english, chinese)]
        assert fields[0] == fields[1], code
        assert re.search("[\u4e00-\u9fff]", chinese), code


def test_an_error_without_its_values_is_a_fault_of_ours() -> None:
    assert "2,000" not in str(DocumentsError("too_many_rows", limit=5))
    with pytest.raises(KeyError):
        DocumentsError("too_many_rows")
