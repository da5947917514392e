import { element, setAttribute, setText } from './element.js';

/** @typedef {{ label: string, text: string, note?: string, alarming?: boolean }} Tile */

/** A few large figures in a row. Their number and labels stay. */
export class Tiles {
  /** @type {{ root: HTMLElement, value: HTMLElement, note: HTMLElement }[]} */
  #tiles = [];

  /** @param {string} label */
  constructor(label) {
    this.root = element('dl', { class: 'tiles', 'aria-label': label });
  }

  /** @param {readonly Tile[]} tiles */
  update(tiles) {
    for (const [i, { label, text, note = '', alarming = false }] of tiles.entries()) {
      const tile = this.#tiles[i] ?? this.#add(label);
      setText(tile.value, text);
      setText(tile.note, note);
      setAttribute(tile.root, 'data-alarming', alarming);
    }
  }

  /** @param {string} label */
  #add(label) {
    const value = element('dd', { class: 'large' });
    const note = element('dd', { class: 'note' });
    const tile = { value, note, root: element('div', {}, element('dt', {}, label), value, note) };
    this.#tiles.push(tile);
    this.root.append(tile.root);
    return tile;
  }
}
