import { CacheError } from '../../cache-error.js';
import { report } from '../../diagnostics.js';
import { codeOf } from '../../driver-code.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import { counted } from '../../listed.js';
import type { StampedEntry } from '../../storage-adapter.js';
import { chunksOf } from '../../writing/chunks.js';
import type { MemoryKey } from '../../keys/key-space.js';
import type { WriteOutcome } from '../../writing/isolate-refused.js';
import type { StorageWriter, WriteHooks } from '../../writing/storage-writer.js';
import { dirtyRow, type Batch, type DirtyRow } from './dirty-row.js';
import { Rebase, type RebaseOptions } from './rebase.js';

/** Rows held at once. */
const CHUNK = 1000;
/** An absent row can't be held: how often it is looked at anew where others write it meanwhile. */
const MAX_ATTEMPTS = 5;
/** Without a conflict for so long the next one is told of anew, ms. */
const EPISODE_MS = 60_000;

export interface ConflictsOptions<V> extends Omit<RebaseOptions<V>, 'isOwn'> {
  readonly writer: StorageWriter;
  readonly counters: NamespaceCounters;
}

/** What became of rows that were in conflict; what is in none of its lists is written, or was given up. */
export interface ConflictOutcome extends WriteOutcome<DirtyRow> {
  /** Those that stay dirty because the merge failed. */
  readonly unsettled: readonly { readonly items: readonly DirtyRow[]; readonly error: CacheError }[];
}

/**
 * Settles conflicts: dirty entries of which others have written the rows. It holds these while `onConflict` decides and the
 * outcome is written, so nobody loses twice.
 */
export class Conflicts<V> {
  readonly #rebase: Rebase<V>;
  /** The keys for which `onConflict` failed when it was asked last. */
  readonly #unsettled = new Set<MemoryKey>();
  /** When the last one was, on the monotonic clock. */
  #lastAt = -Infinity;
  #ended = false;

  constructor(private readonly options: ConflictsOptions<V>) {
    const { stamps } = options.writer;
    this.#rebase = new Rebase({ ...options, isOwn: (stamp) => stamps.isOwn(stamp) });
  }

  /** Goes up when memory takes what came of a conflict. */
  get settled(): number {
    return this.#rebase.count;
  }

  /** What each row of a batch that is about to be written must be. */
  expect(batch: Batch): void {
    const { provenance } = this.options;
    for (const atom of batch) for (const row of atom) row.expects = provenance.rowOf(row.memoryKey)?.stamp;
  }

