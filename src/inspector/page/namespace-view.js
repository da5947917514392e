import { hashOf } from './address.js';
import { ChartGrid } from './chart-grid.js';
import { button, element, setAttribute, setText } from './element.js';
import { EntryList, LIMIT } from './entry-list.js';
import { EntryPanel } from './entry-panel.js';
import { FigureList } from './figure-list.js';
import { of } from './history.js';
import { badgeOf, promiseOf } from './level.js';
import { SearchForm } from './search-form.js';
import { Tiles } from './tiles.js';
import { bytes, count, duration, hitRate, rate, short } from './wording.js';

/**
 * @typedef {import('./contract.js').Overview} Overview
 * @typedef {import('./contract.js').NamespaceFigures} NamespaceFigures
 * @typedef {import('./address.js').NamespacePlace} NamespacePlace
 * @typedef {import('./history.js').History} History
 * @typedef {import('./operations.js').Operations} Operations
 * @typedef {import('./server.js').Server} Server
 */

/** One namespace: its figures, and all that is stored in it. */
export class NamespaceView {
  heading = element('h1', { class: 'mono', tabindex: -1 });
  #about = element('p', { class: 'about' });
  #missing = element('p', { class: 'empty', role: 'alert', hidden: true });
  #tiles = new Tiles('Figures of this namespace');
  #figures = new FigureList();
  #form = new SearchForm((search) => this.#go({ view: 'namespace', name: this.name, ...search }));
  #entries = element('h2', { id: 'entries', tabindex: -1 }, 'Entries');
  #described = false;
  /** @type {NamespacePlace} */
  #place;
  #content;
  #flush;
  #actions;
  #charts;
  #list;
  #panel;

  /** @param {string} name @param {Server} server @param {Operations} operations @param {(text: string) => void} say */
  constructor(name, server, operations, say) {
    this.name = name;
    this.title = name;
    this.#place = { view: 'namespace', name };
    setText(this.heading, name);
    this.#charts = new ChartGrid((figure) => of(name, figure));
    this.#list = new EntryList(
      ({ prefix, exact, after }, signal) =>
        server.entries(
          name,
          {
            ...(prefix !== undefined && { prefix }),
            ...(exact !== undefined && { key: exact }),
            ...(after !== undefined && { after }),
            limit: LIMIT,
          },
          signal,
        ),
      hashOf,
    );
    this.#panel = new EntryPanel(name, {
      read: (key, signal) => server.entry(name, key, signal),
      isThere: async (key, signal) => (await server.entries(name, { key }, signal)).entries.length > 0,
      close: () => this.#closeEntry((key) => this.#list.linkOf(key)),
      deleted: () => this.#closeEntry(() => this.#entries),
      say,
      operations,
    });
    this.#flush = button('Flush', () => void operations.flush(name));
    this.#actions = element(
      'div',
      { class: 'actions', hidden: true },
      this.#flush,
      button('Clear …', () => void operations.clear(name), { class: 'danger' }),
    );
    const entries = element(
      'section',
      { 'aria-labelledby': 'entries' },
      this.#entries,
      this.#form.root,
      element('div', { class: 'browser' }, this.#list.root, this.#panel.root),
    );
    const charts = element(
      'section',
      { class: 'trends' },
      element('h2', {}, 'The last minutes'),
      this.#charts.root,
    );
    this.#content = element('div', { class: 'view' }, this.#tiles.root, charts, entries, this.#figures.root);
    this.root = element(
      'div',
      { class: 'view' },
      element('div', { class: 'heading' }, element('div', {}, this.heading, this.#about), this.#actions),
      this.#missing,
      this.#content,
    );
  }

  /** @param {NamespacePlace} place */
  async go(place) {
    this.#place = place;
    this.#form.show(place);
    await Promise.all([this.#list.go(place), this.#panel.open(place.key)]);
  }

  /** The entry that was opened gets the focus, for who has asked for it. */
  focusEntry() {
    if (this.#place.key !== undefined) this.#panel.heading.focus();
  }

  /** @param {Overview} overview */
  overview({ namespaces, actions, values }) {
    const figures = namespaces.find(({ name }) => name === this.name);
    setAttribute(this.#content, 'hidden', figures === undefined);
    setAttribute(this.#missing, 'hidden', figures !== undefined);
    setAttribute(this.#actions, 'hidden', !actions || figures === undefined);
    if (figures === undefined)
      return setText(this.#missing, `This application has no namespace called ${this.name}.`);
    setAttribute(this.#flush, 'hidden', figures.level === 'memory');
    this.#describe(figures);
    this.#panel.permit(actions, values);
    this.#tiles.update(tilesOf(figures));
    this.#figures.update(figures);
  }

  /** @param {History} history */
  samples(history) {
    this.#charts.update(history);
  }

  /** What is stored may have changed. */
  async refresh() {
    await Promise.all([this.#list.refresh(), this.#panel.refresh()]);
  }

  recolour() {
    this.#charts.recolour();
  }

  tick() {
    this.#list.tick();
    this.#panel.tick();
  }

  leave() {
    this.#charts.remove();
    this.#list.leave();
    this.#panel.leave();
  }

  /** @param {NamespacePlace} place */
  #go(place) {
    location.hash = hashOf(place);
  }

  /** @param {(key: string) => HTMLElement | undefined} next what gets the focus */
  #closeEntry(next) {
    const { key, ...place } = this.#place;
    if (key === undefined) return;
    // At once, since a phone shows either the entry or the list, and the focus goes back to what is shown.
    void this.#panel.open(undefined);
    (next(key) ?? this.heading).focus();
    this.#go(place);
  }

  /** @param {NamespaceFigures} figures */
  #describe({ level, keyKind, shared }) {
    if (this.#described) return;
    this.#described = true;
    const others = shared ? ' Shared with other instances.' : '';
    this.#about.append(badgeOf(level), ` ${promiseOf(level)} Each key is ${keyKind}.${others}`);
  }
}

/** @param {NamespaceFigures} figures */
function tilesOf(figures) {
  const { size, maxSize, bytes: held, maxBytes, hits, misses, dirty, waiting, refused, unreadable } = figures;
  const room = maxBytes === undefined ? '' : ` of ${bytes(maxBytes)}`;
  return [
    {
      label: 'In memory',
      text: short(size),
      note: `of ${short(maxSize)} at most${held > 0 ? `, ${bytes(held)}${room}` : ''}`,
    },
    { label: 'Hit rate', text: hitRate(figures), note: `${short(hits)} hits, ${short(misses)} misses` },
    { label: 'Writes', text: rate(figures.writesPerSecond), note: `${short(figures.written)} committed` },
    {
      label: 'Dirty',
      text: short(dirty),
      note: dirty > 0 ? `the oldest for ${duration(figures.oldestUnwrittenMs)}` : 'all is written',
    },
    {
      label: 'Waiting or refused',
      text: short(waiting + refused),
      note: `${count(waiting)} waiting, ${count(refused)} refused, ${count(unreadable)} unreadable`,
      alarming: refused + unreadable > 0,
    },
  ];
}
