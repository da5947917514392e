import { element, setText } from './element.js';
import { bytes, count, duration } from './wording.js';

/** @typedef {import('./contract.js').NamespaceFigures} NamespaceFigures */

/** @type {Readonly<Record<string, readonly [string, (figures: NamespaceFigures) => string][]>>} */
const GROUPS = {
  Reads: [
    ['Hits', ({ hits }) => count(hits)],
    ['Misses', ({ misses }) => count(misses)],
    ['Keys asked of the database', ({ storageReads }) => count(storageReads)],
    ['Loaders run', ({ loaderCalls }) => count(loaderCalls)],
    ['Evictions', ({ evictions }) => count(evictions)],
    ['Answered unconfirmed', ({ unconfirmed }) => count(unconfirmed)],
  ],
  Writes: [
    ['Sets', ({ sets }) => count(sets)],
    ['Updates', ({ updates }) => count(updates)],
    ['Deletes', ({ deletes }) => count(deletes)],
    ['Committed', ({ written }) => count(written)],
    ['Rejected', ({ rejected }) => count(rejected)],
    ['Retries', ({ retries }) => count(retries)],
    ['Failed attempts', ({ writeFailures }) => count(writeFailures)],
  ],
  Unwritten: [
    ['Dirty', ({ dirty }) => count(dirty)],
    ['Bytes of these', ({ dirtyBytes }) => bytes(dirtyBytes)],
    ['Oldest', ({ dirty, oldestUnwrittenMs }) => (dirty > 0 ? duration(oldestUnwrittenMs) : '–')],
    ['Waiting', ({ waiting }) => count(waiting)],
    ['Refused', ({ refused }) => count(refused)],
    ['Conflicts', ({ conflicts }) => count(conflicts)],
    ['Unreadable rows', ({ unreadable }) => count(unreadable)],
  ],
};

/** All figures of a namespace, since the start. */
export class FigureList {
  /** @type {(readonly [HTMLElement, (figures: NamespaceFigures) => string])[]} */
  #cells = [];

  constructor() {
    const groups = Object.entries(GROUPS).map(([title, figures]) => {
      const list = element('dl', { class: 'facts' });
      for (const [name, worded] of figures) {
        const cell = element('dd', {});
        this.#cells.push([cell, worded]);
        list.append(element('div', {}, element('dt', {}, name), cell));
      }
      return element('div', {}, element('h3', {}, title), list);
    });
    this.root = element(
      'details',
      { class: 'figures' },
      element('summary', {}, 'All figures since the start'),
      element('div', {}, ...groups),
    );
  }

  /** @param {NamespaceFigures} figures */
  update(figures) {
    for (const [cell, worded] of this.#cells) setText(cell, worded(figures));
  }
}
