import type { Attachment } from '../sql/attachment.js';
import { isOurs } from '../sql/column-shape.js';
import { doubleQuoted } from '../sql/quoted-name.js';
import type { TableFault } from '../sql/table-fault.js';
import type { Catalogue, CatalogueAttachment } from './table-catalogue.js';

/** What may do something else with a row than store it in `table`, quoted. */
export function attachmentsOf(found: Catalogue, table: string): Attachment[] {
  const alter = (column: string, change: string): string =>
    `ALTER TABLE ${table} ALTER COLUMN ${doubleQuoted(column)} ${change};`;
  const others = found.columns.filter(({ name }) => !isOurs(name));
  return [
    ...(found.attachments ?? []).map((attachment) => ({
      kind: attachment.kind,
      name: attachment.name,
      removal: removalOf(attachment, table),
    })),
    ...others
      .filter(({ generated }) => Boolean(generated))
      .map(({ name }) => ({
        kind: 'computed column' as const,
        name,
        removal: alter(name, 'DROP EXPRESSION'),
      })),
    ...others.flatMap(({ name, domain }) =>
      domain === null
        ? []
        : [{ kind: 'domain' as const, name, removal: alter(name, `TYPE ${domain.whole}`) }],
    ),
  ];
}

/** What no probe can tell: names that another table has to know, and triggers that see only the rows of one part. */
export function attachmentFaults(found: Catalogue, table: string): TableFault[] {
  return (found.attachments ?? []).flatMap((attachment): TableFault[] => {
    const { kind, name, part, before, columns } = attachment;
    const remedy = removalOf(attachment, table);
    if (kind === 'foreign key' && columns?.some(isOurs) === true)
      return [
        { what: `its foreign key ${name} takes only what another table has`, remedy, isBeyondAdopting: true },
      ];
    if (kind === 'trigger' && part !== null && before)
      return [
        {
          what: `the trigger ${name} of its part ${part} may change or drop rows`,
          remedy,
          isBeyondAdopting: true,
        },
      ];
    return [];
  });
}

function removalOf({ kind, name, part }: CatalogueAttachment, table: string): string {
  const owner = part ?? table;
  const quoted = doubleQuoted(name);
  if (kind === 'trigger') return `DROP TRIGGER ${quoted} ON ${owner};`;
  if (kind === 'rule') return `DROP RULE ${quoted} ON ${owner};`;
  return `ALTER TABLE ${owner} DROP CONSTRAINT ${quoted};`;
}
