// When no process uses express-session any more, its sessions are converted to ordinary ones.
import { setCookies } from "./carry-over.js";

/** Middleware, behind jrsSession: gives an old session its owner, and a token that the server itself has signed. */
export async function convertSession(req, res, next) {
  const { session } = req;
  // Only when a page is opened: requests that the page sends at the same time would not have the new token.
  const opensPage = req.get("sec-fetch-mode") === "navigate";
  if (!session.user || session.owner || !opensPage) return next();
  session.owner = session.user;
  try {
    await session.rotate();
  } catch (error) {
    if (error.code !== "SESSION_ENDED") throw error;
    // Another tab has converted the session, and the browser already has the new cookie.
    return res.redirect(303, req.originalUrl);
  }
  setCookies(res, session);
  next();
}
