import { describe, expect, it } from 'vitest';
import { aboutThisProcess, nameIn, readAbout } from '../../../src/core/sharing/about-process.js';
import { Sightings } from '../../../src/core/sharing/sightings.js';

describe('the sightings of instances', () => {
  it('say when each has gone on last, by its beat or by its log', () => {
    let now = 1;
    const sightings = new Sightings({ now: () => now });
    sightings.note([
      { writer: 1, n: 0, beat: 0 },
      { writer: 2, n: 5, beat: 3 },
      { writer: 3, n: 5, beat: -1 },
    ]);
    now = 2;
    sightings.note([
      { writer: 1, n: 0, beat: 0 },
      { writer: 2, n: 6, beat: 3 },
    ]);
    expect(sightings.all).toEqual([
      { writer: 1, n: 0, beat: 0, lastSeen: 1 },
      { writer: 2, n: 6, beat: 3, lastSeen: 2 },
    ]);
    now = 3;
    sightings.note([{ writer: 1, n: 0, beat: 1 }]);
    expect(sightings.all).toEqual([{ writer: 1, n: 0, beat: 1, lastSeen: 3 }]);
  });
});

describe('what the row of an instance says of its process', () => {
  it('is read as it is written', () => {
    const at = Date.UTC(2026, 0, 1);
    const about = aboutThisProcess(at);
    expect(readAbout(about)).toEqual({ host: expect.any(String) as string, pid: process.pid, since: at });
    expect(nameIn(about)).toMatch(new RegExp(`^.+, process ${process.pid}$`));
  });

  it.each([
    ['a host, process 7', { host: 'a host', pid: 7, since: undefined }, 'a host, process 7'],
    [
      'a, process 1, process 7, since never',
      { host: 'a, process 1', pid: 7, since: undefined },
      'a, process 1, process 7',
    ],
    ['something else', { host: undefined, pid: undefined, since: undefined }, 'something else'],
  ])('may be less, or by another version: %s', (about, read, name) => {
    expect(readAbout(about)).toEqual(read);
    expect(nameIn(about)).toBe(name);
  });
});
