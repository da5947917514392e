import { CacheError } from '../cache-error.js';
import { report } from '../diagnostics.js';
import { codeOf } from '../driver-code.js';
import type { EngineContext } from '../context.js';
import { counted } from '../listed.js';

/** Failures to write of which none was followed by a success. */
export interface FailureEpisode {
  /** How long ago the first of them was, on the monotonic clock. */
  readonly ms: number;
  /** Why it failed: a code of the driver, or its message. */
  readonly reason: string;
}

/** Reports the storage's failures: once when an episode of them begins, and once when it is over. */
export class StorageHealth {
  #failingSince: number | undefined;
  #reason = '';
  #failures = 0;
  readonly #recoveries: (() => void)[] = [];

  constructor(
    private readonly context: EngineContext,
    /** How long after its call a write that waits for its commit is given up on, ms. */
    private readonly writeTimeoutMs: number,
  ) {}

  /** A write failed because of the database's state. */
  failed(error: unknown): void {
    this.#failures += 1;
    this.#reason = reasonOf(error);
    report({ type: 'write-failed', code: codeOf(error), error }, this.context);
    if (this.#failingSince !== undefined) return;
    this.#failingSince = this.context.clock.monotonic();
    this.context.logger.warn(
      `The cache cannot write to its database (${reasonOf(error)}), and tries again. An ON_CHANGE write that can't be ` +
        `committed rejects with WRITE_FAILED ${this.writeTimeoutMs} ms after its call (writeTimeoutMs); ON_SHUTDOWN writes ` +
        'are kept and retried.',
    );
  }

  /** The failures there are now; `undefined` where the last write succeeded. */
  get episode(): FailureEpisode | undefined {
    if (this.#failingSince === undefined) return undefined;
    const ms = this.context.clock.monotonic() - this.#failingSince;
    return { ms, reason: this.#reason };
  }

  /** Calls `recovered` at the end of each episode of failures. */
  onRecovery(recovered: () => void): void {
    this.#recoveries.push(recovered);
  }

  succeeded(): void {
    if (this.#failingSince === undefined) return;
    const afterMs = this.context.clock.monotonic() - this.#failingSince;
    report({ type: 'write-recovered', afterMs, failures: this.#failures }, this.context);
    const seconds = (afterMs / 1000).toFixed(1);
    this.context.logger.log(
      `The cache writes to its database again, after ${seconds} s and ${counted(this.#failures, 'failure')}.`,
    );
    this.#failingSince = undefined;
    this.#failures = 0;
    for (const recovered of this.#recoveries) recovered();
  }

  /** The database refuses entries for what they are; `fate` says what becomes of them. */
  refused(namespace: string, keys: readonly string[], error: unknown, fate: string): void {
    report(
      { type: 'entry-refused', namespace, count: keys.length, code: codeOf(error), error },
      this.context,
    );
    const [example = ''] = keys;
    const shown = example.length > 80 ? `${example.slice(0, 80)}…` : example;
    this.context.logger.error(
      `Namespace '${namespace}': the database refuses ${counted(keys.length, 'entry', 'entries')} ` +
        `(for example key ${JSON.stringify(shown)}; ${codeOf(error) ?? 'no code'}). ${fate} The others are written.`,
    );
  }
}

export function refusedError(namespace: string, key: string, cause: unknown): CacheError {
  return new CacheError(
    'ENTRY_REFUSED',
    `Namespace '${namespace}': the database refuses this entry (${codeOf(cause) ?? 'no code'}). See the cause; store another value.`,
    { namespace, key, cause },
  );
}

export function writeFailedError(namespace: string | undefined, cause: unknown): CacheError {
  return new CacheError(
    'WRITE_FAILED',
    `The database could not be written to (${reasonOf(cause)}). Readers still see the old value; try again when it is back.`,
    { ...(namespace === undefined ? {} : { namespace }), cause },
  );
}

/** Why the storage failed. Not for failures caused by data: their messages may quote it. */
export function reasonOf(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.message : String(error));
}
