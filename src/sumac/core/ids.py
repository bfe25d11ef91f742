"""Identifiers, keys and codes: the only place that draws random numbers (api.md §1.7).

Generated ids are a prefix and a KSUID: 27 base62 characters of a 32-bit second and 128 random bits, so that ids
sort by the second they were made in.
"""

import hashlib
import secrets
from datetime import datetime

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
KSUID_EPOCH_SECONDS = 1_400_000_000
KSUID_LENGTH = 27
RANDOM_BITS = 128
SECRET_LENGTH = 42
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
REFERRAL_CODE_LENGTH = 6


def new_id(prefix: str, *, now: datetime) -> str:
    """A fresh id such as `cus_2NxVw…`; later seconds sort after earlier ones."""
    seconds = max(0, int(now.timestamp()) - KSUID_EPOCH_SECONDS)
    number = (seconds << RANDOM_BITS) | int.from_bytes(secrets.token_bytes(RANDOM_BITS // 8))
    return f"{prefix}_{_base62(number)}"


def new_secret(prefix: str) -> str:
    """A secret key: the prefix and 42 random letters and digits, shown to a person once."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))


def new_token() -> str:
    """An unguessable, address-safe token of 256 random bits."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A six-digit sign-in code."""
    return f"{secrets.randbelow(1_000_000):06d}"


def new_referral_code() -> str:
    """Six capital letters and digits, to be told to somebody (billing.md §18.2)."""
    return "".join(secrets.choice(CAPITALS) for _ in range(REFERRAL_CODE_LENGTH))


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal: what is stored instead of a key, token or code."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same_secret(left: str, right: str) -> bool:
    """Compares two digests in constant time."""
    return secrets.compare_digest(left, right)


def _base62(number: int) -> str:
    """The number's last 27 digits: an odd one, and thirteen pairs."""
    texts = [""] * (KSUID_LENGTH // 2)
    for place in reversed(range(KSUID_LENGTH // 2)):
        number, pair = divmod(number, len(PAIRS))
        texts[place] = PAIRS[pair]
    return ALPHABET[number % len(ALPHABET)] + "".join(texts)
