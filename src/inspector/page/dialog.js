import { element } from './element.js';

const FOCUSABLE = 'button:not([disabled]), input:not([disabled]), textarea:not([disabled]), a[href]';
let dialogs = 0;

/** A question above the page. Escape answers no, and the focus goes back to where it was. */
export class Dialog {
  #error = element('p', { class: 'error', role: 'alert' });

  /** @param {string} title @param {(dialog: Dialog) => Node[]} content */
  constructor(title, content) {
    dialogs += 1;
    const id = `dialog-${dialogs}`;
    this.form = element('form', { method: 'dialog' });
    this.root = element('dialog', { 'aria-labelledby': id }, element('h2', { id }, title), this.form);
    this.form.append(...content(this), this.#error);
    this.root.addEventListener('keydown', (event) => this.#keepInside(event));
  }

  /** Shows it; resolves when it is closed. @returns {Promise<void>} */
  open() {
    const before = document.activeElement;
    document.body.append(this.root);
    this.root.showModal();
    return new Promise((resolve) => {
      this.root.addEventListener('close', () => {
        this.root.remove();
        if (before instanceof HTMLElement && before.isConnected) before.focus();
        resolve();
      });
    });
  }

  close() {
    this.root.close();
  }

  /** What went wrong, said at once. @param {string} text */
  set error(text) {
    this.#error.textContent = text;
  }

  /**
   * While a modal dialog is open, a browser's Tab goes from its last control to the browser's own bar. Here it goes round.
   *
   * @param {KeyboardEvent} event
   */
  #keepInside(event) {
    if (event.key !== 'Tab') return;
    const controls = [...this.root.querySelectorAll(FOCUSABLE)].filter((one) => one.checkVisibility());
    const edge = event.shiftKey ? controls.at(0) : controls.at(-1);
    const other = event.shiftKey ? controls.at(-1) : controls.at(0);
    if (document.activeElement !== edge || !(other instanceof HTMLElement)) return;
    event.preventDefault();
    other.focus();
  }
}
