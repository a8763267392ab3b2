import { canAutoSave, canEnd, saveBeforeEnd } from "./auto-save.js";
import { connectionOf } from "./clients/index.js";
import { withDeadline } from "./clients/deadline.js";
import { connectionCheck } from "./clients/never-connected.js";
import { redactError } from "./clients/redact.js";
import { Commands } from "./commands.js";
import { isRefusal } from "./errors.js";
import { type Places, tokenFinder } from "./token-source.js";
import { type Options, settings } from "./options.js";
import { isUnavailable } from "./is-unavailable.js";
import { Realm } from "./realm.js";
import { Session } from "./session.js";
import { type SessionRequest, Slot, isServed } from "./slot.js";
import { unsavedWarning } from "./unsaved.js";

declare global {
  namespace Express {
    interface Request {
      /** The request's session, where the middleware's `requestKey` is the default. */
      session: Session;
    }
  }
}

/** Middleware of Express, and of whatever calls its middleware likewise. */
export type Middleware = (request: any, response: any, next: (error?: any) => void) => void;

/**
 * Makes the middleware that finds a request's token, lets Redis verify it, and puts the session into the request.
 * Without a session behind the token, or without a token, that is an empty one.
 *
 * @throws TypeError for options that cannot work
 */
export function jrsSession(options: Options): Middleware {
  const { client, realm, requestKey, failOpen, timeout, autoSave, cookieOptions, ...places } = settings(options);
  const bare = connectionOf(client);
  const checked = connectionCheck(client);
  const connection = withDeadline(bare, timeout, (error, command, key) => {
    redactError(error, command, key);
    return checked(error);
  });
  const commands = new Commands(connection, new Realm(connection, realm));
  const findToken = tokenFinder(places);
  const identity = { client, realm, places };
  const warnOfUnsaved = autoSave ? undefined : unsavedWarning();
  const { cookie } = places;
  const sessionSettings = {
    // A page whose cookie holds the token, and is closed to its scripts, should not find it in a reply.
    showsToken: cookie === undefined,
    longestToken: onlyInCookie(places, autoSave) ? LONGEST_COOKIE - (cookie?.length ?? 0) : Infinity,
  };

  return function jrsSession(request: SessionRequest, response: unknown, next) {
    if (isServed(request, requestKey, identity)) return next();
    const slot = new Slot(commands, sessionSettings);
    const saves = autoSave && cookie !== undefined && canAutoSave(response);
    slot.install(request, requestKey, identity, saves);
    if (saves) saveBeforeEnd(request, response, next, slot, { requestKey, cookie, cookieOptions });
    else if (autoSave && canEnd(response)) return next(new TypeError("jrs-session: 'autoSave' needs Express's res.cookie"));
    warnOfUnsaved?.(response, slot);
    const token = findToken(request);
    if (!token) return next();
    // Through nextTick, so that what the application throws is not taken for a failure of Redis.
    read(slot, token).then((error) => process.nextTick(next, error));
  };

  /** Fills a request's session. @returns what the request cannot go on with. */
  async function read(slot: Slot, token: string): Promise<unknown> {
    let stored;
    try {
      stored = await commands.read("JRS.GET", token);
    } catch (error) {
      return isRefusal(error) || (failOpen && isUnavailable(error)) ? undefined : error;
    }
    if (!stored) return undefined;
    try {
      Session.hydrate(slot.session, token, stored);
      slot.received = token;
    } catch (error) {
      return error; // what is stored is not a session's data, which no waiting will mend
    }
    return undefined;
  }
}

/** How many bytes of name and value browsers keep of a cookie (RFC 6265bis, section 5.6). */
const LONGEST_COOKIE = 4096;

function onlyInCookie({ requestArg, bearer, cookie }: Places, autoSave: boolean): boolean {
  return cookie !== undefined && (autoSave || (requestArg === false && !bearer));
}
