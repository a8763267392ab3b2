/** Applies a JSON Merge Patch (RFC 7396) to an object, as the server does: null removes, objects merge. */
export function mergePatch(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete target[name];
    else if (isObject(value)) {
      const inner = Object.hasOwn(target, name) ? target[name] : undefined;
      const merged = isObject(inner) ? inner : {};
      mergePatch(merged, value);
      setField(target, name, merged);
    } else setField(target, name, value);
  }
}

/** Sets an own field, also one that is called `__proto__`. */
export function setField(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") target[name] = value;
  else Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
