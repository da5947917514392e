import { once } from 'node:events';
import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { EventReader } from './event-reader.js';

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;

/** Asks an inspector what its page asks it, or what it never would. */
export class InspectorClient {
  constructor(
    readonly port: number,
    /** The path of the page. */
    readonly base = '/cache',
    private readonly address = '127.0.0.1',
  ) {}

  /** Data, as the page gets it. Throws where it gets none. */
  async read<T>(path: string, query: Headers = {}): Promise<T> {
    const answer = await this.get(`${path}${asQuery(query)}`);
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  get(path: string, headers: Headers = {}): Promise<Answer> {
    return this.ask('GET', path, headers);
  }

  /** An action, as the page sends it. */
  act(path: string, body: unknown = {}, headers: Headers = {}): Promise<Answer> {
    const own = { 'content-type': 'application/json', 'x-cache-inspector': '1', ...headers };
    return this.ask('POST', path, own, JSON.stringify(body));
  }

  /** Any request. Not by `fetch`, which does not let a test choose the host. */
  async ask(method: string, path: string, headers: Headers = {}, body?: string): Promise<Answer> {
    const response = await this.#response(this.#begin(method, path, headers, body));
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode ?? 0, headers: response.headers, body: text };
  }

  /** Events from now on, for as long as they come. */
  async events(headers: Headers = {}): Promise<EventReader> {
    const asked = this.#begin('GET', '/api/events', headers);
    const response = await this.#response(asked);
    return new EventReader(asked, response);
  }

  #begin(method: string, path: string, headers: Headers, body?: string): ClientRequest {
    const { address: host, port, base } = this;
    const asked = request({
      host,
      port,
      method,
      path: `${base}${path}`,
      headers: { host: `localhost:${port}`, ...headers },
    });
    asked.end(body);
    return asked;
  }

  async #response(asked: ClientRequest): Promise<IncomingMessage> {
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  }
}

function asQuery(query: Headers): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}
