import { join, resolve } from 'node:path';
import { Child } from '../../support/child-process.js';

const MAIN = resolve('dist/src/bot/main.js');

/** The built bot in a process of its own, with nothing of the tester's environment that would change it. */
export class BotProcess extends Child {
  constructor(folder: string, variables: Readonly<Record<string, string>> = {}) {
    super(process.execPath, [MAIN], {
      cwd: folder,
      env: { PATH: process.env['PATH'], NO_COLOR: '1', PORT: '0', ...variables },
    });
  }

  /** Asks it to stop; resolves with how it ended and how long that took. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; ms: number }> {
    const start = performance.now();
    this.kill(signal);
    const { code } = await this.ended;
    return { code, ms: performance.now() - start };
  }

  /** From now on nobody reads what it prints. */
  closeTerminal(): void {
    this.process.stdout.destroy();
    this.process.stderr.destroy();
  }

  /** Ends what a failed test left behind. */
  end(): void {
    if (this.process.exitCode === null) this.kill('SIGKILL');
  }
}

/** The file of the cache where the bot is not told of another one. */
export function defaultDatabase(folder: string): string {
  return join(folder, 'data/cache.sqlite');
}
