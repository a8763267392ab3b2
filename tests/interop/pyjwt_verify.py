"""Verifies a JWT with PyJWT and prints {"header", "claims"}, or {"refused": the name of PyJWT's exception}.

The only argument is JSON:

key               see pyjwt_key.py
algorithm         the only one to accept
issuer, audience  to insist on, where given
token
"""

import json
import sys

import jwt
from pyjwt_key import key_for

task = json.loads(sys.argv[1])
algorithm = task["algorithm"]
try:
    verified = jwt.decode_complete(
        task["token"],
        key_for(task["key"], algorithm),
        algorithms=[algorithm],
        issuer=task.get("issuer"),
        audience=task.get("audience"),
    )
    outcome = {"header": verified["header"], "claims": verified["payload"]}
except jwt.InvalidTokenError as refusal:
    outcome = {"refused": type(refusal).__name__}
print(json.dumps(outcome))
