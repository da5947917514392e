import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Child } from '../../support/child-process.js';

const run = promisify(execFile);
const REPOSITORY = resolve(import.meta.dirname, '../../..');
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
    await cp(join(APPS, 'scores'), join(this.folder, 'src/scores'), { recursive: true });
    const packed = join(this.folder, 'packed');
    await mkdir(packed);
    // Without the script that builds: other tests are running what is built.
    const { stdout } = await run(
      'npm',
      ['pack', '--ignore-scripts', '--json', '--pack-destination', packed],
      {
        cwd: REPOSITORY,
      },
    );
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    await cp(join(packed, filename), join(this.folder, 'nestjs-durable-cache.tgz'));
    const answer = await this.#npm(
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    );
    this.installed = answer.stdout + answer.stderr;
    for (const native of natives) await this.#build(native);
  }

  /** Resolves when every dependency, peers included, is there in a version that whoever wants it accepts. */
  async listDependencies(): Promise<string> {
    return (await this.#npm('ls', '--all')).stdout;
  }

  async addSource(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, 'src', name), text);
  }

  async compile(): Promise<void> {
    const tsc = join(this.folder, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', '.'], { cwd: this.folder }).catch((error: { stdout: string }) => {
      throw new Error(`${this.name} does not compile:\n${error.stdout}`);
    });
  }

  async start(variables: Readonly<Record<string, string>> = {}): Promise<RunningApp> {
    const child = new Child(process.execPath, ['dist/main.js'], {
      cwd: this.folder,
      env: { PATH: process.env['PATH'], NO_COLOR: '1', PORT: '0', ...variables },
    });
    const [, url = ''] = await child.prints(/Listening on (\S+)\n/);
    return new RunningApp(child, url);
  }

  /** Runs a command of an installed package; resolves with what it printed. */
  async npx(...args: string[]): Promise<string> {
    return (await run('npx', ['--no-install', ...args], { cwd: this.folder })).stdout;
  }

  #npm(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return run('npm', args, { cwd: this.folder });
  }

  /**
   * Compiling a driver takes a minute. Where this repository's own install has compiled the very same version, its
   * binary is taken; the rest of the package is the app's own.
   */
  async #build(native: string): Promise<void> {
    const theirs = packageOf(native, this.folder);
    const ours = packageOf(native, REPOSITORY);
    if (ours === undefined || ours.version !== theirs?.version) {
      await this.#npm('rebuild', native);
    } else {
      await cp(join(ours.folder, 'build/Release'), join(theirs.folder, 'build/Release'), { recursive: true });
    }
  }
}

/** A started app, spoken to over HTTP. */
export class RunningApp {
  constructor(
    private readonly child: Child,
    private readonly url: string,
  ) {}

  get output(): string {
    return this.child.output;
  }

  async request(method: 'GET' | 'POST' | 'DELETE', path: string): Promise<unknown> {
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

function packageOf(name: string, folder: string): { folder: string; version: string } | undefined {
  const require = createRequire(join(folder, 'package.json'));
  try {
    const path = require.resolve(`${name}/package.json`);
    return { folder: dirname(path), version: (require(path) as { version: string }).version };
  } catch {
    return undefined;
  }
}
