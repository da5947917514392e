import type { BackplaneLink, LinkRequest } from '../../index.js';
import type { RedisConnection } from './redis-client.js';

/** Two connections to Redis: one that subscribes, one that publishes. */
export class RedisLink implements BackplaneLink {
  /** Those that have a socket, which can be destroyed. */
  readonly #connected = new Set<RedisConnection>();
  #isOver = false;

  private constructor(
    private readonly publisher: RedisConnection,
    private readonly subscriber: RedisConnection,
    private readonly prefix: string,
    private readonly request: LinkRequest,
  ) {}

  /** `newConnection` gives one that is not connected yet, and will not reconnect by itself. */
  static async connect(
    newConnection: () => RedisConnection,
    prefix: string,
    request: LinkRequest,
  ): Promise<RedisLink> {
    const link = new RedisLink(newConnection(), newConnection(), prefix, request);
    request.signal.addEventListener('abort', () => void link.close());
    try {
      await Promise.all([link.#connect(link.publisher), link.#connect(link.subscriber)]);
      return link;
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  async subscribe(channel: string): Promise<void> {
    await this.subscriber.subscribe(this.prefix + channel, (text) => this.request.onMessage(channel, text));
  }

  async publish(channel: string, text: string): Promise<void> {
    await this.publisher.publish(this.prefix + channel, text);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    for (const connection of this.#connected) if (connection.isOpen) connection.destroy();
  }

  async #connect(connection: RedisConnection): Promise<void> {
    const { onEnd } = this.request;
    // An error that nobody listens to would end the process.
    connection.on('error', onEnd);
    connection.once('end', () => onEnd(new Error('The connection to Redis ended.')));
    connection.once('connect', () => {
      this.#connected.add(connection);
      // Before it has a socket it can't be ended: destroy() would let the one that comes live on.
      if (this.#isOver) connection.destroy();
    });
    connection.unref();
    await connection.connect();
  }
}
