// What a message takes with no cache round it: on PostgreSQL's NOTIFY, or Redis.
import { createClient } from '@redis/client';
import pg from 'pg';

const CHANNEL = 'bare_hop';

/** A sender and a listener on `wire`; `undefined` where nothing carries messages. Each is given a number, and gives one. */
export async function bareHop({ wire, storage, redis }) {
  if (wire === 'notify') {
    const client = new pg.Client({ connectionString: storage.url });
    await client.connect();
    return {
      send: (n) => client.query(`NOTIFY ${CHANNEL}, '${n}'`),
      async listen(heard) {
        client.on('notification', ({ payload }) => heard(Number(payload)));
        await client.query(`LISTEN ${CHANNEL}`);
      },
    };
  }
  if (wire !== 'redis') return undefined;
  const client = await createClient({ url: redis }).connect();
  // Redis has no databases of their own for channels.
  const channel = `${CHANNEL}:${new URL(storage.url).pathname}`;
  return {
    send: (n) => client.publish(channel, String(n)),
    listen: (heard) => client.subscribe(channel, (text) => heard(Number(text))),
  };
}
