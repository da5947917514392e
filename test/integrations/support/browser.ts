/** Somebody with a browser: keeps the cookies that it is given, and sends them back. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  /** Asks an application; with `move` the next requests can go to another one. */
  constructor(private url: string) {}

  moveTo(url: string): void {
    this.url = url;
  }

  /** Another one with the same cookies. */
  copy(): Browser {
    const copy = new Browser(this.url);
    for (const [name, value] of this.#cookies) copy.#cookies.set(name, value);
    return copy;
  }

  async request(method: 'GET' | 'POST', path: string): Promise<{ status: number; body: unknown }> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(this.url + path, { method, headers: cookie === '' ? {} : { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return { status: response.status, body: await response.json() };
  }

  async get(path: string): Promise<unknown> {
    return (await this.request('GET', path)).body;
  }

  async post(path: string): Promise<unknown> {
    return (await this.request('POST', path)).body;
  }
}
