import { type Callback, answer } from "./callback.js";
import type { ListedSession } from "./commands.js";
import { isObject } from "./merge-patch.js";

/** One of the sessions of an owner: "my devices". */
export class SessionInfo {
  readonly id: string;
  /** When it was created. */
  readonly created: Date;
  /** Seconds left if nobody uses it; null if something has taken the end off its key. */
  readonly ttl: number | null;
  /** What is stored in it; `{}` if that is no JSON object. */
  readonly data: Record<string, any>;
  /** Whether it is the one that asked. */
  readonly current: boolean;
  readonly #revoke: () => Promise<boolean>;

  /** @param revoke ends it, and tells whether there was such a session */
  constructor({ id, created, ttl, data }: ListedSession, current: boolean, revoke: () => Promise<boolean>) {
    this.#revoke = revoke;
    this.id = id;
    this.created = created;
    this.ttl = ttl;
    this.data = parsed(data);
    this.current = current;
  }

  /** Logs this device out. Answers with 1, or 0 if the session had ended already. */
  destroy(callback: Callback<0 | 1>): void;
  destroy(): Promise<0 | 1>;
  destroy(callback?: Callback<0 | 1>): Promise<0 | 1> | undefined | void {
    return answer(this.#destroy(), callback);
  }

  async #destroy(): Promise<0 | 1> {
    return (await this.#revoke()) ? 1 : 0;
  }
}

/** One session that something else has written to should not keep its owner from seeing, and ending, the others. */
function parsed(data: string): Record<string, any> {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
