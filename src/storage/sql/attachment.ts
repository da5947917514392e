/** What may do more with a row than store it, or refuse it, whatever the columns are. */
export interface Attachment {
  readonly kind:
    | 'trigger'
    | 'rule'
    | 'check constraint'
    | 'exclusion constraint'
    | 'foreign key'
    | 'computed column'
    | 'domain'
    | 'partitioning';
  readonly name: string;
  /** The statements that remove it, or let it take every row. */
  readonly removal: string;
  /** What whoever runs them has to know, in sentences. */
  readonly note?: string;
}

/** What keeps rows from being stored as they are, without an error. */
const SILENT: ReadonlySet<Attachment['kind']> = new Set(['trigger', 'rule']);

/** Whether it can change or drop a row and say nothing. */
export function isSilent({ kind }: Attachment): boolean {
  return SILENT.has(kind);
}

/** For messages: `its trigger t`. */
export function shownAttachment({ kind, name }: Attachment): string {
  return kind === 'domain' ? `the type of its column ${name}` : `its ${kind}${name === '' ? '' : ` ${name}`}`;
}
