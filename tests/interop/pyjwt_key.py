"""The key of a test as PyJWT takes it."""

import jwt


def key_for(key, algorithm):
    """A key is {"secret": text} or {"jwk": a JWK of type oct}."""
    if "jwk" in key:
        return jwt.PyJWK(key["jwk"], algorithm=algorithm)
    return key["secret"].encode()
