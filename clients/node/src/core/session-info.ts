import { type Callback, callbackOrPromise, type PromiseOrNothing } from "./callback.js";
import type { ListedSession } from "./commands.js";
import type {
  SessionInfo as PublicSessionInfo,
  SessionSummary as PublicSessionSummary,
} from "./listed-session-types.js";
import { isObject } from "./merge-patch.js";

/** Destroys a listed session, and resolves to whether it existed. */
type Revoke = () => Promise<boolean>;

/** The class behind the public type of the same name. */
export class SessionInfo implements PublicSessionInfo {
  readonly id: string;
  readonly created: Date;
  readonly ttl: number | null;
  readonly data: Record<string, unknown>;
  readonly current: boolean;
  readonly #revoke: Revoke;

  constructor({ id, created, ttl, data }: ListedSession, current: boolean, revoke: Revoke) {
    this.#revoke = revoke;
    this.id = id;
    this.created = created;
    this.ttl = ttl;
    this.data = parseData(data);
    this.current = current;
  }

  destroy(callback?: Callback<0 | 1>): PromiseOrNothing<0 | 1> {
    return callbackOrPromise(oneIf(this.#revoke()), callback);
  }
}

/** The class behind the public type of the same name. */
export class SessionSummary implements PublicSessionSummary {
  readonly id: string;
  readonly created: Date;
  readonly ttl: number | null;
  readonly fields: Record<string, unknown>;
  readonly current: boolean;
  readonly #revoke: Revoke;

  /** @param pointers the JSON Pointers of the fields, in the order of the values in the list */
  constructor(
    { id, created, ttl, fields }: ListedSession,
    pointers: readonly string[],
    current: boolean,
    revoke: Revoke,
  ) {
    this.#revoke = revoke;
    this.id = id;
    this.created = created;
    this.ttl = ttl;
    this.fields = parseFields(pointers, fields);
    this.current = current;
  }

  destroy(callback?: Callback<0 | 1>): PromiseOrNothing<0 | 1> {
    return callbackOrPromise(oneIf(this.#revoke()), callback);
  }
}

async function oneIf(existed: Promise<boolean>): Promise<0 | 1> {
  return (await existed) ? 1 : 0;
}

/** Invalid data gives `{}`: one broken session must not keep its owner from listing and destroying the others. */
function parseData(data: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The values by their pointers, without those that are missing. A stored JSON `null` is the text `null`. */
function parseFields(pointers: readonly string[], values: readonly (string | null)[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [at, pointer] of pointers.entries()) {
    const value = values[at] ?? null;
    if (value !== null) fields[pointer] = JSON.parse(value);
  }
  return fields;
}
