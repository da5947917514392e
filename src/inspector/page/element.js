/**
 * Makes an element. Text goes in as text, never as markup, so that nothing an entry holds becomes part of the page.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | undefined>} [attributes] `true` for one without a value; `false` and `undefined` leave it out
 * @param {...(Node | string | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/**
 * A button that does something on this page.
 *
 * @param {string} text
 * @param {() => void} pressed
 * @param {Record<string, string | number | boolean | undefined>} [attributes]
 */
export function button(text, pressed, attributes = {}) {
  const made = element('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', pressed);
  return made;
}

/**
 * Changes a text only where it is another: what is selected stays selected, and nothing is announced anew.
 *
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * @param {Element} target
 * @param {string} name
 * @param {string | number | boolean | undefined} value
 */
export function setAttribute(target, name, value) {
  if (value === undefined || value === false) target.removeAttribute(name);
  else if (target.getAttribute(name) !== String(value))
    target.setAttribute(name, value === true ? '' : String(value));
}
