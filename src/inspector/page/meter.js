import { element, setAttribute, setText } from './element.js';

/** From here on a bound is nearly reached. */
const NEARLY = 0.9;

/** How much of a bound is used, as a bar with words beside it. */
export class Meter {
  #bar = element('span', { class: 'fill' });
  #text = element('span', { class: 'words' });

  /** @param {string} label what is measured, for those who don't see the bar */
  constructor(label) {
    this.track = element('span', { class: 'track', role: 'meter', 'aria-label': label }, this.#bar);
    this.root = element('div', { class: 'meter' }, this.#text, this.track);
  }

  /**
   * @param {number} used
   * @param {number} bound 0 or less where there is none
   * @param {(number: number) => string} worded
   */
  update(used, bound, worded) {
    const bounded = bound > 0 && Number.isFinite(bound);
    const part = bounded ? Math.min(1, used / bound) : 0;
    const words = bounded ? `${worded(used)} of ${worded(bound)}` : worded(used);
    setText(this.#text, words);
    setAttribute(this.track, 'hidden', !bounded);
    setAttribute(this.track, 'aria-valuemin', 0);
    setAttribute(this.track, 'aria-valuemax', bounded ? bound : used);
    setAttribute(this.track, 'aria-valuenow', bounded ? Math.min(used, bound) : used);
    setAttribute(this.track, 'aria-valuetext', words);
    setAttribute(this.track, 'data-nearly', part >= NEARLY);
    this.#bar.style.inlineSize = `${(part * 100).toFixed(1)}%`;
  }
}
