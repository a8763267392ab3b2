import { isTokenRefused, SessionError } from "./errors.js";
import { isObject } from "./merge-patch.js";
import { checkRecentAuth, type RecentAuthChecker } from "./recent-auth-checker.js";

/** Why a request does not pass `requireRecentAuth`. */
export interface RecentAuthRefusal {
  /** Whether the user is logged in, but authenticated too long ago. */
  stale: boolean;
  /** The header `WWW-Authenticate` of a response with the status 401 (RFC 9470, section 3). */
  challenge: string;
  /** A `SessionError`, or an error of Redis. */
  error: unknown;
}

/** The largest age that the server accepts: a year. */
const MAX_AGE = 365 * 86_400;

/** The codes of the errors for a request that is not logged in. */
const NOT_LOGGED_IN: ReadonlySet<string> = new Set(["INVALID_SESSION", "SESSION_ENDED", "TOKEN_REUSED", "NO_OWNER"]);

/**
 * Asks the server whether the user of a session has authenticated in the last `seconds`. The server decides by its own
 * clock.
 *
 * @param session the session of the request; null if the application has assigned null
 * @param place how applications write the session, for errors, such as `req.session`
 * @returns undefined if so
 * @throws the error of Redis if the server cannot be asked
 * @example
 * ```js
 * const refusal = await recentAuthRefusal(request.session, 300, "request.session");
 * if (refusal) reply.code(401).header("WWW-Authenticate", refusal.challenge);
 * ```
 */
export async function recentAuthRefusal(
  session: unknown,
  seconds: number,
  place: string,
): Promise<RecentAuthRefusal | undefined> {
  try {
    await check(session, seconds, place);
    return undefined;
  } catch (error) {
    if (codeOf(error) === "STALE_AUTH") return { stale: true, challenge: staleChallenge(seconds), error };
    if (isTokenRefused(error) || NOT_LOGGED_IN.has(codeOf(error))) return { stale: false, challenge: "Bearer", error };
    throw error;
  }
}

/** @throws TypeError if an argument of `requireRecentAuth` is invalid */
export function checkRecentAuthArguments(seconds: number, options: object): void {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_AGE) {
    throw invalid(`the first argument must be a number of seconds from 1 to ${MAX_AGE}`);
  }
  if (!isObject(options)) throw invalid("the options must be an object");
  const { onStale, requestKey, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`unknown option '${unknown}'`);
  if (onStale !== undefined && typeof onStale !== "function") throw invalid("'onStale' must be a function");
  if (requestKey !== undefined && (typeof requestKey !== "string" || requestKey === "")) {
    throw invalid("'requestKey' must be a non-empty string");
  }
}

function invalid(message: string): TypeError {
  return new TypeError(`jrs-session: requireRecentAuth: ${message}`);
}

async function check(session: unknown, seconds: number, place: string): Promise<void> {
  // null was assigned, which destroys the session
  if (session === null) throw new SessionError("INVALID_SESSION", "Invalid session ID");
  if (!isChecker(session)) {
    throw new TypeError(`jrs-session: requireRecentAuth must be added after jrsSession, which sets '${place}'`);
  }
  await session[checkRecentAuth](seconds);
}

function isChecker(session: unknown): session is RecentAuthChecker {
  return isObject(session) && checkRecentAuth in session;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** The challenge of RFC 9470, section 3. */
function staleChallenge(seconds: number): string {
  const description = "More recent authentication is required";
  return `Bearer error="insufficient_user_authentication", error_description="${description}", max_age="${seconds}"`;
}
