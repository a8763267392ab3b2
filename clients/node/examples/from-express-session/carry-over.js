// While an application moves from express-session to jrs-session, the browser has two cookies for a session: the old one, and
// a token for the same key in Redis.
import { createHmac } from "node:crypto";

const ATTRIBUTES = { httpOnly: true, sameSite: "lax", secure: process.env.NODE_ENV === "production" };

/**
 * Middleware that creates a token for the session of the old cookie. Install it after cookie-parser, which has the secret
 * of express-session, and before jrsSession.
 *
 * @param moveKey the secret of the key "move" in the key file of the server, as base64url
 */
export function carryOver(moveKey) {
  return (req, res, next) => {
    const id = req.signedCookies["connect.sid"];
    // If the two cookies differ, a process with express-session has created a session, for example at a login.
    if (id && id !== sessionOf(req.cookies.session)) {
      const token = sign({ jti: id, iat: Math.floor(Date.now() / 1000) }, moveKey);
      req.headers["x-access-token"] = token; // jrsSession reads this header first
      res.cookie("session", token, ATTRIBUTES);
    }
    next();
  };
}

/** Sets both cookies, for a session that was created or rotated. */
export function setCookies(res, session) {
  res.cookie("session", session.jwt, ATTRIBUTES);
  res.cookie("connect.sid", session.id, { ...ATTRIBUTES, signed: true });
}

/** The session id in a token. The server verifies the token later. */
function sessionOf(token = "") {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url")).jti;
  } catch {
    return undefined;
  }
}

function sign(claims, key) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT", kid: "move" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", Buffer.from(key, "base64url")).update(signed).digest("base64url")}`;
}
