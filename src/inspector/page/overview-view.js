import { ChartGrid } from './chart-grid.js';
import { button, element, setAttribute } from './element.js';
import { FailureList } from './failure-list.js';
import { HealthPanel } from './health-panel.js';
import { total } from './history.js';
import { InstanceList } from './instance-list.js';
import { KeyedRows } from './keyed-rows.js';
import { COLUMNS, NamespaceRow } from './namespace-row.js';
import { table } from './table.js';
import { Tiles } from './tiles.js';
import { counted, duration, hitRate, rate, short } from './wording.js';

/**
 * @typedef {import('./contract.js').Overview} Overview
 * @typedef {import('./contract.js').NamespaceFigures} NamespaceFigures
 * @typedef {import('./history.js').History} History
 * @typedef {import('./operations.js').Operations} Operations
 */

/** All namespaces at a glance, and how the cache is. */
export class OverviewView {
  title = 'Overview';
  heading = element('h1', { tabindex: -1 }, 'Overview');
  #tiles = new Tiles('Figures of all namespaces');
  #charts = new ChartGrid(total);
  #instances = new InstanceList();
  #failures = new FailureList();
  #empty = element('p', { class: 'empty', hidden: true }, 'This application has declared no namespaces.');
  #health;
  #rows;
  #table;
  #actions;

  /** @param {Operations} operations @param {(text: string) => void} say */
  constructor(operations, say) {
    this.#health = new HealthPanel(say);
    const { root, body } = table('Namespaces', COLUMNS, COLUMNS.slice(3));
    this.#table = root;
    this.#rows = new KeyedRows(
      body,
      ({ name }) => name,
      (/** @type {NamespaceFigures} */ figures) => new NamespaceRow(figures),
    );
    this.#actions = element(
      'div',
      { class: 'actions', hidden: true },
      button('Flush all', () => void operations.flush()),
      button('Reload from the database', () => void operations.reload()),
    );
    this.root = element(
      'div',
      { class: 'view' },
      element('div', { class: 'heading' }, this.heading, this.#actions),
      this.#health.root,
      this.#tiles.root,
      section('Namespaces', this.#table, this.#empty),
      section('The last minutes', this.#charts.root),
      section('Instances', this.#instances.root),
      section('Last failures', this.#failures.root),
    );
  }

  /** @param {Overview} overview */
  overview(overview) {
    const { at, namespaces, health, instances, failures, actions } = overview;
    this.#health.update(health);
    this.#tiles.update(tilesOf(overview));
    this.#rows.update(namespaces);
    setAttribute(this.#table, 'hidden', namespaces.length === 0);
    setAttribute(this.#empty, 'hidden', namespaces.length > 0);
    this.#instances.update(instances, at);
    this.#failures.update(failures);
    setAttribute(this.#actions, 'hidden', !actions);
  }

  /** @param {History} history */
  samples(history) {
    this.#charts.update(history);
  }

  recolour() {
    this.#charts.recolour();
  }

  tick() {}

  leave() {
    this.#charts.remove();
  }
}

/** @param {string} title @param {...Node} content */
function section(title, ...content) {
  return element('section', {}, element('h2', {}, title), ...content);
}

/** @param {Overview} overview */
function tilesOf({ at, namespaces, health, startedAt, version, pid }) {
  const sum = (/** @type {(figures: NamespaceFigures) => number} */ figure) =>
    namespaces.reduce((all, figures) => all + figure(figures), 0);
  const hits = sum((figures) => figures.hits);
  const misses = sum((figures) => figures.misses);
  const waiting = sum((figures) => figures.waiting);
  const refused = sum((figures) => figures.refused);
  return [
    {
      label: 'Entries in memory',
      text: short(sum((figures) => figures.size)),
      note: `in ${counted(namespaces.length, 'namespace')}`,
    },
    {
      label: 'Hit rate',
      text: hitRate({ hits, misses, hitRate: hits / (hits + misses) }),
      note: `${short(hits)} hits, ${short(misses)} misses`,
    },
    {
      label: 'Writes',
      text: rate(sum((figures) => figures.writesPerSecond)),
      note: `${short(sum((figures) => figures.written))} committed`,
    },
    {
      label: 'Dirty',
      text: short(health.dirty),
      note: health.dirty > 0 ? `the oldest for ${duration(health.oldestUnwrittenMs)}` : 'all is written',
    },
    {
      label: 'Waiting or refused',
      text: short(waiting + refused),
      note: `${short(waiting)} waiting, ${short(refused)} refused`,
      alarming: refused > 0,
    },
    {
      label: 'Running for',
      text: duration(at - startedAt),
      note: `pid ${pid}, version ${version}`,
    },
  ];
}
