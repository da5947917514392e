/** What is known of an object that was read. */
interface Known {
  readonly key: string;
  /** What it is stored as; `undefined` from the beginning of a write to its end, and after one that failed. */
  text: string | undefined;
  /** How often it was written. */
  writes: number;
}

/**
 * The objects that were read, for as long as somebody has them: of one that is written back it can be told whether it was changed.
 * A copy of one is another one.
 */
export class ReadSessions {
  readonly #known = new WeakMap<object, Known>();

  /** An object was read under a key; `text` is what it is stored as. */
  note(key: string, session: unknown, text: string): void {
    const known: Known = { key, text, writes: 0 };
    for (const object of partsOf(session)) this.#known.set(object, known);
  }

  /** Whether an object was read under this key, and would be stored as what it is stored as already. */
  isUnchanged(key: string, session: unknown, text: string): boolean {
    return this.#find(key, session)?.text === text;
  }

  /**
   * An object that was read is written, and has been when the result is called. `undefined` for another one, of which nothing is
   * known then, either: its caller may mean it to replace what is there.
   */
  writing(key: string, session: unknown, text: string): (() => void) | undefined {
    const known = this.#find(key, session);
    if (known === undefined) return undefined;
    known.text = undefined;
    known.writes += 1;
    const { writes } = known;
    return () => {
      // One that came later takes effect later.
      if (known.writes === writes) known.text = text;
    };
  }

  #find(key: string, session: unknown): Known | undefined {
    for (const object of partsOf(session)) {
      const known = this.#known.get(object);
      if (known?.key === key) return known;
    }
    return undefined;
  }
}

/** A session, and what is in it where it is the wrapper of `enhanceStorage()`, which makes a new one for each write. */
function partsOf(session: unknown): object[] {
  const inner = (session as { readonly __d?: unknown } | null | undefined)?.__d;
  return [session, inner].filter((part) => typeof part === 'object' && part !== null);
}
