import { Countdown } from './countdown.js';
import { element, setAttribute, setText } from './element.js';
import { bytes } from './wording.js';

/** @typedef {import('./contract.js').ListedEntry} ListedEntry */

export const COLUMNS = ['Key', 'Value', 'Size', 'Expires', 'State'];

/** An entry in the list of a namespace. */
export class EntryRow {
  #preview = element('td', { role: 'cell', class: 'preview mono', 'data-label': COLUMNS[1] });
  #size = element('td', { role: 'cell', class: 'number', 'data-label': COLUMNS[2] });
  #expiry = new Countdown();
  #state = element('td', { role: 'cell', class: 'states', 'data-label': COLUMNS[4] });

  /** @param {ListedEntry} entry @param {(key: string) => string} hrefOf */
  constructor({ key }, hrefOf) {
    this.key = key;
    this.hrefOf = hrefOf;
    this.link = element('a', { class: 'mono' }, key);
    this.root = element(
      'tr',
      { role: 'row' },
      element('th', { scope: 'row', role: 'rowheader' }, this.link),
      this.#preview,
      this.#size,
      element('td', { role: 'cell', 'data-label': COLUMNS[3], class: 'number' }, this.#expiry.root),
      this.#state,
    );
    // Beside the link a click anywhere in the row opens it, unless it was to select some text.
    this.root.addEventListener('click', (event) => {
      if (event.target === this.link || getSelection()?.isCollapsed === false) return;
      this.link.click();
    });
  }

  /** @param {ListedEntry} entry */
  update({ bytes: size, preview, expiresAt, inMemory, dirty, unreadable }) {
    setAttribute(this.link, 'href', this.hrefOf(this.key));
    setText(this.#preview, preview ?? '');
    setText(this.#size, size === null ? '–' : bytes(size));
    this.#expiry.until = expiresAt;
    const states = [
      ...(unreadable ? ['unreadable'] : []),
      ...(dirty ? ['dirty'] : []),
      inMemory ? 'in memory' : 'in the database only',
    ];
    this.#showStates(states);
  }

  /** It is not stored any more, and still has the focus. */
  gone() {
    this.#showStates(['gone']);
  }

  /** @param {boolean} open */
  set open(open) {
    setAttribute(this.link, 'aria-current', open ? 'true' : undefined);
    setAttribute(this.root, 'data-open', open);
  }

  tick() {
    this.#expiry.tick();
  }

  /** @param {readonly string[]} states */
  #showStates(states) {
    if (this.#state.dataset.states === states.join()) return;
    this.#state.dataset.states = states.join();
    this.#state.replaceChildren(
      ...states.map((state) => element('span', { class: 'state', 'data-state': state }, state)),
    );
  }
}
