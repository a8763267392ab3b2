import { SessionError, firstWord } from "./errors.js";

/** What a server begins its reply with when it cannot do its work at present; as a rule, it will be able to again. */
const STATES: ReadonlySet<string> = new Set([
  "BUSY", // a script or a module's command takes too long
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF", // it cannot save, so it takes no writes
  "NOREPLICAS",
  "OOM",
  "READONLY", // it was the master until a moment ago
  "TRYAGAIN", // a slot is moving
]);

/** What a mistake in a program throws. Clients throw no such thing in an outage, or their connection here mends it. */
const MISTAKES = [TypeError, RangeError, SyntaxError, ReferenceError];

/**
 * Whether a command has failed because Redis has: it cannot be reached, does not answer in time, or says that it
 * cannot at present. All else is a mistake that somebody has to mend, such as a realm that there is not, a right that
 * is missing, a module that was not loaded, or a client that was called wrongly.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof SessionError) return error.code === "TIMEOUT";
  if (!(error instanceof Error)) return true;
  if (MISTAKES.some((kind) => error instanceof kind)) return false;
  const word = firstWord(error);
  return word === undefined || STATES.has(word);
}
