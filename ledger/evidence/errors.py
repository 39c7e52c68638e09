"""Errors of this package.

EvidenceError
|-- EvidenceUnavailableError  the evidence cannot be put together now
|-- EvidenceChangedError      what it would prove changed after the block asked for
`-- ReceiptError              carries its sentence in English and Chinese
    |-- ReceiptUnreadableError    the file is no receipt; names the field
    |-- ReceiptInvalidError       the operator did not sign this
    `-- ReceiptUncheckedError     the chain could not be asked; says nothing against the receipt
"""

from __future__ import annotations


class EvidenceError(Exception):
    """Root of this package's errors."""


class EvidenceUnavailableError(EvidenceError):
    """The evidence cannot be put together now; the message says what is missing."""


class EvidenceChangedError(EvidenceError):
    """Something that the evidence proves changed after the block asked for, or that block's state is gone."""


class ReceiptError(EvidenceError):
    """No answer on a receipt. `message` says what to do next, `message_zh` the same in Chinese."""

    message_zh = "无法核对受理回执"

    def __init__(self, message: str, message_zh: str = "") -> None:
        super().__init__(message)
        self.message = message
        if message_zh:
            self.message_zh = message_zh


class ReceiptUnreadableError(ReceiptError):
    """The file holds no receipt; the message begins with the field."""

    message_zh = "不是受理回执文件，或字段格式有误"


class ReceiptInvalidError(ReceiptError):
    """No sealer signed this: altered, another operator's, or another ledger's."""


class ReceiptUncheckedError(ReceiptError):
    """The chain could not be read or shows nothing that the trust file lets stand. Asking again later is safe."""

    message_zh = "暂时无法读取账本链，或其内容不能据信任文件核实"
