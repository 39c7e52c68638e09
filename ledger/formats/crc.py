"""CRC-16/UMTS, the four check figures at the end of an invoice QR text."""

from __future__ import annotations

POLYNOMIAL = 0x8005  # x^16 + x^15 + x^2 + 1, highest bit first; initial value 0, not reflected, no final xor


def crc16_umts(data: bytes) -> int:
    """16-bit CRC-16/UMTS of `data`; of b"123456789" it is 0xFEE8."""
    register = 0
    for byte in data:
        register = (register << 8 & 0xFFFF) ^ _TABLE[register >> 8 ^ byte]
    return register


def _remainder(byte: int) -> int:
    register = byte << 8
    for _ in range(8):
        register = register << 1 ^ (POLYNOMIAL if register & 0x8000 else 0)
    return register & 0xFFFF


_TABLE = tuple(_remainder(byte) for byte in range(256))
