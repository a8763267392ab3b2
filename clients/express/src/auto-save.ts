import { SessionError } from "./errors.js";
import { Session } from "./session.js";
import type { SessionRequest, Slot } from "./slot.js";

/** Of Express's response, what is needed to write the session, and to hand out its token, before the response ends. */
export interface ResponseLike {
  headersSent: boolean;
  end(...rest: any[]): any;
  writeHead(...rest: any[]): any;
  getHeader(name: string): unknown;
  cookie(name: string, value: string, options: object): unknown;
  clearCookie(name: string, options: object): unknown;
}

export interface AutoSave {
  /** The session's name in the request. */
  requestKey: string;
  cookie: string;
  cookieOptions: object;
}

export function canAutoSave(response: unknown): response is ResponseLike {
  return canEnd(response) && typeof response.cookie === "function";
}

/** Whether there is a response at all. A WebSocket's upgrade request has none. */
export function canEnd(response: unknown): response is Partial<ResponseLike> {
  return typeof (response as ResponseLike | undefined)?.end === "function";
}

/**
 * Makes a response wait, when the application ends it, until what the application has changed in the session is
 * written; and puts a new token into the cookie before the headers go out. What fails goes to `next`, as if the
 * application had not answered yet.
 */
export function saveBeforeEnd(
  request: SessionRequest,
  response: ResponseLike,
  next: (error: unknown) => void,
  slot: Slot,
  settings: AutoSave,
): void {
  const { end, writeHead } = response;
  let state: "open" | "writing" | "written" = "open";

  response.writeHead = function (...rest) {
    if (!response.headersSent) handOut(request, response, slot, settings);
    return writeHead.apply(response, rest);
  };

  response.end = function (...rest) {
    if (state === "written") return end.apply(response, rest);
    if (state === "writing") return response;
    state = "writing";
    const work = write(request, response, slot, settings.requestKey);
    if (!work) {
      state = "written";
      return end.apply(response, rest);
    }
    // Through nextTick, so that what the application throws is not taken for a failure of the session.
    const goOn = (step: () => void) => {
      state = "written";
      process.nextTick(step);
    };
    work.then(
      () => goOn(() => end.apply(response, rest)),
      (error: unknown) => goOn(() => next(error)),
    );
    return response;
  };
}

/** Writes what is not written yet. @returns nothing if that is nothing */
function write(request: SessionRequest, response: ResponseLike, slot: Slot, name: string): Promise<void> | undefined {
  const { session } = slot;
  if (slot.emptied || !(name in request)) return session.id ? session.destroy().then(() => undefined) : undefined;
  try {
    if (Session.unwritten(session) === undefined) return undefined;
  } catch (error) {
    return Promise.reject(error);
  }
  if (!session.id && response.headersSent) {
    const message = "a new session's token has to be sent with the headers: await session.save() before them";
    return Promise.reject(new SessionError("HEADERS_SENT", message));
  }
  return session.save().then(
    () => undefined,
    (error: unknown) => {
      // Somebody has logged out meanwhile. A session that has ended is not brought back.
      if (!(error instanceof SessionError && error.code === "SESSION_ENDED")) throw error;
    },
  );
}

/** Puts the token into the cookie if it is another than the request's, and takes away that of a session ended here. */
function handOut(request: SessionRequest, response: ResponseLike, slot: Slot, { cookie, cookieOptions }: AutoSave): void {
  if (isSet(response.getHeader("set-cookie"), cookie)) return; // the application was quicker
  const token = slot.emptied ? undefined : Session.liveToken(slot.session);
  const options = { httpOnly: true, sameSite: "lax", secure: request.secure === true, ...cookieOptions };
  if (token === undefined) {
    if (slot.received !== undefined) response.clearCookie(cookie, { ...options, maxAge: undefined, expires: undefined });
  } else if (token !== slot.received) response.cookie(cookie, token, options);
}

function isSet(header: unknown, cookie: string): boolean {
  return [header].flat().some((line) => typeof line === "string" && line.startsWith(`${cookie}=`));
}
