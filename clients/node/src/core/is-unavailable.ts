import { firstWord, SessionError } from "./errors.js";

/** First words of replies of a server that cannot execute commands at the moment. It usually recovers. */
const UNAVAILABLE_REPLIES: ReadonlySet<string> = new Set([
  "BUSY", // a script or a command of a module takes too long, or the queue of JRS is full
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF", // it cannot save, so it refuses writes
  "NOREPLICAS",
  "OOM",
  "READONLY", // it is a replica, for instance after a failover
  "TRYAGAIN", // a slot is being moved
  "UNBLOCKED", // it became a replica while the command waited
]);

/** Errors that a mistake in a program throws. Clients do not throw them when Redis is unavailable. */
const PROGRAM_ERRORS = [TypeError, RangeError, SyntaxError, ReferenceError];

/**
 * Whether a command failed because Redis is unavailable: it cannot be reached, does not reply in time, or says that it
 * cannot execute commands at the moment. Everything else needs a fix, such as an unknown realm, a missing permission, a
 * module that is not loaded, or a wrong call of a client.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof SessionError) return error.code === "TIMEOUT";
  if (!(error instanceof Error)) return true;
  if (PROGRAM_ERRORS.some((type) => error instanceof type)) return false;
  const word = firstWord(error);
  return word === undefined || UNAVAILABLE_REPLIES.has(word);
}
