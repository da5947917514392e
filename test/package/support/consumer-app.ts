import { execFile } from 'node:child_process';
import { cp, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { addSubpaths, copySources } from './app-sources.js';
import { buildNative, packInto } from './packed-package.js';
import { RunningApp } from './running-app.js';

const run = promisify(execFile);
const APPS = resolve(import.meta.dirname, '../apps');

/** An application as a user of the package has it: in a folder of its own, with the packed package from npm's hands. */
export class ConsumerApp {
  /** What npm said when it installed. */
  installed = '';

  constructor(
    private readonly name: string,
    readonly folder: string,
  ) {}

  /** Packs what is built, and installs the app with it. `natives` are its packages that must be compiled. */
  async install(natives: readonly string[]): Promise<void> {
    await cp(join(APPS, this.name), this.folder, { recursive: true });
    await copySources('scores', this.folder);
    await packInto(this.folder);
    const answer = await this.#npm(
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    );
    this.installed = answer.stdout + answer.stderr;
    for (const native of natives) await buildNative(native, this.folder);
  }

  /** Resolves when every dependency, peers included, is there in a version that whoever wants it accepts. */
  async listDependencies(): Promise<string> {
    return (await this.#npm('ls', '--all')).stdout;
  }

  async addSource(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, 'src', name), text);
  }

  /** Adds tests in the way of the app's own runner, and an import of each subpath of the package. */
  async addTests(): Promise<void> {
    await copySources('specs', this.folder);
    await addSubpaths(this.folder);
  }

  async compile(): Promise<void> {
    const tsc = join(this.folder, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', '.'], { cwd: this.folder }).catch((error: { stdout: string }) => {
      throw new Error(`${this.name} does not compile:\n${error.stdout}`);
    });
  }

  /** Resolves with what `npm test` printed; rejects with that where a test fails. */
  async test(): Promise<string> {
    const { stdout, stderr } = await this.#npm('test').catch((error: { stdout: string; stderr: string }) => {
      throw new Error(`The tests of ${this.name} fail:\n${error.stdout}${error.stderr}`);
    });
    return stdout + stderr;
  }

  start(script: string, variables?: Readonly<Record<string, string>>): Promise<RunningApp> {
    return RunningApp.start(this.folder, script, variables);
  }

  /** Runs a command of an installed package; resolves with what it printed. */
  async npx(...args: string[]): Promise<string> {
    return (await run('npx', ['--no-install', ...args], { cwd: this.folder })).stdout;
  }

  #npm(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return run('npm', args, { cwd: this.folder, env: { ...process.env, NO_COLOR: '1' } });
  }
}
