/**
 * Rows that stay the same elements for as long as what they show is there: what has the focus keeps it, and what is selected stays
 * selected. A row that goes while it has the focus stays until the focus has left.
 *
 * @template Item
 * @template {{ root: HTMLElement, update(item: Item): void, gone?(): void }} Row
 */
export class KeyedRows {
  /** @type {Map<string, Row>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} parent
   * @param {(item: Item) => string} keyOf
   * @param {(item: Item) => Row} make
   */
  constructor(parent, keyOf, make) {
    this.parent = parent;
    this.keyOf = keyOf;
    this.make = make;
  }

  /** @param {readonly Item[]} items */
  update(items) {
    const wanted = new Map(items.map((item) => [this.keyOf(item), item]));
    for (const [key, row] of this.#rows) if (!wanted.has(key)) this.#retire(key, row);
    /** @type {Element | null} */
    let next = this.parent.firstElementChild;
    for (const [key, item] of wanted) {
      const row = this.#rows.get(key) ?? this.make(item);
      this.#rows.set(key, row);
      delete row.root.dataset.gone;
      row.update(item);
      while (next !== null && next !== row.root && this.#isRetired(next)) next = next.nextElementSibling;
      if (row.root === next) next = next.nextElementSibling;
      else if (row.root.contains(document.activeElement)) next = this.#bringUp(row.root, next);
      else this.parent.insertBefore(row.root, next);
    }
  }

  /** @returns {IterableIterator<Row>} */
  [Symbol.iterator]() {
    return this.#rows.values();
  }

  get size() {
    return this.#rows.size;
  }

  /** The rows before one that has the focus are moved behind it, since moving it would take the focus away. @param {Element} root @param {Element | null} from */
  #bringUp(root, from) {
    for (let other = from; other !== null && other !== root;) {
      const after = other.nextElementSibling;
      root.after(other);
      other = after;
    }
    return root.nextElementSibling;
  }

  /** @param {string} key @param {Row} row */
  #retire(key, row) {
    if (!row.root.contains(document.activeElement)) {
      this.#rows.delete(key);
      row.root.remove();
      return;
    }
    row.root.dataset.gone = '';
    row.gone?.();
  }

  /** @param {Element} root */
  #isRetired(root) {
    return root instanceof HTMLElement && root.dataset.gone !== undefined;
  }
}
