"""Starting without looking for garbage: it is looked for again afterwards, whatever became of the imports."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ledger.loading import loading


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_garbage_is_looked_for_again_once_all_is_loaded() -> None:
    before = gc.get_freeze_count()
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > before


def test_an_import_that_fails_leaves_the_search_on() -> None:
    with pytest.raises(ModuleNotFoundError), loading():
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401
    assert gc.isenabled()
