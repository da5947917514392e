import { begin, DATA } from '../http/answer.js';
import type { Exchange } from '../http/exchange.js';

/** As much may wait for a reader, bytes, besides what it was sent first: one that is slower is let go, and comes back by itself. */
const MOST_WAITING = 2 ** 20;
export const EVENTS_TYPE = 'text/event-stream; charset=utf-8';
/** How soon it does, ms. */
const RETRY_MS = 2000;

/** Server-sent events to one reader. */
export class EventStream {
  #mostWaiting = MOST_WAITING;

  constructor(
    private readonly exchange: Exchange,
    /** When it began, on the monotonic clock. */
    readonly openedAt: number,
    onClose: (stream: EventStream) => void,
  ) {
    const { response } = exchange;
    response.on('close', () => onClose(this));
    // A reader that is gone: closing says so, too.
    response.on('error', () => undefined);
    begin(exchange, 200, { ...DATA, 'Content-Type': EVENTS_TYPE });
    response.write(`retry: ${RETRY_MS}\n\n`);
  }

  /** `data` is JSON, which has no line ends. */
  send(event: string, data: string): void {
    const { response } = this.exchange;
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > this.#mostWaiting) response.destroy();
    else response.write(`event: ${event}\ndata: ${data}\n\n`);
  }

  /** The same of what comes first, however long it is: who is let go for its length would come for it again. */
  sendFirst(event: string, data: string): void {
    this.#mostWaiting = MOST_WAITING + Buffer.byteLength(data);
    this.send(event, data);
  }

  /** What still waits for a reader is dropped: one that reads no more would never let the response end, nor the server. */
  end(): void {
    const { response } = this.exchange;
    if (response.writableLength > 0) response.destroy();
    else response.end();
  }
}
