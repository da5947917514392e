import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

/**
 * An address that stays while the application behind it comes and goes: the port of one that has stopped could be another process's
 * before it is back.
 */
export class Front {
  /** The port of the application; `undefined` while there is none. */
  target: number | undefined;
  readonly #server = createServer((client) => {
    client.on('error', () => undefined);
    if (this.target === undefined) {
      client.destroy();
      return;
    }
    const application = connect(this.target, '127.0.0.1');
    application.on('error', () => client.destroy());
    application.on('close', () => client.destroy());
    client.on('close', () => application.destroy());
    client.pipe(application).pipe(client);
  });

  constructor() {
    beforeAll(async () => {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    afterAll(() => {
      this.#server.close();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
