"""The last net against secrets, at the ledger's door."""

from __future__ import annotations

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger.secrecy import redacted, refuse_secrets

LOOKS_SECRET = {
    "a classic GitHub token": "ghp_" + "a1B2" * 9,
    "a fine-grained GitHub token": "github_pat_" + "a1B2_" * 8,
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "a key without an algorithm": "-----BEGIN PRIVATE KEY-----",
    "a password in an address": "https://bot:hunter2@git.example/shop.git",
}


def test_the_place_of_a_credential_is_named() -> None:
    """The reader learns where it was, so that the leak can be found."""
    with pytest.raises(LedgerError, match=r"at remedy\.actions\[1\]\.summary looks like a GitHub token"):
        refuse_secrets({"remedy": {"actions": [{}, {"summary": LOOKS_SECRET["a classic GitHub token"]}]}})


def test_a_credential_as_a_key_is_refused() -> None:
    """Keys are text too."""
    with pytest.raises(LedgerError, match="at the top"):
        refuse_secrets({LOOKS_SECRET["a classic GitHub token"]: 1})


def test_what_operations_hold_passes() -> None:
    """Commit ids, addresses, quantities and image names are not mistaken for secrets."""
    innocent = {
        "head": "3f" * 20,
        "url": "https://git.example:3000/ana/shop/pulls/4",
        "image": "eyJ/x:1.2",
        "n": [1, None],
    }
    refuse_secrets(innocent)

    assert innocent["n"] == [1, None]


@pytest.mark.parametrize("text", LOOKS_SECRET.values(), ids=LOOKS_SECRET)
def test_redacted_data_is_taken_and_the_rest_of_it_stays(text: str) -> None:
    """Invariant 11: whatever is refused can be made acceptable, in keys and deep inside too."""
    clean = redacted({"said": ["before " + text + " after", 1, None], text: True})

    refuse_secrets(clean)
    assert clean["said"][0].startswith("before ")
    assert clean["said"][0].endswith("after")
    assert clean["said"][1:] == [1, None]


def test_a_second_password_behind_the_first_goes_too() -> None:
    """What is left after one replacement is looked at again."""
    clean = redacted("ftp://a:b@://c:d@host")

    refuse_secrets(clean)
    assert ":b@" not in clean
    assert ":d@" not in clean
