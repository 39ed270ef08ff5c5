/** Reads bits, the highest of a byte first. What is behind the end is 0. */
export class BitReader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** How many bits were read. */
  get position(): number {
    return this.#at;
  }

  /** @param bits - 0 to 32 */
  read(bits: number): number {
    let value = 0;
    for (let index = 0; index < bits; index += 1) {
      const byte = this.#data[this.#at >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
      this.#at += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  /** An unsigned number of variable length. Source: H.264 section 9.1. */
  exponential(): number {
    let zeros = 0;
    while (zeros < 32 && this.read(1) === 0) {
      zeros += 1;
    }
    return 2 ** zeros - 1 + this.read(zeros);
  }

  /** Likewise, signed. */
  signedExponential(): number {
    const value = this.exponential();
    return value % 2 === 0 ? -value / 2 : (value + 1) / 2;
  }
}
