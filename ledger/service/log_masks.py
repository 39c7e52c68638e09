"""The second line of defence of the logs: what looks like a person's number or a credential is masked in every line.

The first is that nothing of the kind is logged (docs/PRIVACY.md); tests hold that without these masks. Digests, invoice
numbers (20 digits) and addresses stay as they are, since an operator needs them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

MASK = "***"
SECRET_NAMES = frozenset(
    {"authorization", "cookie", "set_cookie", "password", "secret", "token", "api_key", "private_key", "master_key"}
)
_TOKENS = (
    re.compile(r"(einv_[0-9a-f]{16}_)[0-9a-f]+"),
    re.compile(r"(?i)((?:bearer|basic)\s+)[^\s\"',;]+"),
    re.compile(r"(__Host-\w+=)[^\s\"',;]+"),
    re.compile(r"(whsec_)[^\s\"',;]+"),
)
_MAIL = re.compile(r"([\w.+-])[\w.+-]*(@[\w-]+(?:\.[\w-]+)+)")
_ID_CARD = re.compile(r"(?<![0-9A-Za-z])(\d{3})\d{14}([0-9Xx])(?![0-9A-Za-z])")
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12,15}(\d{4})(?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9A-Za-z])(1[3-9]\d)\d{4}(\d{4})(?![0-9A-Za-z])")


def masked_text(text: str) -> str:
    """`text` without credentials, mail addresses, mobile numbers, identity cards (18 digits), accounts (16 to 19)."""
    for token in _TOKENS:
        text = token.sub(rf"\g<1>{MASK}", text)
    text = _MAIL.sub(rf"\g<1>{MASK}\g<2>", text)
    text = _ID_CARD.sub(rf"\g<1>{MASK}\g<2>", text)
    text = _ACCOUNT.sub(rf"{MASK}\g<1>", text)
    return _MOBILE.sub(r"\g<1>****\g<2>", text)


def mask_line(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: every value of a line masked, secrets by their names."""
    for name in line:
        line[name] = MASK if name.lower().replace("-", "_") in SECRET_NAMES else _masked(line[name])
    return line


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {key: MASK if str(key).lower() in SECRET_NAMES else _masked(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    if isinstance(value, bytes):
        return MASK
    return value
