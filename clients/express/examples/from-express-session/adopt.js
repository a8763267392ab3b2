// When no process has express-session any more, sessions that came from it become sessions like all others.
import { handOut } from "./carry-over.js";

/** Middleware, behind jrsSession: gives a user's old session its owner and a token that the server itself has signed. */
export async function adopt(req, res, next) {
  const { session } = req;
  // Only when a page is opened: the requests that a page then sends at the same time would not know the new token.
  const opensPage = req.get("sec-fetch-mode") === "navigate";
  if (!session.user || session.owner || !opensPage) return next();
  session.owner = session.user;
  try {
    await session.rotate();
  } catch (error) {
    if (error.code !== "SESSION_ENDED") throw error;
    // Another tab was quicker, and the browser has its cookie by now.
    return res.redirect(303, req.originalUrl);
  }
  handOut(res, session);
  next();
}
