// An application that has express-session as well: both say what `request.session` is, so the other one gets a name.
import express from "express";
import type { SessionData } from "express-session";
import { type Session, jrsSession } from "jrs-session";
import { createClient } from "redis";

declare global {
  namespace Express {
    interface Request {
      jwtSession: Session;
    }
  }
}

const app = express();
app.use(jrsSession({ client: createClient(), requestKey: "jwtSession" }));
app.get("/", async (request, response) => {
  const session: Session = request.jwtSession;
  const old: Partial<SessionData> = {};
  response.json({ old, owner: session.owner, ended: await session.destroy() });
});
