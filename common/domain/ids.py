"""Ids made from their cause: the same cause after a restart gives the same id, so that it is deduped."""

import hashlib

from common.domain.values import Day, Symbol

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
COID_LENGTH = 20
HAND = "hand"
"""Rule name of what people do."""


def _base32(raw: bytes, length: int) -> str:
    number = int.from_bytes(raw, "big")
    text = ""
    for _ in range(length):
        text += _ALPHABET[number & 31]
        number >>= 5
    return text


def order_key(strategy: str, day: Day, symbol: Symbol, check: str, attempt: int) -> str:
    """Return the key of a signal or an order: no time in it, so a check redone after a restart has the same key."""
    return f"{strategy}|{day}|{symbol}|{check}|{attempt}"


def client_order_id(day: Day, key: str) -> str:
    """Return the id that rides in the broker's remark: yymmdd and 14 base32 characters of the key's hash.

    20 characters [0-9A-Z], because the vendor's remark field is cut at 24.
    """
    return f"{day % 1_000_000:06d}{_base32(hashlib.blake2b(key.encode(), digest_size=16).digest(), 14)}"


def deal_id(coid: str, number: int) -> str:
    """Return the id of the paper exchange's deal `number` of an order."""
    return f"{coid}-{number}"
