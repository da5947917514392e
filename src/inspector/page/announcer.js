import { button, element } from './element.js';

/** How long a notice of success stays. One of a failure stays until it is closed. */
const SHOWN_MS = 8000;

/** Tells what has happened: to those who see the page, and to those who hear it. */
export class Announcer {
  /** @param {HTMLElement} announcements a live region that nobody sees @param {HTMLElement} notices */
  constructor(announcements, notices) {
    this.announcements = announcements;
    this.notices = notices;
  }

  /** For those who hear the page: what others see happen. @param {string} text */
  say(text) {
    // The same text twice would not be announced again.
    this.announcements.textContent = this.announcements.textContent === text ? `${text} ` : text;
  }

  /** @param {string} text */
  done(text) {
    this.say(text);
    const notice = this.#show(text, 'done');
    setTimeout(() => {
      if (!notice.contains(document.activeElement)) notice.remove();
    }, SHOWN_MS);
  }

  /** @param {string} text */
  failed(text) {
    this.say(text);
    this.#show(text, 'failed');
  }

  /** @param {string} text @param {'done' | 'failed'} kind */
  #show(text, kind) {
    const notice = element('div', { class: 'notice', 'data-kind': kind }, element('p', {}, text));
    notice.append(button('Close', () => notice.remove(), { class: 'quiet' }));
    this.notices.append(notice);
    return notice;
  }
}
