/** Replaces an argument in the text of an error. */
const REDACTED = "[redacted]";

/** Arguments are found by this many of their first characters, because servers and clients truncate long ones. */
const MATCH_LENGTH = 8;

/** The names of options of at least this length. Errors may name them. */
const OPTION_NAMES: ReadonlySet<string> = new Set(["AUDIENCE", "MAXAUTHAGE", "WITHDATA"]);

/** How deeply nested errors are searched: causes of causes, and lists of errors. */
const MAX_DEPTH = 6;

/**
 * Removes the token and session data from the error of a command. Clients attach the arguments of the command to the
 * error (`ioredis`: `command.args`; `redis` 2 and 3: `args`), servers quote the arguments of an unknown command, and
 * applications log errors.
 */
export function redactError(error: unknown, command: readonly string[], key: string | undefined): void {
  redact(error, secretsIn(command, key));
}

/** The arguments of a command that may be a token or data: all except the key, names of options and short words. */
function secretsIn([, ...args]: readonly string[], key: string | undefined): string[] {
  return args.filter((arg) => arg !== key && arg.length >= MATCH_LENGTH && !OPTION_NAMES.has(arg));
}

/** Removes arguments from an error and from all errors and plain objects in its properties. */
function redact(value: unknown, secrets: readonly string[], depth = 0, seen = new Set<unknown>()): void {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH || seen.has(value)) return;
  seen.add(value);
  for (const name of Object.getOwnPropertyNames(value)) {
    const property = Object.getOwnPropertyDescriptor(value, name);
    // `stack` is a getter in Node.js 21 and later. Other getters are not called.
    if (name !== "stack" && !(property && "value" in property)) continue;
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
 * Replaces all secrets in a text, truncated ones too. All are searched in the original text: if one was replaced first,
 * another that contains it would not be found completely.
 */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const ranges = secrets.flatMap((secret) => encodings(secret).flatMap((encoding) => rangesOf(text, encoding)));
  let result = "";
  let from = 0;
  for (const [start, end] of ranges.sort(([one], [other]) => one - other)) {
    if (start >= from) result += text.slice(from, start) + REDACTED;
    from = Math.max(from, end);
  }
  return result + text.slice(from);
}

/** A secret as it is, and as it is inside a JSON string. */
function encodings(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1)];
}

/** The positions of a secret, or of its beginning, in a text. */
function rangesOf(text: string, secret: string): [start: number, end: number][] {
  const prefix = secret.slice(0, MATCH_LENGTH);
  const ranges: [number, number][] = [];
  let start = text.indexOf(prefix);
  while (start >= 0) {
    const end = start + commonLength(text, start, secret);
    ranges.push([start, end]);
    start = text.indexOf(prefix, end);
  }
  return ranges;
}

/** How many characters of `secret` the text has at a position. */
function commonLength(text: string, at: number, secret: string): number {
  let length = 0;
  while (length < secret.length && text[at + length] === secret[length]) length += 1;
  return length;
}

/** False for clients and sockets in the properties of an error: they are not part of it and must not be changed. */
function isErrorOrPlain(value: unknown): boolean {
  if (value instanceof Error || Array.isArray(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
