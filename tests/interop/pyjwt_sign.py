"""Signs a JWT with PyJWT and prints {"token"}. The only argument is JSON:

key        see pyjwt_key.py
algorithm  HS256, HS384, HS512, or none (then the key is not used)
kid        for the header, where wanted
claims     exactly the claims to sign: nothing is added
"""

import json
import sys

import jwt
from pyjwt_key import key_for

task = json.loads(sys.argv[1])
algorithm = task["algorithm"]
signing_key = None if algorithm == "none" else key_for(task["key"], algorithm)
headers = {"kid": task["kid"]} if task.get("kid") else None
print(json.dumps({"token": jwt.encode(task["claims"], signing_key, algorithm=algorithm, headers=headers)}))
