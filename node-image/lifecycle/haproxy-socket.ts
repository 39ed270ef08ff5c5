import { connect } from 'node:net';

/** HAProxy answers at once; it is on the same machine. */
const ANSWER_MS = 2000;
/** HAProxy refuses longer lines than its buffers, 16 KiB. */
const COMMANDS_AT_ONCE = 50;

/** What HAProxy is asked on its admin socket while it runs. */
export interface HaproxyAdmin {
  /**
   * Gives it commands, in this order.
   *
   * @returns what it has to say to them. @throws Error where it does not answer.
   */
  ask(commands: readonly string[]): Promise<string>;
}

/** The admin socket of the HAProxy on this machine. Source: HAProxy, management guide, section 9.3. */
export class HaproxySocket implements HaproxyAdmin {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async ask(commands: readonly string[]): Promise<string> {
    const answers: string[] = [];
    for (let at = 0; at < commands.length; at += COMMANDS_AT_ONCE) {
      answers.push(await this.#askLine(commands.slice(at, at + COMMANDS_AT_ONCE).join('; ')));
    }
    return answers.join('\n');
  }

  /** It answers one line for each connection, and closes it then. */
  #askLine(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#path);
      let answer = '';
      socket.setEncoding('utf8');
      socket.setTimeout(ANSWER_MS, () =>
        socket.destroy(new Error(`HAProxy did not answer on ${this.#path} within 2 s`)),
      );
      socket.on('data', (text: string) => {
        answer += text;
      });
      socket.once('end', () => resolve(answer));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(`HAProxy closed ${this.#path}`)));
      socket.end(`${line}\n`);
    });
  }
}
