/** What stands in an error's text in place of an argument. */
const REDACTED = "[redacted]";

/** An argument is found in a text by this many of its first characters: servers and clients cut long ones short. */
const START = 8;

/** How deep errors are looked into: causes of causes, and lists of them. */
const DEPTH = 6;

/**
 * Removes token and session data from the error of a command. Clients attach a command's arguments to its error
 * (`ioredis`: `command.args`; `redis` 2 and 3: `args`), servers quote them at an unknown command, and applications log
 * errors.
 */
export function redactError(error: unknown, command: readonly string[], key: string | undefined): void {
  redact(error, secretsIn(command, key));
}

/** The arguments of a command that could be a token or data: all but the key and short words. */
function secretsIn([, ...args]: readonly string[], key: string | undefined): string[] {
  return args.filter((arg) => arg !== key && arg.length >= START);
}

/** Removes arguments from an error, and from all errors and objects that hang on it. */
function redact(value: unknown, secrets: readonly string[], depth = 0, seen = new Set<unknown>()): void {
  if (typeof value !== "object" || value === null || depth > DEPTH || seen.has(value)) return;
  seen.add(value);
  for (const name of Object.getOwnPropertyNames(value)) {
    const property = Object.getOwnPropertyDescriptor(value, name);
    if (!property || !("value" in property)) {
      if (name !== "stack") continue; // a getter in Node.js 21 and later
    }
    const inner: unknown = Reflect.get(value, name);
    if (name === "args") Reflect.deleteProperty(value, name);
    else if (typeof inner === "string") redactText(value, name, inner, secrets);
    else if (isErrorOrPlain(inner)) redact(inner, secrets, depth + 1, seen);
  }
}

function redactText(holder: object, name: string, text: string, secrets: readonly string[]): void {
  const redacted = withoutSecrets(text, secrets);
  if (redacted === text) return;
  const enumerable = Object.prototype.propertyIsEnumerable.call(holder, name);
  Reflect.defineProperty(holder, name, { value: redacted, writable: true, configurable: true, enumerable });
}

/**
 * A text without secrets, and without what is left of those that were cut short. All are searched for in the text as it
 * was: if one were replaced first, another that contains it would not be found as a whole.
 */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const ranges = secrets.flatMap((secret) => spellings(secret).flatMap((spelling) => rangesOf(text, spelling)));
  let result = "";
  let from = 0;
  for (const [start, end] of ranges.sort(([one], [other]) => one - other)) {
    if (start >= from) result += text.slice(from, start) + REDACTED;
    from = Math.max(from, end);
  }
  return result + text.slice(from);
}

/** A secret as it is, and inside a JSON string. */
function spellings(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1)];
}

/** Where a text holds a secret, or its beginning. */
function rangesOf(text: string, secret: string): [start: number, end: number][] {
  const start = secret.slice(0, START);
  const ranges: [number, number][] = [];
  for (let at = text.indexOf(start), end; at >= 0; at = text.indexOf(start, end)) {
    end = at + commonLength(text, at, secret);
    ranges.push([at, end]);
  }
  return ranges;
}

/** The number of characters that a text, from a position on, shares with the beginning of a secret. */
function commonLength(text: string, at: number, secret: string): number {
  let length = 0;
  while (length < secret.length && text[at + length] === secret[length]) length += 1;
  return length;
}

/** Not the clients and sockets that an error may know: they are not the error's own. */
function isErrorOrPlain(value: unknown): boolean {
  if (value instanceof Error || Array.isArray(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
