import {
  spawn,
  type ChildProcessWithoutNullStreams,
  type SpawnOptionsWithoutStdio,
} from 'node:child_process';
import { once } from 'node:events';

/** How a child process ended, and all it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** A process started by a test: its output by the line, its end as a promise. */
export class Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  output = '';
  readonly #watchers = new Set<() => void>();

  constructor(command: string, args: readonly string[], options: SpawnOptionsWithoutStdio = {}) {
    this.process = spawn(command, args, options);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.output += text;
        for (const look of this.#watchers) look();
      });
    }
    this.ended = once(this.process, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      output: this.output,
    }));
  }

  /** Resolves when the output matches; rejects when the process ends before. */
  prints(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.output);
        if (match === null) return;
        this.#watchers.delete(look);
        resolve(match);
      };
      this.#watchers.add(look);
      look();
      void this.ended.then(() => {
        reject(new Error(`The process ended without printing ${String(pattern)}:\n${this.output}`));
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}
