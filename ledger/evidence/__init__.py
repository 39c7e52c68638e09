"""Evidence put together for a stranger to check offline, and receipts held against the chain."""

from ledger.evidence.assembly import assemble
from ledger.evidence.errors import (
    EvidenceChangedError,
    EvidenceError,
    EvidenceUnavailableError,
    ReceiptError,
    ReceiptInvalidError,
    ReceiptUncheckedError,
    ReceiptUnreadableError,
)
from ledger.evidence.receipts import (
    RECEIPT_FILE_SIZE_MAX,
    RECEIPT_TAG,
    Answer,
    ReceiptReport,
    SignedReceipt,
    check_receipt,
    read_receipt,
    receipt_message,
)

__all__ = [
    "RECEIPT_FILE_SIZE_MAX",
    "RECEIPT_TAG",
    "Answer",
    "EvidenceChangedError",
    "EvidenceError",
    "EvidenceUnavailableError",
    "ReceiptError",
    "ReceiptInvalidError",
    "ReceiptReport",
    "ReceiptUncheckedError",
    "ReceiptUnreadableError",
    "SignedReceipt",
    "assemble",
    "check_receipt",
    "read_receipt",
    "receipt_message",
]
