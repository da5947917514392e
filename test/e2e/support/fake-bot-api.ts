import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UpdateQueue } from './update-queue.js';

/** A call of sendMessage. */
export interface SentMessage {
  readonly chat_id: number;
  readonly text: string;
  readonly entities?: readonly { readonly type: string }[];
}

/** Somewhere to write. */
export interface FakeChat {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
}

/**
 * How a call fails: refused with a status, for a while or not; its socket cut before it takes effect or after; never
 * answered, without effect.
 */
export type Fault =
  { readonly status: number; readonly retryAfter?: number } | 'cut before' | 'cut after' | 'hang';

type Payload = Record<string, unknown>;

const NAMES: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden: bot was blocked by the user',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
};

/** A Bot API like Telegram's, as far as the bot uses it. It outlives the bot's restarts. */
export class FakeBotApi {
  static readonly TOKEN = '42:a-secret-token';
  readonly sent: SentMessage[] = [];
  readonly queue = new UpdateQueue();
  /** The methods of the calls that failed. */
  readonly failures: string[] = [];
  /** Says of each call whether it fails. */
  faults: (method: string, payload: Payload) => Fault | undefined = () => undefined;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  readonly #events = new EventEmitter().setMaxListeners(0);
  /** The new ids of groups that became supergroups. */
  readonly #migrated = new Map<number, number>();
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
  get variables(): { TELEGRAM_BOT_TOKEN: string; TELEGRAM_API_ROOT: string } {
    const { port } = this.#server.address() as AddressInfo;
    return { TELEGRAM_BOT_TOKEN: FakeBotApi.TOKEN, TELEGRAM_API_ROOT: `http://127.0.0.1:${port}` };
  }

  /** Somebody writes. Several texts come as one batch; gives the id of the last one's update. */
  write(texts: readonly string[], chat: FakeChat, userId = 7): number {
    return this.queue.add(...texts.map((text) => ({ chat, from: user(userId), text })));
  }

  /**
   * A group becomes a supergroup: both announce it, and from now on messages to the old id are refused. Gives the id of the
   * last update.
   */
  migrate(from: FakeChat, to: FakeChat, firstSaidBy: 'old' | 'new' = 'old'): number {
    this.#migrated.set(from.id, to.id);
    const announcements = [
      { chat: from, from: user(7), migrate_to_chat_id: to.id },
      { chat: to, from: user(7), migrate_from_chat_id: from.id },
    ];
    return this.queue.add(...(firstSaidBy === 'old' ? announcements : announcements.toReversed()));
  }

  /** Resolves when the bot has sent so many messages; gives their texts. */
  async answers(count: number): Promise<string[]> {
    while (this.sent.length < count) await once(this.#events, 'sent');
    return this.sent.map((message) => message.text);
  }

  /** Resolves when the bot has sent this text. */
  async answer(text: string): Promise<void> {
    while (!this.sent.some((message) => message.text === text)) await once(this.#events, 'sent');
  }

  /** Resolves when so many calls have failed. */
  async failed(count: number): Promise<void> {
    while (this.failures.length < count) await once(this.#events, 'failed');
  }

  /** From now on sendMessage is taken and not answered; the function given back ends that. */
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
    const [, token, method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? '') ?? [];
    if (token !== FakeBotApi.TOKEN) return refuse(response, 401);
    const fault = this.faults(method, payload);
    if (fault === 'cut after') await this.#call(method, payload, response);
    if (fault === undefined) {
      const newId = this.#migrated.get(Number(payload['chat_id']));
      if (newId !== undefined) return refuse(response, 400, { migrate_to_chat_id: newId });
      return reply(response, 200, { ok: true, result: await this.#call(method, payload, response) });
    }
    if (typeof fault === 'object') {
      refuse(response, fault.status, fault.retryAfter === undefined ? {} : { retry_after: fault.retryAfter });
    } else if (fault !== 'hang') {
      request.socket.destroy();
    }
    this.failures.push(method);
    this.#events.emit('failed');
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

  #getUpdates({ offset = 0, limit = 100, timeout = 0 }: Payload, response: ServerResponse) {
    const gone = new AbortController();
    // A poll that ends unanswered: the bot stops, or was killed.
    response.once('close', () => gone.abort());
    return this.queue.fetch(Number(offset), Number(limit), Number(timeout), gone.signal);
  }
}

function user(id: number) {
  return { id, is_bot: false, first_name: 'Alice' };
}

function refuse(response: ServerResponse, status: number, parameters: object = {}): void {
  const description = NAMES[status] ?? 'Bad Request: group chat was upgraded to a supergroup chat';
  reply(response, status, { ok: false, error_code: status, description, parameters });
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
