import type { Commands } from "./commands.js";
import type { TokenCookie } from "./cookie.js";
import type { TokenReuse } from "./options.js";
import type { Realm } from "./realm.js";
import type { RecentCookies } from "./recent-cookies.js";
import type { RequestLike } from "./token-source.js";

/** What the requests of one middleware have in common. */
export interface RequestSettings {
  commands: Commands;
  realm: Realm;
  /** Reads the token from all places except the cookie. Undefined if there are no others. */
  readToken: ((request: RequestLike) => unknown) | undefined;
  cookie: TokenCookie | undefined;
  recentCookies: RecentCookies;
  autoSave: boolean;
  failOpen: boolean;
  onReuse: ((reuse: TokenReuse) => unknown) | undefined;
}

/** A response of which only some need the cookie. */
export interface CookieListener {
  /** Called as soon as `setCookie` of the request may return a header. */
  cookieChanged(): void;
  /** Called when a method of the session begins. The response must wait for `finish` of the request. */
  methodBegins(): void;
}
