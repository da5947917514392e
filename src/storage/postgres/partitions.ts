import type { QueryRunner } from 'typeorm';
import type { Attachment } from '../sql/attachment.js';
import { DEFAULT_PART, type NameOf } from '../sql/free-names.js';
import type { TableFault } from '../sql/table-fault.js';
import { inSchemaOf, type Catalogue } from './table-catalogue.js';

/** How a table is divided into partitions. */
export interface Partitioning {
  /** l by lists, r by ranges, h by hashes. */
  readonly strategy: 'l' | 'r' | 'h';
  /** By what; an expression has the name ''. */
  readonly columns: readonly string[];
}

const PARTITIONING = `
  SELECT p.partstrat AS "strategy", (SELECT json_agg(COALESCE(a.attname, '')) FROM unnest(p.partattrs) AS n(i)
    LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = n.i) AS "columns"
  FROM pg_partitioned_table p WHERE p.partrelid = to_regclass($1)`;

/** Only for a table that is partitioned: older versions know no partitions. */
export async function partitioningOf(runner: QueryRunner, table: string): Promise<Partitioning | undefined> {
  const [found] = (await runner.query(PARTITIONING, [table])) as Partitioning[];
  return found;
}

/** Whether a unique key on (namespace, key) is possible: it has to be on what the table is divided by. */
export function allowsUniqueKey({ columns }: Partitioning): boolean {
  return columns.every((column) => column === 'namespace' || column === 'key');
}

/** What takes the rows that no partition is for. There is no such thing for hashes. */
export function partitioningAttachment(
  { strategy }: Partitioning,
  table: string,
  nameOf: NameOf,
  rebuilding: string,
): Attachment {
  return {
    kind: 'partitioning',
    name: '',
    removal: strategy === 'h' ? rebuilding : defaultPart(table, nameOf),
  };
}

/** What is wrong with the tables that are parts of `table`, quoted, or inherit from it. */
export function partFaults(
  { kind, parts }: Catalogue,
  partitioning: Partitioning | undefined,
  table: string,
  nameOf: NameOf,
): TableFault[] {
  if (partitioning === undefined && kind !== 'p')
    return (parts ?? []).map(({ name }) => ({
      what: `the table ${name} inherits from it, whose rows its unique key does not cover`,
      remedy: `ALTER TABLE ${name} NO INHERIT ${table};`,
      isBeyondAdopting: true,
    }));
  const leaves = (parts ?? []).filter((part) => part.kind !== 'p');
  if (leaves.length === 0)
    return [
      {
        what: 'it has no partition that takes rows',
        remedy:
          partitioning?.strategy === 'h'
            ? `CREATE TABLE ${defaultName(table, nameOf)} PARTITION OF ${table} FOR VALUES WITH (MODULUS 1, REMAINDER 0);`
            : defaultPart(table, nameOf),
        isBeyondAdopting: true,
      },
    ];
  return leaves.flatMap(({ name, kind: ofPart, persistence }): TableFault[] => {
    if (ofPart === 'f')
      return [
        {
          what: `its partition ${name} is a table of another server`,
          remedy: `ALTER TABLE ${table} DETACH PARTITION ${name};`,
          note: `Its rows stay in ${name}.`,
          isBeyondAdopting: true,
        },
      ];
    if (persistence !== 'u') return [];
    return [
      {
        what: `its partition ${name} is unlogged, and a crash of the server empties it`,
        remedy: `ALTER TABLE ${name} SET LOGGED;`,
        isBeyondAdopting: true,
      },
    ];
  });
}

function defaultPart(table: string, nameOf: NameOf): string {
  return `CREATE TABLE ${defaultName(table, nameOf)} PARTITION OF ${table} DEFAULT;`;
}

function defaultName(table: string, nameOf: NameOf): string {
  return inSchemaOf(table, `"${nameOf(DEFAULT_PART)}"`);
}
