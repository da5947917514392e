import { element, setAttribute, setText } from './element.js';
import { KeyedRows } from './keyed-rows.js';
import { table } from './table.js';
import { count, duration, moment } from './wording.js';

/** @typedef {import('./contract.js').Instance} Instance */

const COLUMNS = ['Instance', 'Process', 'Running for', 'Last seen', 'Commits', 'Confirmed'];
const NUMERIC = COLUMNS.slice(2);

/** The instances that share the table, as far as this one knows them. */
export class InstanceList {
  #rows;
  #now = 0;

  constructor() {
    const { root, body } = table('Instances', COLUMNS, NUMERIC);
    this.#rows = new KeyedRows(
      body,
      ({ id }) => id,
      (/** @type {Instance} */ instance) => this.#row(instance),
    );
    this.root = root;
  }

  /** @param {readonly Instance[]} instances @param {number} now wall-clock ms */
  update(instances, now) {
    this.#now = now;
    this.#rows.update(instances);
  }

  /** @param {Instance} instance */
  #row({ id, self }) {
    const cell = (/** @type {number} */ i) =>
      element('td', { role: 'cell', 'data-label': COLUMNS[i], class: i > 1 ? 'number' : 'mono' });
    const [process, since, seen, written, behind] = [cell(1), cell(2), cell(3), cell(4), cell(5)];
    const name = element('th', { scope: 'row', role: 'rowheader' }, element('span', { class: 'mono' }, id));
    if (self) name.append(' ', element('span', { class: 'badge', 'data-level': 'self' }, 'this one'));
    const root = element('tr', { role: 'row' }, name, process, since, seen, written, behind);
    const update = (/** @type {Instance} */ instance) => {
      setText(process, processOf(instance));
      setText(since, instance.since === undefined ? '–' : duration(this.#now - instance.since));
      setAttribute(since, 'title', instance.since === undefined ? undefined : moment(instance.since));
      setText(seen, self ? 'now' : `${duration(this.#now - instance.lastSeen)} ago`);
      setText(written, count(instance.written));
      setText(behind, instance.staleMs === undefined ? '–' : `${duration(instance.staleMs)} ago`);
    };
    return { root, update };
  }
}

/** @param {Instance} instance */
function processOf({ host, pid }) {
  if (host === undefined) return pid === undefined ? '–' : `pid ${pid}`;
  return pid === undefined ? host : `${host}, pid ${pid}`;
}
