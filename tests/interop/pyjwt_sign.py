"""Signs JWTs with PyJWT and prints a JSON array of the tokens. The only argument is JSON with tasks, one for each token:

key        see pyjwt_key.py
algorithm  its name, or "none", which uses no key
kid        for the header, optional
claims     the claims to sign; nothing is added
"""

import json
import sys

import jwt
from pyjwt_key import key_for


def sign(key, algorithm, kid, claims):
    signing_key = None if algorithm == "none" else key_for(key, algorithm)
    return jwt.encode(claims, signing_key, algorithm=algorithm, headers={"kid": kid} if kid else None)


print(json.dumps([sign(**task) for task in json.loads(sys.argv[1])["tasks"]]))
