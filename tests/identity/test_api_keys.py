"""API keys: one form, only a hash at rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.identity import ApiKeyError, new_api_key, parse_api_key


def test_new_key_matches_what_is_stored() -> None:
    made = new_api_key()
    presented = parse_api_key(made.text)
    assert presented.key_id == made.key_id
    assert presented.matches(made.secret_hash)


def test_another_secret_does_not_match() -> None:
    made, other = new_api_key(), new_api_key()
    forged = made.text[:22] + other.text[22:]
    assert parse_api_key(forged).key_id == made.key_id
    assert not parse_api_key(forged).matches(made.secret_hash)


def test_secret_is_not_in_any_representation() -> None:
    made = new_api_key()
    secret = made.text.rsplit("_", 1)[1]
    assert secret not in repr(made)
    assert made.secret_hash.hex() not in repr(parse_api_key(made.text))
    assert secret.encode() not in made.secret_hash


@given(text=st.text(max_size=120))
def test_other_texts_are_no_key_and_not_repeated(text: str) -> None:
    with pytest.raises(ApiKeyError) as caught:
        parse_api_key(text)
    assert str(caught.value) == "an API key has the form einv_<16 hex digits>_<64 hex digits>"


def test_key_with_trailing_newline_is_refused() -> None:
    with pytest.raises(ApiKeyError):
        parse_api_key(new_api_key().text + "\n")
