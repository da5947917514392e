import { createInterface } from 'node:readline';
import type { CommandIo } from './command-io.js';
import { printable } from './printable.js';
import { UsageError } from './usage-error.js';

/** Asks on the terminal, and gives whether the answer is yes. Throws where there is no terminal to ask on. */
export async function isConfirmed(question: string, io: CommandIo): Promise<boolean> {
  const { stdin, stderr } = io;
  if (stdin.isTTY !== true)
    throw new UsageError('There is no terminal to ask on. Add --yes to remove without a question');
  stderr.write(`${printable(question)} [y/N] `);
  const lines = createInterface({ input: stdin });
  const signal = io.interruption();
  try {
    return await new Promise((resolve) => {
      lines.once('line', (answer) => resolve(/^\s*y(?:es)?\s*$/i.test(answer)));
      lines.once('close', () => resolve(false));
      signal.addEventListener('abort', () => lines.close(), { once: true });
    });
  } finally {
    lines.close();
  }
}
