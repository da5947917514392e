import type { QueryRunner } from 'typeorm';
import type { Place } from '../listed-storage.js';

/** MariaDB has no identity of a server in the versions that are common. */
const WHERE = `
  SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir, DATABASE()) AS \`identity\`,
    (SELECT COUNT(*) FROM information_schema.PROCESSLIST p WHERE p.DB = DATABASE() AND p.ID <> CONNECTION_ID()) AS \`others\``;

/** Sessions have no name there, and those of other users are only shown to whoever has the right to see processes. */
export async function placeOnMysql(runner: QueryRunner): Promise<Place> {
  const [found] = (await runner.query(WHERE)) as [{ identity: string; others: string | number }];
  return { identity: `mysql ${found.identity}`, caches: 0, others: Number(found.others) };
}
