import type { LoadReport } from '../reports.js';
import { SerialQueue } from '../serial-queue.js';
import { Preload, type PreloadOptions } from './preload.js';

/** Loads a namespace from the database, once at a time: of two at once, each would take for loaded what the other dropped. */
export class RowLoader<V> {
  readonly #line = new SerialQueue();

  constructor(private readonly options: PreloadOptions<V>) {}

  /** After the loads under way. */
  load(): Promise<LoadReport> {
    return this.#line.run(() => new Preload(this.options).run());
  }
}
