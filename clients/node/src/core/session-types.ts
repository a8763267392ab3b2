import type { AsyncMethod } from "./callback.js";
import type { SessionsMethod } from "./listed-session-types.js";
import type { DeclaredData } from "./session-data.js";
import type { DestroyAllOptions, LogInOptions, MintOptions, RotateOptions } from "./session-options.js";
import type { Claims } from "./token.js";

/**
 * A session: its properties and methods, and its data as fields.
 *
 * @typeParam Data the fields. All are optional, because the session of a request without a token has none.
 * @default SessionData, or fields of any name and type if nothing is declared in it
 * @example
 * ```ts
 * function addToCart(session: Session<{ cart: string[] }>, item: string): void {
 *   session.cart = [...(session.cart ?? []), item];
 * }
 * ```
 */
export type Session<Data extends object = DeclaredData> = SessionBase & Partial<Data>;

/**
 * The properties and methods of every session.
 *
 * Each method takes a Node.js callback as its last argument. Without a callback it returns a promise.
 */
export interface SessionBase {
  /**
   * The id of the session, which is the claim `jti` of its token. It is missing if the request has no session.
   *
   * @example
   * ```js
   * if (!req.session.id) return res.sendStatus(401);
   * ```
   */
  id?: string;

  /** The claims of the token. The server has verified them. */
  claims?: Claims;

  /** The token. */
  jwt?: string;

  /**
   * The user that the session belongs to. An assigned owner is stored by `create` or `rotate`.
   *
   * @default "" (the session is anonymous)
   * @example
   * ```js
   * req.session.owner = user.id;
   * await req.session.create();
   * ```
   */
  get owner(): string;
  set owner(owner: string | number);

  /**
   * Creates a session with the current fields as its data. The owner is the assigned one, else the claim `sub`, else
   * the owner of the session that the request already has.
   *
   * The result is the token.
   *
   * @example
   * ```js
   * req.session.owner = user.id;
   * const token = await req.session.create({ role: "editor" });
   * ```
   */
  create: AsyncMethod<string, [claims?: object | null]>;

  /**
   * Logs a user in, after the application has checked the password. It prevents session fixation: the old token is
   * invalid at once.
   *
   * - An anonymous session keeps its data, and gets a new id and the owner.
   * - A session of the same user keeps its data, and gets a new id.
   * - A session of another user is destroyed, and its fields are dropped. So assign fields afterwards.
   * - Without a session, one is created with the fields.
   *
   * The result is the token.
   *
   * @example
   * ```js
   * await req.session.logIn(user.id, { claims: { role: user.role } });
   * ```
   */
  logIn: AsyncMethod<string, [owner: string | number, options?: LogInOptions]>;

  /**
   * Replaces the stored data with the current fields. Fails with `SESSION_ENDED` if the session has expired or was
   * destroyed.
   *
   * The result is `"OK"`.
   *
   * @example
   * ```js
   * req.session.cart.push("book");
   * await req.session.update();
   * ```
   */
  update: AsyncMethod<"OK">;

  /**
   * Updates the session, or creates one if the request has none. It works like `save` of `express-session`, for
   * libraries that call it, such as Passport.
   *
   * The result is the token.
   *
   * @example
   * ```js
   * req.session.theme = "dark";
   * await req.session.save();
   * ```
   */
  save: AsyncMethod<string>;

  /**
   * Destroys the session and puts a new, empty, anonymous session into the request, as in `express-session`: the
   * request has another session object afterwards. `save` or `create` stores it.
   *
   * To give a session a new id but keep its data and owner, use {@link SessionBase.rotate}.
   *
   * @example
   * ```js
   * await req.session.regenerate();
   * req.session.message = "You are logged out."; // req.session is the new object
   * ```
   */
  regenerate: AsyncMethod<void>;

  /**
   * Applies a JSON Merge Patch (RFC 7396) to the stored data, in the server, and to the fields. Changes that other
   * requests make at the same time are kept. Other fields of this session are not written.
   *
   * The result is `"OK"`.
   *
   * @example
   * ```js
   * await req.session.merge({ theme: "dark", draft: null }); // null removes a field
   * ```
   */
  merge: AsyncMethod<"OK", [patch: object]>;

  /**
   * Reads the stored data again. Fields that were never stored keep their values.
   *
   * @example
   * ```js
   * await req.session.reload();
   * ```
   */
  reload: AsyncMethod<void>;

  /**
   * Extends the session. The result is the number of seconds left, or 0 if the session has expired or was destroyed.
   *
   * @example
   * ```js
   * const secondsLeft = await req.session.touch();
   * ```
   */
  touch: AsyncMethod<number>;

  /**
   * Gives the session a new id, and the assigned owner if there is one. The old token is invalid at once, or after
   * `grace` milliseconds. The stored data stays; changes to fields that are not stored yet are not written.
   *
   * The result is the new token.
   *
   * @example
   * ```js
   * req.session.owner = user.id;
   * await req.session.rotate({ reauth: true });
   * ```
   */
  rotate: AsyncMethod<string, [options?: RotateOptions]>;

  /**
   * Signs a short-lived access token (RFC 9068) of the session, for services that verify it with the JWKS of the server.
   * It is not a session token. Its claim `sid` is the id of the session. The session is extended, as by reading it.
   *
   * The result is the access token. Fails with `SESSION_ENDED` if the session has expired or was destroyed, and with
   * `NO_OWNER` if it is anonymous.
   *
   * @example
   * ```js
   * const token = await req.session.mint({ audience: "https://orders.example", expiresIn: 60 });
   * await fetch("https://orders.example/orders", { headers: { authorization: `Bearer ${token}` } });
   * ```
   */
  mint: AsyncMethod<string, [options?: MintOptions]>;

  /**
   * Destroys the session. The fields stay in the object and the owner is removed: a session that is created afterwards
   * is anonymous, unless an owner is given.
   *
   * The result is 1, or 0 if the session had already expired, was already destroyed, or the request has none.
   *
   * @example
   * ```js
   * await req.session.destroy();
   * res.redirect("/");
   * ```
   */
  destroy: AsyncMethod<0 | 1>;

  /**
   * Lists the live sessions of the owner, oldest first: with all data, or with the option `fields` with some values of it.
   *
   * @example
   * ```js
   * const devices = await req.session.sessions({ fields: ["/device", "/ip"], limit: 20 });
   * await devices.find(({ current }) => !current)?.destroy();
   * ```
   */
  sessions: SessionsMethod;

  /**
   * Destroys all sessions of the owner. The result is their number.
   *
   * @example
   * ```js
   * await req.session.destroyAll({ keepCurrent: true });
   * ```
   */
  destroyAll: AsyncMethod<number, [options?: DestroyAllOptions]>;

  /**
   * The fields, `claims` and `jwt`. Without `jwt` if the middleware has the option `cookie`: scripts may not see it.
   *
   * @example
   * ```js
   * res.json(req.session); // calls toJSON
   * ```
   */
  toJSON(): Record<string, unknown>;

  /** Stored members that cannot be fields, see {@link reservedMembers}. */
  readonly [reservedMembers]: Record<string, unknown>;
}

/**
 * The key of the stored members that are called `id`, `claims` or `jwt`. A session uses these names for its own
 * properties, so they are not fields. They are written back with the fields.
 *
 * @example
 * ```js
 * import { reservedMembers } from "jrs-session";
 * const storedId = req.session[reservedMembers].id;
 * ```
 */
export const reservedMembers: unique symbol = Symbol.for("jrs-session.reservedMembers") as never;
