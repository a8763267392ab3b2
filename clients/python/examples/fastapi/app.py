from typing import Annotated

import redis.asyncio as redis
from fastapi import Depends, FastAPI, Form, HTTPException, Request
from jrs_session import AsyncJRS
from jrs_session.fastapi import CurrentSession, JRSMiddleware, SignedIn, require_recent_auth

jrs = AsyncJRS(redis.Redis.from_url("redis://127.0.0.1:6379", socket_timeout=2))
app = FastAPI()
app.add_middleware(JRSMiddleware, jrs=jrs)

Text = Annotated[str, Form()]


@app.post("/login")
async def login(request: Request, session: CurrentSession, user: Text):
    # A real application checks the password here.
    await session.log_in(user)
    session["device"] = request.headers["user-agent"]
    return {"user": session.owner}


@app.post("/cart")
async def add_to_cart(session: CurrentSession, item: Text):
    session.setdefault("cart", []).append(item)  # saved before the response is sent
    return {"cart": session["cart"]}


@app.get("/devices")
async def devices(session: SignedIn):
    found = await session.sessions(fields=["/device"])
    return [{"id": each.id, "device": each.fields.get("/device"), "current": each.current} for each in found]


@app.post("/devices/log-out")
async def log_out_device(session: SignedIn, id: Text):
    for device in await session.sessions(fields=["/device"]):
        if device.id == id:
            await device.destroy()
            return {}
    raise HTTPException(404)


@app.post("/logout")
async def log_out(session: CurrentSession):
    await session.destroy()
    return {}


@app.post("/logout-everywhere")
async def log_out_everywhere(session: SignedIn):
    return {"sessions": await session.destroy_all()}


@app.post("/password", dependencies=[Depends(require_recent_auth(600))])
async def change_password(session: SignedIn):
    return {"sessions": await session.destroy_all(keep_current=True)}
