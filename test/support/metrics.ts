/** Reads one scrape of Prometheus metrics. */
export class Metrics {
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.#lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }

  static async scrape(url: string): Promise<Metrics> {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return new Metrics(await response.text());
  }

  /** The sum over all labels of a metric whose name ends so; undefined when there is none. */
  sum(nameEnd: string): number | undefined {
    const values = this.#lines
      .map((line) => /^([^{\s]+)(?:\{.*\})?\s+(\S+)/.exec(line))
      .filter((match) => match?.[1]?.endsWith(nameEnd))
      .map((match) => Number(match?.[2]));
    return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
  }

  /** What a metric says whose name ends so, and that has a label of this value; undefined without. */
  of(nameEnd: string, label: string): number | undefined {
    return new Metrics(this.#lines.filter((one) => one.includes(`"${label}"`)).join('\n')).sum(
      nameEnd,
    );
  }
}
