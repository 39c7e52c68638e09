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
    MasterKeyError,
    SealError,
    SigningError,
)
from ledger.identity.master_key import create_master_key, load_master_key
from ledger.identity.signing import (
    address_of,
    address_of_public_key,
    new_key,
    public_key_of,
    sign_digest,
    sign_group,
    signer_of,
)
from ledger.identity.till_keys import is_signed_by_till, new_till_key, sign_with_till, till_public_key
from ledger.identity.vault import SealedBytes, Vault

__all__ = [
    "ApiKeyError",
    "CertificateError",
    "CertificateFacts",
    "IdentityError",
    "MasterKeyError",
    "NewApiKey",
    "PresentedApiKey",
    "SealError",
    "SealedBytes",
    "SigningError",
    "Vault",
    "address_of",
    "address_of_public_key",
    "certificate_hash",
    "create_master_key",
    "create_root",
    "is_signed_by_till",
    "issue_certificate",
    "load_master_key",
    "new_api_key",
    "new_key",
    "new_till_key",
    "parse_api_key",
    "public_key_of",
    "read_certificate",
    "sign_digest",
    "sign_group",
    "sign_with_till",
    "signer_of",
    "till_public_key",
]
