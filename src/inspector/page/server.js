/**
 * @typedef {import('./contract.js').Entry} Entry
 * @typedef {import('./contract.js').EntriesPage} EntriesPage
 * @typedef {import('./contract.js').FlushReport} FlushReport
 * @typedef {import('./contract.js').LoadReport} LoadReport
 * @typedef {{ prefix?: string, key?: string, after?: string, limit?: number }} Query
 */

/** A request that was not granted. Its message is for who looks at the page. */
export class RequestError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
  }
}

/** What the page asks of the application. */
export class Server {
  /** @param {string} base where the inspector is, without a slash at the end */
  constructor(base) {
    this.base = base;
  }

  /** Where events come from. */
  get events() {
    return `${this.base}/api/events`;
  }

  /**
   * @param {string} namespace
   * @param {Query} query
   * @param {AbortSignal} signal
   * @returns {Promise<EntriesPage>}
   */
  entries(namespace, query, signal) {
    return this.#get('/entries', { namespace, ...query }, signal);
  }

  /**
   * @param {string} namespace
   * @param {string} key
   * @param {AbortSignal} [signal]
   * @returns {Promise<Entry>}
   */
  entry(namespace, key, signal) {
    return this.#get('/entry', { namespace, key }, signal);
  }

  /** @param {string} namespace @param {string} key @returns {Promise<{ deleted: boolean }>} */
  delete(namespace, key) {
    return this.#post('/entry/delete', { namespace, key });
  }

  /**
   * Refused with `CONFLICT` where the entry is not that of `version` any more.
   *
   * @param {string} namespace
   * @param {{ key: string, value: string, version?: string }} edit
   * @returns {Promise<Entry>}
   */
  edit(namespace, edit) {
    return this.#post('/entry/edit', { namespace, ...edit });
  }

  /** @param {string} namespace @param {string} key @returns {Promise<Entry>} */
  refresh(namespace, key) {
    return this.#post('/entry/refresh', { namespace, key });
  }

  /** Of one namespace, or of all. @param {string} [namespace] @returns {Promise<FlushReport>} */
  flush(namespace) {
    return this.#post('/flush', { namespace });
  }

  /** @param {string} namespace @param {string} confirm its name, as it was typed */
  clear(namespace, confirm) {
    return this.#post('/clear', { namespace, confirm });
  }

  /** @returns {Promise<LoadReport>} */
  reload() {
    return this.#post('/reload', {});
  }

  /** @param {string} path @param {Query & { namespace: string }} query @param {AbortSignal} [signal] */
  #get(path, query, signal) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) parameters.set(name, String(value));
    return this.#ask(`${path}?${parameters}`, { ...(signal !== undefined && { signal }) });
  }

  /** @param {string} path @param {object} body */
  #post(path, body) {
    return this.#ask(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Cache-Inspector': '1' },
      body: JSON.stringify(body),
    });
  }

  /** @param {string} path @param {RequestInit} options @returns {Promise<any>} */
  async #ask(path, options) {
    const response = await this.#fetch(`${this.base}/api${path}`, options);
    const body = await response.json().catch(() => undefined);
    if (!response.ok) throw refusal(response.status, body);
    return body;
  }

  /** @param {string} url @param {RequestInit} options */
  async #fetch(url, options) {
    try {
      return await fetch(url, { cache: 'no-store', ...options });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new RequestError('UNREACHABLE', 'The application does not answer. Try again when it is back.');
    }
  }
}

/** @param {number} status @param {any} body */
function refusal(status, body) {
  if (typeof body?.code === 'string' && typeof body?.message === 'string')
    return new RequestError(body.code, body.message);
  if (status === 401 || status === 403)
    return new RequestError(
      'FORBIDDEN',
      'The application does not let you do that. Sign in again, and reload the page.',
    );
  const told = typeof body?.message === 'string' ? `: ${body.message}` : '';
  return new RequestError('FAILED', `The application answered with status ${status}${told}.`);
}
