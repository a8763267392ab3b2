import { splitStored } from "./fields.js";
import { isObject, mergePatch, setField } from "./merge-patch.js";

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
    for (const [name, value] of Object.entries(fields)) setField(session, name, value);
    for (const name of this.#names) if (!Object.hasOwn(data, name)) Reflect.deleteProperty(session, name);
    this.reserved = reserved;
    this.#set(text, Object.keys(fields));
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
    const text = JSON.stringify(members);
    if (this.#patches.length === 0 && text === this.#text) return undefined;
    const current = JSON.parse(text) as Record<string, unknown>;
    const saved = this.#members();
    const names = new Set([...Object.keys(current), ...Object.keys(saved)]);
    return [...names].find((name) => JSON.stringify(own(current, name)) !== JSON.stringify(own(saved, name)));
  }

  #members(): Record<string, unknown> {
    const data: unknown = JSON.parse(this.#text);
    const { fields, reserved } = splitStored(isObject(data) ? data : {});
    const members = Object.assign(fields, reserved);
    for (const patch of this.#patches) mergePatch(members, patch);
    return members;
  }
}

function own(members: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
