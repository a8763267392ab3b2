import { randomUUID } from "node:crypto";

import { SessionError } from "./errors.js";

/** In a cluster, where every session needs an owner to have a place, sessions of nobody get one that begins so. */
const NOBODY = "anonymous:";

/**
 * The owner as the server is told.
 *
 * @throws SessionError `BAD_OWNER`
 */
export function ownerForServer(owner: unknown, cluster: boolean): string {
  if (typeof owner !== "string" && typeof owner !== "number") {
    throw new SessionError("BAD_OWNER", "an owner is a string or a number");
  }
  if (!cluster) return String(owner);
  if (owner === "") return NOBODY + randomUUID();
  if (String(owner).startsWith(NOBODY)) {
    throw new SessionError("BAD_OWNER", `owners that begin with '${NOBODY}' stand for nobody in a cluster`);
  }
  return String(owner);
}

/** The owner as applications see it: nobody is `""`, also in a cluster. */
export function ownerForApplication(owner: string, cluster: boolean): string {
  return cluster && owner.startsWith(NOBODY) ? "" : owner;
}
