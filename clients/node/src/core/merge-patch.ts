/** Applies a JSON Merge Patch (RFC 7396) to an object: `null` removes a member, objects are merged. */
export function mergePatch(target: object, patch: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(target, name);
    else if (isObject(value)) {
      const inner: unknown = Object.hasOwn(target, name) ? Reflect.get(target, name) : undefined;
      const merged = isObject(inner) ? inner : {};
      mergePatch(merged, value);
      setField(target, name, merged);
    } else setField(target, name, value);
  }
}

/** Sets an own property. A plain assignment to `__proto__` would change the prototype instead. */
export function setField(target: object, name: string, value: unknown): void {
  if (name !== "__proto__") (target as Record<string, unknown>)[name] = value;
  else Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Whether a value is a JSON object: not null and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
