import { element, setText } from './element.js';

/** @typedef {'system' | 'light' | 'dark'} Theme */

const KEY = 'cache-inspector-theme';
/** @type {readonly Theme[]} */
const THEMES = ['system', 'light', 'dark'];
const NAMES = { system: 'System', light: 'Light', dark: 'Dark' };

/**
 * The button that goes round the themes: the system's, light, dark.
 *
 * @param {HTMLElement} button
 * @param {() => void} changed
 */
export function offerThemes(button, changed) {
  const root = document.documentElement;
  const name = element('span');
  button.replaceChildren(name);
  const show = () => {
    const theme = chosen(root);
    setText(name, NAMES[theme]);
    button.setAttribute('aria-label', `Theme: ${NAMES[theme]}`);
    button.dataset.theme = theme;
  };
  button.addEventListener('click', () => {
    const next = THEMES[(THEMES.indexOf(chosen(root)) + 1) % THEMES.length] ?? 'system';
    if (next === 'system') delete root.dataset.theme;
    else root.dataset.theme = next;
    remember(next);
    show();
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  show();
}

/** @param {HTMLElement} root @returns {Theme} */
function chosen({ dataset: { theme } }) {
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** @param {Theme} theme */
function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is switched off: the theme is that of this visit.
  }
}
