import type { AsyncMethod, Callback } from "./callback.js";
import type { SessionsOptions } from "./session-options.js";

/**
 * One of the sessions of an owner.
 *
 * @example
 * ```js
 * for (const { created, data, current } of await req.session.sessions()) {
 *   console.log(created, data.device, current ? "(this device)" : "");
 * }
 * ```
 */
export interface SessionInfo {
  readonly id: string;
  /** When the session was created. */
  readonly created: Date;
  /** Seconds until the session expires if it is not used. `null` if its key in Redis has no TTL. */
  readonly ttl: number | null;
  /** The stored data. `{}` if it is not a JSON object. */
  // biome-ignore lint/suspicious/noExplicitAny: any program may have written the data of a session
  readonly data: Record<string, any>;
  /** Whether this is the session that `sessions` was called on. */
  readonly current: boolean;

  /**
   * Destroys this session. The result is 1, or 0 if it had already expired or was already destroyed.
   *
   * @example
   * ```js
   * const device = (await req.session.sessions()).find(({ id }) => id === req.params.id);
   * await device?.destroy();
   * ```
   */
  destroy: AsyncMethod<0 | 1>;
}

/**
 * One of the sessions of an owner, with some values of its data.
 *
 * @typeParam Pointer the JSON Pointers of these values
 * @example
 * ```js
 * for (const { created, fields } of await req.session.sessions({ fields: ["/device"] })) {
 *   console.log(created, "/device" in fields ? fields["/device"] : "unknown");
 * }
 * ```
 */
export interface SessionSummary<Pointer extends string = string> extends Omit<SessionInfo, "data"> {
  /** The values by their pointers. A value that the session does not have is missing here, and is not `null`. */
  // biome-ignore lint/suspicious/noExplicitAny: any program may have written the data of a session
  readonly fields: Readonly<Partial<Record<Pointer, any>>>;
}

/** The type of the method `sessions`: the option `fields` decides about the type of the result. */
export interface SessionsMethod {
  <const Pointer extends string>(
    options: SessionsOptions & { fields: readonly Pointer[] },
    callback: Callback<SessionSummary<Pointer>[]>,
  ): void;
  (options: SessionsOptions & { fields?: undefined }, callback: Callback<SessionInfo[]>): void;
  (callback: Callback<SessionInfo[]>): void;
  <const Pointer extends string>(
    options: SessionsOptions & { fields: readonly Pointer[] },
  ): Promise<SessionSummary<Pointer>[]>;
  (options?: SessionsOptions & { fields?: undefined }): Promise<SessionInfo[]>;
}
