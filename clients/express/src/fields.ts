import { SessionError } from "./errors.js";
import { isObject, setField } from "./merge-patch.js";

/** What a session says about itself. It is written by the server and is no part of the data. */
const ATTRIBUTES: ReadonlySet<string> = new Set(["id", "claims", "jwt"]);

/** The methods, and the owner, whose names no field may have. */
export const RESERVED: ReadonlySet<string> = new Set([
  "create",
  "update",
  "merge",
  "reload",
  "touch",
  "rotate",
  "destroy",
  "sessions",
  "destroyAll",
  "toJSON",
  "owner",
]);

/**
 * A session's own fields as they are stored; functions are not.
 *
 * @throws SessionError `RESERVED_NAME`, for a field that would hide a method
 */
export function ownFields(session: object): Record<string, unknown> {
  const fields = Object.entries(session).filter(([name, value]) => {
    refuseReserved(name);
    return !ATTRIBUTES.has(name) && typeof value !== "function";
  });
  return Object.fromEntries(fields);
}

/**
 * Sets what is stored as fields of a session.
 *
 * @returns the names of the fields.
 * @throws SessionError `RESERVED_NAME`, for a member that would hide a method
 */
export function setFields(session: Record<string, unknown>, data: Record<string, unknown>): string[] {
  // jwt-redis-session stores its own properties with the data; they are no fields.
  const names = Object.keys(data).filter((name) => !ATTRIBUTES.has(name));
  names.forEach(refuseReserved);
  for (const name of names) setField(session, name, data[name]);
  return names;
}

/**
 * A patch as JSON makes it, without what JSON drops.
 *
 * @throws SessionError `RESERVED_NAME`, for a member that cannot be a field
 */
export function checkedPatch(patch: object): Record<string, unknown> {
  const plain: unknown = JSON.parse(JSON.stringify(patch));
  if (!isObject(plain)) throw new TypeError("jrs-session: a patch is an object");
  for (const name of Object.keys(plain)) {
    refuseReserved(name);
    if (ATTRIBUTES.has(name)) throw reserved(name);
  }
  return plain;
}

function refuseReserved(name: string): void {
  if (RESERVED.has(name)) throw reserved(name);
}

function reserved(name: string): SessionError {
  return new SessionError("RESERVED_NAME", `a session's data cannot have a member '${name}': the session needs the name`);
}
