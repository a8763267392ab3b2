// Starts the application: node login/server.js. The environment variables override the defaults.
import { createClient } from "redis";

import { createApp } from "./app.js";

const {
  REDIS_URL = "redis://127.0.0.1:6380",
  PORT = "3000",
  HTTPS = "no", // "yes", if browsers use HTTPS
  RECENT_SECONDS = "300", // how many seconds a login is recent
} = process.env;

const client = createClient({ url: REDIS_URL });
// The client reconnects by itself. Without a listener, the first lost connection would terminate the process.
client.on("error", (error) => console.error("Redis:", error.message));
await client.connect();

const app = createApp({ client, https: HTTPS === "yes", recent: Number(RECENT_SECONDS) });
const listener = app.listen(Number(PORT), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${listener.address().port}`);
});
