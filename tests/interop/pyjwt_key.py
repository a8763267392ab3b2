"""The key of a test in the form for PyJWT."""

import jwt


def key_for(key, algorithm, token=None):
    """A key is {"secret": text}, {"jwk": a JWK} or {"jwks": a JWK Set with the key of the token's kid}."""
    if "jwks" in key:
        return jwt.PyJWKSet.from_dict(key["jwks"])[jwt.get_unverified_header(token)["kid"]]
    if "jwk" in key:
        return jwt.PyJWK(key["jwk"], algorithm=algorithm)
    return key["secret"].encode()
