"""The pages of scripts/bench --clients in Flask: the same views with Flask-Session and with jrs_session.flask.

SIDE is "peer" or "jrs", REDIS_PORT the port of the Redis server.
"""

import itertools
import os

from flask import Flask, session
from flask_session import Session
from jrs_session import JRS
from jrs_session.flask import JRSSessionInterface, current_session
from redis import Redis
from user import USER

client = Redis(port=int(os.environ["REDIS_PORT"]))
app = Flask(__name__)
if os.environ["SIDE"] == "peer":
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client)
    Session(app)
else:
    app.session_interface = JRSSessionInterface(JRS(client))
changes = itertools.count(1)


@app.post("/login")
def login():
    session.update(USER)
    if os.environ["SIDE"] == "jrs":
        current_session().log_in("ann")
    return {"ok": True}


@app.get("/account")
def account():
    if "name" not in session:
        return {"error": "login required"}, 401
    return {"name": session["name"], "role": session["role"], "items": len(session["cart"])}


@app.post("/seen")
def change():
    if "name" not in session:
        return {"error": "login required"}, 401
    session["seen"] = next(changes)
    return {"ok": True}


@app.get("/seen")
def seen():
    return {"seen": session["seen"]}
