import { Session } from "./session.js";
import type { Slot } from "./slot.js";

/** Of Node's response, what tells when it has ended. */
interface Finishing {
  once(event: "finish", listener: () => void): unknown;
}

/**
 * A function that warns, once, when a request ends whose session was changed and not written. Libraries that were made
 * for `express-session` rely on somebody writing it. Not in production: what it costs is for developers.
 */
export function unsavedWarning(): ((response: unknown, slot: Slot) => void) | undefined {
  if (process.env.NODE_ENV === "production") return undefined;
  let warned = false;
  return (response, slot) => {
    if (warned || !canFinish(response)) return;
    response.once("finish", () => {
      const member = warned ? undefined : unwritten(slot.session);
      if (member === undefined) return;
      warned = true;
      const message =
        `a request has changed its session ('${member}') and has not written it: ` +
        "call its method save(), update() or merge(), or set the option autoSave";
      process.emitWarning(message, { type: "JrsSessionWarning", code: "JRS_UNSAVED" });
    });
  };
}

function canFinish(response: unknown): response is Finishing {
  return typeof (response as Finishing | undefined)?.once === "function";
}

function unwritten(session: Session): string | undefined {
  try {
    return Session.unwritten(session);
  } catch {
    return undefined; // a field that cannot be written: update() says so
  }
}
