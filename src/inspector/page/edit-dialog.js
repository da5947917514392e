import { messageOf } from './confirm-dialog.js';
import { Dialog } from './dialog.js';
import { button, element, setAttribute } from './element.js';
import { RequestError } from './server.js';

/**
 * @typedef {import('./contract.js').Entry} Entry
 * @typedef {{
 *   save: (text: string, version: string | undefined) => Promise<unknown>,
 *   current: () => Promise<Entry | undefined>,
 * }} Saving `current` gives the entry as it is now
 */

/** Changes the value of an entry, and says so where somebody else has changed it meanwhile. */
export class EditDialog {
  /** What the text builds on. */
  #version;
  #text;
  #save = element('button', { class: 'primary' }, 'Save');
  #theirs = element('pre', {
    class: 'value',
    tabindex: 0,
    role: 'region',
    'aria-label': 'The value that is stored now',
  });
  /** Shows the other's value; left out where values are not shown. */
  #comparison;
  #conflict;
  #dialog;
  #saved = false;

  /** @param {Entry} entry @param {Saving} saving */
  constructor(entry, saving) {
    this.#version = entry.version;
    this.saving = saving;
    this.#text = element('textarea', { rows: 14, spellcheck: 'false', class: 'mono' });
    this.#text.value = entry.value ?? '';
    this.#comparison = element(
      'div',
      { class: 'comparison' },
      element('p', {}, 'This is stored now:'),
      this.#theirs,
      button('Reload: take the stored value', () => this.#takeTheirs()),
    );
    this.#conflict = element(
      'div',
      { class: 'conflict', hidden: true, tabindex: -1 },
      element(
        'p',
        {},
        element('b', {}, 'Somebody else has changed this entry since you began.'),
        ' Your text is still in the field above.',
      ),
      this.#comparison,
      button('Keep my text', () => this.#keepMine()),
    );
    this.#dialog = new Dialog(`Edit ${entry.key}`, (dialog) => [
      element('label', { class: 'field' }, element('span', {}, 'Value'), this.#text),
      this.#conflict,
      element(
        'p',
        { class: 'detail' },
        `${entry.value === undefined ? 'The stored value is not shown here: what you save takes its place. ' : ''}The entry keeps its expiry. The text must be one that the namespace’s codec reads; json() reads any JSON, whatever the application expects.`,
      ),
      element(
        'div',
        { class: 'actions' },
        button('Cancel', () => dialog.close()),
        this.#save,
      ),
    ]);
    this.#dialog.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
  }

  /** Resolves with whether it was saved. */
  async open() {
    const closed = this.#dialog.open();
    this.#text.focus();
    this.#text.setSelectionRange(0, 0);
    await closed;
    return this.#saved;
  }

  async #submit() {
    if (this.#save.getAttribute('aria-disabled') === 'true') return;
    this.#save.setAttribute('aria-disabled', 'true');
    this.#dialog.error = '';
    try {
      await this.saving.save(this.#text.value, this.#version);
      this.#saved = true;
      this.#dialog.close();
    } catch (error) {
      await this.#refused(error);
    } finally {
      this.#save.removeAttribute('aria-disabled');
    }
  }

  /** @param {unknown} error */
  async #refused(error) {
    if (!(error instanceof RequestError) || error.code !== 'CONFLICT') {
      this.#dialog.error = messageOf(error);
      return this.#text.focus();
    }
    try {
      const theirs = await this.saving.current();
      if (theirs === undefined) {
        this.#dialog.error =
          'Somebody else has deleted this entry, or it has expired. Your text can’t be saved to it.';
        return;
      }
      this.#version = theirs.version;
      this.#theirs.textContent = theirs.value ?? '';
      setAttribute(this.#comparison, 'hidden', theirs.value === undefined);
      setAttribute(this.#conflict, 'hidden', false);
      this.#conflict.focus();
    } catch (failure) {
      this.#dialog.error = messageOf(failure);
    }
  }

  #takeTheirs() {
    this.#text.value = this.#theirs.textContent ?? '';
    this.#keepMine();
  }

  /** The next attempt builds on what is stored now. */
  #keepMine() {
    setAttribute(this.#conflict, 'hidden', true);
    this.#text.focus();
  }
}
