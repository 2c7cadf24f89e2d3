"""An App's key pair, and the proofs that it signs with it; made once a test run, and worth nothing anywhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


@dataclass(frozen=True, slots=True)
class Keys:
    """Both halves, as PEM."""

    private: str
    public: str


@cache
def keys(_name: str = "ours") -> Keys:
    """Return the pair of this name."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Keys(private.decode(), public.decode())


def proof(app: int | str, private: str = "", *, lasts: int = 300, issued: int = -60) -> str:
    """Return a JSON web token by which an App proves itself; times are seconds from now."""
    now = int(time.time())
    claims = {"iat": now + issued, "exp": now + lasts, "iss": str(app)}
    return jwt.encode(claims, private or keys().private, algorithm="RS256")
