import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call of sendMessage. */
export interface SentMessage {
  readonly chat_id: number;
  readonly text: string;
  readonly entities?: readonly { readonly type: string }[];
}

interface Update {
  readonly update_id: number;
  readonly message: object;
}

type Payload = Record<string, unknown>;

/** A Bot API like Telegram's, as far as the bot uses it. It outlives the bot's restarts. */
export class FakeBotApi {
  static readonly TOKEN = '42:a-secret-token';
  readonly sent: SentMessage[] = [];
  /** The update of each delivery, in their order. */
  readonly delivered: number[] = [];
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  readonly #events = new EventEmitter();
  #updates: Update[] = [];
  #lastId = 1000;
  #held: Promise<void> | undefined;

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The environment of a bot that talks to this API. */
  get variables(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return { TELEGRAM_BOT_TOKEN: FakeBotApi.TOKEN, TELEGRAM_API_ROOT: `http://127.0.0.1:${port}` };
  }

  /** How many updates nobody has confirmed. */
  get unconfirmed(): number {
    return this.#updates.length;
  }

  /** Resolves when all but so many updates are confirmed. */
  async confirmedBut(count: number): Promise<void> {
    while (this.unconfirmed > count) await once(this.#events, 'poll');
  }

  /** Somebody writes. Several texts come as one batch. */
  write(texts: readonly string[], chat: { id: number; type: string; title?: string }, userId = 7): void {
    const from = { id: userId, is_bot: false, first_name: 'Alice' };
    this.announce(...texts.map((text) => ({ chat, from, text })));
  }

  /** A message of any kind comes in. */
  announce(...messages: Payload[]): void {
    for (const message of messages) {
      this.#lastId += 1;
      const stamped = { message_id: this.#lastId, date: 1_800_000_000, ...message };
      this.#updates.push({ update_id: this.#lastId, message: stamped });
    }
    this.#events.emit('update');
  }

  /** Resolves when the bot has sent so many messages; gives their texts. */
  async answers(count: number): Promise<string[]> {
    while (this.sent.length < count) await once(this.#events, 'sent');
    return this.sent.map((message) => message.text);
  }

  /** From now on sendMessage is not answered; the function given back ends that. */
  holdAnswers(): () => void {
    let release = (): void => undefined;
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      this.#held = undefined;
      release();
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const payload = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Payload;
    const [, token, method] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? '') ?? [];
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (token !== FakeBotApi.TOKEN) {
      reply(401, { ok: false, error_code: 401, description: 'Unauthorized' });
      return;
    }
    reply(200, { ok: true, result: await this.#call(method ?? '', payload, response) });
  }

  async #call(method: string, payload: Payload, response: ServerResponse): Promise<unknown> {
    switch (method) {
      case 'getMe':
        return { id: 42, is_bot: true, first_name: 'Gromozeka', username: 'GromozekaBot' };
      case 'getUpdates':
        return this.#getUpdates(payload, response);
      case 'sendMessage':
        this.sent.push(payload as unknown as SentMessage);
        this.#events.emit('sent');
        await this.#held;
        return { message_id: 1, date: 0, chat: { id: payload['chat_id'], type: 'private' } };
      default:
        return true;
    }
  }

  async #getUpdates({ offset = 0, limit = 100, timeout = 0 }: Payload, response: ServerResponse) {
    this.#updates = this.#updates.filter((update) => update.update_id >= Number(offset));
    this.#events.emit('poll');
    if (this.#updates.length === 0 && Number(timeout) > 0) {
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      // A poll that ends unanswered is the bot's way to stop.
      await once(this.#events, 'update', { signal: gone.signal }).catch(() => undefined);
      if (gone.signal.aborted) return [];
    }
    const batch = this.#updates.slice(0, Number(limit));
    if (Number(timeout) > 0) this.delivered.push(...batch.map((update) => update.update_id));
    return batch;
  }
}
