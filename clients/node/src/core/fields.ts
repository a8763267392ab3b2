import { SessionError } from "./errors.js";
import { isObject, setField } from "./merge-patch.js";
import { readClaims } from "./token.js";

/** Properties of a session that the server sets. They are not part of the data. */
export interface TokenProperties {
  id?: unknown;
  claims?: unknown;
  jwt?: unknown;
}

/** Names of methods and accessors of a session. A field of such a name would hide them. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "create",
  "logIn",
  "update",
  "save",
  "merge",
  "reload",
  "touch",
  "rotate",
  "mint",
  "regenerate",
  "destroy",
  "sessions",
  "destroyAll",
  "toJSON",
  "owner",
]);

/** Stored data, split into members that can be fields of a session and members that cannot. */
export interface SplitData {
  fields: Record<string, unknown>;
  /** Members that are called `id`, `claims` or `jwt`. */
  reserved: Record<string, unknown>;
}

/**
 * The fields of a session as they are stored: its own properties without functions and without token properties.
 *
 * @param expected the token properties as the server has set them
 * @throws SessionError `RESERVED_NAME` if a field hides a method, or if the application has assigned a token property
 */
export function dataFields(session: object, expected: TokenProperties): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(session)) {
    refuseReservedName(name);
    const value = (session as Record<string, unknown>)[name];
    if (!isTokenProperty(name)) {
      if (typeof value !== "function") setField(fields, name, value);
    } else if (value !== undefined && value !== expected[name]) throw reservedName(name);
  }
  return fields;
}

/**
 * Splits stored data, which must not be used afterwards. The token and claims that `jwt-redis-session` stores in the data are left out.
 *
 * @throws SessionError `RESERVED_NAME` if a member would hide a method
 */
export function splitStored(data: Record<string, unknown>): SplitData {
  const names = Object.keys(data);
  for (const name of names) refuseReservedName(name);
  // Most data has no such member, and is not copied.
  if (!names.some(isTokenProperty)) return { fields: data, reserved: {} };
  const split: SplitData = { fields: {}, reserved: {} };
  for (const [name, value] of Object.entries(data)) {
    if (!isTokenProperty(name)) setField(split.fields, name, value);
    else if (!isFromJwtRedisSession(name, value)) split.reserved[name] = value;
  }
  return split;
}

/**
 * A merge patch as plain JSON values.
 *
 * @throws SessionError `RESERVED_NAME` if a member cannot be a field
 * @throws TypeError if JSON would drop a value or change it to `null`, which removes a member
 */
export function parsePatch(patch: object): Record<string, unknown> {
  if (!isObject(patch)) throw notAPatch();
  let member = "";
  const text = JSON.stringify(patch, function replacer(this: object, name: string, value: unknown) {
    if (this === patch) member = name;
    refuseLossyValue(member, Reflect.get(this, name), value);
    return value;
  });
  const plain: unknown = JSON.parse(text);
  if (!isObject(plain)) throw notAPatch();
  for (const name of Object.keys(plain)) {
    refuseReservedName(name);
    if (isTokenProperty(name)) throw reservedName(name);
  }
  return plain;
}

/** @param value `given`, or what its method `toJSON` returned */
function refuseLossyValue(member: string, given: unknown, value: unknown): void {
  const number = value instanceof Number ? value.valueOf() : value;
  const isLossy =
    ["undefined", "function", "symbol", "bigint"].includes(typeof value) ||
    (typeof number === "number" && !Number.isFinite(number)) ||
    (value === null && given !== null); // an invalid date
  if (!isLossy) return;
  const kind = typeof number === "number" ? String(number) : value === null ? "an invalid date" : typeof value;
  throw new TypeError(`jrs-session: the member '${member}' of the patch holds a value that JSON cannot hold (${kind})`);
}

function notAPatch(): TypeError {
  return new TypeError("jrs-session: the patch must be an object");
}

function isTokenProperty(name: string): name is keyof TokenProperties {
  return name === "id" || name === "claims" || name === "jwt";
}

/** Whether `jwt-redis-session` wrote this member: it stores the token and its claims in the data. */
function isFromJwtRedisSession(name: keyof TokenProperties, value: unknown): boolean {
  if (name === "jwt") return typeof value === "string" && readClaims(value) !== undefined;
  return name === "claims" && isObject(value) && typeof value.jti === "string";
}

function refuseReservedName(name: string): void {
  if (RESERVED_NAMES.has(name)) throw reservedName(name);
}

function reservedName(name: string): SessionError {
  return new SessionError("RESERVED_NAME", `'${name}' is reserved: rename this member of the session data`);
}
