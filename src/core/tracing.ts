import { AsyncResource } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import type { Clock } from './clock.js';

/*
 * What takes its time, on tracing channels of `node:diagnostics_channel`, so that a listener can measure it or make a span
 * of it: `tracingChannel(LOAD_CHANNEL).subscribe({ start, asyncEnd, … })`. Each operation has one object, which its events
 * share: what is known at the beginning is there at `start`, the rest at `asyncStart`, `asyncEnd` and `error`. None of
 * them holds a key or a value. What a listener throws does not reach the cache: Node makes an uncaught exception of it.
 */

/** The name of the tracing channel of loads: at the start, and by `loadFromDatabase()`. See {@link LoadTrace}. */
export const LOAD_CHANNEL = 'nestjs-durable-cache:load';
/** The name of the tracing channel of reads of what memory can't answer. See {@link ReadTrace}. */
export const READ_CHANNEL = 'nestjs-durable-cache:read';
/** The name of the tracing channel of flushes of `ON_SHUTDOWN` namespaces. See {@link FlushTrace}. */
export const FLUSH_CHANNEL = 'nestjs-durable-cache:flush';
/** The name of the tracing channel of what is written to the database. See {@link CommitTrace}. */
export const COMMIT_CHANNEL = 'nestjs-durable-cache:commit';

/** What the traces of all operations have. */
interface AnyTrace {
  /** From `asyncStart` or `error` on. */
  durationMs?: number;
  /** From then on: `refused` is what the database did with what was to be written, `failed` whatever else went wrong. */
  outcome?: 'done' | 'refused' | 'failed';
  /**
   * What a listener of `start` may set: it is called with the operation, and calls that at once, for example in the active context of a
   * tracer. The operation runs once, whatever becomes of this call. A listener that finds one calls it from its own.
   */
  around?: (operation: () => void) => void;
}

/** One load of a namespace from the database. */
export interface LoadTrace extends AnyTrace {
  readonly namespace: string;
  /** Rows now in memory because of it. */
  rows?: number;
  /** Rows that did not decode. */
  skipped?: number;
}

/** One query for keys of a namespace that memory can't answer. */
export interface ReadTrace extends AnyTrace {
  readonly namespace: string;
  readonly keys: number;
  /** Rows there are of them, expired ones included. */
  found?: number;
}

/**
 * One pass over what is dirty in an `ON_SHUTDOWN` namespace; its transactions are on {@link COMMIT_CHANNEL}. It has `failed`
 * where an entry was not written: that is kept.
 */
export interface FlushTrace extends AnyTrace {
  readonly namespace: string;
  /** Entries written. */
  written?: number;
  /** Entries that it tried, and could not write. */
  failed?: number;
  /** Entries that are dirty at its end. */
  remaining?: number;
}

/** One attempt to write to the database, in one transaction. */
export interface CommitTrace extends AnyTrace {
  /** `clear` removes every row of a namespace, `purge` those that have expired. */
  readonly operation: 'write' | 'clear' | 'purge';
  readonly namespaces: readonly string[];
  /** Rows of a `write` that are stored. */
  readonly puts: number;
  /** Rows of a `write` that are removed. */
  readonly deletes: number;
}

/**
 * What the cache calls of a `TracingChannel`. The declarations of the package can't name that type: which of its two arguments comes first
 * depends on the version of `@types/node`, and they are compiled with the application's.
 */
interface Traces<Trace extends object> {
  readonly hasSubscribers: boolean;
  tracePromise(run: () => Promise<void>, trace: Trace): Promise<void>;
}

export const loadTraces: Traces<LoadTrace> = tracingChannel(LOAD_CHANNEL);
export const readTraces: Traces<ReadTrace> = tracingChannel(READ_CHANNEL);
export const flushTraces: Traces<FlushTrace> = tracingChannel(FLUSH_CHANNEL);
export const commitTraces: Traces<CommitTrace> = tracingChannel(COMMIT_CHANNEL);

/** An operation, and how it is told of. */
export interface Traced<Trace extends object, Result> {
  /** What is known at its beginning. */
  readonly begin: () => Trace;
  readonly run: () => Promise<Result>;
  /** Adds what is known at its end. */
  readonly done?: (trace: Trace, result: Result) => void;
  /** Adds what is known where it rejected. */
  readonly failed?: (trace: Trace, error: unknown) => void;
}

/** Runs an operation, and tells those who listen on `channel` of its beginning and its end. Without listeners it only runs. */
export async function traced<Trace extends AnyTrace, Result>(
  channel: Traces<Trace>,
  clock: Clock,
  { begin, run, done, failed }: Traced<NoInfer<Trace>, Result>,
): Promise<Result> {
  if (!channel.hasSubscribers) return run();
  const startedAt = clock.monotonic();
  const trace = begin();
  let result!: Result;
  // Node shows listeners what the traced function gives: rows hold keys and values, so it gives nothing.
  const operation = async (): Promise<void> => {
    try {
      result = await run();
      trace.outcome = 'done';
      done?.(trace, result);
    } catch (error) {
      trace.outcome = 'failed';
      failed?.(trace, error);
      throw error;
    } finally {
      trace.durationMs = clock.monotonic() - startedAt;
    }
  };
  await channel.tracePromise(() => runAround(trace, operation), trace);
  return result;
}

/** Runs an operation within what a listener has put around it, once, whatever that does: what it throws is treated as Node treats what listeners throw. */
function runAround({ around }: AnyTrace, operation: () => Promise<void>): Promise<void> {
  if (around === undefined) return operation();
  let running: Promise<void> | undefined;
  const runOnce = (): Promise<void> => (running ??= operation());
  try {
    around(() => void runOnce());
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
  return runOnce();
}

/**
 * `task`, to be run later as whoever calls this would run it now: with what `AsyncLocalStorage` holds here, such as the span that is
 * active. A drainer that others have woken so does the work of each in the context of who asked for it. Without listeners on `channel`
 * it is `task` itself.
 */
export function inThisContext<Result>(
  channel: { readonly hasSubscribers: boolean },
  task: () => Result,
): () => Result {
  return channel.hasSubscribers ? AsyncResource.bind(task) : task;
}
