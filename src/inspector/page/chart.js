import uPlot from './uplot.js';
import { element, setAttribute, setText } from './element.js';
import { WINDOW_MS } from './history.js';
import { duration, timeAt } from './wording.js';

/**
 * @typedef {import('./contract.js').Sample} Sample
 * @typedef {import('./history.js').History} History
 * @typedef {{ label: string, colour: string, figure: (sample: Sample) => number | null }} Line
 * @typedef {{ title: string, lines: readonly Line[], worded: (value: number) => string, most?: number }} ChartOptions
 */

const HEIGHT = 132;
/** Less time than this would make a spike look like a trend. */
const LEAST_MS = 60_000;
const FONT = '11px system-ui, sans-serif';

/** One or two lines over the last minutes, with their latest values in words beside the title. */
export class Chart {
  /** @type {import('uplot') | undefined} */
  #plot;
  #legend;
  #canvas;
  #resizing;

  /** @param {ChartOptions} options */
  constructor(options) {
    this.options = options;
    this.#legend = options.lines.map(({ colour }) => ({
      swatch: element('span', { class: 'swatch', 'data-colour': colour }),
      value: element('span', { class: 'value' }, '–'),
    }));
    const legend = options.lines.map(({ label }, i) =>
      element('li', {}, this.#legend[i]?.swatch, `${label} `, this.#legend[i]?.value),
    );
    this.#canvas = element('div', { class: 'canvas', role: 'img', 'aria-label': options.title });
    this.root = element(
      'figure',
      { class: 'chart' },
      element('figcaption', {}, element('h3', {}, options.title), element('ul', {}, ...legend)),
      this.#canvas,
    );
    this.#resizing = new ResizeObserver(() => this.#fit());
    this.#resizing.observe(this.#canvas);
  }

  /** @param {History} history */
  update(history) {
    const columns = history.columns(this.options.lines.map(({ figure }) => figure));
    const [times, ...lines] = columns;
    this.#tell(lines);
    if (times.length === 0) return;
    if (this.#plot === undefined) this.#draw(columns);
    else this.#plot.setData(columns);
  }

  /** Colours have changed. */
  recolour() {
    this.#plot?.redraw();
  }

  remove() {
    this.#resizing.disconnect();
    this.#plot?.destroy();
  }

  /** @param {(number | null)[][]} lines */
  #tell(lines) {
    const told = this.options.lines.map(({ label }, i) => {
      const known = (lines[i] ?? []).filter((value) => value !== null);
      const last = known.at(-1);
      const now = last === undefined ? '–' : this.options.worded(last);
      const value = this.#legend[i]?.value;
      if (value !== undefined) setText(value, now);
      if (last === undefined) return `${label}: nothing yet`;
      return `${label}: now ${now}, at most ${this.options.worded(Math.max(...known))}`;
    });
    const span = duration(WINDOW_MS);
    setAttribute(this.#canvas, 'aria-label', `${this.options.title}, the last ${span}. ${told.join('. ')}.`);
  }

  /** @param {[number[], ...(number | null)[][]]} columns */
  #draw(columns) {
    const { lines, worded, most } = this.options;
    // A canvas knows no custom properties, so it is told what they have come to.
    const style = getComputedStyle(this.#canvas);
    const axis = { stroke: () => style.color, font: FONT, ticks: { show: false } };
    const grid = { stroke: () => style.borderTopColor, width: 1 };
    this.#plot = new uPlot(
      {
        width: Math.max(160, this.#canvas.clientWidth),
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { size: 7 } },
        scales: {
          x: { time: true, range: (_plot, first, last) => windowOf(first, last) },
          y: { range: (_plot, _least, highest) => [0, roof(highest ?? 0, most)] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            space: 70,
            size: 24,
            values: (_plot, splits, _axis, _space, step) => splits.map((at) => timeAt(at, step < 60)),
          },
          {
            ...axis,
            grid,
            space: 34,
            size: 50,
            values: (_plot, splits) => splits.map((value) => worded(value)),
          },
        ],
        series: [
          {},
          ...lines.map((_line, i) => ({
            stroke: () => this.#lineColour(i),
            fill: () => this.#lineColour(i).replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)'),
            width: 1.75,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [(plot) => this.#point(plot)] },
      },
      columns,
      this.#canvas,
    );
  }

  /** The values under the pointer; the latest where there is none. @param {import('uplot')} plot */
  #point(plot) {
    for (const [i, { value }] of this.#legend.entries()) {
      const column = plot.data[i + 1] ?? [];
      const pointed =
        plot.cursor.idx === null || plot.cursor.idx === undefined ? undefined : column[plot.cursor.idx];
      const shown = pointed ?? column.at(-1);
      if (shown !== null && shown !== undefined) setText(value, this.options.worded(shown));
    }
  }

  #fit() {
    const width = this.#canvas.clientWidth;
    if (this.#plot !== undefined && width > 0 && width !== this.#plot.width)
      this.#plot.setSize({ width, height: HEIGHT });
  }

  /** @param {number} i */
  #lineColour(i) {
    const swatch = this.#legend[i]?.swatch;
    return swatch === undefined ? '' : getComputedStyle(swatch).backgroundColor;
  }
}

/**
 * From the first sample, where the application has not run for longer.
 *
 * @param {number} first
 * @param {number} last
 * @returns {[number, number]}
 */
function windowOf(first, last) {
  return [Math.min(Math.max(first, last - WINDOW_MS / 1000), last - LEAST_MS / 1000), last];
}

/**
 * Where the highest line has room, and never so low that noise looks like a mountain.
 *
 * @param {number} highest
 * @param {number | undefined} most
 */
function roof(highest, most) {
  if (most !== undefined) return most;
  return Math.max(1, highest * 1.15);
}
