import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';

interface ServerEvent {
  readonly name: string;
  readonly data: unknown;
}

interface Waiting {
  readonly name: string;
  readonly fits: (data: never) => boolean;
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Server-sent events as they come. */
export class EventReader {
  /** Those that nobody has waited for yet. */
  #events: ServerEvent[] = [];
  #waiting: Waiting[] = [];
  #text = '';
  /** What came before the first event. */
  preamble = '';
  /** Resolves when no more come, whoever ended it. */
  readonly ended: Promise<void>;

  constructor(
    private readonly asked: ClientRequest,
    private readonly response: IncomingMessage,
  ) {
    asked.on('error', () => undefined);
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      response.on('close', () => {
        this.#end();
        resolve();
      });
    });
    response.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  get headers(): IncomingHttpHeaders {
    return this.response.headers;
  }

  /** The next event of a name, of those that fit; others are left out. Rejects where the stream ends before. */
  next<T>(name: string, fits: (data: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, fits, resolve: resolve as (data: unknown) => void, reject });
      this.#settle();
    });
  }

  /** Reads no more, and leaves what comes to the buffers on the way. */
  stall(): void {
    this.response.removeAllListeners('data');
    this.response.pause();
    this.response.socket.pause();
  }

  /** Reads again. */
  goOn(): void {
    this.response.on('data', (chunk: string) => this.#take(chunk));
    this.response.socket.resume();
    this.response.resume();
  }

  close(): void {
    this.asked.destroy();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const parts = this.#text.split('\n\n');
    this.#text = parts.pop() ?? '';
    for (const part of parts) {
      const { name, data } = /^event: (?<name>\w+)\ndata: (?<data>.*)$/.exec(part)?.groups ?? {};
      if (name === undefined || data === undefined) this.preamble += part;
      else this.#events.push({ name, data: JSON.parse(data) });
    }
    this.#settle();
  }

  #settle(): void {
    const [waiting] = this.#waiting;
    if (waiting === undefined) return;
    const found = this.#events.findIndex(
      ({ name, data }) => name === waiting.name && waiting.fits(data as never),
    );
    if (found < 0) return;
    this.#waiting.shift();
    const [event] = this.#events.splice(0, found + 1).slice(-1);
    waiting.resolve(event?.data);
    this.#settle();
  }

  #end(): void {
    for (const { reject, name } of this.#waiting)
      reject(new Error(`The stream has ended before an event '${name}'.`));
  }
}
