import { randomUUID } from "node:crypto";

import { SessionError } from "./errors.js";

/**
 * In a cluster the owner decides on which node a session is. Anonymous sessions get a random owner with this prefix
 * there, so that they are spread over the nodes.
 */
const ANONYMOUS_PREFIX = "anonymous:";

/** The owner of a session: the one that the server has stored, and the one that the application has assigned since. */
export class Owner {
  readonly #cluster: boolean;
  #stored = "";
  /** Not stored before `create` or `rotate`. In an object, since the application may assign undefined by mistake. */
  #assigned: { owner: unknown } | undefined;

  constructor(cluster: boolean) {
    this.#cluster = cluster;
  }

  /** The owner as applications see it; `""` for an anonymous session and for an invalid assigned value. */
  get value(): string {
    if (!this.#assigned) return this.#visible;
    return isOwner(this.#assigned.owner) ? String(this.#assigned.owner) : "";
  }

  assign(owner: unknown): void {
    this.#assigned = { owner };
  }

  /** Assigns an owner while something runs. If it fails, the owner is the one from before. */
  async assignFor<T>(owner: unknown, work: () => Promise<T>): Promise<T> {
    const before = this.#assigned;
    this.assign(owner);
    try {
      return await work();
    } catch (error) {
      this.#assigned = before;
      throw error;
    }
  }

  /** Call with the owner that the server has stored. */
  set(owner: string): void {
    this.#stored = owner;
    this.#assigned = undefined;
  }

  /** Call when the session is gone: the next session of the request must not belong to the same owner by accident. */
  clear(): void {
    this.#stored = "";
  }

  /**
   * The owner to send for a new session.
   *
   * @param sub the claim `sub`. It takes precedence over a stored owner, but not over an assigned one.
   * @throws SessionError `BAD_OWNER`, `TWO_OWNERS`
   */
  forCreate(sub: unknown): string {
    if (sub === undefined) return this.#toServer(this.#assigned ? this.#assigned.owner : this.#visible);
    const owner = this.#toServer(sub);
    if (this.#assigned && String(this.#assigned.owner) !== String(sub)) {
      throw new SessionError("TWO_OWNERS", "the claim 'sub' differs from the assigned owner: use one of them");
    }
    return owner;
  }

  /**
   * Checks the owner of a login.
   *
   * @throws SessionError `BAD_OWNER`
   * @returns whether the session belongs to another user
   */
  checkForLogIn(owner: unknown): boolean {
    this.#toServer(owner);
    if (owner === "") throw new SessionError("BAD_OWNER", "logIn needs the id of a user, not an empty string");
    return this.#visible !== "" && this.#visible !== String(owner);
  }

  /**
   * The owner to send for a rotation; undefined if it stays the same.
   *
   * @throws SessionError `BAD_OWNER`
   */
  forRotate(): string | undefined {
    return this.#assigned && this.#toServer(this.#assigned.owner);
  }

  /**
   * The owner whose sessions may be listed and destroyed. This is the stored owner: an assigned one must not give
   * access to the sessions of another user.
   *
   * @throws SessionError `NO_OWNER`
   */
  forList(): string {
    this.#refuseAnonymous("there are no sessions to list or destroy");
    return this.#stored;
  }

  /**
   * Refuses an anonymous session, whose user has never authenticated. In a cluster the server takes it for a session of
   * a random owner.
   *
   * @throws SessionError `NO_OWNER`
   */
  checkForRecentAuth(): void {
    this.#refuseAnonymous("its user has not authenticated");
  }

  /**
   * Refuses an access token without a user. In a cluster the server would sign one for a random owner.
   *
   * @throws SessionError `NO_OWNER`; `OWNER_CHANGED` if another owner was assigned
   */
  checkForMint(): void {
    if (this.changed) throw new SessionError("OWNER_CHANGED", "the owner was changed: call rotate() before mint()");
    this.#refuseAnonymous("there is no user to sign an access token for");
  }

  /** @throws SessionError `OWNER_CHANGED` if another owner was assigned */
  refuseChange(): void {
    if (!this.changed) return;
    throw new SessionError("OWNER_CHANGED", "the owner was changed: call rotate() instead of update() or merge()");
  }

  /** Whether the assigned owner differs from the stored one. */
  get changed(): boolean {
    return this.#assigned !== undefined && String(this.#assigned.owner) !== this.#visible;
  }

  /** The stored owner as applications see it. */
  get #visible(): string {
    return this.#cluster && this.#stored.startsWith(ANONYMOUS_PREFIX) ? "" : this.#stored;
  }

  #refuseAnonymous(consequence: string): void {
    if (this.#visible !== "") return;
    throw new SessionError("NO_OWNER", `the session has no owner, so ${consequence}`);
  }

  #toServer(owner: unknown): string {
    if (!isOwner(owner)) {
      const given = owner === null ? "null" : Array.isArray(owner) ? "an array" : typeof owner;
      throw new SessionError("BAD_OWNER", `the owner must be a string or a number, not ${given}`);
    }
    if (!this.#cluster) return String(owner);
    if (owner === "") return ANONYMOUS_PREFIX + randomUUID();
    if (String(owner).startsWith(ANONYMOUS_PREFIX)) {
      throw new SessionError("BAD_OWNER", `in a cluster, an owner must not begin with '${ANONYMOUS_PREFIX}'`);
    }
    return String(owner);
  }
}

function isOwner(owner: unknown): owner is string | number {
  return typeof owner === "string" || typeof owner === "number";
}
