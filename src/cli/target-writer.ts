import { CacheError, isCacheError } from '../core/cache-error.js';
import { isolateRefused } from '../core/writing/isolate-refused.js';
import { DatabaseError } from '../storage/driver-error.js';
import type { ExactRow, ListedStorage, RefusedRows } from '../storage/listed-storage.js';

/** Writes rows to the target of a copy: what that refuses holds up no other row. */
export class TargetWriter {
  /** Messages that the target refuses rows with, by their code: a message may be about one row alone. */
  readonly #reasons = new Map<string, string>();

  constructor(
    private readonly target: ListedStorage,
    /** Asked before each write, which fails with it. */
    private readonly admit: () => Promise<void> | undefined,
  ) {}

  /** Stores what the target takes, and gives what it refuses, row by row. */
  async write(namespace: string, rows: readonly ExactRow[]): Promise<readonly RefusedRows[]> {
    if (rows.length === 0) return [];
    const { refused, deferred, error } = await isolateRefused(
      rows.map((row) => [row]),
      async (some) => {
        await this.admit();
        await this.target.restore(namespace, some.flat());
        return undefined;
      },
      (reason) => this.target.classify(reason),
      // However many it refuses, the next one may be good.
      Infinity,
    );
    if (isCacheError(error)) throw error;
    if (deferred.length > 0) {
      throw new CacheError(
        'WRITE_FAILED',
        `The target could not be written to in namespace '${namespace}': ${messageOf(error)}. ` +
          'What was copied stays: put right what it says, and run the command again to go on.',
        { namespace, cause: error },
      );
    }
    return refused.flatMap(({ items, error: reason }) =>
      items.map(({ key }) => ({ reason: this.#reasonOf(reason), count: 1, keys: [key] })),
    );
  }

  #reasonOf(error: unknown): string {
    const message = `the target refuses it: ${messageOf(error)}`;
    const code = (error instanceof DatabaseError ? error.code : undefined) ?? message;
    const known = this.#reasons.get(code);
    if (known === undefined) this.#reasons.set(code, message);
    return known ?? message;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
