/** Every way the cache refuses or fails. Codes are stable: they change only with a major version. */
export type CacheErrorCode =
  /** A key of the wrong type, empty, too long, or one that could not be read back as it was given. */
  | 'INVALID_KEY'
  /** A value that its codec could not bring back as it was, or that does not fit the namespace's `maxBytes`. */
  | 'INVALID_VALUE'
  /** An option of the module, of a namespace or of a call that is unknown or out of range. */
  | 'INVALID_OPTION'
  /** A namespace nobody declared. */
  | 'UNKNOWN_NAMESPACE'
  /** Two different definitions share one name. */
  | 'DUPLICATE_NAMESPACE'
  /** `CacheModule.forRoot()` or `forRootAsync()` was imported twice in one application. */
  | 'DUPLICATE_MODULE'
  /** `CacheModule` or its `forFeature()` is imported without `forRoot()` or `forRootAsync()`. */
  | 'MISSING_MODULE'
  /** `CacheModule.forRoot()` or `forRootAsync()` is imported by a module that is loaded lazily. */
  | 'LAZY_MODULE'
  /** A test replaces `CacheModule` in a way that replaces nothing. */
  | 'MODULE_NOT_REPLACED'
  /** The stored row of this key does not decode; it is kept as it is until it is set or deleted. */
  | 'UNREADABLE_ENTRY'
  /** The storage could not be connected to, migrated or written to at start. */
  | 'STORAGE_OPEN_FAILED'
  /** The storage as configured cannot serve the cache (for example a `:memory:` template). */
  | 'UNSUPPORTED_STORAGE'
  /** The database could not be read; memory is unchanged. */
  | 'READ_FAILED'
  /** A loader of `getOrLoad` gave nothing within `timeoutMs`; what it gives later is not stored. */
  | 'LOAD_TIMED_OUT'
  /** The database could not be written to within `writeTimeoutMs`; readers still see the old value. */
  | 'WRITE_FAILED'
  /**
   * Other processes have changed the key: again and again, until `writeTimeoutMs` was over (`ON_CHANGE`), or so that `onConflict`
   * failed (`ON_SHUTDOWN`, in the report of a flush). Nothing was written.
   */
  | 'CONFLICT'
  /** The database refuses this very entry; trying again will not help. */
  | 'ENTRY_REFUSED'
  /** Another process uses the database that is to be used alone. */
  | 'INSTANCE_RUNNING'
  /** The database to copy to holds other rows than the one to copy from. */
  | 'TARGET_NOT_EMPTY'
  /** To revert a migration would remove stored rows. */
  | 'TABLE_NOT_EMPTY'
  /** A file at the place of the rescue journal is not ours, or a newer release has left it; it stays as it is. */
  | 'JOURNAL_NOT_UNDERSTOOD'
  /** What is to be imported is damaged, no export of this package, or one of a newer release. */
  | 'EXPORT_NOT_UNDERSTOOD'
  /** The backplane is not connected, gives no answer, or does not bring back what is sent to it. The cache goes on without it. */
  | 'BACKPLANE_FAILED'
  /** What was copied is not what the source holds now. */
  | 'COPY_INCOMPLETE'
  /** The cache has been stopped, or was stopped before it could take this write. */
  | 'CACHE_CLOSED';

/** What a {@link CacheError} is about. Never holds a value. */
export interface CacheErrorContext {
  readonly namespace?: string;
  readonly key?: string;
  readonly option?: string;
}

/** Marks the errors of this class, of whichever copy of this package: a codec or a storage may come from another one. */
const CACHE_ERROR = Symbol.for('nestjs-durable-cache:error');

/** The one error type of the cache: a stable `code`, the context it happened in, and the `cause` when there is one. */
export class CacheError extends Error {
  override readonly name = 'CacheError';
  declare readonly namespace: string | undefined;
  declare readonly key: string | undefined;
  declare readonly option: string | undefined;

  static {
    // On the prototype: a property of each error would be shown with it.
    Object.defineProperty(this.prototype, CACHE_ERROR, { value: true });
  }

  constructor(
    readonly code: CacheErrorCode,
    message: string,
    context: CacheErrorContext & { cause?: unknown } = {},
  ) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    const { namespace, key, option } = context;
    // Those alone that there are: Node shows each property of an error behind its stack.
    if (namespace !== undefined) this.namespace = namespace;
    if (key !== undefined) this.key = key;
    if (option !== undefined) this.option = option;
  }
}

/**
 * Whether `error` is a {@link CacheError}, of the given code when one is given. True for one of another copy of this package,
 * too, which `instanceof` does not know.
 */
export function isCacheError(error: unknown, code?: CacheErrorCode): error is CacheError {
  if (typeof error !== 'object' || error === null || !(CACHE_ERROR in error)) return false;
  return code === undefined || ('code' in error && error.code === code);
}
