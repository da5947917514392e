/** How long a statement of a server waits for a lock that others hold, s: then the cache tries again. */
export const LOCK_TIMEOUT_S = 5;
