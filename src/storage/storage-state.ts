import type { InstanceMode } from '../core/sharing/shared-storage.js';
import type { Writer } from '../core/storage-adapter.js';

/** A process that has joined those that work on a table. */
export interface KnownInstance {
  readonly writer: Writer;
  readonly mode: InstanceMode;
  /** What it calls itself: host and process. */
  readonly about: string;
  /**
   * `stopped`: it has said that it writes no more. `gone`: its session is over, without a word. `unknown`: the database can't tell a
   * process that lives from one that crashed.
   */
  readonly state: 'running' | 'stopped' | 'gone' | 'unknown';
  /** It counts up while the instance lives: now and then. */
  readonly beat: number;
  /** How far its log reaches: the number of its last commit that left a note. */
  readonly head: number;
  /** Since when it works on the table, wall-clock ms, or else when its session began; `undefined` where nobody says. */
  readonly since: number | undefined;
}

/** How a table is, and what is beside it. */
export interface StorageState {
  /** By their names, in their order. */
  readonly migrations: { readonly done: readonly string[]; readonly pending: readonly string[] };
  readonly instances: readonly KnownInstance[];
  /** The notes of commits that are kept for others; `undefined` where there is no table for them. */
  readonly log: { readonly notes: number; readonly bytes: number } | undefined;
  /** Rows that no cache has written: they carry no stamp. */
  readonly unstamped: number;
  /** Bytes of the tables of the cache, or of the file, on disk; `undefined` where the database does not say. */
  readonly bytesOnDisk: number | undefined;
}
