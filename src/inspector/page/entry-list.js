import { messageOf } from './confirm-dialog.js';
import { button, element, setAttribute, setText } from './element.js';
import { COLUMNS, EntryRow } from './entry-row.js';
import { KeyedRows } from './keyed-rows.js';
import { table } from './table.js';
import { counted } from './wording.js';

/**
 * @typedef {import('./contract.js').ListedEntry} ListedEntry
 * @typedef {import('./contract.js').EntriesPage} EntriesPage
 * @typedef {import('./address.js').NamespacePlace} NamespacePlace
 */

/** Entries on a page. */
export const LIMIT = 50;

/** What is stored in a namespace, page by page. */
export class EntryList {
  #status = element('p', { class: 'empty', role: 'status' });
  #summary = element('p', { class: 'detail', role: 'status', tabindex: -1 });
  #keyless = element('p', { class: 'detail', hidden: true });
  #next = button('Next page', () => this.#turn(this.#nextAfter));
  #first = button('First page', () => this.#turn(undefined));
  #pager = element('div', { class: 'actions pager' }, this.#first, this.#next);
  /** @type {NamespacePlace | undefined} */
  #place;
  /** @type {string | undefined} */
  #nextAfter;
  #turned = false;
  /** @type {AbortController | undefined} */
  #asking;
  #rows;
  #table;

  /**
   * @param {(place: NamespacePlace, signal: AbortSignal) => Promise<EntriesPage>} read
   * @param {(place: NamespacePlace) => string} hrefOf
   */
  constructor(read, hrefOf) {
    this.read = read;
    this.hrefOf = hrefOf;
    const { root, body } = table('Entries', COLUMNS, ['Size', 'Expires']);
    this.#table = root;
    this.#rows = new KeyedRows(
      body,
      ({ key }) => key,
      (/** @type {ListedEntry} */ entry) => new EntryRow(entry, (key) => this.#hrefOf(key)),
    );
    body.addEventListener('keydown', (event) => this.#walk(event));
    this.root = element(
      'div',
      { class: 'entries' },
      this.#summary,
      this.#table,
      this.#status,
      this.#keyless,
      this.#pager,
    );
  }

  /** Shows what is looked for in another place. @param {NamespacePlace} place */
  async go(place) {
    const moved = this.#place === undefined || lookedFor(place) !== lookedFor(this.#place);
    this.#place = place;
    this.#mark();
    if (!moved) return;
    this.#say('Loading …');
    await this.#load(place, true);
  }

  /** Looks again, without a word where nothing has changed. */
  async refresh() {
    if (this.#place === undefined || this.#asking !== undefined) return;
    await this.#load(this.#place, false);
  }

  tick() {
    for (const row of this.#rows) row.tick();
  }

  leave() {
    this.#asking?.abort();
  }

  /** The link of an entry, for the focus to go back to. @param {string} key */
  linkOf(key) {
    for (const row of this.#rows) if (row.key === key) return row.link;
    return undefined;
  }

  /** @param {NamespacePlace} place @param {boolean} anew */
  async #load(place, anew) {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const page = await this.read({ ...place }, asking.signal);
      if (!asking.signal.aborted) this.#show(page, place);
    } catch (error) {
      if (asking.signal.aborted) return;
      // What was seen before stays where it was only looked at again: the state of the connection says the rest.
      if (anew) {
        this.#rows.update([]);
        this.#say(messageOf(error), 'failed');
      }
    } finally {
      if (this.#asking === asking) this.#asking = undefined;
    }
  }

  /** @param {EntriesPage} page @param {NamespacePlace} place */
  #show({ entries, next, keyless }, place) {
    this.#nextAfter = next;
    this.#rows.update(entries);
    this.#mark();
    setAttribute(this.#first, 'hidden', place.after === undefined);
    setAttribute(this.#next, 'hidden', next === undefined);
    this.#say(entries.length > 0 ? '' : emptyWords(place, next));
    setText(this.#summary, entries.length === 0 ? '' : summaryOf(entries.length, next));
    setText(this.#keyless, keyless === undefined ? '' : keylessWords(keyless));
    setAttribute(this.#keyless, 'hidden', keyless === undefined);
    // The button that was pressed is at the end of the page before, and may be gone.
    if (this.#turned) this.#summary.focus();
    this.#turned = false;
  }

  /** @param {string} text @param {string} [kind] */
  #say(text, kind) {
    setText(this.#status, text);
    setAttribute(this.#status, 'hidden', text === '');
    setAttribute(this.#status, 'data-kind', kind);
    const bare = text !== '' && this.#rows.size === 0;
    setAttribute(this.#table, 'hidden', bare);
    if (bare) setText(this.#summary, '');
  }

  /** @param {string | undefined} after */
  #turn(after) {
    if (this.#place === undefined) return;
    this.#turned = true;
    const { key: _key, after: _after, ...place } = this.#place;
    location.hash = this.hrefOf(after === undefined ? place : { ...place, after });
  }

  /** @param {string} key */
  #hrefOf(key) {
    return this.#place === undefined ? '' : this.hrefOf({ ...this.#place, key });
  }

  #mark() {
    for (const row of this.#rows) {
      row.open = row.key === this.#place?.key;
      setAttribute(row.link, 'href', this.#hrefOf(row.key));
    }
  }

  /** Up and down, to the first and to the last. @param {KeyboardEvent} event */
  #walk(event) {
    const links = [...this.#table.querySelectorAll('tbody a')];
    const at = links.findIndex((link) => link === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    const link = to === undefined || at === -1 ? undefined : links[to];
    if (!(link instanceof HTMLElement)) return;
    event.preventDefault();
    link.focus();
  }
}

/** @param {NamespacePlace} place */
const lookedFor = ({ name, prefix, exact, after }) => JSON.stringify([name, prefix, exact, after]);

/** @param {number} count @param {string | undefined} next */
function summaryOf(count, next) {
  return `${counted(count, 'entry', 'entries')} on this page${next === undefined ? '' : ', and there are more'}.`;
}

/** @param {NonNullable<EntriesPage['keyless']>} keyless */
function keylessWords({ count, example }) {
  const one = example === undefined ? '' : ` One is ${example}.`;
  return `${counted(count, 'row')} of the table can’t be opened: the key is no text.${one}`;
}

/** @param {NamespacePlace} place @param {string | undefined} next */
function emptyWords({ prefix, exact, after }, next) {
  if (next !== undefined) return 'Nothing of this page can be listed. There is more on the next one.';
  if (exact !== undefined) return `There is no entry with the key ${exact}.`;
  if (after !== undefined) return 'There are no more entries.';
  if (prefix !== undefined) return `No key begins with ${prefix}.`;
  return 'This namespace is empty.';
}
