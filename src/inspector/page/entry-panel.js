import { messageOf } from './confirm-dialog.js';
import { button, element, setAttribute, setText } from './element.js';
import { EntryFacts } from './entry-facts.js';
import { RequestError } from './server.js';

/**
 * @typedef {import('./contract.js').Entry} Entry
 * @typedef {import('./operations.js').Operations} Operations
 * @typedef {{
 *   read: (key: string, signal: AbortSignal) => Promise<Entry>,
 *   isThere: (key: string, signal: AbortSignal) => Promise<boolean>,
 *   close: () => void,
 *   deleted: () => void,
 *   say: (text: string) => void,
 *   operations: Operations,
 * }} Surroundings
 */

/** All that is known of one entry. It follows the entry for as long as it is open. */
export class EntryPanel {
  /** @type {Entry | undefined} */
  #entry;
  /** @type {AbortController | undefined} */
  #asking;
  #key = '';
  #gone = false;
  #facts = new EntryFacts();
  #note = element('p', { class: 'note' });
  #value = element('pre', { class: 'value', tabindex: 0, role: 'region', 'aria-label': 'Value' });
  #copy = button('Copy the value', () => void this.#copyValue());
  #edit;
  #actions;
  #actionsAllowed = false;
  #valuesShown = true;

  /** @param {string} namespace @param {Surroundings} surroundings */
  constructor(namespace, surroundings) {
    this.surroundings = surroundings;
    const { operations, close } = surroundings;
    this.heading = element('h2', { class: 'mono', tabindex: -1, id: 'entry-key' });
    this.#edit = button('Edit', () => {
      if (this.#entry !== undefined) void operations.edit(namespace, this.#entry);
    });
    this.#actions = element(
      'div',
      { class: 'actions' },
      this.#edit,
      button('Refresh', () => void operations.refresh(namespace, this.#key)),
      button('Delete', () => void this.#delete(namespace), { class: 'danger' }),
    );
    this.root = element(
      'section',
      { class: 'panel', 'aria-labelledby': 'entry-key', hidden: true },
      element('div', { class: 'heading' }, this.heading, button('Close', close, { class: 'quiet' })),
      this.#note,
      this.#facts.root,
      this.#value,
      element('div', { class: 'actions' }, this.#copy),
      this.#actions,
    );
    this.root.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') close();
    });
  }

  /** What this page may do and show. @param {boolean} actions @param {boolean} values */
  permit(actions, values) {
    this.#actionsAllowed = actions;
    this.#valuesShown = values;
    this.#allow();
  }

  /** Opens an entry; `undefined` closes the panel. @param {string | undefined} key */
  async open(key) {
    if (key === this.#key && !this.root.hidden) return;
    this.#asking?.abort();
    this.#asking = undefined;
    this.#key = key ?? '';
    this.#entry = undefined;
    this.#gone = false;
    setAttribute(this.root, 'hidden', key === undefined);
    if (key === undefined) return;
    setText(this.heading, key);
    this.#showFacts(false);
    this.#tell('Loading …');
    await this.#load();
  }

  /** Looks again. */
  async refresh() {
    if (this.root.hidden || this.#asking !== undefined) return;
    await this.#load();
  }

  tick() {
    this.#facts.tick();
  }

  leave() {
    this.#asking?.abort();
  }

  async #load() {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      // Whether an entry that is gone has come back is asked in a way that browsers don't note as an error each time.
      if (this.#gone && !(await this.surroundings.isThere(this.#key, asking.signal))) return;
      const entry = await this.surroundings.read(this.#key, asking.signal);
      if (!asking.signal.aborted) this.#show(entry);
    } catch (error) {
      if (!asking.signal.aborted) this.#fail(error);
    } finally {
      if (this.#asking === asking) this.#asking = undefined;
    }
  }

  /** @param {Entry} entry */
  #show(entry) {
    const before = this.#entry;
    this.#entry = entry;
    this.#gone = false;
    this.#tell(noteOf(entry, this.#valuesShown));
    this.#facts.update(entry);
    setText(this.#value, entry.value ?? '');
    this.#showFacts(true);
    if (before !== undefined && before.version !== entry.version) {
      this.surroundings.say(`${entry.key} has changed.`);
      this.root.dataset.changed = String(Number(this.root.dataset.changed ?? 0) + 1);
      this.#value.animate?.([{ backgroundColor: 'var(--changed)' }, {}], {
        duration: 1500,
        easing: 'ease-out',
      });
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof RequestError && error.code === 'NO_ENTRY') {
      const was = this.#entry !== undefined;
      this.#entry = undefined;
      this.#gone = true;
      this.#showFacts(false);
      this.#tell(was ? 'This entry is gone: it was deleted, or it has expired.' : 'There is no such entry.');
      if (was) this.surroundings.say(`${this.#key} is gone.`);
    } else if (this.#entry === undefined) {
      this.#tell(messageOf(error));
    }
  }

  /** @param {string} namespace */
  async #delete(namespace) {
    if (await this.surroundings.operations.delete(namespace, this.#key)) this.surroundings.deleted();
  }

  async #copyValue() {
    await navigator.clipboard.writeText(this.#entry?.value ?? '');
    this.surroundings.say('Copied.');
    setText(this.#copy, 'Copied');
    setTimeout(() => setText(this.#copy, 'Copy the value'), 2000);
  }

  /** @param {string} text */
  #tell(text) {
    setText(this.#note, text);
    setAttribute(this.#note, 'hidden', text === '');
  }

  /** Where what has the focus goes, the focus goes to the heading. @param {boolean} shown */
  #showFacts(shown) {
    const inside = this.root.contains(document.activeElement) && document.activeElement !== this.heading;
    setAttribute(this.#facts.root, 'hidden', !shown);
    this.#allow();
    if (inside && document.activeElement?.checkVisibility() !== true) this.heading.focus();
  }

  #allow() {
    const value = this.#entry?.value;
    setAttribute(this.#value, 'hidden', value === undefined);
    // Browsers give the clipboard to pages on https and on this machine alone.
    setAttribute(this.#copy, 'hidden', value === undefined || navigator.clipboard === undefined);
    setAttribute(this.#actions, 'hidden', !this.#actionsAllowed || this.#entry === undefined);
    setAttribute(this.#edit, 'hidden', this.#entry?.editable !== true);
  }
}

/** @param {Entry} entry @param {boolean} valuesShown */
function noteOf({ unreadable, reason, truncated }, valuesShown) {
  if (unreadable) return `This entry can’t be read${reason === undefined ? '.' : `: ${reason}`}`;
  if (truncated === true)
    return 'This is the beginning of the value: it is too long to be shown, or edited, here.';
  return valuesShown ? '' : 'Values are not shown here (values: false).';
}
