import { element, setAttribute, setText } from './element.js';
import { KeyedRows } from './keyed-rows.js';

/** @typedef {import('./contract.js').Health} Health */

const STATUSES = {
  up: { mark: '✓', title: 'Everything works' },
  degraded: { mark: '!', title: 'Degraded: memory answers, but something is wrong' },
  down: { mark: '✕', title: 'Down: the cache can’t answer what is not in memory' },
};

/** How the cache is, and what is wrong where something is. */
export class HealthPanel {
  /** @type {string | undefined} */
  #status;
  #mark = element('span', { class: 'mark', 'aria-hidden': 'true' });
  #title = element('h2', {});
  #reasons = element('ul', {});
  #rows;

  /** @param {(text: string) => void} say */
  constructor(say) {
    this.say = say;
    this.#rows = new KeyedRows(
      this.#reasons,
      (/** @type {{ i: number, text: string }} */ { i }) => String(i),
      () => {
        const root = element('li');
        return { root, update: ({ text }) => setText(root, text) };
      },
    );
    this.root = element(
      'section',
      { class: 'health', 'aria-label': 'Health' },
      this.#mark,
      element('div', {}, this.#title, this.#reasons),
    );
  }

  /** @param {Health} health */
  update({ status, reasons }) {
    const { mark, title } = STATUSES[status] ?? STATUSES.down;
    setAttribute(this.root, 'data-status', status);
    setText(this.#mark, mark);
    setText(this.#title, title);
    this.#rows.update(reasons.map((text, i) => ({ i, text })));
    setAttribute(this.#reasons, 'hidden', reasons.length === 0);
    if (this.#status !== undefined && this.#status !== status) this.say([title, ...reasons].join('. '));
    this.#status = status;
  }
}
