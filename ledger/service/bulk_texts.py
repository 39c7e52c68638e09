"""Words of uploaded sheets, for the results that people download."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES = ("zh", "en")

STATUS_TEXTS: dict[str, dict[Language, str]] = {
    "invalid": {"zh": "有误，未签名", "en": "wrong, not signed"},
    "ready": {"zh": "待签名", "en": "ready to sign"},
    "drafted": {"zh": "草稿待自管密钥签名", "en": "in a draft that waits for a signature"},
    "accepted": {"zh": "已受理，等待上链", "en": "accepted, waits for its block"},
    "recorded": {"zh": "已开具", "en": "issued"},
    "refused": {"zh": "被合约拒绝，可重新签名", "en": "refused, can be signed again"},
    "malformed": {"zh": "未上链，可重新签名", "en": "not recorded, can be signed again"},
    "expired": {"zh": "已过期，可重新签名", "en": "expired, can be signed again"},
}
"""A row's status: that of the row, and once it is signed that of its group."""
