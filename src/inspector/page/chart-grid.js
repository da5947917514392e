import { Chart } from './chart.js';
import { element } from './element.js';
import { percent, rate, short } from './wording.js';

/**
 * @typedef {import('./contract.js').SampledFigures} SampledFigures
 * @typedef {import('./contract.js').Sample} Sample
 * @typedef {import('./history.js').History} History
 * @typedef {(name: keyof SampledFigures) => (sample: Sample) => number | null} Pick
 */

/** The charts of a namespace, or of all together. */
export class ChartGrid {
  /** @param {Pick} pick how a figure is taken from a sample */
  constructor(pick) {
    const hits = pick('hitsPerSecond');
    const misses = pick('missesPerSecond');
    this.charts = [
      new Chart({
        title: 'Reads',
        worded: rate,
        lines: [
          { label: 'Hits', colour: 'hits', figure: hits },
          { label: 'Misses', colour: 'misses', figure: misses },
        ],
      }),
      new Chart({
        title: 'Hit rate',
        worded: percent,
        most: 1,
        lines: [{ label: 'Now', colour: 'hits', figure: (sample) => share(hits(sample), misses(sample)) }],
      }),
      new Chart({
        title: 'Writes',
        worded: rate,
        lines: [{ label: 'Calls', colour: 'writes', figure: pick('writesPerSecond') }],
      }),
      new Chart({
        title: 'Unwritten',
        worded: short,
        lines: [
          { label: 'Dirty', colour: 'dirty', figure: pick('dirty') },
          { label: 'Waiting', colour: 'waiting', figure: pick('waiting') },
        ],
      }),
    ];
    this.root = element('div', { class: 'charts' }, ...this.charts.map(({ root }) => root));
  }

  /** @param {History} history */
  update(history) {
    for (const chart of this.charts) chart.update(history);
  }

  recolour() {
    for (const chart of this.charts) chart.recolour();
  }

  remove() {
    for (const chart of this.charts) chart.remove();
  }
}

/** Of the reads of a moment; nothing where there were none. @param {number | null} hits @param {number | null} misses */
function share(hits, misses) {
  if (hits === null || misses === null || hits + misses === 0) return null;
  return hits / (hits + misses);
}
