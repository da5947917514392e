import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Cuts what comes in pieces into messages of PostgreSQL's protocol; each has a type but for the first of a client. */
class Messages {
  #bytes = Buffer.alloc(0);

  constructor(private isFirst: boolean) {}

  *of(piece: Buffer): Generator<{ readonly type: string; readonly bytes: Buffer }> {
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    for (;;) {
      const head = this.isFirst ? 0 : 1;
      if (this.#bytes.length < head + 4) return;
      const size = head + this.#bytes.readUInt32BE(head);
      if (this.#bytes.length < size) return;
      const bytes = this.#bytes.subarray(0, size);
      yield { type: this.isFirst ? 'startup' : String.fromCharCode(bytes[0] as number), bytes };
      this.#bytes = this.#bytes.subarray(size);
      this.isFirst = false;
    }
  }
}

/** A session of the server, and the client that has it for the time of a transaction. */
interface Backend {
  readonly socket: Socket;
  client: Socket | undefined;
  /** Answers that it still owes its client. */
  owed: number;
}

const AUTHENTICATED = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** A process id and a key of the pooler's own: it answers cancellations itself. */
function keyOf(client: number): Buffer {
  const key = Buffer.alloc(13);
  key.write('K');
  key.writeUInt32BE(12, 1);
  key.writeUInt32BE(2_000_000_000 + client, 5);
  return key;
}

/**
 * A pooler in front of PostgreSQL, as PgBouncer is: its clients share the sessions of the server, each for the time of a
 * transaction, or each for its own time where it is in session mode. The server has to trust everyone.
 */
export class TransactionPooler {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Those of no client, the one used last at the end. */
  readonly #idle: Backend[] = [];
  #clients = 0;
  #isDeaf = false;

  private constructor(
    private readonly address: URL,
    private readonly mode: 'transaction' | 'session',
  ) {
    this.#server = createServer((client) => this.#serve(client));
  }

  static async before(url: string, mode: 'transaction' | 'session'): Promise<TransactionPooler> {
    const pooler = new TransactionPooler(new URL(url), mode);
    pooler.#server.listen(0, '127.0.0.1');
    await once(pooler.#server, 'listening');
    return pooler;
  }

  get url(): string {
    const address = new URL(this.address);
    address.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return address.href;
  }

  /** From now on notifications reach no client, though LISTEN is answered. */
  swallowNotifications(): void {
    this.#isDeaf = true;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    this.#keep(client);
    const messages = new Messages(true);
    let startup = Buffer.alloc(0);
    let backend: Backend | undefined;
    // One message after the other, also while a session is being opened.
    let line = Promise.resolve();
    const pass = async (type: string, bytes: Buffer): Promise<void> => {
      if (type === 'startup') {
        startup = Buffer.from(bytes);
        this.#clients += 1;
        client.write(Buffer.concat([AUTHENTICATED, keyOf(this.#clients), READY]));
        return;
      }
      if (type === 'X') {
        client.end();
        return;
      }
      if (backend?.client !== client) backend = this.#idle.pop() ?? (await this.#open(startup));
      backend.client = client;
      if (type === 'Q' || type === 'S') backend.owed += 1;
      backend.socket.write(bytes);
    };
    client.on('data', (piece) => {
      for (const { type, bytes } of messages.of(piece)) {
        const copy = Buffer.from(bytes);
        line = line.then(() => pass(type, copy));
      }
    });
    client.on('close', () => backend?.client === client && backend.socket.destroy());
  }

  async #open(startup: Buffer): Promise<Backend> {
    const socket = connect({ host: this.address.hostname, port: Number(this.address.port) });
    this.#keep(socket);
    const backend: Backend = { socket, client: undefined, owed: 0 };
    const messages = new Messages(false);
    let isReady = (): void => undefined;
    const ready = new Promise<void>((resolve) => {
      isReady = resolve;
    });
    socket.on('data', (piece) => {
      for (const { type, bytes } of messages.of(piece)) {
        if (type !== 'A' || !this.#isDeaf) backend.client?.write(Buffer.from(bytes));
        if (type !== 'Z') continue;
        isReady();
        if (backend.client !== undefined) this.#answered(backend, String.fromCharCode(bytes[5] as number));
      }
    });
    socket.write(startup);
    await ready;
    return backend;
  }

  /** Outside of a transaction the session is anybody's. */
  #answered(backend: Backend, status: string): void {
    backend.owed -= 1;
    if (this.mode === 'session' || status !== 'I' || backend.owed > 0) return;
    backend.client = undefined;
    this.#idle.push(backend);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
  }
}
