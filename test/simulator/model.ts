/** What a namespace holds: values by key. */
export type State = ReadonlyMap<string, number>;

/** A write, as a caller called it. */
export type Write =
  | { readonly kind: 'set'; readonly key: string; readonly value: number }
  | { readonly kind: 'update'; readonly key: string; readonly add: number }
  | { readonly kind: 'throw'; readonly key: string }
  /** A value that can't be stored, given or made by an updater. */
  | { readonly kind: 'invalid'; readonly key: string; readonly value: number; readonly isUpdate: boolean }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'rename'; readonly key: string; readonly to: string }
  | { readonly kind: 'clear' }
  | { readonly kind: 'delete prefix'; readonly prefix: string };

/** What a write makes of a state, and what it answers: the specification, in a dozen lines. */
export function apply(state: State, write: Write): { state: State; result: unknown } {
  const next = new Map(state);
  switch (write.kind) {
    case 'set':
      next.set(write.key, write.value);
      return { state: next, result: undefined };
    case 'update': {
      const value = (next.get(write.key) ?? 0) + write.add;
      next.set(write.key, value);
      return { state: next, result: value };
    }
    case 'throw':
    case 'invalid':
      return { state, result: undefined };
    case 'delete':
      return { state: next, result: next.delete(write.key) };
    case 'rename': {
      const value = next.get(write.key);
      if (value === undefined) return { state, result: false };
      next.delete(write.key);
      next.set(write.to, value);
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
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
}

export function showState(state: State): string {
  return JSON.stringify(Object.fromEntries([...state].toSorted(([a], [b]) => a.localeCompare(b))));
}
