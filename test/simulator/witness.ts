import { apply, equalHeld, equalStates, showState, type Held, type State, type Write } from './model.js';

interface Called {
  readonly write: Write;
  outcome: 'open' | 'acknowledged' | 'rejected';
  result: unknown;
  /** A commit that was reported as failed may have happened all the same. */
  uncertain: boolean;
}

/** Subsets of more uncertain writes than this are too many to try. */
const MAX_UNCERTAIN = 10;

/**
 * What the callers of one namespace saw in one life: every write in the order of the calls, and how it ended. From that
 * it knows what the namespace may hold: the acknowledged writes, in their order, and of those whose end nobody saw any
 * choice.
 */
export class Witness {
  readonly #calls: Called[] = [];
  /** The calls that a flush has covered: those before it were written. */
  #flushedUpTo = 0;
  /** What the first calls make, all of which have ended. */
  #ended: { readonly calls: number; readonly state: State };

  constructor(
    readonly name: string,
    readonly before: State,
    /** Whether entries never expire unless a write says so. */
    private readonly isForever: boolean,
  ) {
    this.#ended = { calls: 0, state: before };
  }

  /** How many calls have ended, up to the first that has not. */
  get settled(): number {
    const open = this.#calls.findIndex((called) => called.outcome === 'open');
    return open < 0 ? this.#calls.length : open;
  }

  /** Counts calls that ended. */
  endings = 0;

