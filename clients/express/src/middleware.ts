import { connectionOf } from "./clients/index.js";
import { withDeadline } from "./clients/deadline.js";
import { withConnectionCheck } from "./clients/never-connected.js";
import { withRedactedErrors } from "./clients/redact.js";
import { Commands } from "./commands.js";
import { isRefusal } from "./errors.js";
import { type RequestLike, tokenFinder } from "./lookup.js";
import { type Options, settings } from "./options.js";
import { isOutage } from "./outage.js";
import { Realm } from "./realm.js";
import { Session } from "./session.js";

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
  const { client, realm, requestKey, failOpen, timeout, ...places } = settings(options);
  const connection = withRedactedErrors(withConnectionCheck(client, withDeadline(connectionOf(client), timeout)));
  const commands = new Commands(connection, new Realm(connection, realm));
  const findToken = tokenFinder(places);
  // A page whose cookie holds the token, and is closed to its scripts, should not find it in a reply.
  const showsToken = places.cookie === undefined;

  return function jrsSession(request: RequestLike & Record<string, any>, _response, next) {
    const session = new Session(commands, showsToken);
    request[requestKey] = session;
    const token = findToken(request);
    if (!token) return next();
    // Through nextTick, so that what the application throws is not taken for a failure of Redis.
    read(session, token).then((error) => process.nextTick(next, error));
  };

  /** Fills a request's session. @returns what the request cannot go on with. */
  async function read(session: Session, token: string): Promise<unknown> {
    let stored;
    try {
      stored = await commands.read("JRS.GET", token);
    } catch (error) {
      return isRefusal(error) || (failOpen && isOutage(error)) ? undefined : error;
    }
    try {
      if (stored) Session.adopt(session, token, stored);
    } catch (error) {
      return error; // what is stored is no session's data, which no waiting will mend
    }
    return undefined;
  }
}
