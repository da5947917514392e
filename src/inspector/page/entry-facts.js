import { Countdown } from './countdown.js';
import { element, setText } from './element.js';
import { nameOf } from './level.js';
import { bytes, moment } from './wording.js';

/** @typedef {import('./contract.js').Entry} Entry */

/** @type {Readonly<Record<string, (entry: Entry) => string>>} */
const FACTS = {
  Level: ({ level }) => nameOf(level),
  Size: ({ bytes: size }) => (size === null ? '–' : bytes(size)),
  Memory: memoryWords,
  Database: databaseWords,
  Written: ({ writtenAt }) => (writtenAt === null ? '–' : moment(writtenAt)),
  Stamp: ({ stamp }) => (stamp === null ? '–' : String(stamp)),
};

/** What is known of an entry beside its value. */
export class EntryFacts {
  #expiry = new Countdown();
  #cells = Object.entries(FACTS).map(([name, worded]) => ({ name, worded, cell: element('dd', {}) }));

  constructor() {
    const fact = (/** @type {string} */ name, /** @type {HTMLElement} */ cell) =>
      element('div', {}, element('dt', {}, name), cell);
    this.root = element(
      'dl',
      { class: 'facts' },
      ...this.#cells.map(({ name, cell }) => fact(name, cell)),
      fact('Expires', element('dd', {}, this.#expiry.root)),
    );
  }

  /** @param {Entry} entry */
  update(entry) {
    for (const { worded, cell } of this.#cells) setText(cell, worded(entry));
    this.#expiry.until = entry.expiresAt;
  }

  tick() {
    this.#expiry.tick();
  }
}

/** @param {Entry} entry */
function memoryWords({ inMemory, unreadable }) {
  if (inMemory) return 'in memory';
  return unreadable ? 'not in memory: a read of it is refused' : 'not in memory: the next read brings it in';
}

/** @param {Entry} entry */
function databaseWords({ level, dirty, stamp, writtenAt }) {
  if (level === 'memory') return 'never written';
  if (!dirty) return 'written';
  if (stamp === null && writtenAt === null) return 'not written yet';
  return 'an older value, the new one is not written yet';
}
