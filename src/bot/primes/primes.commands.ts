import { Injectable } from '@nestjs/common';
import type { Command, CommandCall, CommandGroup } from '../commands/command.js';
import type { Answer } from '../messages/message.js';
import { Refusal } from '../messages/refusal.js';
import { PrimeCounter } from './prime-counter.js';

/** The sieve holds up all other messages while it runs: this takes it some 50 ms. */
const MAX_LIMIT = 10_000_000;

/** An example of a feature with a namespace of its own. */
@Injectable()
export class PrimesCommands implements CommandGroup {
  readonly commands: readonly Command[] = [
    { name: 'primes', usage: 'N', summary: 'counts the primes below N', run: (call) => this.#count(call) },
  ];

  constructor(private readonly counter: PrimeCounter) {}

  async #count({ rest }: CommandCall): Promise<Answer> {
    const limit = Number(rest);
    if (!/^\d+$/.test(rest) || limit > MAX_LIMIT) {
      throw new Refusal(`Like this: /primes 1000000 (a whole number up to ${MAX_LIMIT})`);
    }
    const { count, tookMs, cached } = await this.counter.below(limit);
    const source = cached ? `from the cache; computing it took ${tookMs} ms` : `computed in ${tookMs} ms`;
    return { text: `There are ${count} primes below ${limit} (${source}).` };
  }
}
