"""What can go wrong with keys, seals, certificates and credentials.

IdentityError
├── MasterKeyError        missing, malformed or readable by others
├── SealError             a sealed item does not open under this key, kind and id
├── KeyFileError          a key file cannot be made or opened
├── SigningError          a private key or signature outside its range
├── CertificateError      a certificate cannot be made or read
├── ApiKeyError           not the form of an API key
├── ScopeError            a name that is no scope
└── IdTokenError          an ID token that does not show who signed in
"""


class IdentityError(Exception):
    """Root of this package's errors; messages never hold a key or a secret."""


class MasterKeyError(IdentityError):
    """The master key is missing, malformed or not private; carries where it was looked for."""

    def __init__(self, message: str, *, source: str) -> None:
        super().__init__(message)
        self.source = source


class SealError(IdentityError):
    """A sealed item does not open: wrong master key, wrong kind or id, or changed bytes."""

    def __init__(self, message: str, *, kind: str, item_id: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.item_id = item_id


class SigningError(IdentityError):
    """A private key, public key or signature is outside its range. `message_zh` says the same in Chinese."""

    def __init__(self, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.message_zh = message_zh


class KeyFileError(IdentityError):
    """A key file cannot be made or opened: no such file, or another password."""


class CertificateError(IdentityError):
    """A certificate cannot be made or read; the message says what about it."""


class ApiKeyError(IdentityError):
    """A text is not of the form einv_<id>_<secret>."""


class ScopeError(IdentityError):
    """A name is no scope, or none was given; carries the place of the name."""

    def __init__(self, message: str, *, index: int | None) -> None:
        super().__init__(message)
        self.index = index


class IdTokenError(IdentityError):
    """An ID token is refused; `code` says for what, and nothing of what it holds."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
