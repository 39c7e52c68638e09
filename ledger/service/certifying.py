"""Certificates as the authority issues them here: for a key that is made and kept here, or for one its party keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ledger.domain.identities import Identity
from ledger.domain.times import utc_time
from ledger.identity import address_of, certificate_hash, new_key, public_key_of
from ledger.identity.certificates import CertificateIssuer
from ledger.projection import Connection, keystore
from ledger.projection.keystore import PartyName, SigningKey, StoredCertificate
from ledger.service.context import AUTHORITY_ROOT, SEALED_KEY, SEALED_NAME, Context
from ledger.service.errors import NotReady
from verifier.certificates import Certificate, read_certificate
from verifier.errors import CheckError
from verifier.words import PartyKind

CERTIFICATE_LIFETIME = timedelta(days=5 * 365)
CERTIFICATE_BACKDATED = timedelta(minutes=5)  # so that a block whose clock lags a little lies inside


@dataclass(frozen=True)
class Certified:
    """A key as an operation names it, 20-byte address and certificate hash, and the rows to store with that."""

    address: bytes
    certificate_hash: bytes
    rows: tuple[SigningKey | StoredCertificate, ...]


def root_certificate(connection: Connection) -> Certificate:
    """The authority's root certificate. Raises: NotReady when somebody changed its row."""
    text = keystore.meta(connection).get(AUTHORITY_ROOT, "")
    try:
        return read_certificate(bytes.fromhex(text))
    except (ValueError, CheckError) as err:
        raise NotReady(
            f"{AUTHORITY_ROOT} in table meta is no certificate: somebody changed it; run `einvoice audit --full`",
            f"meta 表中的 {AUTHORITY_ROOT} 不是证书，已被改动，请运行 `einvoice audit --full`",
        ) from err


class Certifier:
    """The authority's root, opened for as many certificates as are wanted, all from this moment on."""

    def __init__(self, context: Context, connection: Connection) -> None:
        """Raises: NotReady where the authority's key is not."""
        root = root_certificate(connection)
        # the root's own key, which signs certificates for ever: the authority may have rotated the one it signs with
        root_key = context.private_key(connection, root.address)
        if root_key is None:
            raise NotReady(
                "the authority's root key is not in this key store: certificates are issued where it is kept",
                "本机没有税务机关的根密钥，请在保管该密钥的机器上签发证书",
            )
        self._context = context
        self._issuer = CertificateIssuer(root_key, root.der)

    def new_key(self, identity: Identity, name: str) -> Certified:
        """Makes a key to be kept here, and its certificate."""
        key = new_key()
        address = address_of(key)
        certificate = self._certificate(identity, name, public_key_of(key))
        sealed = self._context.seal(key, SEALED_KEY, address.hex())
        kept = SigningKey(address, identity.hash, sealed, self._context.now_s())
        return Certified(address, certificate.certificate_hash, (kept, certificate))

    def own_key(self, identity: Identity, name: str, public_key: bytes, address: bytes) -> Certified:
        """A certificate for a key that its party keeps."""
        certificate = self._certificate(identity, name, public_key)
        return Certified(address, certificate.certificate_hash, (certificate,))

    def _certificate(self, identity: Identity, name: str, public_key: bytes) -> StoredCertificate:
        now_s = self._context.now_s()
        now = utc_time(now_s)
        der = self._issuer.issue(
            public_key,
            str(identity),
            # a certificate goes into evidence that strangers read: an enterprise's name is public, a person's is not
            name if identity.kind is PartyKind.ENTERPRISE else identity.id,
            now - CERTIFICATE_BACKDATED,
            now + CERTIFICATE_LIFETIME,
        )
        return StoredCertificate(certificate_hash(der), der, str(identity), now_s)


def certify_new_key(context: Context, connection: Connection, identity: Identity, name: str) -> Certified:
    """Makes a key to be kept here, and its certificate. Raises: NotReady where the authority's key is not."""
    return Certifier(context, connection).new_key(identity, name)


def certify_own_key(
    context: Context, connection: Connection, identity: Identity, name: str, public_key: bytes, address: bytes
) -> Certified:
    """A certificate for a key that its party keeps. Raises: NotReady where the authority's key is not here."""
    return Certifier(context, connection).own_key(identity, name, public_key, address)


def name_row(context: Context, identity: Identity, name: str, tax_id: str | None) -> PartyName:
    """Who an identity is, as it is stored: an enterprise in the clear, anybody else sealed."""
    public = identity.kind is PartyKind.ENTERPRISE
    return PartyName(
        identity=identity.hash,
        identity_text=str(identity),
        display_name=name if public else None,
        tax_id=tax_id if public else None,
        sealed=None if public else context.seal(name.encode(), SEALED_NAME, identity.hash.hex()),
        updated_at=context.now_s(),
    )
