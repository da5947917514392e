/** What happened in a history, line by line, for who has to understand a violation. */
export class Chronicle {
  readonly #lines: string[] = [];
  #calls = 0;

  note(line: string): void {
    this.#lines.push(line);
  }

  /** Notes a call, and how it ends. */
  follow(what: string, promise: Promise<unknown>): void {
    this.#calls += 1;
    const call = `#${this.#calls}`;
    this.note(`${call} ${what}`);
    promise.then(
      (result) => this.note(`${call} → ${JSON.stringify(result) ?? 'done'}`),
      (error: unknown) => this.note(`${call} ✗ ${(error as { code?: string }).code ?? String(error)}`),
    );
  }

  toString(): string {
    return this.#lines.join('\n');
  }
}
