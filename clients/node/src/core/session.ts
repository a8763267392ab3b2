import { type Callback, callbackOrPromise, type PromiseOrNothing } from "./callback.js";
import { dataFields } from "./fields.js";
import { checkRecentAuth, type RecentAuthChecker } from "./recent-auth-checker.js";
import { SessionActions } from "./session-actions.js";
import type { SessionHost } from "./session-host.js";
import type {
  DestroyAllOptions,
  LogInOptions,
  MintOptions,
  RotateOptions,
  SessionsOptions,
} from "./session-options.js";
import { reservedMembers, type SessionBase } from "./session-types.js";
import type { Claims } from "./token.js";

/** The class behind the public type `Session`. Its own enumerable properties are the data. */
export class Session implements SessionBase, RecentAuthChecker {
  declare id?: string;
  declare claims?: Claims;
  declare jwt?: string;

  readonly #host: SessionHost;
  readonly #actions: SessionActions;
  readonly #showsToken: boolean;

  /** @param showsToken whether `toJSON` includes the token */
  constructor(host: SessionHost, showsToken: boolean) {
    this.#host = host;
    this.#showsToken = showsToken;
    this.#actions = new SessionActions(host, this);
  }

  get owner(): string {
    return this.#actions.owner.value;
  }

  set owner(owner: string | number) {
    this.#actions.owner.assign(owner);
  }

  create(claims?: object | Callback<string> | null, callback?: Callback<string>): PromiseOrNothing<string> {
    if (typeof claims === "function") return this.#settle(this.#actions.create({}), claims as Callback<string>);
    return this.#settle(this.#actions.create(claims ?? {}), callback);
  }

  logIn(
    owner: string | number,
    options?: LogInOptions | Callback<string>,
    callback?: Callback<string>,
  ): PromiseOrNothing<string> {
    if (typeof options === "function") return this.#settle(this.#actions.logIn(owner, {}), options);
    return this.#settle(this.#actions.logIn(owner, options ?? {}), callback);
  }

  update(callback?: Callback<"OK">): PromiseOrNothing<"OK"> {
    return this.#settle(this.#actions.update(), callback);
  }

  save(callback?: Callback<string>): PromiseOrNothing<string> {
    return this.#settle(this.#actions.save(), callback);
  }

  regenerate(callback?: Callback<void>): PromiseOrNothing<void> {
    return this.#settle(this.#actions.regenerate(), callback);
  }

  merge(patch: object, callback?: Callback<"OK">): PromiseOrNothing<"OK"> {
    return this.#settle(this.#actions.merge(patch), callback);
  }

  reload(callback?: Callback<void>): PromiseOrNothing<void> {
    return this.#settle(this.#actions.reload(), callback);
  }

  touch(callback?: Callback<number>): PromiseOrNothing<number> {
    return this.#settle(this.#actions.touch(), callback);
  }

  rotate(options?: RotateOptions | Callback<string>, callback?: Callback<string>): PromiseOrNothing<string> {
    if (typeof options === "function") return this.#settle(this.#actions.rotate({}), options);
    return this.#settle(this.#actions.rotate(options ?? {}), callback);
  }

  mint(options?: MintOptions | Callback<string>, callback?: Callback<string>): PromiseOrNothing<string> {
    if (typeof options === "function") return this.#settle(this.#actions.mint({}), options);
    return this.#settle(this.#actions.mint(options ?? {}), callback);
  }

  destroy(callback?: Callback<0 | 1>): PromiseOrNothing<0 | 1> {
    return this.#settle(this.#actions.destroy(), callback);
  }

  sessions<T>(options?: SessionsOptions | Callback<T[]>, callback?: Callback<T[]>): PromiseOrNothing<T[]> {
    if (typeof options === "function") return this.#settle(this.#actions.sessions({}) as Promise<T[]>, options);
    return this.#settle(this.#actions.sessions(options ?? {}) as Promise<T[]>, callback);
  }

  destroyAll(options?: DestroyAllOptions | Callback<number>, callback?: Callback<number>): PromiseOrNothing<number> {
    if (typeof options === "function") return this.#settle(this.#actions.destroyAll({}), options);
    return this.#settle(this.#actions.destroyAll(options ?? {}), callback);
  }

  toJSON(): Record<string, unknown> {
    const json = dataFields(this, this.#actions.token);
    if (this.claims !== undefined) json.claims = this.claims;
    if (this.jwt !== undefined && this.#showsToken) json.jwt = this.jwt;
    return json;
  }

  /** What `console.log` prints: the token is left out, so that it does not get into logs. */
  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    const shown = Object.fromEntries(Object.entries(this).filter(([name]) => name !== "jwt"));
    return `Session ${inspect({ owner: this.owner, ...shown }, options)}`;
  }

  get [reservedMembers](): Record<string, unknown> {
    return this.#actions.saved.reserved;
  }

  async [checkRecentAuth](seconds: number): Promise<void> {
    await this.#settle(this.#actions.checkRecentAuth(seconds), undefined);
  }

  /** For the request that the session belongs to. */
  static actions(session: Session): SessionActions {
    return session.#actions;
  }

  /** Passes the result of a command to the callback, or returns it. */
  #settle<T>(work: Promise<T>, callback: Callback<T> | undefined): PromiseOrNothing<T> {
    return callbackOrPromise(this.#run(work), callback);
  }

  /** The response waits until the method has finished. */
  async #run<T>(method: Promise<T>): Promise<T> {
    this.#host.methodBegins();
    try {
      return await method;
    } catch (error) {
      this.#actions.failed(error);
      throw error;
    } finally {
      this.#host.methodEnds();
    }
  }
}
