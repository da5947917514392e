import { deepStrictEqual, doesNotMatch, equal } from 'node:assert/strict';
import type { Request, RunningApp } from './running-app.js';

/** Something else that an app remembers. */
export interface Also {
  readonly write: Request;
  readonly read: Request;
  readonly answer: unknown;
}

/** Rejects unless an app with the scores, stopped as process managers do and started again, remembers what it should. */
export async function assertRemembers(start: () => Promise<RunningApp>, also?: Also): Promise<void> {
  const first = await start();
  await first.request('POST', '/players/bob/hours/7/points/1');
  await first.request('POST', '/players/ada/hours/7/points/10');
  const before = await first.request('POST', '/players/ada/hours/7/points/5');
  deepStrictEqual(before, { points: 15, thisHour: 16, streak: 2 });
  deepStrictEqual(await first.request('DELETE', '/players/bob'), { forgotten: true });
  // Decorated methods, as the app's compiler makes them.
  const title = { title: 'ada the great', asked: 1 };
  for (let time = 0; time < 2; time += 1)
    deepStrictEqual(await first.request('GET', '/players/ada/title'), title);
  await first.request('GET', '/players/bob/title');
  deepStrictEqual(await first.request('DELETE', '/players/bob/title'), { forgotten: 'bob' });
  if (also !== undefined) await first.request(...also.write);
  await assertStops(first);

  const second = await start();
  const ada = { points: 15, thisHour: 16, streak: 0 };
  const gone = { points: 0, thisHour: 0, streak: 0 };
  deepStrictEqual(await second.request('GET', '/players/ada/hours/7'), ada);
  deepStrictEqual(await second.request('GET', '/players/bob/hours/8'), gone);
  deepStrictEqual(await second.request('GET', '/players/ada/title'), { ...title, asked: 0 });
  deepStrictEqual(await second.request('GET', '/players/bob/title'), { title: 'bob the great', asked: 1 });
  if (also !== undefined) deepStrictEqual(await second.request(...also.read), also.answer);
  await assertStops(second);
}

/** Rejects unless the app ends by the signal, and complained of nothing in its life. */
export async function assertStops(app: RunningApp): Promise<void> {
  equal(await app.stop(), 'SIGTERM');
  doesNotMatch(app.output, /WARN|ERROR/i);
}
