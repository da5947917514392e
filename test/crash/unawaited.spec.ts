import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child-process.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
const WRITE_TIMEOUT_MS = 1000;
let files = 0;

class App {
  readonly database = join(folder, `${(files += 1)}.sqlite`);
  readonly child: Child;

  constructor(env: Record<string, string> = {}) {
    const app = join(import.meta.dirname, 'unawaited-app.mjs');
    this.child = new Child(process.execPath, [app, this.database, String(WRITE_TIMEOUT_MS)], {
      env: { ...process.env, NO_COLOR: '1', ...env },
    });
  }

  async does(command: string): Promise<void> {
    this.child.process.stdin.write(`${command}\n`);
    await this.child.prints(new RegExp(`done ${command}`));
  }

  /** The lines that it logged at a level. */
  logged(level: string): string[] {
    return this.child.output.split('\n').filter((line) => line.includes(` ${level} `));
  }

  async ends(): Promise<number | null> {
    this.child.process.stdin.end();
    return (await this.child.ended).code;
  }
}

describe('a process that awaits none of its writes', () => {
  it('goes on when the database is away for longer than writeTimeoutMs, and logs that once', async () => {
    const app = new App();
    await app.child.prints(/ready/);
    await app.does('fill');
    const holder = new Child(process.execPath, [join(import.meta.dirname, 'lock-holder.mjs'), app.database]);
    await holder.prints(/locked/);
    await app.does('write');
    await app.does('settled');
    expect(app.logged('WARN')).toEqual([
      expect.stringMatching(/cannot write.*ON_CHANGE.*WRITE_FAILED.*ON_SHUTDOWN/),
    ]);
    expect(app.logged('ERROR')).toEqual([expect.stringMatching(/level on_\w+: a write was rejected with/)]);
    expect(app.child.output).not.toContain('Nothing is dropped');
    holder.process.stdin.end();
    await holder.ended;
    expect(await app.ends()).toBe(0);
  });

  it('goes on when its keys, values and options are refused, and logs each kind once', async () => {
    const app = new App();
    await app.child.prints(/ready/);
    await app.does('refuse');
    await app.does('refuse');
    await app.does('settled');
    expect(app.logged('ERROR')).toEqual([]);
    const warnings = app.logged('WARN').filter((line) => line.includes('A write was refused'));
    const kinds = warnings.map((line) =>
      /refused with (\w+).*of namespace '(.+)' with/.exec(line)?.slice(1).join(' '),
    );
    expect(kinds).toContain('INVALID_KEY on_change');
    expect(kinds).toContain('INVALID_VALUE on_shutdown');
    expect(kinds).toContain('INVALID_OPTION memory');
    expect(kinds).toContain('INVALID_VALUE chats');
    expect(kinds).toContain('INVALID_KEY chatUsers');
    expect(kinds).toContain('UNKNOWN_NAMESPACE nobody declared this');
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(await app.ends()).toBe(0);
  });

  it('sees no unhandled rejection but of what it chains itself', async () => {
    const app = new App({ WATCH: 'yes' });
    await app.child.prints(/ready/);
    await app.does('refuse');
    await app.does('settled');
    expect(app.child.output).not.toContain('unhandled');
    await app.does('chain');
    await app.child.prints(/unhandled INVALID_KEY/);
    expect(await app.ends()).toBe(0);
  });

  it('ends by what it chains itself and does not catch', async () => {
    const app = new App();
    await app.child.prints(/ready/);
    app.child.process.stdin.write('chain\n');
    expect((await app.child.ended).code).toBe(1);
    expect(app.child.output).toContain('INVALID_KEY');
  });
});
