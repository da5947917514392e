import { hashOf } from './address.js';
import { element, setAttribute, setText } from './element.js';
import { KeyedRows } from './keyed-rows.js';
import { nameOf } from './level.js';
import { short } from './wording.js';

/**
 * @typedef {import('./contract.js').Overview} Overview
 * @typedef {import('./address.js').Place} Place
 * @typedef {{ place: Place, text: string, level?: string, size?: number, trouble: boolean }} Item
 */

/** The ways to the overview and to each namespace. */
export class PlaceList {
  #rows;
  /** @type {Place} */
  #here = { view: 'overview' };

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#rows = new KeyedRows(
      list,
      ({ place }) => hashOf(place),
      (/** @type {Item} */ item) => new PlaceItem(item),
    );
    this.#rows.update([{ place: { view: 'overview' }, text: 'Overview', trouble: false }]);
  }

  /** @param {Overview} overview */
  update({ namespaces, health }) {
    this.#rows.update([
      { place: { view: 'overview' }, text: 'Overview', trouble: health.status !== 'up' },
      ...namespaces.map(({ name, level, size, refused }) => ({
        place: /** @type {Place} */ ({ view: 'namespace', name }),
        text: name,
        level,
        size,
        trouble: refused > 0,
      })),
    ]);
    this.#mark();
  }

  /** @param {Place} place */
  set here(place) {
    this.#here = place;
    this.#mark();
  }

  #mark() {
    const here = hashOf(
      this.#here.view === 'overview' ? this.#here : { view: 'namespace', name: this.#here.name },
    );
    for (const { link } of this.#rows)
      setAttribute(link, 'aria-current', link.getAttribute('href') === here ? 'page' : undefined);
  }
}

class PlaceItem {
  #size = element('span', { class: 'size' });
  #trouble = element(
    'span',
    { class: 'trouble', title: 'Something is wrong here' },
    element('span', { class: 'unseen' }, 'trouble'),
  );

  /** @param {Item} item */
  constructor({ place, text, level }) {
    const dot =
      level === undefined
        ? undefined
        : element('span', { class: 'dot', 'data-level': level, title: nameOf(level) });
    this.link = element(
      'a',
      { href: hashOf(place) },
      dot,
      element('span', { class: 'name' }, text),
      this.#trouble,
      this.#size,
    );
    this.root = element('li', {}, this.link);
  }

  /** @param {Item} item */
  update({ size, trouble }) {
    setText(this.#size, size === undefined ? '' : short(size));
    setAttribute(this.#trouble, 'hidden', !trouble);
  }
}
