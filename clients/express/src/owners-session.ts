import { type Callback, answer } from "./callback.js";
import type { ListedSession } from "./commands.js";

/** One of the sessions of an owner: "my devices". */
export class OwnersSession {
  readonly id: string;
  /** When it was created. */
  readonly created: Date;
  /** Seconds left if nobody uses it. */
  readonly ttl: number;
  /** What is stored in it. */
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
    this.data = JSON.parse(data) as Record<string, any>;
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
