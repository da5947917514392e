import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { skip } from './services.js';

/** How to make and run a server of one kind. */
interface Recipe {
  readonly name: string;
  /** The user that it runs as when the tests run as root, where it refuses that. */
  readonly user?: string;
  /** The programs that make a data folder and run the server; `undefined` where they are not installed. */
  readonly programs: readonly [make: string, run: string] | undefined;
  /** What is to be run before its first start; nothing where the server needs no data folder. */
  make?(program: string, folder: string): readonly [string, readonly string[]];
  args(folder: string, port: number): readonly string[];
  url(port: number): string;
  /** Resolves when a client gets in. */
  ping(url: string): Promise<unknown>;
}

/** Whom a server runs as; empty for whoever runs the tests. */
interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

/** A server of the tests' own, in a temporary folder on a free port: they stop, freeze and fill it as they like. */
export class PrivateServer {
  #process: ChildProcess | undefined;

  private constructor(
    private readonly recipe: Recipe,
    private readonly program: string,
    readonly folder: string,
    private readonly port: number,
    private readonly identity: Identity,
  ) {}

  /** Makes and starts one, or says why there is none. */
  static async of(recipe: Recipe): Promise<PrivateServer | undefined> {
    const { programs, name, user } = recipe;
    if (programs === undefined) {
      skip(`${name}: its server programs are not installed.`);
      return undefined;
    }
    const folder = mkdtempSync(join(tmpdir(), 'durable-cache-server-'));
    const identity: Identity = user !== undefined && process.getuid?.() === 0 ? idsOf(user) : {};
    if (identity.uid !== undefined) {
      chmodSync(folder, 0o755);
      chownSync(folder, identity.uid, identity.gid ?? 0);
    }
    if (recipe.make !== undefined) {
      const [program, args] = recipe.make(programs[0], folder);
      execFileSync(program, args, { ...identity, cwd: folder, stdio: 'pipe' });
    }
    const server = new PrivateServer(recipe, programs[1], folder, await freePort(), identity);
    await server.start();
    return server;
  }

  get url(): string {
    return this.recipe.url(this.port);
  }

  async start(): Promise<void> {
    this.#process = spawn(this.program, this.recipe.args(this.folder, this.port), {
      ...this.identity,
      cwd: this.folder,
      stdio: 'ignore',
    });
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.recipe.ping(this.url);
        return;
      } catch (error) {
        if (attempt > 300 || this.#process.exitCode !== null) throw error;
        await delay(50);
      }
    }
  }

  /** Ends it: SIGTERM and SIGINT let it finish, SIGKILL is a crash. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (running === undefined || !this.#isRunning) return;
    const ended = once(running, 'exit');
    if (signal === 'SIGKILL') {
      // The server first, and suspended: a child that it made meanwhile would go on without it, and commit what it is sent.
      await suspend(this.#self());
      signalAll(this.#children(), signal);
    }
    running.kill(signal);
    await ended;
  }

  /** It answers nothing any more, and its connections stay open. */
  async freeze(): Promise<void> {
    // The server first: it makes no more children then.
    await suspend(this.#self());
    await suspend(this.#children());
  }

  thaw(): void {
    signalAll([...this.#children(), ...this.#self()], 'SIGCONT');
  }

  /** Runs and answers again, whatever a test that failed left it in. */
  async revive(): Promise<void> {
    this.thaw();
    if (!this.#isRunning) await this.start();
  }

  async remove(): Promise<void> {
    this.thaw();
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A folder in which the server may keep data. */
  subfolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    this.own(path);
    return path;
  }

  /** Puts a copy of its data folder in the place of that. It has to be stopped. */
  replaceData(copy: string): void {
    const data = join(this.folder, 'data');
    rmSync(data, { recursive: true });
    cpSync(copy, data, { recursive: true });
    this.own(data);
    for (const path of readdirSync(data, { recursive: true, encoding: 'utf8' })) this.own(join(data, path));
  }

  own(path: string): void {
    if (this.identity.uid !== undefined) chownSync(path, this.identity.uid, this.identity.gid ?? 0);
  }

  get #isRunning(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  /** The server's own process, while it runs. */
  #self(): number[] {
    const { pid } = this.#process ?? {};
    return pid === undefined || !this.#isRunning ? [] : [pid];
  }

  #children(): number[] {
    return this.#self().flatMap((pid) => {
      const listed = spawnSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' }).stdout;
      return listed.split('\n').map(Number).filter(Boolean);
    });
  }
}

/** Stops processes, and waits until they stand still. */
async function suspend(pids: readonly number[]): Promise<void> {
  signalAll(pids, 'SIGSTOP');
  // The signal stops the thread that takes it, which stops the others: one of them may answer meanwhile.
  while (statesOf(pids).some((state) => !/^[TZ]/.test(state))) await delay(1);
}

/** One that has ended meanwhile, as the session of a client that left, needs no signal. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** The state of each thread of some processes, as ps says it: T is stopped, Z has ended. */
function statesOf(pids: readonly number[]): string[] {
  if (pids.length === 0) return [];
  const listed = spawnSync('ps', ['-L', '-o', 'stat=', '-p', pids.join()], { encoding: 'utf8' }).stdout;
  return listed.split('\n').filter(Boolean);
}

/** The first of the places that hold all of `names`, in its folder. */
export function findPrograms(
  places: readonly string[],
  names: readonly [string, string],
): readonly [string, string] | undefined {
  const place = places.find((folder) => names.every((name) => existsSync(join(folder, name))));
  return place === undefined ? undefined : [join(place, names[0]), join(place, names[1])];
}

/** The folders in `parent`, newest version first. */
export function versionsIn(parent: string): string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent).sort((a, b) => Number(b) - Number(a));
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (option: string): number => Number(execFileSync('id', [option, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
