import {
  type LinkAnswer,
  type LinkClient,
  LinkError,
  type LinkRequest,
} from '../../../../node-image/cluster/link/link';
import type { LinkAddress } from '../../../../node-image/cluster/node-record';

type Answer = (to: LinkAddress, request: LinkRequest) => LinkAnswer | Promise<LinkAnswer>;

/** A node link whose answers a test gives, one for each request; the last one stays. */
export class FakeLink implements LinkClient {
  readonly requests: (LinkRequest & { readonly port: number })[] = [];

  constructor(private readonly answers: Answer[]) {}

  async request(to: LinkAddress, request: LinkRequest): Promise<LinkAnswer> {
    this.requests.push({ ...request, port: to.port });
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer === undefined) throw new Error('the test gave no answer');
    return answer(to, request);
  }

  async upgrade(): Promise<never> {
    throw new Error('no test asks for it');
  }

  async probe(): Promise<'alive'> {
    return 'alive';
  }

  destroyAll(): void {}

  close(): void {}
}

export const answered = (
  body: Uint8Array | string,
  status = 200,
  headers: Record<string, string> = {},
): LinkAnswer => ({ status, headers, body: Buffer.from(body) });

export const broken = (reason: LinkError['reason']) => (): never => {
  throw new LinkError(reason, `${reason} by the test`);
};

export const elsewhere = (): LinkAnswer =>
  answered('{"code":"elsewhere","message":"not here"}', 421, { 'x-sluice-elsewhere': '1' });

export const refused = (code: string, message: string): LinkAnswer =>
  answered(JSON.stringify({ code, message, meta: {} }), 400);
