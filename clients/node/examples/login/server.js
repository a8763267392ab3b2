// Starts the application: node login/server.js. The environment variables REDIS_URL and PORT override the defaults.
import { createClient } from "redis";

import { createApp } from "./app.js";

const client = createClient({ url: process.env.REDIS_URL ?? "redis://127.0.0.1:6380" });
// The client reconnects by itself. Without a listener, the first lost connection would terminate the process.
client.on("error", (error) => console.error("Redis:", error.message));
await client.connect();

const listener = createApp({ client, secure: process.env.NODE_ENV === "production" }).listen(
  process.env.PORT ?? 3000,
  "127.0.0.1",
  (error) => {
    if (error) throw error;
    console.log(`http://127.0.0.1:${listener.address().port}`);
  },
);
