/** An entry, and whether it never expires: those that do outlive any history. */
export interface Held {
  readonly value: number;
  readonly isForever: boolean;
}

/** What a namespace holds. */
export type State = ReadonlyMap<string, Held>;

/** A write, as a caller called it. */
export type Write =
  | { readonly kind: 'set'; readonly key: string; readonly value: number }
  | { readonly kind: 'update'; readonly key: string; readonly add: number }
  | { readonly kind: 'throw'; readonly key: string }
  /** A value that can't be stored, given or made by an updater. */
  | { readonly kind: 'invalid'; readonly key: string; readonly value: number; readonly isUpdate: boolean }
  | { readonly kind: 'set if absent'; readonly key: string; readonly value: number }
  | { readonly kind: 'increment'; readonly key: string; readonly add: number }
  | { readonly kind: 'take'; readonly key: string }
  | { readonly kind: 'touch'; readonly key: string; readonly isForever: boolean }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'rename'; readonly key: string; readonly to: string }
  | { readonly kind: 'clear' }
  | { readonly kind: 'delete prefix'; readonly prefix: string };

/**
 * What a write makes of a state, and what it answers: the specification, in two dozen lines. `isForever` says of the
 * namespace whether its entries never expire unless a write says so.
 */
export function apply(state: State, write: Write, isForever: boolean): { state: State; result: unknown } {
  const next = new Map(state);
  switch (write.kind) {
    case 'set':
      next.set(write.key, { value: write.value, isForever });
      return { state: next, result: undefined };
    case 'update':
    case 'increment': {
      const held = next.get(write.key) ?? { value: 0, isForever };
      const value = held.value + write.add;
      next.set(write.key, { ...held, value });
      return { state: next, result: value };
    }
    case 'set if absent':
      if (next.has(write.key)) return { state, result: false };
      next.set(write.key, { value: write.value, isForever });
      return { state: next, result: true };
    case 'take': {
      const value = next.get(write.key)?.value;
      next.delete(write.key);
      return { state: next, result: value };
    }
    case 'touch': {
      const held = next.get(write.key);
      if (held === undefined) return { state, result: false };
      next.set(write.key, { ...held, isForever: write.isForever });
      return { state: next, result: true };
    }
    case 'throw':
    case 'invalid':
      return { state, result: undefined };
    case 'delete':
      return { state: next, result: next.delete(write.key) };
    case 'rename': {
      const held = next.get(write.key);
      if (held === undefined) return { state, result: false };
      next.delete(write.key);
      next.set(write.to, held);
      return { state: next, result: true };
    }
    case 'clear':
      return { state: new Map(), result: undefined };
    case 'delete prefix': {
      for (const key of state.keys()) if (key.startsWith(write.prefix)) next.delete(key);
      return { state: next, result: state.size - next.size };
    }
  }
}

export function equalStates(one: State, other: State): boolean {
  return one.size === other.size && [...one].every(([key, held]) => equalHeld(other.get(key), held));
}

export function equalHeld(one: Held | undefined, other: Held | undefined): boolean {
  return one?.value === other?.value && one?.isForever === other?.isForever;
}

export function showState(state: State): string {
  const entries = [...state].toSorted(([a], [b]) => a.localeCompare(b));
  return JSON.stringify(
    Object.fromEntries(
      entries.map(([key, held]) => [key, `${held.value}${held.isForever ? '' : ' expires'}`]),
    ),
  );
}
