import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Exchange, type ExchangeCut } from './exchange.js';

/** What to do to the next client that sends a matching piece of its protocol. */
interface Cut {
  readonly pattern: string;
  readonly how: 'answer' | 'client';
  readonly done: () => void;
}

/** The answers that a proxy keeps back. */
export interface HeldAnswers {
  /** How many clients wait for one. */
  readonly clients: number;
  /** Lets them go, and holds no more. */
  release(): void;
}

/** A network between a client and a server, which the test cuts where it likes. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #servers = new Set<Socket>();
  readonly #abandoned = new Set<Socket>();
  #cut: Cut | undefined;
  #exchange: Exchange | undefined;
  #isSilent = false;
  #farewell: { readonly ready: Buffer; readonly farewell: Buffer } | undefined;
  #held: { readonly pattern: string; readonly answers: Map<Socket, Buffer[]> } | undefined;

  private constructor(host: string, port: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) =>
      this.#join(client, connect({ port, host, allowHalfOpen: true })),
    );
  }

  /** Listens on a free port, in front of the server of `url`. */
  static async before(url: string): Promise<CuttingProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new CuttingProxy(hostname, Number(port));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The same address, through this proxy. */
  through(url: string): string {
    const address = new URL(url);
    address.hostname = '127.0.0.1';
    address.port = String((this.#server.address() as AddressInfo).port);
    return address.href;
  }

  /**
   * Cuts the next client whose message holds `pattern`, once: the server gets the message and acts on it, and its answer
   * never arrives. Resolves when that has happened.
   */
  loseAnswerTo(pattern: string): Promise<void> {
    return new Promise((resolve) => {
      this.#cut = { pattern, how: 'answer', done: resolve };
    });
  }

  /** Takes back what {@link loseAnswerTo} was told and has not met. */
  loseNothing(): void {
    this.#cut = undefined;
  }

  /** Counts from now on what is said; with `cut` the client is cut, once, when it comes to so many bytes. */
  follow(cut?: ExchangeCut): Exchange {
    this.#exchange = new Exchange(cut);
    return this.#exchange;
  }

  /** Ends the server's ends that stayed open behind a cut that it did not hear of: each takes a connection of the server. */
  endAbandoned(): void {
    for (const server of this.#abandoned) server.destroy();
  }

  /**
   * Cuts all clients now. The server does not hear of it: its ends of the connections stay open, as behind a router
   * that has gone.
   */
  cutClients(): void {
    for (const client of this.#clients) client.destroy();
  }

  /** From now on keeps back what the server answers to clients that send `pattern`: as a slow server does. */
  holdAnswersTo(pattern: string): HeldAnswers {
    const answers = new Map<Socket, Buffer[]>();
    this.#held = { pattern, answers };
    return {
      get clients() {
        return answers.size;
      },
      release: () => {
        this.#held = undefined;
        for (const [client, pieces] of answers) for (const bytes of pieces) client.write(bytes);
      },
    };
  }

  /**
   * From now on what the server says when a session is ready is followed at once, in the same piece, by `farewell`, and the
   * connection ends: as when an operator ends sessions the moment they begin. Answers how to stop it.
   */
  endAtOnce(ready: Buffer, farewell: Buffer): () => void {
    this.#farewell = { ready, farewell };
    return () => {
      this.#farewell = undefined;
    };
  }

  /** From now on nothing gets through, and no end hears of the other's: as when a cable is pulled. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  async close(): Promise<void> {
    for (const socket of [...this.#clients, ...this.#servers]) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, server: Socket): void {
    this.#clients.add(client);
    this.#servers.add(server);
    let lost: Cut | undefined;
    let isCut = false;
    /** Whether the exchange is cut in this piece: what is left of it, and all that follows, is lost. */
    const cutsIn = (piece: Buffer, receiver: Socket): boolean => {
      const through = this.#exchange?.take(piece);
      if (through === undefined) return false;
      isCut = true;
      if (through.length > 0) receiver.write(through);
      client.destroySoon();
      if (this.#exchange?.isHeard === true) server.destroySoon();
      else this.#abandoned.add(server);
      return true;
    };
    client.on('data', (bytes) => {
      if (this.#isSilent || isCut || cutsIn(bytes, server)) return;
      if (this.#cut !== undefined && bytes.includes(this.#cut.pattern)) {
        lost = this.#cut;
        this.#cut = undefined;
      }
      if (this.#held !== undefined && bytes.includes(this.#held.pattern)) this.#held.answers.set(client, []);
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (this.#isSilent || isCut || cutsIn(bytes, client)) return;
      if (this.#farewell !== undefined && bytes.includes(this.#farewell.ready)) {
        client.end(Buffer.concat([bytes, this.#farewell.farewell]));
        server.destroy();
        return;
      }
      if (lost === undefined) {
        const held = this.#held?.answers.get(client);
        if (held === undefined) client.write(bytes);
        else held.push(bytes);
        return;
      }
      // Some of the answer is here: the server has done it.
      client.destroy();
      lost.done();
    });
    client.on('end', () => this.#isSilent || isCut || server.end());
    server.on('end', () => this.#isSilent || (isCut ? server : client).end());
    client.on('close', () => this.#clients.delete(client));
    server.on('close', () => {
      this.#servers.delete(server);
      this.#abandoned.delete(server);
    });
    client.on('error', () => undefined);
    server.on('error', () => undefined);
  }
}
