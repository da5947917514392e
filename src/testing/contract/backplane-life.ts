import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackplaneCase } from './backplane-case.js';

/** How long what was closed may take to be gone, ms. */
const GONE_MS = 2000;

/** How it begins, and how it ends. */
export function backplaneLife({ it, closedEnd, openEnd, openEnds, newChannel }: BackplaneCase): void {
  it('says that it is up, once, before it has opened', async () => {
    const end = await openEnd();
    assert.deepEqual(end.states, ['up']);
  });

  it('hears what is published as soon as it has opened', async () => {
    const end = await openEnd();
    await end.hearsItself('at once');
  });

  it('refuses to publish before it is open', async () => {
    await (await closedEnd()).refusesToPublish();
  });

  it('refuses to publish once it is closed, and to open again', async () => {
    const end = await openEnd();
    await end.backplane.close();
    await end.refusesToPublish();
    await assert.rejects(end.open(newChannel()), Error);
  });

  it('hears nothing and says nothing once it is closed', async () => {
    const [closed, other] = [await openEnd(), await openEnd()];
    await closed.backplane.close();
    await other.hearsItself('after the close');
    assert.deepEqual(closed.texts, []);
    assert.deepEqual(closed.states, ['up']);
  });

  it('may be closed twice, and before it was opened', async () => {
    const end = await openEnd();
    await Promise.all([end.backplane.close(), end.backplane.close()]);
    await end.backplane.close();
    await (await closedEnd()).backplane.close();
  });

  it('may be closed while it opens: it says nothing then', async () => {
    const end = await closedEnd();
    const opened = end.open(newChannel());
    await end.backplane.close();
    await assert.rejects(opened, Error);
    assert.deepEqual(end.states, []);
  });

  it('leaves nothing that keeps the process alive once it is closed', async () => {
    const before = alive();
    const ends = await openEnds(2);
    await ends[0]?.hearsItself('a');
    for (const end of ends) await end.backplane.close();
    const until = Date.now() + GONE_MS;
    while (moreThan(before).length > 0 && Date.now() < until) await delay(5);
    assert.deepEqual(moreThan(before), []);
  });

  it('describes itself in a few words', async () => {
    const { backplane } = await closedEnd();
    assert.match(backplane.describe(), /^\w.{2,}$/);
  });
}

/** How many things of each kind keep the process alive. */
function alive(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Connections and timers that were not there before. */
function moreThan(before: ReadonlyMap<string, number>): string[] {
  return [...alive()]
    .filter(([kind, count]) => /Wrap$|^Timeout$/.test(kind) && count > (before.get(kind) ?? 0))
    .map(([kind]) => kind);
}
