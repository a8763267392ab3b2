import { splitStored } from "./fields.js";
import { isObject, mergePatch } from "./merge-patch.js";

/** The data that the server has stored, as far as this process knows. Shows which fields have unsaved changes. */
export class SavedData {
  #text = "{}";
  /** Applied only when needed, since most requests do not compare. */
  #patches: Record<string, unknown>[] = [];

  /** Call after data was read or written. */
  set(text: string): void {
    this.#text = text;
    this.#patches = [];
  }

  /** Call after the server has applied a merge patch. */
  applyPatch(patch: Record<string, unknown>): void {
    this.#patches.push(patch);
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
