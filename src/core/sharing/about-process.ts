import { hostname } from 'node:os';

/** What the row of an instance says about its process. A later version may say more, in other words. */
const ABOUT = /^(?<name>(?<host>.*), process (?<pid>\d+))(?:, since (?<since>\S+))?$/s;

/** A process, as far as the row of its instance says. */
export interface ProcessAbout {
  readonly host: string | undefined;
  readonly pid: number | undefined;
  /** Since when it works on the storage, by its own wall clock, ms. */
  readonly since: number | undefined;
}

/** What others are told of this process, which joins them at `now`. */
export function aboutThisProcess(now: number): string {
  return `${hostname()}, process ${process.pid}, since ${new Date(now).toISOString()}`;
}

/** What people call a process. */
export function nameIn(about: string): string {
  return ABOUT.exec(about)?.groups?.['name'] ?? about;
}

export function readAbout(about: string): ProcessAbout {
  const { host, pid, since } = ABOUT.exec(about)?.groups ?? {};
  const time = Date.parse(since ?? '');
  return {
    host,
    pid: pid === undefined ? undefined : Number(pid),
    since: Number.isNaN(time) ? undefined : time,
  };
}
