import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../support/child-process.js';
import { freePort } from '../../support/free-port.js';

export type Request = readonly [method: 'GET' | 'POST' | 'DELETE', path: string];

/** A started app, spoken to over HTTP. */
export class RunningApp {
  private constructor(
    private readonly child: Child,
    private readonly url: string,
  ) {}

  /** Starts the compiled `script` of the app in `folder`, on a port that is free. Resolves when it listens there. */
  static async start(
    folder: string,
    script: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<RunningApp> {
    const port = await freePort();
    const child = new Child(process.execPath, [join('dist', script)], {
      cwd: folder,
      env: { PATH: process.env['PATH'], NO_COLOR: '1', PORT: String(port), ...variables },
    });
    await child.prints(/successfully started/);
    // It listens a little after it has said so.
    while (!(await accepts(port))) {
      if (child.process.exitCode !== null) throw new Error(`${script} does not listen:\n${child.output}`);
      await delay(20);
    }
    return new RunningApp(child, `http://127.0.0.1:${port}`);
  }

  get output(): string {
    return this.child.output;
  }

  async request(...[method, path]: Request): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, { method });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}\n${this.output}`);
    return response.json();
  }

  /** Stops it as a process manager does; resolves with the signal it ended by. */
  async stop(): Promise<NodeJS.Signals | null> {
    this.child.kill('SIGTERM');
    return (await this.child.ended).signal;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
