import { element } from './element.js';

/**
 * A table whose rows become cards on a phone. Roles are given in words, since a browser may forget those of a table that is laid out
 * otherwise.
 *
 * @param {string} caption
 * @param {readonly string[]} columns
 * @param {readonly string[]} [numeric] those that hold numbers
 */
export function table(caption, columns, numeric = []) {
  const headers = columns.map((name) =>
    element(
      'th',
      { scope: 'col', role: 'columnheader', class: numeric.includes(name) ? 'number' : undefined },
      name,
    ),
  );
  const body = element('tbody', { role: 'rowgroup' });
  const root = element(
    'table',
    { role: 'table' },
    element('caption', { class: 'unseen' }, caption),
    element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...headers)),
    body,
  );
  return { root, body };
}
