export interface ExchangeCut {
  /** So many bytes get through. With 0 nothing does of the first piece. */
  readonly after: number;
  /**
   * Whether the server hears of it. If not, its end of the connection stays open, as behind a router that has gone. Default true.
   */
  readonly isHeard?: boolean;
}

/** What clients and a server say to each other from a moment on, both directions counted together. */
export class Exchange {
  bytes = 0;
  /** How many bytes there were after each piece that one of them has sent: where their packets end. */
  readonly pieces: number[] = [];
  readonly isHeard: boolean;
  /** Resolves when it has been cut. */
  readonly cut: Promise<void>;
  #isCut = false;
  readonly #after: number;
  readonly #done: () => void;

  /** It is only counted without `cut`. */
  constructor(cut?: ExchangeCut) {
    this.#after = cut?.after ?? Infinity;
    this.isHeard = cut?.isHeard ?? true;
    let done = (): void => undefined;
    this.cut = new Promise((resolve) => {
      done = resolve;
    });
    this.#done = done;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Counts a piece; gives what of it gets through where it is cut there. */
  take(piece: Buffer): Buffer | undefined {
    if (this.#isCut) return undefined;
    const before = this.bytes;
    this.bytes += piece.length;
    this.pieces.push(this.bytes);
    if (this.bytes < this.#after) return undefined;
    this.#isCut = true;
    this.#done();
    return piece.subarray(0, this.#after - before);
  }
}
