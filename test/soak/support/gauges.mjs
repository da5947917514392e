import { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** How long what is being closed may take to be gone, ms. */
const CLOSING_MS = 5000;

/** Those that were connected and are still in memory, whether they are open or not. */
const sockets = new Set();
const clients = new Set();
let connects = 0;

/** From now on each socket and each client of `pg` that connects is counted, as long as anything holds it. */
export function watchConnections() {
  // Node opens them at their first use, which a log line of the load would be: they are no finding.
  for (const stream of [process.stdout, process.stderr]) stream.write('');
  watch(Socket.prototype, (socket) => {
    connects += 1;
    sockets.add(new WeakRef(socket));
  });
  watch(pg.Client.prototype, (client) => clients.add(new WeakRef(client)));
}

function watch(prototype, seen) {
  const { connect } = prototype;
  prototype.connect = function connectWatched(...args) {
    seen(this);
    return Reflect.apply(connect, this, args);
  };
}

/** What the process holds once its garbage is collected. */
export async function sample() {
  // What was used in one turn of the event loop is held until its end.
  for (let i = 0; i < 2; i += 1) {
    await turn();
    globalThis.gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((type) => type === 'Timeout' || type === 'Immediate').length;
  return {
    heapMb: heapUsed / 1e6,
    externalMb: external / 1e6,
    resources: resources.length - timers,
    timers,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    openSockets: resources.filter((type) => type === 'TCPSocketWrap').length,
    sockets: countHeld(sockets),
    clients: countHeld(clients),
    connects,
  };
}

/** The first sample that holds no more resources than `before`; the last one where there is none in time. */
export async function sampleAtRest(before) {
  const deadline = performance.now() + CLOSING_MS;
  for (;;) {
    const now = await sample();
    if (now.resources <= before.resources || performance.now() > deadline) return now;
    await delay(20);
  }
}

function countHeld(refs) {
  for (const ref of refs) if (ref.deref() === undefined) refs.delete(ref);
  return refs.size;
}
