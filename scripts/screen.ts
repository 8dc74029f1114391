/**
 * What `npm start` prints. Lines stay; on a terminal a live block can stand below them and is drawn again in place.
 * Elsewhere the live block is not shown at all.
 */
export class Screen {
  #drawn = 0;
  #block: string[] = [];

  constructor(private readonly out: NodeJS.WriteStream) {
    // A reader that went away (`npm start | head`) must not end the service.
    out.on('error', () => {});
  }

  get live(): boolean {
    return this.out.isTTY === true;
  }

  get columns(): number {
    return this.out.columns || 100;
  }

  get rows(): number {
    return this.out.rows || 24;
  }

  line(text = ''): void {
    this.#erase();
    this.out.write(`${text}\n`);
    this.#draw();
  }

  /** Replaces the live block. */
  show(block: string[]): void {
    if (!this.live) return;
    this.#erase();
    this.#block = block;
    this.#draw();
  }

  /** Takes the live block away; `keep` leaves what was drawn last as ordinary lines. */
  end(keep = false): void {
    if (!keep) this.#erase();
    this.#drawn = 0;
    this.#block = [];
  }

  #erase(): void {
    if (this.#drawn > 0) this.out.write(`\x1b[${this.#drawn}A\x1b[0J`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.live || this.#block.length === 0) return;
    // A line that wraps would count twice when the block is drawn again.
    const lines = this.#block.slice(0, this.rows - 1).map((line) => [...line].slice(0, this.columns - 1).join(''));
    this.out.write(lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.length;
  }
}
