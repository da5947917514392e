import { element, setAttribute, setText } from './element.js';
import { duration, moment } from './wording.js';

/** When an entry expires, counting down as long as it is on the page. */
export class Countdown {
  /** @type {number | null} */
  #until = null;

  constructor() {
    this.root = element('time', { class: 'countdown' });
  }

  /** @param {number | null} until wall-clock ms; `null` for never */
  set until(until) {
    this.#until = until;
    setAttribute(this.root, 'datetime', until === null ? undefined : new Date(until).toISOString());
    setAttribute(this.root, 'title', until === null ? undefined : moment(until));
    this.tick();
  }

  tick() {
    if (this.#until === null) return setText(this.root, 'never');
    const left = this.#until - Date.now();
    setText(this.root, left > 0 ? `in ${duration(Math.max(1000, left))}` : 'expired');
  }
}
