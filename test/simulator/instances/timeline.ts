/** What a key is from one commit to the next. */
export interface Version {
  /** When it was committed, among all that happens. */
  readonly seq: number;
  /** The same on the clock of the simulation, ms. */
  readonly at: number;
  /** The encoded value; `null` where there is none. */
  readonly text: string | null;
  /** When it expires by the clock of who has written it. */
  readonly expiresAt: number | null;
  /** The process that has committed it. */
  readonly by: string;
}

/** The past of a key as the database knows it: what it was, one commit after the other. */
export class Timeline {
  readonly versions: Version[] = [{ seq: 0, at: -Infinity, text: null, expiresAt: null, by: '' }];

  get latest(): Version {
    return this.versions.at(-1) as Version;
  }

  /** The index of the version that was there at `seq`. */
  indexAt(seq: number): number {
    return this.versions.findLastIndex((version) => version.seq <= seq);
  }

  /** The index of the last version that others than `name` have committed before `time`. */
  lastBefore(time: number, name: string): number {
    return Math.max(
      0,
      this.versions.findLastIndex((version) => version.at < time && version.by !== name),
    );
  }

  /** The index of the first of those from `from` on that `fits`; -1 for none. */
  find(from: number, fits: (version: Version) => boolean): number {
    const found = this.versions.slice(from).findIndex((version) => fits(version));
    return found < 0 ? -1 : found + from;
  }
}
