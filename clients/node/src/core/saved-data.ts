import { splitStored } from "./fields.js";
import { isObject, mergePatch, setField } from "./merge-patch.js";

/** A changed member of the data: its value as JSON, or undefined if it was removed. */
export interface FieldChange {
  name: string;
  json: string | undefined;
}

/** The data that the server has stored, as far as this process knows. Shows which fields have unsaved changes. */
export class SavedData {
  /** Stored members that cannot be fields. The application may change them. */
  reserved: Record<string, unknown> = {};
  #text = "{}";
  /** Applied only when needed, since most requests do not compare. */
  #patches: Record<string, unknown>[] = [];
  /** The names of the fields that the server has stored. */
  #names: string[] = [];

  /** Sets the fields of `session` to stored data, and removes fields that were stored before and are not any more. */
  load(session: object, text: string): void {
    const data: unknown = JSON.parse(text);
    if (!isObject(data)) throw new SyntaxError("jrs-session: the stored data must be a JSON object");
    const { fields, reserved } = splitStored(data);
    const names = Object.keys(fields);
    for (const name of names) setField(session, name, fields[name]);
    for (const name of this.#names) if (!Object.hasOwn(data, name)) Reflect.deleteProperty(session, name);
    this.reserved = reserved;
    this.#set(text, names);
  }

  /** Forgets the data: nothing is stored. */
  clear(): void {
    this.reserved = {};
    this.#set("{}", []);
  }

  /** Adds the stored members that cannot be fields. */
  withReserved(fields: Record<string, unknown>): Record<string, unknown> {
    for (const name of Object.keys(this.reserved)) setField(fields, name, this.reserved[name]);
    return fields;
  }

  /** Call after `data`, as the JSON `text`, was stored. */
  replace(text: string, data: Record<string, unknown>): void {
    this.#set(
      text,
      Object.keys(data).filter((name) => !Object.hasOwn(this.reserved, name)),
    );
  }

  /** Call after the server has applied a merge patch. */
  applyPatch(patch: Record<string, unknown>): void {
    this.#patches.push(patch);
    this.#names.push(...Object.keys(patch));
  }

  #set(text: string, names: string[]): void {
    this.#text = text;
    this.#patches = [];
    this.#names = names;
  }

  /** The name of a member that differs from the saved data; undefined if none does. */
  firstChange(members: Record<string, unknown>): string | undefined {
    return this.changes(members)?.[0]?.name;
  }

  /** The members that differ from the saved data; undefined if none does. */
  changes(members: Record<string, unknown>): FieldChange[] | undefined {
    const text = JSON.stringify(members);
    if (this.#patches.length === 0 && text === this.#text) return undefined;
    const current = JSON.parse(text) as Record<string, unknown>;
    const saved = this.#members();
    const changes: FieldChange[] = [];
    for (const name of new Set([...Object.keys(current), ...Object.keys(saved)])) {
      const json = Object.hasOwn(current, name) ? JSON.stringify(current[name]) : undefined;
      const old = Object.hasOwn(saved, name) ? JSON.stringify(saved[name]) : undefined;
      if (json !== old) changes.push({ name, json });
    }
    return changes.length > 0 ? changes : undefined;
  }

  #members(): Record<string, unknown> {
    const data: unknown = JSON.parse(this.#text);
    const { fields, reserved } = splitStored(isObject(data) ? data : {});
    const members = Object.assign(fields, reserved);
    for (const patch of this.#patches) mergePatch(members, patch);
    return members;
  }
}

/**
 * The changes as a JSON Patch (RFC 6902). It does not fail if another request has added or removed the same members:
 * `add` replaces a member that exists, and a member to remove is added first.
 */
export function toJsonPatch(changes: readonly FieldChange[]): string {
  const operations = changes.map(({ name, json }) => {
    const path = JSON.stringify(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    const add = `{"op":"add","path":${path},"value":${json ?? "null"}}`;
    return json === undefined ? `${add},{"op":"remove","path":${path}}` : add;
  });
  return `[${operations.join(",")}]`;
}
