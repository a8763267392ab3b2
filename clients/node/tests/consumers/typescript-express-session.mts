// An application that also uses express-session. Both declare `request.session`, so this session has another name.
import express from "express";
import type { SessionData } from "express-session";
import { jrsSession, type Session } from "jrs-session";
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
