/** HAProxy runs and does not do what it is told. */
export class HaproxyError extends Error {
  override readonly name = 'HaproxyError';
}

/** What a running HAProxy is told, and answers. */
export interface HaproxyAdmin {
  /** @throws Error with the `code` of the system where it is not reached. */
  ask(commands: readonly string[]): Promise<string>;
}

export interface HaproxyCertificateOptions {
  /** Where HAProxy is told. */
  readonly admin: HaproxyAdmin;
  /** As it is named in haproxy.cfg. */
  readonly file: string;
}

/**
 * Puts a certificate into the HAProxy that runs: who is connected stays connected, who comes gets the
 * new one. It reads the file itself when it starts.
 *
 * Source: HAProxy 2.6 Management Guide, section 9.3.
 */
export class HaproxyCertificate {
  readonly #options: HaproxyCertificateOptions;

  constructor(options: HaproxyCertificateOptions) {
    this.#options = options;
  }

  /**
   * @returns SHA-1 of what it serves; undefined: it does not run
   * @throws HaproxyError
   */
  async fingerprint(): Promise<string | undefined> {
    const answer = await this.#ask(`show ssl cert ${this.#options.file}`);
    if (answer === undefined) return undefined;
    const found = /^SHA1 FingerPrint: ([0-9A-F]{40})$/m.exec(answer)?.[1];
    if (found === undefined) {
      throw new HaproxyError(
        `HAProxy does not use ${this.#options.file} (${short(answer)}): run \`sluice boot\`, then systemctl restart sluice-haproxy.`,
      );
    }
    return found;
  }

  /**
   * @param pem - with no empty line in it
   * @throws HaproxyError
   */
  async set(pem: string): Promise<void> {
    const { file } = this.#options;
    const begun = await this.#ask(`set ssl cert ${file} <<\n${pem}`);
    if (begun === undefined) return;
    const done = begun.startsWith('Transaction ')
      ? await this.#ask(`commit ssl cert ${file}`)
      : undefined;
    if (done?.includes('Success!') === true) return;
    await this.#ask(`abort ssl cert ${file}`);
    throw new HaproxyError(
      `HAProxy does not take the certificate (${short(done ?? begun)}): clients get the old one until systemctl reload sluice-haproxy.`,
    );
  }

  async #ask(command: string): Promise<string | undefined> {
    try {
      return await this.#options.admin.ask([command]);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
      throw new HaproxyError(
        `HAProxy cannot be told of a certificate (${error.message}): see that it answers, and that this user is of the group sluice-entry.`,
        { cause: error },
      );
    }
  }
}

const short = (answer: string): string => answer.replace(/\s+/g, ' ').trim().slice(0, 300);
