import type { LoadReport } from '../reports.js';
import { OpLine } from '../serial-queue.js';
import { RowLoad, type RowLoadOptions } from './row-load.js';

/** Loads a namespace from the database, once at a time: of two at once, each would take for loaded what the other dropped. */
export class RowLoader<V> {
  readonly #line = new OpLine();

  constructor(private readonly options: RowLoadOptions<V>) {}

  /** After the loads under way. */
  load(): Promise<LoadReport> {
    return this.#line.run(() => new RowLoad(this.options).run());
  }
}
