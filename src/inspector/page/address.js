/**
 * Where in the page somebody is. `prefix` and `exact` say what is looked for, `after` on which page of it, and `key` which entry is
 * open.
 *
 * @typedef {{ view: 'overview' }} OverviewPlace
 * @typedef {{ view: 'namespace', name: string, prefix?: string, exact?: string, after?: string, key?: string }} NamespacePlace
 * @typedef {OverviewPlace | NamespacePlace} Place
 */

const PARTS = /** @type {const} */ (['prefix', 'exact', 'after', 'key']);

/**
 * The place that the part of an address behind `#` leads to. One that says nothing leads to the overview.
 *
 * @param {string} hash
 * @returns {Place}
 */
export function placeOf(hash) {
  const [, encoded = '', query = ''] = /^#\/ns\/([^?]+)(?:\?(.*))?$/s.exec(hash) ?? [];
  const name = decoded(encoded);
  if (name === '') return { view: 'overview' };
  /** @type {NamespacePlace} */
  const place = { view: 'namespace', name };
  const parameters = new URLSearchParams(query);
  for (const part of PARTS) {
    const value = parameters.get(part);
    if (value !== null && value !== '') place[part] = value;
  }
  return place;
}

/** @param {Place} place */
export function hashOf(place) {
  if (place.view === 'overview') return '#/';
  const parameters = new URLSearchParams();
  for (const part of PARTS) {
    const value = place[part];
    if (value !== undefined && value !== '') parameters.set(part, value);
  }
  const query = parameters.toString();
  return `#/ns/${encodeURIComponent(place.name)}${query === '' ? '' : `?${query}`}`;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
