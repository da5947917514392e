import { hasToJson, isArrayPrototype, isDataPrototype, isMatch } from './kinds.js';

/**
 * A quick look at a value that `JSON.stringify` has made a text of: whether it surely comes back as it was. It is taken at
 * each write, so it is content with a guess on the safe side, and leaves it to an inspection to find out what is wrong.
 */
export class JsonGlance {
  /** Prototypes that add nothing to plain objects: those of classes of data, and of other realms. */
  readonly #dataPrototypes = new WeakSet<object>();

  passes(value: unknown, text: string): boolean {
    if (typeof value !== 'object' || value === null) return isKept(value);
    // Each object has taken two characters of the text. There are more where a replacer leaves one out: `JSON.stringify`
    // has not looked into that one, and it may hold a cycle.
    let left = text.length >> 1;
    const open: object[] = [value];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      left -= 1;
      if (left < 0 || !this.#passes(node, open)) return false;
    }
    return true;
  }

  /** Looks at what is directly in `node`; the objects in it are left open. */
  #passes(node: object, open: object[]): boolean {
    if (hasToJson(node)) return false;
    const prototype = Object.getPrototypeOf(node) as object | null;
    if (Array.isArray(node)) {
      if (prototype !== Array.prototype && !isArrayPrototype(prototype)) return false;
      if (isMatch(node)) return false;
      for (let i = 0; i < node.length; i += 1) {
        const child: unknown = node[i];
        if (typeof child === 'object' && child !== null) open.push(child);
        // A hole gives undefined, too.
        else if (!isKept(child)) return false;
      }
      return true;
    }
    if (prototype !== Object.prototype && !this.#isData(prototype)) return false;
    // Object.keys() would make an array. This one goes through what is inherited as well: the safe side.
    for (const name in node) {
      const child: unknown = (node as Record<string, unknown>)[name];
      if (typeof child === 'object' && child !== null) open.push(child);
      else if (child !== undefined && !isKept(child)) return false;
    }
    return true;
  }

  #isData(prototype: object | null): boolean {
    if (prototype === null || this.#dataPrototypes.has(prototype)) return true;
    if (!isDataPrototype(prototype)) return false;
    this.#dataPrototypes.add(prototype);
    return true;
  }
}

/** Whether JSON keeps what is no object. */
function isKept(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  return typeof value === 'number' && Number.isFinite(value);
}
