import { hashOf } from './address.js';
import { element, setAttribute, setText } from './element.js';
import { badgeOf } from './level.js';
import { Meter } from './meter.js';
import { bytes, duration, hitRate, rate, short } from './wording.js';

/** @typedef {import('./contract.js').NamespaceFigures} NamespaceFigures */

/** The columns of the table of namespaces. */
export const COLUMNS = [
  'Namespace',
  'Level',
  'In memory',
  'Hit rate',
  'Writes',
  'Dirty',
  'Waiting',
  'Refused',
  'Oldest unwritten',
];

/** A namespace in the overview. */
export class NamespaceRow {
  #meter;
  #bytes = element('span', { class: 'words' });
  #cells;

  /** @param {NamespaceFigures} figures */
  constructor({ name, level }) {
    this.#meter = new Meter(`Entries of ${name} in memory`);
    const link = element('a', { href: hashOf({ view: 'namespace', name }), class: 'mono' }, name);
    const number = (/** @type {number} */ i) =>
      element('td', { class: 'number', role: 'cell', 'data-label': COLUMNS[i] });
    this.#cells = {
      hitRate: number(3),
      writes: number(4),
      dirty: number(5),
      waiting: number(6),
      refused: number(7),
      oldest: number(8),
    };
    this.root = element(
      'tr',
      { role: 'row' },
      element('th', { scope: 'row', role: 'rowheader' }, link),
      element('td', { role: 'cell', 'data-label': COLUMNS[1] }, badgeOf(level)),
      element('td', { role: 'cell', 'data-label': COLUMNS[2] }, this.#meter.root, this.#bytes),
      ...Object.values(this.#cells),
    );
  }

  /** @param {NamespaceFigures} figures */
  update(figures) {
    const { hitRate: rateCell, writes, dirty, waiting, refused, oldest } = this.#cells;
    this.#meter.update(figures.size, figures.maxSize, short);
    setText(this.#bytes, figures.bytes > 0 ? bytes(figures.bytes) : '');
    setText(rateCell, hitRate(figures));
    setText(writes, rate(figures.writesPerSecond));
    setText(dirty, short(figures.dirty));
    setText(waiting, short(figures.waiting));
    setText(refused, short(figures.refused));
    setText(oldest, figures.dirty > 0 ? duration(figures.oldestUnwrittenMs) : '–');
    setAttribute(refused, 'data-alarming', figures.refused > 0);
    setAttribute(waiting, 'data-notable', figures.waiting > 0);
    setAttribute(dirty, 'data-notable', figures.dirty > 0);
    // A phone has no room for what does not happen.
    setAttribute(waiting, 'data-idle', figures.waiting === 0);
    setAttribute(refused, 'data-idle', figures.refused === 0);
    setAttribute(oldest, 'data-idle', figures.dirty === 0);
  }
}
