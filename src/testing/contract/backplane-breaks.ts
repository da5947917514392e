import assert from 'node:assert/strict';
import type { BackplaneCase } from './backplane-case.js';
import type { BackplaneEnd } from './backplane-end.js';

/** What it does when its connection breaks. */
export function backplaneBreaks(contract: BackplaneCase): void {
  const { it, openEnd } = contract;

  it('makes a new connection when it is told that nothing is heard: down with what it was told, and up again', async () => {
    const end = await openEnd();
    const error = new Error('nothing is heard');
    end.backplane.reconnect(error);
    await end.told(3);
    assert.deepEqual(end.states, ['up', 'down', 'up']);
    assert.deepEqual(end.causes, [error]);
    await end.hearsItself('after a new connection');
  });

  it('makes one new connection however often it is told', async () => {
    const end = await openEnd();
    for (let i = 0; i < 3; i += 1) end.backplane.reconnect(new Error(`nothing is heard: ${i}`));
    await end.told(3);
    await end.hearsItself('after a new connection');
    assert.deepEqual(end.states, ['up', 'down', 'up']);
  });

  it('refuses to publish while it is down', async () => {
    await refusesWhileDown(await openEnd(), (end) => end.backplane.reconnect(new Error('nothing is heard')));
  });

  it('says nothing more when it is closed while it is down', async () => {
    const [closed, other] = [await openEnd(), await openEnd()];
    const nowClosed = whenDown(closed, () => closed.backplane.close());
    closed.backplane.reconnect(new Error('nothing is heard'));
    await nowClosed;
    // Whoever goes on has a new connection: so would the one that is closed.
    other.backplane.reconnect(new Error('nothing is heard'));
    await other.told(3);
    await other.hearsItself('after a new connection');
    assert.deepEqual(closed.states, ['up', 'down']);
    assert.deepEqual(closed.texts, []);
  });

  if (contract.canCut) cutConnections(contract);
}

function cutConnections({ it, openEnd, openEnds, cut }: BackplaneCase): void {
  it('comes back when its connection is cut: down once, with the reason, and up once', async () => {
    const ends = await openEnds(2);
    await cut();
    for (const end of ends) {
      await end.told(3);
      assert.deepEqual(end.states, ['up', 'down', 'up']);
      assert.ok(end.causes[0] instanceof Error);
    }
    for (const [index, end] of ends.entries()) await end.hearsItself(`from ${index}`);
    for (const end of ends) assert.deepEqual(end.states, ['up', 'down', 'up']);
  });

  it('comes back each time', async () => {
    const end = await openEnd();
    for (let times = 1; times <= 3; times += 1) {
      await cut();
      await end.told(1 + 2 * times);
      await end.hearsItself(`after cut ${times}`);
    }
    assert.deepEqual(end.states, ['up', 'down', 'up', 'down', 'up', 'down', 'up']);
  });

  it('refuses to publish while its connection is cut', async () => {
    await refusesWhileDown(await openEnd(), cut);
  });

  it('settles whatever is being published when its connection is cut', async () => {
    const end = await openEnd();
    let settled = 0;
    const publishAll = async (): Promise<void> => {
      while (end.states.length < 3) {
        await end.publish('into the cut').catch(() => undefined);
        settled += 1;
        await new Promise(setImmediate);
      }
    };
    const published = publishAll();
    await end.heard(1);
    await cut();
    await published;
    assert.ok(settled > 1);
    assert.deepEqual(end.states, ['up', 'down', 'up']);
  });
}

/** Publishes in the very call that says that the end is down, and once more a turn later. */
async function refusesWhileDown(
  end: BackplaneEnd,
  takeDown: (end: BackplaneEnd) => void | Promise<void>,
): Promise<void> {
  const refused = whenDown(end, () => end.refusesToPublish());
  await takeDown(end);
  await refused;
  await end.told(3);
  await end.hearsItself('up again');
}

/** Runs `task` in the call that tells that the end is down. */
function whenDown(end: BackplaneEnd, task: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    end.onState = (state) => {
      if (state === 'down') task().then(resolve, reject);
    };
  });
}
