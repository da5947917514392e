import type { Kind } from './kinds.js';
import { kindOf } from './kinds.js';
import { bytesRecordOf } from './rich-bytes.js';
import { recordOf } from './rich-error.js';

/** Thrown for a value that holds what is not kept: an inspection finds out what that is. */
export class NotKept extends Error {}

/** How what holds no other values is tagged. */
const LEAVES: Readonly<Partial<Record<Kind, (value: never) => object>>> = {
  'minus zero': () => ({ $number: '-0' }),
  NaN: (value) => ({ $number: String(value) }),
  infinity: (value) => ({ $number: String(value) }),
  undefined: () => ({ $undefined: true }),
  bigint: (value) => ({ $bigint: String(value) }),
  Date: (value) => ({ $date: textOfDate(value) }),
  RegExp: (value) => ({ $regexp: partsOf(value) }),
  bytes: (value) => ({ $bytes: bytesRecordOf(value) }),
};

/** Makes values into what JSON keeps: what it would lose is put as an object of one property, whose name begins with `$`. */
export class RichWriter {
  /** What is being written, from the whole value inwards. */
  readonly #open: object[] = [];

  constructor(
    private readonly kinds: ReadonlySet<Kind>,
    private readonly maxDepth: number,
  ) {}

  /** The value itself where there is nothing in it that JSON would lose. Throws {@link NotKept}. */
  tagged(value: unknown): unknown {
    const kind = kindOf(value);
    if (kind === 'plain') return value;
    if (!this.kinds.has(kind)) throw new NotKept();
    const leaf = LEAVES[kind];
    return leaf === undefined ? this.#within(value as object, kind) : leaf(value as never);
  }

  #within(node: object, kind: Kind): unknown {
    if (this.#open.length >= this.maxDepth || this.#open.includes(node)) throw new NotKept();
    this.#open.push(node);
    const tagged = this.#inside(node, kind);
    this.#open.pop();
    return tagged;
  }

  #inside(node: object, kind: Kind): unknown {
    if (kind === 'array') return this.#array(node as unknown[]);
    if (kind === 'Map')
      return { $map: Array.from(node as Map<unknown, unknown>, (entry) => this.#entry(entry)) };
    if (kind === 'Set') return { $set: Array.from(node as Set<unknown>, (element) => this.tagged(element)) };
    if (kind === 'Error') {
      const { type, properties } = recordOf(node as Error);
      return { $error: { type, properties: escaped(this.#properties(properties)) } };
    }
    return escaped(this.#properties(node as Record<string, unknown>));
  }

  #entry([key, value]: readonly [unknown, unknown]): [unknown, unknown] {
    return [this.tagged(key), this.tagged(value)];
  }

  /** A copy is made only where there is something to tag. */
  #array(elements: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let i = 0; i < elements.length; i += 1) {
      if (!(i in elements)) throw new NotKept();
      const tagged = this.tagged(elements[i]);
      if (tagged === elements[i]) continue;
      copy ??= [...elements];
      copy[i] = tagged;
    }
    return copy ?? elements;
  }

  #properties(node: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    let copy: Record<string, unknown> | undefined;
    for (const name of Object.keys(node)) {
      const value = node[name];
      const tagged = this.tagged(value);
      if (Object.is(tagged, value)) continue;
      // Own properties, whatever their names: `__proto__` is data here.
      copy ??= { ...node };
      copy[name] = tagged;
    }
    return copy ?? node;
  }
}

/** What looks like a tag and is data gets one `$` more. */
function escaped(node: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const [name, another] = Object.keys(node);
  return name?.startsWith('$') === true && another === undefined ? { [`$${name}`]: node[name] } : node;
}

function textOfDate(date: Date): string | null {
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function partsOf({ source, flags, lastIndex }: RegExp): unknown[] {
  return lastIndex === 0 ? [source, flags] : [source, flags, lastIndex];
}
