// The same application in CommonJS.
import express = require("express");
import jrsSession = require("jrs-session");
import redis = require("redis");

declare module "jrs-session" {
  interface SessionData {
    name: string;
  }
}

const app = express();
app.use(jrsSession({ client: redis.createClient() }));
app.get("/", (request, response) => {
  const name: string | undefined = request.session.name;
  // @ts-expect-error the field has another type
  request.session.name = 1;
  // @ts-expect-error the field is not declared
  request.session.nmae = "Ann";
  const session: jrsSession.Session<{ cart: string[] }> = request.session;
  // @ts-expect-error the field is not in the type argument
  session.name = "Ann";
  const reserved: Record<string, unknown> = session[jrsSession.reservedMembers];
  response.json({ name, cart: session.cart, reserved });
});
