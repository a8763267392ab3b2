import type { RequestSession } from "./request-session.js";
import { Session } from "./session.js";

/** The part of a Node.js response that reports its end. */
interface FinishEmitter {
  once(event: "finish", listener: () => void): unknown;
}

/**
 * Returns a function that warns once per process when a request ends with unsaved changes of its session. Libraries for
 * `express-session` do not save the session themselves. Undefined in production, to save the comparison.
 */
export function unsavedWarning(): ((response: unknown, holder: RequestSession) => void) | undefined {
  if (process.env.NODE_ENV === "production") return undefined;
  let warned = false;
  return (response, holder) => {
    if (warned || !emitsFinish(response)) return;
    response.once("finish", () => {
      const field = warned ? undefined : unsavedField(holder.session);
      if (field === undefined) return;
      warned = true;
      const message =
        `a request has changed its session ('${field}') but did not save it: ` +
        "call save(), update() or merge(), or set the option autoSave";
      process.emitWarning(message, { type: "JrsSessionWarning", code: "JRS_UNSAVED" });
    });
  };
}

function emitsFinish(response: unknown): response is FinishEmitter {
  return typeof (response as FinishEmitter | undefined)?.once === "function";
}

function unsavedField(session: Session): string | undefined {
  try {
    return Session.unsavedField(session);
  } catch {
    return undefined; // a field that cannot be stored: update() reports it
  }
}
