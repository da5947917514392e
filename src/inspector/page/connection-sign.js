import { setAttribute, setText } from './element.js';
import { moment } from './wording.js';

/** @typedef {import('./live-feed.js').Connection} Connection */

const WORDS = {
  connecting: 'Connecting …',
  live: 'Connected',
  paused: 'Paused',
  lost: 'Connection lost, trying again …',
};

/** Says whether what is shown is true now. */
export class ConnectionSign {
  /** @type {Connection} */
  #state = 'connecting';
  #seen = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /** @param {Connection} state */
  set state(state) {
    this.#state = state;
    setAttribute(document.body, 'data-connection', state);
    this.#show();
  }

  get state() {
    return this.#state;
  }

  /** The figures are those of this moment. @param {number} at wall-clock ms */
  set seen(at) {
    this.#seen = at;
  }

  #show() {
    const old = this.#state === 'lost' || this.#state === 'paused';
    const since = old && this.#seen > 0 ? ` Figures of ${moment(this.#seen)}.` : '';
    setText(this.root, WORDS[this.#state] + since);
  }
}
