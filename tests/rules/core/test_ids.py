"""Identifiers, secrets and digests (api.md §1.7)."""

import re
from datetime import UTC, datetime, timedelta

from sumac.core.ids import digest, new_code, new_id, new_secret, new_token, same_secret

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 200


def test_form_of_an_id() -> None:
    """A prefix and 27 letters and digits."""
    assert re.fullmatch(r"cus_prod_[0-9A-Za-z]{27}", new_id("cus_prod", now=NOW))


def test_ids_of_one_instant_differ() -> None:
    """Chance tells ids of the same second apart."""
    assert MANY == len({new_id("cus", now=NOW) for _ in range(MANY)})


def test_ids_sort_by_the_second_they_were_made_in() -> None:
    """A later second sorts after every id of an earlier one, also decades on."""
    instants = [NOW + timedelta(seconds=step) for step in range(60)] + [NOW + timedelta(days=365 * 40)]
    made = [new_id("evt", now=instant) for instant in instants]

    assert sorted(made) == made


def test_an_instant_before_the_first_second() -> None:
    """Times before the ids' own epoch are taken for its first second."""
    early = new_id("cus", now=datetime(1970, 1, 1, tzinfo=UTC))

    assert re.fullmatch(r"cus_[0-9A-Za-z]{27}", early)
    assert early < new_id("cus", now=NOW)


def test_secrets() -> None:
    """A secret is its prefix and 42 letters and digits; a token needs no escaping; a code has six digits."""
    assert re.fullmatch(r"am_sk_test_[0-9A-Za-z]{42}", new_secret("am_sk_test_"))
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", new_token())
    assert all(re.fullmatch(r"\d{6}", new_code()) for _ in range(MANY))
    assert MANY == len({new_secret("am_sk_live_") for _ in range(MANY)})


def test_digests() -> None:
    """What is stored is the SHA-256 in hexadecimal; equal secrets have equal digests."""
    assert "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" == digest("abc")
    assert same_secret(digest("abc"), digest("abc"))
    assert not same_secret(digest("abc"), digest("abd"))
