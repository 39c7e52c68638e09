"""Keys, certificates and credentials: who a party is and how what it keeps with us stays closed."""

from ledger.identity.api_keys import NewApiKey, PresentedApiKey, new_api_key, parse_api_key
from ledger.identity.certificates import (
    CertificateFacts,
    certificate_hash,
    create_root,
    issue_certificate,
    read_certificate,
)
from ledger.identity.errors import (
    ApiKeyError,
    CertificateError,
    IdentityError,
    IdTokenError,
    KeyFileError,
    MasterKeyError,
    ScopeError,
    SealError,
    SigningError,
)
from ledger.identity.master_key import create_master_key, load_master_key
from ledger.identity.passwords import hash_password, is_outdated, password_fault, password_matches
from ledger.identity.scopes import EVERYTHING, Scope, Scopes, covers, parse_scopes, scopes_text
from ledger.identity.session_tokens import Token, new_token, parse_token
from ledger.identity.signing import (
    address_of,
    address_of_public_key,
    new_key,
    public_key_of,
    public_key_of_signature,
    read_signature,
    sign_digest,
    sign_group,
    signer_of,
)
from ledger.identity.till_keys import is_signed_by_till, new_till_key, sign_with_till, till_public_key
from ledger.identity.vault import SealedBytes, Vault

__all__ = [
    "EVERYTHING",
    "ApiKeyError",
    "CertificateError",
    "CertificateFacts",
    "IdTokenError",
    "IdentityError",
    "KeyFileError",
    "MasterKeyError",
    "NewApiKey",
    "PresentedApiKey",
    "Scope",
    "ScopeError",
    "Scopes",
    "SealError",
    "SealedBytes",
    "SigningError",
    "Token",
    "Vault",
    "address_of",
    "address_of_public_key",
    "certificate_hash",
    "covers",
    "create_master_key",
    "create_root",
    "hash_password",
    "is_outdated",
    "is_signed_by_till",
    "issue_certificate",
    "load_master_key",
    "new_api_key",
    "new_key",
    "new_till_key",
    "new_token",
    "parse_api_key",
    "parse_scopes",
    "parse_token",
    "password_fault",
    "password_matches",
    "public_key_of",
    "public_key_of_signature",
    "read_certificate",
    "read_signature",
    "scopes_text",
    "sign_digest",
    "sign_group",
    "sign_with_till",
    "signer_of",
    "till_public_key",
]
