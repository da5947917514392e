/**
 * Freezes plain data in place, at every depth. Returns false when it met something whose content can't be frozen
 * (a Map, a Set, a Date, a typed array, an instance of a class), and the value must not be shared; the rest of it is
 * frozen all the same.
 *
 * Iterative: stored JSON may be nested deeper than the stack.
 */
export function freezeDeep(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function';
  let isShareable = true;
  const open: object[] = [value];
  // Only what was frozen already can be met again: by others, or here on a cycle.
  const seen = new Set<object>();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!isPlain(node)) {
      isShareable = false;
      continue;
    }
    Object.freeze(node);
    for (const child of Object.values(node) as unknown[]) {
      if (typeof child === 'function') isShareable = false;
      if (typeof child !== 'object' || child === null) continue;
      if (Object.isFrozen(child)) {
        if (seen.has(child)) continue;
        seen.add(child);
      }
      open.push(child);
    }
  }
  return isShareable;
}

function isPlain(node: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
