/** Something that goes on while somebody needs it, however many do. */
export class WhileNeeded {
  #needed = 0;
  #end: (() => void) | undefined;

  /** `begin` begins it, and gives what ends it. */
  constructor(private readonly begin: () => () => void) {}

  /** Needs it until the result is called. */
  need(): () => void {
    this.#end ??= this.begin();
    this.#needed += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#needed -= 1;
      if (this.#needed > 0) return;
      this.#end?.();
      this.#end = undefined;
    };
  }
}