  /** A key is about to be set or removed whatever it holds: where `onConflict` failed for it, it is not asked again. */
  overrule(key: MemoryKey): void {
    const { dirty, provenance } = this.options;
    if (this.#unsettled.size > 0 && this.#unsettled.delete(key) && dirty.isRefused(key))
      provenance.forget(key);
  }

  /** What is dirty has been gathered for the last time. */
  giveUp(): void {
    this.#ended = true;
  }

  /** Settles atoms that were in conflict, and writes what comes of it. */
  async write(batch: Batch, hooks: WriteHooks<DirtyRow>): Promise<ConflictOutcome> {
    const refused: ConflictOutcome['refused'] = [];
    const unsettled: { items: readonly DirtyRow[]; error: CacheError }[] = [];
    const left: (readonly DirtyRow[])[] = [];
    let open = batch;
    for (let attempt = 1; open.length > 0 && attempt <= MAX_ATTEMPTS; attempt += 1) {
      const lost: (readonly DirtyRow[])[] = [];
      const chunks = [...chunksOf(open, CHUNK)];
      for (const [i, chunk] of chunks.entries()) {
        // Sequential on purpose: there is one write at a time.
        const outcome = await this.#writeChunk(chunk, hooks, unsettled, left);
        refused.push(...outcome.refused.map(({ items, error }) => ({ items: this.#newest(items), error })));
        lost.push(...outcome.conflicts);
        if (outcome.deferred.length === 0) continue;
        const deferred = [...outcome.deferred, ...lost.flat(), ...chunks.slice(i + 1).flat(2)];
        return { refused, unsettled, conflicts: [], deferred, error: outcome.error };
      }
      open = lost;
    }
    return { refused, unsettled, conflicts: [...open, ...left], deferred: [], error: undefined };
  }

  async #writeChunk(
    chunk: Batch,
    hooks: WriteHooks<DirtyRow>,
    unsettled: { items: readonly DirtyRow[]; error: CacheError }[],
    left: (readonly DirtyRow[])[],
  ): Promise<WriteOutcome<DirtyRow>> {
    const { writer, definition } = this.options;
    const failed = new Map<readonly DirtyRow[], unknown>();
    const conflicts: string[] = [];
    const decide = (
      atom: readonly DirtyRow[],
      rows: ReadonlyMap<string, StampedEntry>,
    ): readonly DirtyRow[] => {
      if (this.#ended) return [];
      if (this.#unsettled.size > 0) for (const { memoryKey } of atom) this.#unsettled.delete(memoryKey);
      try {
        const rebased = this.#rebase.of(atom, rows);
        conflicts.push(...rebased.conflicts);
        if (rebased.isLeft) left.push(atom);
        return rebased.rows;
      } catch (error) {
        failed.set(atom, error);
        for (const { memoryKey } of atom) this.#unsettled.add(memoryKey);
        return [];
      }
    };
    const outcome = await writer.writeHeld(definition.name, chunk, decide, hooks);
    this.#tell(conflicts);
    this.#tellUnsettled(failed);
    for (const [atom, cause] of failed)
      unsettled.push({ items: this.#newest(atom), error: this.#unsettledError(atom[0]?.key ?? '', cause) });
    return outcome;
  }

  /** The same rows as they are to be now: what came of a conflict may have taken their place. */
  #newest(rows: readonly DirtyRow[]): DirtyRow[] {
    const { definition, keys, dirty } = this.options;
    return rows.flatMap(({ memoryKey }) => {
      const change = dirty.get(memoryKey);
      return change === undefined ? [] : dirtyRow(definition, keys, memoryKey, change);
    });
  }

  /** Counts them all, and tells of the first of an episode. */
  #tell(keys: readonly string[]): void {
    if (keys.length === 0) return;
    const { counters, definition, context } = this.options;
    const now = context.clock.monotonic();
    const isNew = now - this.#lastAt > EPISODE_MS;
    this.#lastAt = now;
    counters.conflicts += keys.length;
    report({ type: 'entries-in-conflict', namespace: definition.name, count: keys.length }, context);
    if (!isNew) return;
    context.logger.warn(
      `Namespace '${definition.name}': another process has written ${counted(keys.length, 'entry', 'entries')} that ` +
        `${keys.length === 1 ? 'was' : 'were'} dirty here (for example key ${shown(keys[0])}). ${this.#fate} ` +
        "The stats count this as 'conflicts'; to have fewer, lower checkpointIntervalMs, or have each key written by one process.",
    );
  }

  get #fate(): string {
    const { onConflict } = this.options.definition;
    if (onConflict === 'mine') return "onConflict is 'mine': what was dirty here was written over theirs.";
    if (onConflict === 'theirs') return "onConflict is 'theirs': what was dirty here was given up.";
    return 'onConflict has merged them.';
  }

  #tellUnsettled(failed: ReadonlyMap<readonly DirtyRow[], unknown>): void {
    const { definition, context, counters, dirty } = this.options;
    // Known since they failed before.
    const rows = [...failed.keys()].flat().filter(({ memoryKey }) => !dirty.isRefused(memoryKey));
    const [error] = failed.values();
    if (rows.length === 0) return;
    counters.conflicts += rows.length;
    report({ type: 'conflict-unsettled', namespace: definition.name, count: rows.length, error }, context);
    context.logger.error(
      `Namespace '${definition.name}': onConflict failed for ${counted(rows.length, 'entry', 'entries')} ` +
        `(for example key ${shown(rows[0]?.key)}; ${codeOf(error) ?? nameOf(error)}). At level ON_SHUTDOWN it is kept and tried again. ` +
        'The others are written.',
    );
  }

  #unsettledError(key: string, cause: unknown): CacheError {
    const { name } = this.options.definition;
    return new CacheError(
      'CONFLICT',
      `Namespace '${name}': another process has written this entry, and onConflict failed to settle it. The entry is kept, and ` +
        'tried again. See the cause; to end it, set or delete the key.',
      { namespace: name, key, cause },
    );
  }
}

function shown(key = ''): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}

/** Not its message, which may quote a value. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
