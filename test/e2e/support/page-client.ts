import { request, type IncomingHttpHeaders } from 'node:http';
import type { BotProcess } from './bot-process.js';

/** Who writes, and where. */
export interface From {
  readonly chatId?: number;
  readonly userId?: number;
}

/** What came back. */
export interface PageResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks the page's server what a browser asks it, or what a browser never would. */
export class PageClient {
  private constructor(readonly port: number) {}

  /** Of a bot that is starting. */
  static async of(bot: BotProcess): Promise<PageClient> {
    const [, port] = await bot.prints(/Open http:\/\/localhost:(\d+)/);
    return new PageClient(Number(port));
  }

  /** The bot's answers, one per line. */
  async say(text: string, { chatId = -1, userId = 1 }: From = {}): Promise<string> {
    const { status, body } = await this.post({ chatId, userId, text });
    if (status !== 200) throw new Error(`${status} ${body}`);
    const { answers } = JSON.parse(body) as { answers: { text: string }[] };
    return answers.map((answer) => answer.text).join('\n');
  }

  post(body: unknown, headers: Record<string, string> = {}): Promise<PageResponse> {
    return this.ask('POST', '/api/messages', headers, JSON.stringify(body));
  }

  /** Any request. Not by `fetch`, which does not let a test choose the host. */
  ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<PageResponse> {
    return new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      });
      asked.end(body);
    });
  }
}
