"""Each rule of one header after the other, on headers sealed anew; and who is convicted by two of one height."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from coincurve import PrivateKey

from ledger.witness import ConvictionError, ExportedSource, Kind, check_conviction, conviction_bytes, witness_once
from ledger.witness.headers import HEADER_SIZE_MAX, HeaderRefusedError, Seen, check_child, read_header
from tests.chain.world import SEALER_KEY
from tests.witness.chains import Town
from verifier.errors import CheckError
from verifier.hashing import keccak256
from verifier.header import EXTRA, NUMBER, SEAL_SIZE, STATE_ROOT, TIME, VANITY_SIZE
from verifier.operations import SECP256K1_ORDER
from verifier.reasons import Reason
from verifier.rlp import decode, encode
from verifier.signatures import address_of

OTHER_KEY = keccak256(b"another sealer")


def public(key: bytes) -> bytes:
    return PrivateKey(key).public_key.format(compressed=False)[1:]


BOTH = b"".join(sorted(address_of(public(key)) for key in (SEALER_KEY, OTHER_KEY)))


def sealed(seen: Seen, changes: dict[int, bytes], *, key: bytes = SEALER_KEY, listed: bytes | None = None) -> Seen:
    """The header with other fields, sealed anew."""
    fields: Any = decode(seen.encoded, Reason.HEADER_MALFORMED)
    for at, value in changes.items():
        fields[at] = value
    middle = fields[EXTRA][VANITY_SIZE:-SEAL_SIZE] if listed is None else listed
    unsealed = fields[EXTRA][:VANITY_SIZE] + middle
    digest = keccak256(encode([*fields[:EXTRA], unsealed, *fields[EXTRA + 1 :]]))
    fields[EXTRA] = unsealed + PrivateKey(key).sign_recoverable(digest, hasher=None)
    return read_header(encode(fields))


@pytest.fixture
def pair(town: Town) -> tuple[Seen, Seen]:
    """The last two headers of the chain."""
    source = ExportedSource(town.export())
    one, two = source.headers(source.height() - 1, 2)
    source.close()
    return one, two


def test_a_child_is_accepted_and_its_sealed_changes_are_not(town: Town, pair: tuple[Seen, Seen]) -> None:
    parent, child = pair

    def check(seen: Seen) -> None:
        check_child(seen, parent.hash, parent.header.time_s, parent.number + 1, town.trust)

    check(child)
    check(sealed(child, {STATE_ROOT: b"\x01" * 32}))  # a witness executes nothing
    check(sealed(child, {}, listed=address_of(public(SEALER_KEY))))
    earlier = (parent.header.time_s - 1).to_bytes(4, "big")
    for changed, match in (
        (sealed(child, {0: b"\x05" * 32}), "parent"),
        (sealed(child, {NUMBER: (child.number + 1).to_bytes(1, "big")}), "is that of block"),
        (sealed(child, {TIME: earlier}), "before its parent's"),
        (sealed(child, {}, key=OTHER_KEY), "no sealer"),
        (sealed(child, {}, listed=address_of(public(OTHER_KEY))), "not among those the header lists"),
        (sealed(child, {}, listed=BOTH), "lists sealers"),
    ):
        with pytest.raises(HeaderRefusedError, match=match):
            check(changed)
    for listed in (2 * address_of(public(SEALER_KEY)), BOTH[20:] + BOTH[:20], b"\x01"):
        with pytest.raises(CheckError, match="header_malformed"):
            sealed(child, {}, listed=listed)


def test_a_header_over_the_limit_is_none(pair: tuple[Seen, Seen]) -> None:
    many = b"".join(number.to_bytes(20, "big") for number in range(200))
    assert sealed(pair[1], {}, listed=many[:3_000]).number == pair[1].number
    with pytest.raises(CheckError, match=str(HEADER_SIZE_MAX)):
        sealed(pair[1], {}, listed=many)


def test_two_blocks_of_two_sealers_convict_nobody(town: Town, pair: tuple[Seen, Seen]) -> None:
    trust = replace(town.trust, sealers=(*town.trust.sealers, public(OTHER_KEY)))
    child = pair[1]
    by_another = sealed(child, {STATE_ROOT: b"\x01" * 32}, key=OTHER_KEY)
    by_the_same = sealed(child, {STATE_ROOT: b"\x01" * 32})
    with pytest.raises(ConvictionError, match="reorganisation"):
        check_conviction(conviction_bytes(trust, child.encoded, by_another.encoded), trust)
    found = check_conviction(conviction_bytes(trust, child.encoded, by_the_same.encoded), trust)
    assert (found.height, found.is_joined) == (child.number, True)


@pytest.mark.parametrize("form", ["recovery bit", "high s", "both"])
def test_nobody_without_the_key_can_make_a_second_header_of_a_seal(
    town: Town, pair: tuple[Seen, Seen], form: str
) -> None:
    fields: Any = decode(pair[1].encoded, Reason.HEADER_MALFORMED)
    extra = fields[EXTRA]
    r, s, bit = extra[-65:-33], int.from_bytes(extra[-33:-1], "big"), extra[-1]
    if form != "recovery bit":
        s = SECP256K1_ORDER - s
    if form != "high s":
        bit ^= 1
    fields[EXTRA] = extra[:-SEAL_SIZE] + r + s.to_bytes(32, "big") + bytes([bit])
    other = encode(fields)
    assert read_header(other).hash != pair[1].hash
    with pytest.raises(ConvictionError, match="no sealer"):
        check_conviction(conviction_bytes(town.trust, pair[1].encoded, other), town.trust)


class Altered:
    """A source that shows `changed` in place of the newest block."""

    is_live = True

    def __init__(self, source: ExportedSource, changed: Seen) -> None:
        self.source, self.changed = source, changed

    def height(self) -> int:
        return self.source.height()

    def headers(self, first: int, count: int) -> list[Seen]:
        found = self.source.headers(first, count)
        return [self.changed if one.number == self.height() else one for one in found]

    def close(self) -> None:
        self.source.close()


@pytest.mark.parametrize(("key", "kind"), [(SEALER_KEY, Kind.FORK), (OTHER_KEY, Kind.INVALID)])
def test_a_head_exchanged_without_a_pinned_seal_is_invalid_and_with_one_a_fork(
    town: Town, pair: tuple[Seen, Seen], key: bytes, kind: Kind
) -> None:
    home = town.home()
    town.look(home)
    changed = sealed(pair[1], {STATE_ROOT: b"\x01" * 32}, key=key)
    source = Altered(ExportedSource(town.export()), changed)
    told = witness_once(home, source)
    source.close()
    assert told.refusal is not None
    assert told.refusal.kind is kind
    assert home.state().is_forked == (kind is Kind.FORK)
    assert (home.directory / "proofs").exists() == (kind is Kind.FORK)


def test_times_of_signatures_never_run_backwards(town: Town) -> None:
    home, now = town.home(), town.ledger.now()
    town.look(home, now_s=now + 1_000)
    town.grow(1)
    told = town.look(home, now_s=now)
    assert told.signed is not None
    assert told.signed.time_s == now + 1_000
