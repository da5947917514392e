import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Whose connections: those on which messages between the processes come, or those to the rows. */
export type Lane = 'wire' | 'database';

/** What a client sends on the connection on which it hears messages of PostgreSQL. */
const LISTENS = 'LISTEN "';

interface Link {
  lane: Lane;
  readonly client: Socket;
  readonly server: Socket;
  /** Whether nothing gets through any more, and no end hears of the other's. */
  isDeaf: boolean;
}

/** The network between processes and a server: it is cut, slow, or swallows what is sent, for one lane or the other. */
export class RoughNetwork {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #delays: Record<Lane, number> = { wire: 0, database: 0 };
  readonly #silences: Record<Lane, number> = { wire: 0, database: 0 };

  private constructor(
    target: URL,
    /** The lane of a connection before it has said what it is for. */
    private readonly lane: Lane,
  ) {
    const to = { host: target.hostname, port: Number(target.port) };
    this.#server = createServer((client) => this.#join(client, connect(to)));
  }

  /** Listens on a free port before the server of `url`. Connections are of `lane`, but those of PostgreSQL's listeners. */
  static async before(url: string, lane: Lane): Promise<RoughNetwork> {
    const network = new RoughNetwork(new URL(url), lane);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  /** The same address, through this network. */
  through(url: string): string {
    const address = new URL(url);
    address.hostname = '127.0.0.1';
    address.port = String((this.#server.address() as AddressInfo).port);
    return address.href;
  }

  /** Ends all connections of a lane, at both ends. */
  cut(lane: Lane): void {
    for (const link of this.#of(lane)) this.#end(link);
  }

  /** Lets every piece come so much later. Gives what ends it. */
  slow(lane: Lane, ms: number): () => void {
    this.#delays[lane] += ms;
    return () => {
      this.#delays[lane] -= ms;
    };
  }

  /**
   * Nothing gets through, and no end hears of the other's: as when a firewall forgets its connections. Gives what ends it, for
   * connections that are made from then on.
   */
  swallow(lane: Lane): () => void {
    this.#silences[lane] += 1;
    for (const link of this.#of(lane)) link.isDeaf = true;
    return () => {
      this.#silences[lane] -= 1;
    };
  }

  async close(): Promise<void> {
    for (const link of this.#links) this.#end(link);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #of(lane: Lane): Link[] {
    return [...this.#links].filter((link) => link.lane === lane);
  }

  #end({ client, server }: Link): void {
    client.destroy();
    server.destroy();
  }

  #join(client: Socket, server: Socket): void {
    const link: Link = { lane: this.lane, client, server, isDeaf: this.#silences[this.lane] > 0 };
    this.#links.add(link);
    const relabel = (piece: Buffer): void => {
      if (link.lane === 'wire' || !piece.includes(LISTENS)) return;
      link.lane = 'wire';
      link.isDeaf ||= this.#silences.wire > 0;
    };
    this.#carry(link, client, server, relabel);
    this.#carry(link, server, client);
    const gone = (): void => {
      this.#links.delete(link);
      // Who has been swallowed hears of nothing, as long as both ends are there.
      if (!link.isDeaf) this.#end(link);
    };
    client.on('close', gone);
    server.on('close', gone);
  }

  /** Carries pieces one way, in their order, each as late as the lane is slow when it comes. */
  #carry(link: Link, from: Socket, to: Socket, look: (piece: Buffer) => void = () => undefined): void {
    const due: Buffer[] = [];
    const next = (): void => {
      const piece = due.shift();
      if (piece !== undefined && !link.isDeaf && !to.destroyed) to.write(piece);
    };
    from.on('data', (piece) => {
      look(piece);
      if (link.isDeaf) return;
      due.push(piece);
      const ms = this.#delays[link.lane];
      if (ms === 0 && due.length === 1) next();
      else setTimeout(next, ms);
    });
    from.on('error', () => undefined);
  }
}
