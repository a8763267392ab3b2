import { partStored } from "./fields.js";
import { isObject, mergePatch } from "./merge-patch.js";

/** What the server has of a session's data, as far as this process knows: what fields are compared with. */
export class Baseline {
  #text = "{}";
  #patches: Record<string, unknown>[] = [];

  /** Takes over data that was read or written. */
  become(text: string): void {
    this.#text = text;
    this.#patches = [];
  }

  /** Takes over a merge patch that was applied to the data. */
  patch(patch: Record<string, unknown>): void {
    this.#patches.push(patch);
  }

  /** The name of a member that is not as the server has it; nothing if all are. */
  changed(members: Record<string, unknown>): string | undefined {
    const text = JSON.stringify(members);
    if (this.#patches.length === 0 && text === this.#text) return undefined;
    const now = JSON.parse(text) as Record<string, unknown>;
    const before = this.#members();
    const names = new Set([...Object.keys(now), ...Object.keys(before)]);
    return [...names].find((name) => JSON.stringify(own(now, name)) !== JSON.stringify(own(before, name)));
  }

  #members(): Record<string, unknown> {
    const data: unknown = JSON.parse(this.#text);
    const { fields, reserved } = partStored(isObject(data) ? data : {});
    const members = Object.assign(fields, reserved);
    for (const patch of this.#patches) mergePatch(members, patch);
    return members;
  }
}

function own(members: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
