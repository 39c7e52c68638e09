"""What errors say: both languages name the thing and what to do, with no word of the other language or of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

import ledger.service
from ledger.chain import ChainError
from ledger.identity import SigningError, public_key_of_signature, read_signature
from ledger.projection import DatabaseUnavailableError, SchemaOutdatedError
from ledger.service.errors import InvalidRequest, NotFound, NotReady
from ledger.service.installation import open_context
from ledger.service.nouns import THINGS_ZH
from ledger.service.registry import checked_enterprise
from ledger.service.unusable import in_chinese, unusable
from ledger.settings import Settings

LATIN_WORD = re.compile(r"[a-z]{2,}")
KIND_AT = {"NotFound": 0, "absent": 2}  # which argument is the kind


def kinds_raised() -> set[str]:
    """What the service says it does not find, where that is a literal."""
    found = set()
    for path in Path(ledger.service.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in KIND_AT:
                found |= {one.value for one in node.args[KIND_AT[name] :][:1] if isinstance(one, ast.Constant)}
    return found


def test_whatever_is_not_found_has_its_noun_in_both_languages() -> None:
    kinds = kinds_raised()
    assert {"invoice", "party", "original of invoice"} <= kinds
    assert kinds - THINGS_ZH.keys() == set()
    for kind in kinds:
        error = NotFound(kind, "7")
        assert error.message == f"no {kind} 7 that you may see"
        assert error.message_zh == f"没有您可查看的{THINGS_ZH[kind]} 7"
        assert not LATIN_WORD.search(error.message_zh)


@pytest.mark.parametrize(
    ("tax_id", "says", "says_zh"),
    [
        ("", "give it", "请填写"),
        ("123", "15, 17, 18 or 20 characters, not 3", "而不是 3 位"),
        ("91310112703255042r", "capital letters only", "大写字母"),
        ("91310112703255043R", "its check character is wrong", "校验码不符"),
    ],
)
def test_a_wrong_tax_id_is_told_what_is_wrong_with_it(tax_id: str, says: str, says_zh: str) -> None:
    assert checked_enterprise("91310112703255042R")  # one change away
    with pytest.raises(InvalidRequest) as caught:
        checked_enterprise(tax_id)
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == ("tax_id", "tax_id_form")
    assert says in problem.message_en
    assert says_zh in problem.message_zh
    assert "_" not in problem.message_en + problem.message_zh  # no code of ours instead of words


@pytest.mark.parametrize("signature", ["0x11", "0x" + "11" * 65, "0x" + "ff" * 64 + "1b"])
def test_a_signature_that_counts_nowhere_is_refused_in_chinese_too(signature: str) -> None:
    with pytest.raises(SigningError) as caught:
        public_key_of_signature(bytes(32), *read_signature(signature))
    assert caught.value.message_zh
    assert not re.search(r"[a-z]{3,}", caught.value.message_zh)


def test_what_keeps_a_ledger_from_opening_is_told_in_both_languages(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "none", master_key=None, master_key_file=None)
    with pytest.raises(NotReady, match="no master key") as caught:
        open_context(settings)
    assert "einvoice init" in caught.value.message
    assert "einvoice init" in caught.value.message_zh

    settings = settings.model_copy(update={"master_key": SecretStr("11" * 32)})
    with pytest.raises(NotReady, match="is missing") as caught:
        open_context(settings)
    assert "备份" in caught.value.message_zh


@pytest.mark.parametrize("cause", ["missing", "read_only", "full", "locked", "corrupt", "unreachable"])
def test_every_trouble_with_the_database_has_its_words(cause: str) -> None:
    assert unusable(DatabaseUnavailableError("it is so", cause=cause)).message == "it is so"
    assert re.search(r"[一-鿿]", in_chinese(DatabaseUnavailableError("it is so", cause=cause)))


def test_another_schema_says_to_upgrade_and_what_is_unknown_is_told_as_it_is() -> None:
    assert "einvoice upgrade" in in_chinese(SchemaOutdatedError("0001", "0018"))
    assert in_chinese(ChainError("the chain fell silent")).endswith("the chain fell silent")
    assert "磁盘空间" in in_chinese(OSError(28, "No space left on device", "/srv/x"))
