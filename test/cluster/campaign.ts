import { setTimeout as delay } from 'node:timers/promises';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import type { DataSourceOptions } from 'typeorm';
import { startApp } from '../support/nest-app.js';
import { check, type FinalRows, type Verdict } from './checker.js';
import { Cluster, now, type ClusterOptions } from './cluster.js';
import type { LifeHistory } from './history.js';
import type { Target } from './targets.js';

export interface CampaignOptions extends ClusterOptions {
  readonly seconds: number;
  /** Between two faults, ms; `false` for none. */
  readonly faultEveryMs: number | false;
  /** For how long one worker is suspended beside all else, ms: longer than others keep what it has not read. 0 for none. */
  readonly longStopMs: number;
}

export interface CampaignResult extends Verdict {
  readonly lives: readonly LifeHistory[];
  readonly kills: number;
  readonly stops: number;
  readonly cuts: number;
}

/** Lets processes work on one new database, with faults all the time, and judges what they noted. */
export async function campaign(target: Target, options: CampaignOptions): Promise<CampaignResult> {
  const storage = await target.storage();
  const cluster = new Cluster(target, storage, options);
  try {
    await cluster.start();
    const longStop = options.longStopMs > 0 ? cluster.suspend(options.longStopMs) : undefined;
    await faults(cluster, target, options);
    await longStop;
    await cluster.finish();
  } finally {
    cluster.abandon();
  }
  const lives = cluster.histories();
  const { kills, stops, cuts } = cluster;
  return { ...check(lives, await finalRows(storage, lives), options.maxStaleMs), lives, kills, stops, cuts };
}

async function faults(cluster: Cluster, target: Target, options: CampaignOptions): Promise<void> {
  const until = now() + options.seconds * 1000;
  const { faultEveryMs } = options;
  if (faultEveryMs === false) return delay(options.seconds * 1000);
  const kinds = [
    () => cluster.kill(),
    () => cluster.suspend(options.maxStaleMs * 1.5),
    ...(target.cut === undefined ? [] : [() => cluster.cut('listeners'), () => cluster.cut('one')]),
  ];
  const underWay: Promise<void>[] = [];
  for (let n = 0; now() + faultEveryMs < until; n += 1) {
    await delay(faultEveryMs * (0.5 + Math.random()));
    const fault = kinds[n % kinds.length]?.();
    if (fault !== undefined) underWay.push(fault);
  }
  await delay(Math.max(0, until - now()));
  await Promise.all(underWay);
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
