import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { Child, type Ended } from '../../support/child-process.js';

const APP = resolve(import.meta.dirname, '../drill-app.mjs');

/** The versions of the keys that an application has written, as its notes have them. */
export interface Noted {
  readonly begun: ReadonlyMap<string, number>;
  readonly acknowledged: ReadonlyMap<string, number>;
}

export interface DrillAppOptions {
  /** What its keys begin with. */
  readonly name: string;
  /** The working directory: where the default file and the rescue journals go. */
  readonly folder: string;
  /** `undefined` for the default file. */
  readonly storage: DataSourceOptions | undefined;
  /** By default as many as the database is made for. */
  readonly instances?: 'one' | 'many' | undefined;
}

/** One process of the application of a drill. */
export class DrillApp {
  readonly #child: Child;
  readonly #notes: string;
  #asked = 0;

  private constructor({ name, folder, storage, instances }: DrillAppOptions) {
    this.#notes = join(folder, `${name}.ndjson`);
    const options = JSON.stringify({ name, storage, instances, notes: this.#notes });
    this.#child = new Child(process.execPath, [APP, options], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
    });
  }

  /** Resolves when it serves. */
  static async start(options: DrillAppOptions): Promise<DrillApp> {
    const app = new DrillApp(options);
    await app.#child.prints(/^serving$/m);
    return app;
  }

  /** All it has logged, among what else it has printed. */
  get output(): string {
    return this.#child.output;
  }

  /** Resolves when it has printed that. */
  async hasPrinted(pattern: RegExp): Promise<void> {
    await this.#child.prints(pattern);
  }

  /** Does a task of the application. Rejects with its error code. */
  async ask(task: string, options: object = {}): Promise<unknown> {
    this.#asked += 1;
    const id = this.#asked;
    this.#child.process.stdin.write(`${JSON.stringify({ id, task, ...options })}\n`);
    const [, text = ''] = await this.#child.prints(new RegExp(`^reply ${id} (.*) \\.$`, 'm'));
    const { result, error } = JSON.parse(text) as { result?: unknown; error?: string };
    if (error !== undefined) throw new Error(error);
    return result;
  }

  /** Resolves when it has made so many writes more. */
  async writesMore(writes: number): Promise<void> {
    const before = this.#writes;
    await this.#child.prints(new RegExp(`^(?:[^#]*#){${before + writes}}`));
  }

  noted(): Noted {
    const begun = new Map<string, number>();
    const acknowledged = new Map<string, number>();
    const text = readFileSync(this.#notes, 'utf8');
    // The last line may be under way.
    for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n').filter(Boolean)) {
      const one = JSON.parse(line) as { begun?: string; acknowledged?: string; version: number };
      if (one.begun !== undefined) begun.set(one.begun, one.version);
      if (one.acknowledged !== undefined) acknowledged.set(one.acknowledged, one.version);
    }
    return { begun, acknowledged };
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.#child.ended;
  }

  /** It prints a sign for each. */
  get #writes(): number {
    return this.output.split('#').length - 1;
  }
}
