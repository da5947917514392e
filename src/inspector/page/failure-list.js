import { element, setAttribute } from './element.js';
import { count, moment } from './wording.js';

/** @typedef {import('./contract.js').Failure} Failure */

/** What has gone wrong lately, newest first. */
export class FailureList {
  #shown = '';
  #list = element('ol', { class: 'failures' });
  #none = element('p', { class: 'empty' }, 'Nothing has failed since the start.');
  root = element('div', {}, this.#none, this.#list);

  /** @param {readonly Failure[]} failures */
  update(failures) {
    const text = JSON.stringify(failures);
    if (text === this.#shown) return;
    this.#shown = text;
    setAttribute(this.#none, 'hidden', failures.length > 0);
    setAttribute(this.#list, 'hidden', failures.length === 0);
    this.#list.replaceChildren(...failures.map(itemOf));
  }
}

/** @param {Failure} failure */
function itemOf({ at, namespace, code, message, count: times }) {
  const often = times > 1 ? `${count(times)} times` : undefined;
  return element(
    'li',
    {},
    element('time', { datetime: new Date(at).toISOString() }, moment(at)),
    element('p', {}, message),
    element(
      'p',
      { class: 'detail' },
      [namespace, code, often].filter((part) => part !== undefined).join(' · '),
    ),
  );
}
