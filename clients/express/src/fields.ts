import { isObject, setField } from "./merge-patch.js";
import { SessionError } from "./errors.js";
import { readClaims } from "./token.js";

/** What a session says about itself. It is written by the server and is no part of the data. */
export interface Attributes {
  id?: unknown;
  claims?: unknown;
  jwt?: unknown;
}

const ATTRIBUTES = ["id", "claims", "jwt"] as const;

/** The methods, and the owner, whose names no field may have. */
export const RESERVED: ReadonlySet<string> = new Set([
  "create",
  "update",
  "save",
  "merge",
  "reload",
  "touch",
  "rotate",
  "regenerate",
  "destroy",
  "sessions",
  "destroyAll",
  "toJSON",
  "owner",
]);

/** Stored data, parted into what can be fields of a session and what cannot. */
export interface StoredData {
  fields: Record<string, unknown>;
  /** Members that are called `id`, `claims` or `jwt`. */
  reserved: Record<string, unknown>;
}

/**
 * A session's own fields as they are stored; functions are not.
 *
 * @param own what the server has said about the session
 * @throws SessionError `RESERVED_NAME`, for a field that would hide a method, or that the application has set in place
 * of what the server has said
 */
export function ownFields(session: object, own: Attributes): Record<string, unknown> {
  const fields = Object.entries(session).filter(([name, value]) => {
    refuseMethod(name);
    if (!isAttribute(name)) return typeof value !== "function";
    if (value !== undefined && value !== own[name]) throw reserved(name);
    return false;
  });
  return Object.fromEntries(fields);
}

/**
 * Parts stored data. What `jwt-redis-session` stores of a session's token and claims is left out.
 *
 * @throws SessionError `RESERVED_NAME`, for a member that would hide a method
 */
export function partStored(data: Record<string, unknown>): StoredData {
  const parted: StoredData = { fields: {}, reserved: {} };
  for (const [name, value] of Object.entries(data)) {
    refuseMethod(name);
    if (!isAttribute(name)) setField(parted.fields, name, value);
    else if (!isLeftover(name, value)) parted.reserved[name] = value;
  }
  return parted;
}

/**
 * A patch as JSON makes it.
 *
 * @throws SessionError `RESERVED_NAME`, for a member that cannot be a field
 * @throws TypeError for a value that JSON would drop, or turn into the `null` that removes a member
 */
export function checkedPatch(patch: object): Record<string, unknown> {
  if (!isObject(patch)) throw notAPatch();
  let member = "";
  const text = JSON.stringify(patch, function (this: object, name: string, value: unknown) {
    if (this === patch) member = name;
    refuseLost(member, Reflect.get(this, name), value);
    return value;
  });
  const plain: unknown = JSON.parse(text);
  if (!isObject(plain)) throw notAPatch();
  for (const name of Object.keys(plain)) {
    refuseMethod(name);
    if (isAttribute(name)) throw reserved(name);
  }
  return plain;
}

/** @param value what `toJSON` has made of what was given, if there is one */
function refuseLost(member: string, given: unknown, value: unknown): void {
  const number = value instanceof Number ? value.valueOf() : value;
  const isLost =
    ["undefined", "function", "symbol", "bigint"].includes(typeof value) ||
    (typeof number === "number" && !Number.isFinite(number)) ||
    (value === null && given !== null); // an invalid date
  if (!isLost) return;
  const kind = typeof number === "number" ? String(number) : value === null ? "an invalid date" : typeof value;
  throw new TypeError(`jrs-session: the patch's member '${member}' holds a value that JSON cannot hold (${kind})`);
}

function notAPatch(): TypeError {
  return new TypeError("jrs-session: a patch must be an object");
}

function isAttribute(name: string): name is keyof Attributes {
  return (ATTRIBUTES as readonly string[]).includes(name);
}

/** Whether `jwt-redis-session` has stored this: it writes the token and the claims into the data, too. */
function isLeftover(name: keyof Attributes, value: unknown): boolean {
  if (name === "jwt") return typeof value === "string" && readClaims(value) !== undefined;
  return name === "claims" && isObject(value) && typeof value.jti === "string";
}

function refuseMethod(name: string): void {
  if (RESERVED.has(name)) throw reserved(name);
}

function reserved(name: string): SessionError {
  return new SessionError("RESERVED_NAME", `a session's data cannot have a member '${name}': the session needs the name`);
}
