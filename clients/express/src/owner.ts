import { randomUUID } from "node:crypto";

import { SessionError } from "./errors.js";

/** In a cluster, where every session needs an owner to have a place, sessions of nobody get one that begins so. */
const NOBODY = "anonymous:";

/** Whom a session belongs to: by what the server says, and by what the application has assigned since. */
export class Owner {
  readonly #cluster: boolean;
  /** As the server has it. */
  #known = "";
  /** What waits for `create` or `rotate`, in a box, for it may be undefined by mistake. */
  #assigned: { owner: unknown } | undefined;

  constructor(cluster: boolean) {
    this.#cluster = cluster;
  }

  /** As applications see it: nobody is `""`, also in a cluster. What cannot be an owner is not shown as one. */
  get shown(): string {
    if (!this.#assigned) return this.#knownToApplication;
    return isOwner(this.#assigned.owner) ? String(this.#assigned.owner) : "";
  }

  assign(owner: unknown): void {
    this.#assigned = { owner };
  }

  /** Takes over what the server says. */
  become(owner: string): void {
    this.#known = owner;
    this.#assigned = undefined;
  }

  /**
   * Forgets whom the session belonged to, once it has ended: the next one of the same request is not theirs, too,
   * unless the application says so.
   */
  forget(): void {
    this.#known = "";
  }

  /**
   * The owner of a new session, as the server is told.
   *
   * @param sub the claim, which yields to nobody but an owner that the application has assigned
   * @throws SessionError `BAD_OWNER`, `TWO_OWNERS`
   */
  forCreate(sub: unknown): string {
    if (sub === undefined) return this.#forServer(this.#assigned ? this.#assigned.owner : this.#knownToApplication);
    const owner = this.#forServer(sub);
    if (this.#assigned && String(this.#assigned.owner) !== String(sub)) {
      const message = "the claim 'sub' is another owner than the one that was assigned: give one of them";
      throw new SessionError("TWO_OWNERS", message);
    }
    return owner;
  }

  /**
   * The owner that a rotation changes to, as the server is told; nothing: it stays.
   *
   * @throws SessionError `BAD_OWNER`
   */
  forRotate(): string | undefined {
    return this.#assigned && this.#forServer(this.#assigned.owner);
  }

  /**
   * The owner whose sessions may be listed and ended: what was assigned and not written yet does not open other
   * people's.
   *
   * @throws SessionError `NO_OWNER`
   */
  forList(): string {
    if (this.#knownToApplication !== "") return this.#known;
    throw new SessionError("NO_OWNER", "the session has no owner, so it has no companions");
  }

  /** @throws SessionError `OWNER_CHANGED`, where another one was assigned */
  refuseChange(): void {
    if (!this.changed) return;
    throw new SessionError("OWNER_CHANGED", "a session gets another owner by rotate(), not by update() or merge()");
  }

  /** Whether another owner was assigned than the server has. */
  get changed(): boolean {
    return this.#assigned !== undefined && String(this.#assigned.owner) !== this.#knownToApplication;
  }

  get #knownToApplication(): string {
    return this.#cluster && this.#known.startsWith(NOBODY) ? "" : this.#known;
  }

  #forServer(owner: unknown): string {
    if (!isOwner(owner)) {
      const given = owner === null ? "null" : Array.isArray(owner) ? "an array" : typeof owner;
      throw new SessionError("BAD_OWNER", `an owner is a string or a number, not ${given}`);
    }
    if (!this.#cluster) return String(owner);
    if (owner === "") return NOBODY + randomUUID();
    if (String(owner).startsWith(NOBODY)) {
      throw new SessionError("BAD_OWNER", `owners that begin with '${NOBODY}' stand for nobody in a cluster`);
    }
    return String(owner);
  }
}

function isOwner(owner: unknown): owner is string | number {
  return typeof owner === "string" || typeof owner === "number";
}
