import { setTimeout as delay } from 'node:timers/promises';
import type { CuttingProxy } from '../../support/cutting-proxy.js';

/** Between two troubles, ms: long enough that work goes on, and that idle connections are closed in between. */
const EVERY_MS = 1700;

interface Line {
  readonly proxy: CuttingProxy;
  /** Ends all sessions in the server. */
  readonly endSessions: () => Promise<void>;
}

/** Ends sessions, cuts connections and loses answers to commits in turn, until `signal` is aborted. */
export async function troubleWith({ proxy, endSessions }: Line, signal: AbortSignal): Promise<void> {
  const troubles = [
    endSessions,
    async () => void proxy.loseAnswerTo('COMMIT'),
    // Its sessions stay open in the server, and end with those of the next turn.
    async () => proxy.cutClients(),
  ];
  for (let turn = 0; !signal.aborted; turn += 1) {
    await troubles[turn % troubles.length]?.();
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  // Most commits are single statements: the COMMIT it waits for may be that of the start which looks for what was lost.
  proxy.loseNothing();
}
