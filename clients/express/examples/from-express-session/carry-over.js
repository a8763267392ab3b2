// While an application moves from express-session to jrs-session, each session has two handles: the old cookie, and a
// token that names the same key.
import { createHmac } from "node:crypto";

const ATTRIBUTES = { httpOnly: true, sameSite: "lax", secure: process.env.NODE_ENV === "production" };

/**
 * Middleware that gives the browser a token for the session of its old cookie. It stands behind cookie-parser, which
 * has the secret of express-session, and before jrsSession.
 *
 * @param moveKey the secret of the key "move" in the server's key file, as base64url
 */
export function carryOver(moveKey) {
  return function carryOver(req, res, next) {
    const id = req.signedCookies["connect.sid"];
    // Where the two cookies differ, the old application has begun a session meanwhile, at a login for example.
    if (id && id !== sessionOf(req.cookies.session)) {
      const token = sign({ jti: id, iat: Math.floor(Date.now() / 1000) }, moveKey);
      req.headers["x-access-token"] = token; // where jrsSession looks first
      res.cookie("session", token, ATTRIBUTES);
    }
    next();
  };
}

/** Gives the browser both handles of a session that was created or rotated. */
export function handOut(res, session) {
  res.cookie("session", session.jwt, ATTRIBUTES);
  res.cookie("connect.sid", session.id, { ...ATTRIBUTES, signed: true });
}

/** The session that a token says it belongs to; whether that is true, the server will find out. */
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
