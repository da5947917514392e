/**
 * @typedef {import('./contract.js').Overview} Overview
 * @typedef {import('./contract.js').Sample} Sample
 * @typedef {'connecting' | 'live' | 'lost' | 'paused'} Connection
 * @typedef {{
 *   connection(state: Connection): void,
 *   history(samples: readonly Sample[]): void,
 *   overview(overview: Overview): void,
 *   sample(sample: Sample): void,
 * }} Audience
 */

/** The application says something each second. After so long a silence the connection counts as lost, whatever the browser believes. */
const SILENCE_MS = 6000;
/** When it is tried again where the browser has given up. */
const RETRY_MS = 2000;

/** What the application sends by itself, for as long as somebody looks. */
export class LiveFeed {
  /** @type {EventSource | undefined} */
  #source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #wanted = true;

  /** @param {string} url @param {Audience} audience */
  constructor(url, audience) {
    this.url = url;
    this.audience = audience;
    // A browser allows a host six connections: a page that nobody sees gives its own back.
    document.addEventListener('visibilitychange', () => this.#settle());
  }

  start() {
    this.audience.connection('connecting');
    this.#settle();
  }

  /** Stops, or goes on. @param {boolean} wanted */
  set running(wanted) {
    this.#wanted = wanted;
    this.#close();
    this.audience.connection(wanted ? 'connecting' : 'paused');
    this.#settle();
  }

  get running() {
    return this.#wanted;
  }

  #settle() {
    const open = this.#wanted && document.visibilityState === 'visible';
    if (open && this.#source === undefined) this.#open();
    if (!open) this.#close();
  }

  #open() {
    const source = new EventSource(this.url);
    this.#source = source;
    let failures = 0;
    source.addEventListener('history', ({ data }) => this.audience.history(JSON.parse(data).samples));
    source.addEventListener('sample', ({ data }) => this.audience.sample(JSON.parse(data)));
    source.addEventListener('overview', ({ data }) => {
      failures = 0;
      this.audience.connection('live');
      this.audience.overview(JSON.parse(data));
      this.#expectMore();
    });
    source.addEventListener('error', () => {
      failures += 1;
      // The application ends a connection from time to time, to see whether the next one is still allowed.
      const refused = source.readyState === EventSource.CLOSED;
      this.audience.connection(refused || failures > 1 ? 'lost' : 'connecting');
      if (refused) this.#again(RETRY_MS);
    });
    this.#expectMore();
  }

  #expectMore() {
    this.#again(SILENCE_MS);
  }

  /** Begins anew after a while, if nothing has come by then. @param {number} ms */
  #again(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.audience.connection('lost');
      this.#close();
      this.#settle();
    }, ms);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }
}
