"""Verifies JWTs with PyJWT and prints a JSON array.

An item is {"header", "claims"} for an accepted token, {"refused": the name of the exception} for a refused one. The only
argument is JSON with tasks, one for each token:

key               see pyjwt_key.py
algorithm         the only accepted algorithm
issuer, audience  required, if given
typ               of the header, required, if given; checked here, because PyJWT does not
token
"""

import json
import sys

import jwt
from pyjwt_key import key_for


def verify(key, algorithm, token, issuer=None, audience=None, typ=None):
    try:
        verified = jwt.decode_complete(
            token, key_for(key, algorithm, token), algorithms=[algorithm], issuer=issuer, audience=audience
        )
    except jwt.InvalidTokenError as refusal:
        return {"refused": type(refusal).__name__}
    if typ and verified["header"].get("typ") != typ:
        return {"refused": "typ"}
    return {"header": verified["header"], "claims": verified["payload"]}


print(json.dumps([verify(**task) for task in json.loads(sys.argv[1])["tasks"]]))
