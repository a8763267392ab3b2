"""Starts the application: python login/server.py. The environment variables override the defaults."""

import os
import socket

import redis.asyncio as redis
import uvicorn

from app import create_app
from jrs_session import AsyncJRS

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6380")
PORT = int(os.environ.get("PORT", "3000"))
HTTPS = os.environ.get("HTTPS", "no") == "yes"  # "yes", if browsers use HTTPS
RECENT_SECONDS = int(os.environ.get("RECENT_SECONDS", "300"))  # how many seconds a login is recent

# It connects at the first command. With a time limit, requests fail soon while Redis is down.
client = redis.Redis.from_url(REDIS_URL, protocol=3, socket_timeout=2)
application = create_app(AsyncJRS(client), https=HTTPS, recent=RECENT_SECONDS)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", PORT))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(application, log_level="warning")).run(sockets=[listener])
