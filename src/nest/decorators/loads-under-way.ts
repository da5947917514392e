import { AsyncLocalStorage } from 'node:async_hooks';
import type { MemoryKey } from '../../core/keys/key-space.js';

/** A key of a namespace of an application. */
interface Target {
  readonly cache: object;
  readonly key: MemoryKey;
}

/** One run of a method that loads a value. */
interface Load extends Target {
  /** The load that this one was begun in, and that goes on. */
  within: Load | undefined;
  /** What its method has called and not got yet. */
  readonly waitsFor: Set<Target>;
  /** Whether it has ended, or was given up: what it has set going, such as a timer, runs within it still, and nobody waits for that. */
  isOver: boolean;
}

/** What all copies of this package in a process know of loads. */
interface Loads {
  readonly innermost: AsyncLocalStorage<Load>;
  /** The latest of each key. */
  readonly underWay: WeakMap<object, Map<MemoryKey, Load>>;
  /** How many there are. */
  running: number;
}

const LOADS = Symbol.for('nestjs-durable-cache:loads');
const loads = ((globalThis as { [LOADS]?: Loads })[LOADS] ??= {
  innermost: new AsyncLocalStorage<Load>(),
  underWay: new WeakMap(),
  running: 0,
});

/**
 * Gives what `wait` does, unless that would wait for ever: where the call comes from a load that the load of the key waits for, itself included, over
 * however many others. Then it gives what `method` does.
 */
export function waiting<T>(
  cache: object,
  /** Asked within loads alone. */
  keyOf: () => MemoryKey,
  { wait, method }: { readonly wait: () => Promise<T>; readonly method: () => Promise<T> },
): Promise<T> {
  const load = current();
  if (load === undefined) return wait();
  const target: Target = { cache, key: keyOf() };
  if (leadsTo(load, target, new Set())) return method();
  return noting(load, target, wait);
}

async function noting<T>(load: Load, target: Target, wait: () => Promise<T>): Promise<T> {
  load.waitsFor.add(target);
  try {
    return await wait();
  } finally {
    load.waitsFor.delete(target);
  }
}

/** Begins the load of a key, which runs a method. */
export function begin(cache: object, key: MemoryKey): LoadRun {
  return new LoadRun({ cache, key, within: current(), waitsFor: new Set(), isOver: false });
}

/** A load under way, until it is over. */
export class LoadRun {
  constructor(private readonly load: Load) {
    const { cache, key } = load;
    const ofCache = loads.underWay.get(cache) ?? new Map<MemoryKey, Load>();
    loads.underWay.set(cache, ofCache.set(key, load));
    loads.running += 1;
  }

  async run<T>(method: () => Promise<T>): Promise<T> {
    try {
      return await loads.innermost.run(this.load, method);
    } finally {
      this.end();
    }
  }

  end(): void {
    const { cache, key, isOver } = this.load;
    if (isOver) return;
    this.load.isOver = true;
    const ofCache = loads.underWay.get(cache);
    if (ofCache?.get(key) === this.load) ofCache.delete(key);
    loads.running -= 1;
    // While it is enabled Node.js up to 22 watches every promise of the process, which makes them half as fast. Who comes
    // from a load that is over is in none.
    if (loads.running === 0) loads.innermost.disable();
  }
}

/** The innermost load that goes on, of those that the call comes from. Those that are over leave the chain, or it would grow for ever. */
function current(): Load | undefined {
  const innermost = goingOn(loads.innermost.getStore());
  for (let load = innermost; load !== undefined; load = load.within) load.within = goingOn(load.within);
  return innermost;
}

function goingOn(from: Load | undefined): Load | undefined {
  let load = from;
  while (load?.isOver === true) load = load.within;
  return load;
}

/** Whether what loads a target waits for a load. */
function leadsTo(load: Load, { cache, key }: Target, seen: Set<Load>): boolean {
  const loader = loads.underWay.get(cache)?.get(key);
  if (loader === load) return true;
  if (loader === undefined || seen.has(loader)) return false;
  seen.add(loader);
  for (const target of loader.waitsFor) if (leadsTo(load, target, seen)) return true;
  return false;
}
