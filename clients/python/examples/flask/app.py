import redis
from flask import Flask, abort, request
from jrs_session import JRS
from jrs_session.flask import JRSSessionInterface, current_session, require_recent_auth

app = Flask(__name__)
app.session_interface = JRSSessionInterface(JRS(redis.Redis.from_url("redis://127.0.0.1:6379", socket_timeout=2)))


def signed_in():
    session = current_session()
    return session if session.owner else abort(401)


@app.post("/login")
def login():
    session = current_session()
    # A real application checks the password here.
    session.log_in(request.form["user"])
    session["device"] = request.headers["User-Agent"]
    return {"user": session.owner}


@app.post("/cart")
def add_to_cart():
    session = current_session()
    session.setdefault("cart", []).append(request.form["item"])  # saved at the end of the request
    return {"cart": session["cart"]}


@app.get("/devices")
def devices():
    found = signed_in().sessions(fields=["/device"])
    return [{"id": each.id, "device": each.fields.get("/device"), "current": each.current} for each in found]


@app.post("/devices/log-out")
def log_out_device():
    for device in signed_in().sessions(fields=["/device"]):
        if device.id == request.form["id"]:
            device.destroy()
            return {}
    abort(404)


@app.post("/logout")
def log_out():
    current_session().destroy()
    return {}


@app.post("/logout-everywhere")
def log_out_everywhere():
    return {"sessions": signed_in().destroy_all()}


@app.post("/password")
@require_recent_auth(600)
def change_password():
    return {"sessions": signed_in().destroy_all(keep_current=True)}
