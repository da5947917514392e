import type { Stamp } from '../storage-adapter.js';
import type { Changes } from './note.js';

/** What is told of the commits of other instances, after these: the memory of one namespace. */
export interface ChangeListener {
  /** Rows were changed by a commit that has left `stamp` in them. */
  changed(changes: Changes, stamp: Stamp): void;
  /** Nobody knows what was changed: it may be anything. */
  lostTrack(): void;
}
