import { type Callback, callbackOrPromise, type PromiseOrNothing } from "./callback.js";
import type { ListedSession } from "./commands.js";
import { isObject } from "./merge-patch.js";
import type { SessionInfo as PublicSessionInfo } from "./session-types.js";

/** The class behind the public type of the same name. */
export class SessionInfo implements PublicSessionInfo {
  readonly id: string;
  readonly created: Date;
  readonly ttl: number | null;
  readonly data: Record<string, unknown>;
  readonly current: boolean;
  readonly #revoke: () => Promise<boolean>;

  /** @param revoke destroys the session and resolves to whether it existed */
  constructor({ id, created, ttl, data }: ListedSession, current: boolean, revoke: () => Promise<boolean>) {
    this.#revoke = revoke;
    this.id = id;
    this.created = created;
    this.ttl = ttl;
    this.data = parseData(data);
    this.current = current;
  }

  destroy(callback?: Callback<0 | 1>): PromiseOrNothing<0 | 1> {
    return callbackOrPromise(this.#destroy(), callback);
  }

  async #destroy(): Promise<0 | 1> {
    return (await this.#revoke()) ? 1 : 0;
  }
}

/** Invalid data gives `{}`: one broken session must not keep its owner from listing and destroying the others. */
function parseData(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
