import { isCacheError, type CacheError, type CacheErrorCode } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import { report } from '../diagnostics.js';

const OF_STORAGE = ['WRITE_FAILED', 'READ_FAILED', 'ENTRY_REFUSED'] as const;
/** The name of a namespace that is not declared may be anything, and as many. */
const MAX_TOLD = 1000;
/** An episode of storage failures is over when no write was rejected for so long, ms. */
const QUIET_MS = 60_000;

/**
 * Looks after the promises of writes, since nobody may await them: each has a handler, so that none ends the process when it
 * rejects, and what was rejected is told here, once per episode or kind, whether somebody awaits it or not. What a caller
 * makes of such a promise is the caller's.
 */
export class Rejections {
  readonly #told = new Set<string>();
  /** When the last write was rejected because of the storage, on the monotonic clock. */
  #storageFailedAt = -Infinity;

  constructor(private readonly context: EngineContext) {}

  /** Gives the promise of a write a handler, and gives it back. */
  watch<T>(written: Promise<T>, handler: (error: unknown) => void): Promise<T> {
    written.then(undefined, handler);
    return written;
  }

  /** What tells of the rejected writes of a namespace. What an updater threw is its caller's to know. */
  handlerFor(
    { name, persistence }: Pick<NamespaceDefinition, 'name' | 'persistence'>,
    counters: NamespaceCounters,
  ): (error: unknown) => void {
    return (error) => {
      if (!isCacheError(error)) return;
      const { code } = error;
      if (!isOfStorage(code)) {
        this.#refused(name, error);
        return;
      }
      counters.rejected += 1;
      report({ type: 'write-rejected', namespace: name, code }, this.context);
      // An entry that the database refuses is told of where that is found out.
      if (code !== 'ENTRY_REFUSED') this.#storageFailed(name, persistence, error);
    };
  }

  /** The same of promises round those of a namespace: what comes to it, it tells itself. */
  refusalsOf(namespace: string): (error: unknown) => void {
    return (error) => {
      if (isCacheError(error) && !isOfStorage(error.code)) this.#refused(namespace, error);
    };
  }

  /** The storage works again: the next failure begins another episode. */
  recovered(): void {
    this.#storageFailedAt = -Infinity;
  }

  /** Refused for what it was, or when it came. */
  #refused(namespace: string, { code, message }: CacheError): void {
    const kind = `${code} ${namespace}`;
    if (this.#told.has(kind) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(kind);
    this.context.logger.warn(
      `A write was refused with ${code} and changed nothing. ${message} ` +
        `Further ones of namespace '${namespace}' with this code are not logged.`,
    );
  }

  #storageFailed(namespace: string, level: string, { code, message }: CacheError): void {
    const now = this.context.clock.monotonic();
    const isTold = now - this.#storageFailedAt < QUIET_MS;
    this.#storageFailedAt = now;
    if (isTold) return;
    this.context.logger.error(
      `Namespace '${namespace}', level ${level}: a write was rejected with ${code}. ${message} Further ones are not logged ` +
        "while this lasts: each rejects to its caller and counts in the figure 'rejected'.",
    );
  }
}

function isOfStorage(code: CacheErrorCode): code is (typeof OF_STORAGE)[number] {
  return (OF_STORAGE as readonly CacheErrorCode[]).includes(code);
}
