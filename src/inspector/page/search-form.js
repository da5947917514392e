import { element } from './element.js';

/** @typedef {{ prefix?: string, exact?: string }} Search */

/** Asks for keys: those that begin like this, or this one. */
export class SearchForm {
  #how = element(
    'select',
    { 'aria-label': 'How keys are compared' },
    element('option', { value: 'prefix' }, 'Keys that begin with'),
    element('option', { value: 'exact' }, 'The key that is'),
  );
  #text = element('input', {
    type: 'search',
    'aria-label': 'Key',
    placeholder: 'all keys',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    enterkeyhint: 'search',
    class: 'mono',
  });

  #shown = '';

  /** @param {(search: Search) => void} asked */
  constructor(asked) {
    this.root = element(
      'form',
      { class: 'search', role: 'search' },
      this.#how,
      this.#text,
      element('button', {}, 'Search'),
    );
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = this.#text.value;
      asked(text === '' ? {} : { [this.#how.value]: text });
    });
  }

  /** Shows what is looked for now. What somebody is typing stays until they look for something else. @param {Search} search */
  show({ prefix, exact }) {
    const shown = JSON.stringify([prefix, exact]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#how.value = exact === undefined ? 'prefix' : 'exact';
    this.#text.value = exact ?? prefix ?? '';
  }
}
