import { SessionError } from "./errors.js";
import type { RequestSession, SessionRequest } from "./request-session.js";
import { Session } from "./session.js";

/** The part of an Express response that is needed to save the session before the response ends. */
export interface ResponseLike {
  headersSent: boolean;
  end(...args: unknown[]): unknown;
  writeHead(...args: unknown[]): unknown;
  getHeader(name: string): unknown;
  cookie(name: string, value: string, options: object): unknown;
  clearCookie(name: string, options: object): unknown;
}

/** The options of the middleware that auto-save uses. */
export interface AutoSaveSettings {
  /** The name of the session in the request. */
  requestKey: string;
  /** The name of the cookie that has the token. */
  cookie: string;
  /** The options of Express for this cookie. They override the defaults of this package. */
  cookieOptions: object;
}

/** Whether the session can be saved at the end of this response. The cookie needs a method of Express. */
export function canAutoSave(response: unknown): response is ResponseLike {
  return isResponse(response) && typeof response.cookie === "function";
}

/** Whether there is a response at all. The upgrade request of a WebSocket has none. */
export function isResponse(response: unknown): response is Partial<ResponseLike> {
  return typeof (response as ResponseLike | undefined)?.end === "function";
}

/**
 * Saves the session when the application ends the response, which ends only afterwards; and sets the cookie of a new
 * token before the headers are sent. Errors are passed to `next`, as if the application had not ended the response.
 */
export function saveBeforeEnd(
  request: SessionRequest,
  response: ResponseLike,
  next: (error: unknown) => void,
  holder: RequestSession,
  settings: AutoSaveSettings,
): void {
  const { end, writeHead } = response;
  let state: "open" | "saving" | "saved" = "open";

  response.writeHead = (...args) => {
    if (!response.headersSent) setTokenCookie(request, response, holder, settings);
    return writeHead.apply(response, args);
  };

  response.end = (...args) => {
    if (state === "saved") return end.apply(response, args);
    if (state === "saving") return response;
    state = "saving";
    const work = save(request, response, holder, settings.requestKey);
    if (!work) {
      state = "saved";
      return end.apply(response, args);
    }
    // nextTick keeps exceptions of the application out of the promise chain: they are not errors of the session.
    const finish = (step: () => void) => {
      state = "saved";
      process.nextTick(step);
    };
    work.then(
      () => finish(() => end.apply(response, args)),
      (error: unknown) => finish(() => next(error)),
    );
    return response;
  };
}

/** Saves unsaved changes. @returns undefined if there are none */
function save(
  request: SessionRequest,
  response: ResponseLike,
  holder: RequestSession,
  name: string,
): Promise<unknown> | undefined {
  const { session } = holder;
  if (holder.setToNull || !(name in request)) return session.id ? session.destroy() : undefined;
  try {
    if (Session.unsavedField(session) === undefined) return undefined;
  } catch (error) {
    return Promise.reject(error);
  }
  if (!session.id && response.headersSent) {
    const message = "the token of a new session is sent with the headers: call await session.save() before them";
    return Promise.reject(new SessionError("HEADERS_SENT", message));
  }
  return session.save().catch((error: unknown) => {
    // The session was destroyed in the meantime, for instance by a logout. It is not created again.
    if (!(error instanceof SessionError && error.code === "SESSION_ENDED")) throw error;
  });
}

/** Sets the cookie if the token is not the one of the request. Clears it if this request has destroyed the session. */
function setTokenCookie(
  request: SessionRequest,
  response: ResponseLike,
  { session, setToNull, receivedToken }: RequestSession,
  { cookie, cookieOptions }: AutoSaveSettings,
): void {
  if (isSet(response.getHeader("set-cookie"), cookie)) return; // the application has set it
  const token = setToNull ? undefined : Session.activeToken(session);
  const options = { httpOnly: true, sameSite: "lax", secure: request.secure === true, ...cookieOptions };
  if (token === undefined) {
    if (receivedToken !== undefined) {
      response.clearCookie(cookie, { ...options, maxAge: undefined, expires: undefined });
    }
  } else if (token !== receivedToken) response.cookie(cookie, token, options);
}

function isSet(header: unknown, cookie: string): boolean {
  return [header].flat().some((line) => typeof line === "string" && line.startsWith(`${cookie}=`));
}
