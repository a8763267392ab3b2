/** How many ids each of the two generations holds. */
const GENERATION_SIZE = 10_000;

/**
 * The ids of the sessions whose cookie this process has sent lately, with the times, in bounded memory: when the newer of
 * two generations is full, the older one is dropped.
 */
export class RecentCookies {
  readonly #size: number;
  #newer = new Map<string, number>();
  #older = new Map<string, number>();

  constructor(size = GENERATION_SIZE) {
    this.#size = size;
  }

  /** Call when the cookie of a session is sent. @param now seconds of a monotonic clock */
  add(id: string, now: number): void {
    if (this.#newer.size >= this.#size && !this.#newer.has(id)) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(id, now);
  }

  /** Whether the cookie of a session was sent in the last `seconds`, as far as this is known. */
  has(id: string, seconds: number, now: number): boolean {
    const sent = this.#newer.get(id) ?? this.#older.get(id);
    return sent !== undefined && now - sent < seconds;
  }
}
