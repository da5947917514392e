import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const APP = resolve('test/browser/support/inspected-app.mjs');

/** With what an application is started. */
export interface AppOptions {
  readonly storage: Readonly<Record<string, unknown>>;
  readonly inspector?: Readonly<Record<string, unknown>>;
}

/** The namespaces that it has. */
export type NamespaceName = 'notes' | 'members' | 'visits' | 'drafts' | 'odd';

type Answer =
  { readonly id: number; readonly result?: unknown; readonly error?: string } | { readonly port: number };

/** A process with the built package and its inspector in it, on `/cache`. */
export class InspectedApp {
  #calls = 0;

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start({ inspector = {}, ...options }: AppOptions): Promise<InspectedApp> {
    const child = fork(APP, [JSON.stringify({ inspector, ...options })], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const started = once(child, 'message').then(([message]) => message as { port: number });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`The application has ended with ${String(code)}.`);
    });
    ended.catch(() => undefined);
    const { port } = await Promise.race([started, ended]);
    return new InspectedApp(child, port);
  }

  /** The address of a place in the inspector: `#/ns/notes`. */
  url(hash = ''): string {
    return `http://127.0.0.1:${this.port}/cache${hash}`;
  }

  /** Has it call a method of a namespace; resolves with what that resolves with. */
  call(namespace: NamespaceName, method: string, ...args: unknown[]): Promise<unknown> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((done, failed) => {
      const listen = (message: Answer): void => {
        if (!('id' in message) || message.id !== id) return;
        this.child.off('message', listen);
        if (message.error === undefined) done(message.result);
        else failed(new Error(message.error));
      };
      this.child.on('message', listen);
      this.child.send({ id, namespace, method, args });
    });
  }

  /** It does nothing any more, and breaks no connection, until the function given back is called. */
  freeze(): () => void {
    this.child.kill('SIGSTOP');
    return () => this.child.kill('SIGCONT');
  }

  /** Stops it as an application is stopped, or at once. */
  async stop(how: 'gracefully' | 'at once' = 'gracefully'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    if (how === 'at once') this.child.kill('SIGKILL');
    else this.child.disconnect();
    await exit;
  }
}
