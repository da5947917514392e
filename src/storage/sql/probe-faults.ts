import { isSilent, shownAttachment, type Attachment } from './attachment.js';
import type { TableFault } from './table-fault.js';
import type { ProbeOutcome } from './table-probe.js';
import { strict, type UniqueKeyShape } from './unique-keys.js';

/** What may be to blame for what became of the rows of a probe. */
export interface Suspects {
  readonly attachments: readonly Attachment[];
  /** Unique keys of which only rows show what they take for the same. */
  readonly keys: readonly UniqueKeyShape[];
}

/**
 * What is wrong with a table whose rows did not come back from a probe. Where the database does not say what of the table
 * did it, all that may have done it is named.
 */
export function probeFaults(outcome: ProbeOutcome, suspects: Suspects): TableFault[] {
  if (outcome === 'kept') return [];
  const { attachments, keys } = suspects;
  if (attachments.length === 0) return keys.map(keyFault);
  const silent = attachments.filter(isSilent);
  if (outcome === 'changed') return changed(firstOf(silent, attachments));
  if (outcome === 'confused')
    return keys.length > 0 ? keys.map(keyFault) : changed(firstOf(silent, attachments));
  const { message } = outcome.refused;
  const namedKeys = keys.filter((key) => isNamed(key.name, message) || areNamed(key.columns, message));
  if (namedKeys.length > 0) return namedKeys.map(keyFault);
  const named = attachments.filter(({ name }) => isNamed(name, message));
  const others = firstOf(ofKind(outcome.refused.sqlState, message, attachments), silent, attachments);
  return refusing(firstOf(named, others));
}

/** The first list that is not empty. */
function firstOf<T>(...lists: readonly (readonly T[])[]): readonly T[] {
  return lists.find((list) => list.length > 0) ?? [];
}

/** As a word of its own, in whatever quotes: some names are one letter. */
function isNamed(name: string, message: string): boolean {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return name !== '' && new RegExp(`(?<![\\w’'])${escaped}(?!\\w)|'${escaped}'`, 'u').test(message);
}

/** SQLite names a key by its columns. */
function areNamed(columns: readonly string[], message: string): boolean {
  return message.includes(`cache_storage.${columns.join(', cache_storage.')}`);
}

/** What the error is about, where it names nothing. */
function ofKind(
  sqlState: string | undefined,
  message: string,
  attachments: readonly Attachment[],
): readonly Attachment[] {
  const kinds: readonly Attachment['kind'][] = /partition/i.test(message)
    ? ['partitioning']
    : /\brules?\b/i.test(message)
      ? ['rule']
      : /foreign key/i.test(message)
        ? ['foreign key']
        : sqlState === '23514' || /\bcheck\b/i.test(message)
          ? ['check constraint', 'domain']
          : [];
  return attachments.filter(({ kind }) => kinds.includes(kind));
}

function keyFault(key: UniqueKeyShape): TableFault {
  return { what: strict(key), remedy: key.removal, isBeyondAdopting: true };
}

function changed(suspects: readonly Attachment[]): TableFault[] {
  return faultOf(suspects, 'changes or drops rows that the cache writes or deletes');
}

function refusing(suspects: readonly Attachment[]): TableFault[] {
  return faultOf(suspects, 'refuses rows that the cache writes');
}

function faultOf(suspects: readonly Attachment[], does: string): TableFault[] {
  const [only] = suspects;
  if (only === undefined) return [];
  const notes = [...new Set(suspects.map(({ note }) => note ?? ''))].filter((note) => note !== '');
  if (suspects.length > 1)
    notes.unshift(
      'The database does not say which of them does: leave out the statements for those that don’t.',
    );
  return [
    {
      what:
        suspects.length === 1
          ? `${shownAttachment(only)} ${does}`
          : `one of these ${does}: ${suspects.map(shownAttachment).join(', ')}`,
      remedy: suspects.map(({ removal }) => removal).join('\n'),
      ...(notes.length > 0 && { note: notes.join(' ') }),
      isBeyondAdopting: true,
    },
  ];
}
