import { Logger } from '@nestjs/common';
import { within, type Clock } from '../../core/clock.js';
import type { Exchange } from '../http/exchange.js';
import { refusalOf } from '../http/refusal.js';
import type { InspectorBehaviour } from '../inspector-options.js';
import { printable } from '../printable.js';

/** Most characters of a name and of a key. */
const MOST = { ofName: 100, ofKey: 80 };

/** The longest wait for a name, ms. */
const LONGEST_MS = 1000;

/** Logs every action with who did it, never with a value. */
export class AuditLog {
  readonly #logger = new Logger('CacheInspector');

  constructor(
    private readonly options: Pick<InspectorBehaviour, 'describe'>,
    private readonly clock: Clock,
  ) {}

  /** Runs an action, and logs what became of it. */
  async logged<T>(exchange: Exchange, what: string, run: () => Promise<T>): Promise<T> {
    const who = await this.#nameOf(exchange);
    try {
      const result = await run();
      this.#logger.log(`${what}: done, by ${who}.`);
      return result;
    } catch (error) {
      this.#logger.warn(`${what}: refused or failed (${refusalOf(error)?.code ?? 'INTERNAL'}), by ${who}.`);
      throw error;
    }
  }

  async #nameOf({ request, given }: Exchange): Promise<string> {
    const address = request.socket.remoteAddress ?? 'an unknown address';
    const { describe } = this.options;
    if (describe === undefined) return printable(address);
    let name: unknown;
    try {
      const named = Promise.resolve(describe(given)).then((text: unknown) => {
        name = text;
      });
      await within(this.clock, LONGEST_MS, named);
    } catch {
      // What the application hands in stops no action, and takes none out of the log.
    }
    if (typeof name === 'string' && name !== '') return shortened(name, MOST.ofName);
    return `${printable(address)} (describe gave no name)`;
  }
}

/** A key or a name of a namespace in a line of the log. */
export function quoted(text: string): string {
  return `'${shortened(text, MOST.ofKey)}'`;
}

function shortened(text: string, most: number): string {
  const line = printable(text);
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
