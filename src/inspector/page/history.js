/**
 * @typedef {import('./contract.js').Sample} Sample
 * @typedef {import('./contract.js').SampledFigures} SampledFigures
 */

/** How far back the charts look. */
export const WINDOW_MS = 5 * 60_000;
/** Samples that lie further apart have a gap between them: nobody knows what was then. */
const GAP_MS = 10_000;

/** The samples of the last minutes. */
export class History {
  /** @type {Sample[]} */
  #samples = [];

  /** @param {readonly Sample[]} samples */
  replace(samples) {
    this.#samples = [...samples];
    this.#trim();
  }

  /** @param {Sample} sample */
  add(sample) {
    if (sample.at === this.#samples.at(-1)?.at) return;
    this.#samples.push(sample);
    this.#trim();
  }

  /**
   * Columns as a chart wants them: the times in seconds, and one for each figure, with gaps where nothing is known.
   *
   * @param {readonly ((sample: Sample) => number | null)[]} figures
   * @returns {[number[], ...(number | null)[][]]}
   */
  columns(figures) {
    /** @type {number[]} */
    const times = [];
    /** @type {(number | null)[][]} */
    const columns = figures.map(() => []);
    for (const sample of this.#samples) {
      const before = times.at(-1);
      if (before !== undefined && sample.at - before * 1000 > GAP_MS) {
        times.push(before + 0.001);
        for (const column of columns) column.push(null);
      }
      times.push(sample.at / 1000);
      for (const [i, figure] of figures.entries()) columns[i]?.push(figure(sample));
    }
    return [times, ...columns];
  }

  /** What seems to lie behind the last one was sampled before the clock of the application was put back. */
  #trim() {
    const to = this.#samples.at(-1)?.at ?? 0;
    /** @type {Sample[]} */
    const kept = [];
    for (const sample of this.#samples.toReversed()) {
      const before = kept.at(-1)?.at ?? Infinity;
      if (sample.at < before && sample.at >= to - WINDOW_MS) kept.push(sample);
    }
    this.#samples = kept.toReversed();
  }
}

/** A figure of all namespaces together. @param {keyof SampledFigures} name @returns {(sample: Sample) => number} */
export const total = (name) => (sample) =>
  Object.values(sample.namespaces).reduce((sum, figures) => sum + (figures[name] ?? 0), 0);

/** A figure of one namespace. @param {string} namespace @param {keyof SampledFigures} name @returns {(sample: Sample) => number | null} */
export const of = (namespace, name) => (sample) => sample.namespaces[namespace]?.[name] ?? null;