  /** What the acknowledged writes make; `undefined` when nobody knows. */
  acknowledged(): State | undefined {
    if (this.#calls.some((called) => called.uncertain)) return undefined;
    let { calls, state } = this.#ended;
    let isPrefix = true;
    for (const called of this.#calls.slice(calls)) {
      if (called.outcome === 'acknowledged') ({ state } = this.#apply(state, called.write));
      isPrefix &&= called.outcome !== 'open';
      if (!isPrefix) continue;
      calls += 1;
      this.#ended = { calls, state };
    }
    return state;
  }

  /** Whether a call that has not ended may have left something else of `key` than {@link acknowledged} says. */
  isOpen(key: string): boolean {
    const touched = new Set<string>();
    const prefixes: string[] = [];
    const isTouched = (one: string): boolean =>
      touched.has(one) || prefixes.some((prefix) => one.startsWith(prefix));
    for (const { outcome, write } of this.#calls.slice(this.#ended.calls)) {
      if (outcome !== 'open') {
        // What it moved may be of a call that has not ended.
        if (write.kind === 'rename' && isTouched(write.key)) touched.add(write.to);
        continue;
      }
      if (write.kind === 'clear' || (write.kind === 'delete prefix' && key.startsWith(write.prefix)))
        return true;
      if (write.kind === 'delete prefix') {
        prefixes.push(write.prefix);
        continue;
      }
      touched.add(write.key);
      if (write.kind === 'rename') touched.add(write.to);
    }
    return touched.has(key);
  }

  /** Takes note of a write; its promise must settle by the end of the life, unless that is a crash. */
  sees(write: Write, promise: Promise<unknown>, mayLie: (error: unknown) => boolean): void {
    const called: Called = { write, outcome: 'open', result: undefined, uncertain: false };
    this.#calls.push(called);
    promise.then(
      (result) => {
        called.outcome = 'acknowledged';
        called.result = result;
        this.endings += 1;
      },
      (error: unknown) => {
        called.outcome = 'rejected';
        called.uncertain = mayLie(error);
        this.endings += 1;
      },
    );
  }

  flushed(upTo: number): void {
    this.#flushedUpTo = Math.max(this.#flushedUpTo, upTo);
  }

  /** Whether a read that began when `from` calls had ended may show this: what a key was at any time since. */
  mayShow(key: string, shows: (held: Held | undefined) => boolean, from: number): boolean {
    const states = this.#heldSince(key, from);
    return states?.some(shows) ?? true;
  }

  /** The values of a key at any time since `from` calls had ended, `undefined` for absent; nothing when nobody knows. */
  shown(key: string, from: number): ReadonlySet<number | undefined> | undefined {
    const states = this.#heldSince(key, from);
    return states === undefined ? undefined : new Set(states.map((held) => held?.value));
  }

  #heldSince(key: string, from: number): (Held | undefined)[] | undefined {
    if (this.#calls.some((called) => called.uncertain)) return undefined;
    const states: (Held | undefined)[] = [];
    let state = this.before;
    if (from === 0) states.push(state.get(key));
    this.#calls.forEach((called, i) => {
      if (called.outcome !== 'rejected') ({ state } = this.#apply(state, called.write));
      if (i + 1 >= from) states.push(state.get(key));
    });
    return states;
  }

  /** How many writes were called. */
  get calls(): number {
    return this.#calls.length;
  }

  /** Throws when a promise is still open. */
  assertSettled(): void {
    const open = this.#calls.findIndex((called) => called.outcome === 'open');
    if (open >= 0) throw new Error(`${this.name}: call ${open} never settled.\n${this.#show()}`);
  }

  /** Throws when what is there is not what acknowledged writes, and a choice of uncertain ones, make. */
  assertHolds(actual: State): void {
    const uncertain = this.#calls.filter((called) => isUncertain(called));
    if (uncertain.length > MAX_UNCERTAIN) return;
    for (let choice = 0; choice < 2 ** uncertain.length; choice += 1) {
      const chosen = new Set(uncertain.filter((_, i) => (choice & (1 << i)) !== 0));
      const made = this.#replay((called) => called.outcome === 'acknowledged' || chosen.has(called));
      if (made !== undefined && equalStates(made, actual)) return;
    }
    throw new Error(
      `${this.name} holds ${showState(actual)}, which these writes do not make:\n${this.#show()}`,
    );
  }

  /** Throws when a key holds what it did not hold at any time since the last flush: for write-back after a crash. */
  assertHeldSinceFlush(actual: State, keys: readonly string[]): void {
    const allowed = new Map(keys.map((key) => [key, [] as (Held | undefined)[]]));
    let state = this.before;
    const note = (held: State): void => {
      for (const key of keys) allowed.get(key)?.push(held.get(key));
    };
    this.#calls.forEach((called, i) => {
      if (i >= this.#flushedUpTo) note(state);
      if (called.uncertain) note(this.#apply(state, called.write).state);
      if (called.outcome !== 'rejected') ({ state } = this.#apply(state, called.write));
    });
    note(state);
    for (const key of keys) {
      if (allowed.get(key)?.some((held) => equalHeld(held, actual.get(key))) === true) continue;
      throw new Error(
        `${this.name}: ${key} is ${JSON.stringify(actual.get(key))} after a crash, and never was.\n${this.#show()}`,
      );
    }
  }

  /** What a choice of writes makes; `undefined` when an acknowledged one would have answered otherwise. */
  #replay(takesEffect: (called: Called) => boolean): State | undefined {
    let state = this.before;
    for (const called of this.#calls) {
      if (!takesEffect(called)) continue;
      const applied = this.#apply(state, called.write);
      if (called.outcome === 'acknowledged' && applied.result !== called.result) return undefined;
      ({ state } = applied);
    }
    return state;
  }

  #apply(state: State, write: Write): { state: State; result: unknown } {
    return apply(state, write, this.isForever);
  }

  #show(): string {
    const lines = this.#calls.map(
      ({ write, outcome, result, uncertain }, i) =>
        `  ${i} ${JSON.stringify(write)} → ${outcome}${uncertain ? ' (uncertain)' : ''} ${JSON.stringify(result) ?? ''}`,
    );
    return [`  before: ${showState(this.before)}`, ...lines].join('\n');
  }
}

function isUncertain(called: Called): boolean {
  if (called.write.kind === 'throw' || called.write.kind === 'invalid') return false;
  return called.outcome === 'open' || (called.outcome === 'rejected' && called.uncertain);
}
