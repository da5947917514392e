import { setTimeout as delay } from 'node:timers/promises';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import type { DataSourceOptions } from 'typeorm';
import { startApp } from '../support/nest-app.js';
import { check, type FinalRows, type Verdict } from './checker.js';
import { Cluster, now, type ClusterOptions } from './cluster.js';
import type { LifeHistory } from './history.js';
import type { Ground, Mishap } from './ground.js';
import type { Target } from './targets.js';

export interface CampaignOptions extends ClusterOptions {
  readonly seconds: number;
  /** Between two faults, ms. */
  readonly faultEveryMs: number;
  /** For how long one worker is suspended beside all else, ms: longer than others keep what it has not read. 0 for none. */
  readonly longStopMs: number;
  /** Whether servers are started for it, which are restarted. */
  readonly hasOwnServers: boolean;
}

export interface CampaignResult extends Verdict {
  readonly lives: readonly LifeHistory[];
  /** How often each thing happened. */
  readonly happened: Readonly<Record<Happening, number>>;
  /** Starts that what happened meanwhile made fail: they were made again. */
  readonly failedStarts: number;
}

type Happening = 'kill' | 'stop' | Mishap['kind'];

/** Lets processes work on one new database, with faults all the time, and judges what they noted. */
export async function campaign(target: Target, options: CampaignOptions): Promise<CampaignResult> {
  const ground = await target.ground(options.hasOwnServers);
  const cluster = new Cluster(target.wire, ground, options);
  const happened: Record<Happening, number> = { kill: 0, stop: 0, cut: 0, slow: 0, swallow: 0, restart: 0 };
  try {
    await cluster.start();
    const longStop = options.longStopMs > 0 ? cluster.suspend(options.longStopMs) : undefined;
    if (longStop !== undefined) happened.stop += 1;
    await faults(cluster, ground, options, happened);
    await longStop;
    await cluster.finish();
    const lives = cluster.histories();
    const final = await finalRows(ground.undisturbed, lives);
    const { failedStarts } = cluster;
    return { ...check(lives, final, options.maxStaleMs), lives, happened, failedStarts };
  } finally {
    cluster.abandon();
    await ground.close();
  }
}

/** Lets one thing after the other happen, by turns, without waiting for its end. */
async function faults(
  cluster: Cluster,
  { mishaps }: Ground,
  { seconds, faultEveryMs, maxStaleMs }: CampaignOptions,
  happened: Record<Happening, number>,
): Promise<void> {
  const until = now() + seconds * 1000;
  const all: readonly { readonly kind: Happening; readonly happen: () => Promise<unknown> }[] = [
    { kind: 'kill', happen: () => cluster.kill() },
    { kind: 'stop', happen: () => cluster.suspend(maxStaleMs * 1.5) },
    ...mishaps,
  ];
  const underWay = new Map<(typeof all)[number], Promise<unknown>>();
  for (let n = 0; now() + faultEveryMs < until; n += 1) {
    await delay(faultEveryMs * (0.5 + Math.random()));
    const fault = all[n % all.length];
    if (fault === undefined) continue;
    // The same once more would begin in the middle of it.
    await underWay.get(fault);
    happened[fault.kind] += 1;
    underWay.set(fault, fault.happen());
  }
  await delay(Math.max(0, until - now()));
  await Promise.all(underWay.values());
}

const lists = defineNamespace({ name: 'lists', key: stringKey(), value: json<string[]>() });
const counters = defineNamespace({ name: 'counters', key: stringKey(), value: json<number>() });

/** What is in the database of all that the workers wrote to. */
async function finalRows(storage: DataSourceOptions, lives: readonly LifeHistory[]): Promise<FinalRows> {
  const app = await startApp([
    CacheModule.forRoot({ storage, instances: 'many', backplane: false, namespaces: [lists, counters] }),
  ]);
  const service = app.get(CacheService);
  const rows = { lists: new Map<string, readonly string[]>(), counters: new Map<string, number>() };
  for (const key of new Set(lives.flatMap(({ begun }) => begun.map((write) => write.key)))) {
    if (key.startsWith('counter')) {
      rows.counters.set(key, (await service.namespace(counters).refresh(key)) ?? 0);
    } else {
      const ids = await service.namespace(lists).refresh(key);
      if (ids !== undefined) rows.lists.set(key, ids);
    }
  }
  await app.close();
  return rows;
}
