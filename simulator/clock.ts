/** Wall time of the simulated zone. Once stopped nothing that waits goes on: that is what a killed process looks like. */
export class Clock {
  private readonly timers = new Set<NodeJS.Timeout>();
  private stopped = false;

  /** How far the calendar of the zone is ahead of the real one: certificates end by it, durations do not. */
  offsetSeconds = 0;

  constructor(private readonly scale: number) {}

  now(): number {
    return Date.now();
  }

  /** The date in the zone. */
  calendar(): number {
    return this.now() + this.offsetSeconds * 1000;
  }

  /** A profile's seconds as milliseconds of wall time. */
  ms(seconds: number): number {
    return (seconds * 1000) / this.scale;
  }

  async sleep(seconds: number): Promise<void> {
    await this.until(this.now() + this.ms(seconds));
  }

  async until(time: number): Promise<void> {
    await new Promise<void>((resolve) => this.at(time, resolve));
  }

  /** Calls `act` at that time, or at once when it has passed; the answer takes it back. */
  at(time: number, act: () => void): () => void {
    if (this.stopped) return () => undefined;
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        act();
      },
      Math.max(0, time - this.now()),
    );
    this.timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.timers.delete(timer);
    };
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }
}
