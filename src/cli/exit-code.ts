/** How the command ends, for scripts that call it. 0 is success. */
export const EXIT = {
  failed: 1,
  notUnderstood: 2,
  /** Done except for what is named. */
  incomplete: 3,
  /** There is no such entry. */
  absent: 4,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;
