import { z } from 'zod';
import type { LinkAnswer, LinkClient } from '../../cluster/link/link';
import { LinkError } from '../../cluster/link/link';
import type { LinkAddress } from '../../cluster/node-record';
import { RegistryUnavailableError } from '../../cluster/registry';
import { type JobHost, JobTakenError } from '../../jobs/job-host';
import { type JobNodes, NodeSilentError } from '../../jobs/job-nodes';
import { JobRefusedError, JobRequestError } from '../../jobs/job-runner';
import { jobSchema, newJobSchema } from '../../jobs/job-schema';
import {
  answerJson,
  BodyTooLargeError,
  bodyOf,
  type LinkPath,
  urlOf,
} from '../cluster/link-requests';

const PREFIX = '/jobs/';
/** A request for an Egress with templates and metadata has some KB. */
const MOST_BYTES = 2_000_000;
/** Longer than a node takes at most to start a job, ms. */
const START_MS = 35_000;
const REQUEST_MS = 15_000;
const RUNNING_MS = 2000;

const orderSchema = z.object({ job: newJobSchema, epoch: z.number().optional() });
const requestSchema = z.object({ id: z.string(), name: z.string(), body: z.string() });
const stopSchema = z.object({ id: z.string(), reason: z.string() });
const textSchema = z.object({ text: z.string() });
const runningSchema = z.object({ ids: z.array(z.string()) });

const requestCodes = [
  'invalid_argument',
  'failed_precondition',
  'not_found',
  'unimplemented',
] as const satisfies readonly JobRequestError['code'][];
const errorSchema = z.object({
  code: z.enum(['refused', 'taken', 'registry', ...requestCodes]),
  message: z.string(),
});
type ErrorCode = z.infer<typeof errorSchema>['code'];

const STATUS: Readonly<Record<ErrorCode, number>> = {
  refused: 503,
  taken: 409,
  registry: 503,
  invalid_argument: 400,
  failed_precondition: 412,
  not_found: 404,
  unimplemented: 501,
};

/** What a node answers on its link about the jobs that it runs. */
export function jobLinkPath(host: JobHost): LinkPath {
  const answers: Readonly<Record<string, (body: unknown) => Promise<unknown>>> = {
    start: (body) => host.start(orderSchema.parse(body)),
    request: async (body) => {
      const { id, name, body: asked } = requestSchema.parse(body);
      return { text: await host.request(id, name, asked) };
    },
    stop: async (body) => {
      const { id, reason } = stopSchema.parse(body);
      return { text: await host.stop(id, reason) };
    },
    running: async () => ({ ids: host.jobs() }),
  };
  return {
    prefix: PREFIX,
    handle: async (request, response) => {
      const answer = answers[urlOf(request).pathname.slice(PREFIX.length)];
      if (answer === undefined || request.method !== 'POST') {
        answerJson(response, 404, { code: 'not_found', message: 'nothing is asked of jobs so' });
        return;
      }
      try {
        const body: unknown = JSON.parse((await bodyOf(request, MOST_BYTES)).toString());
        answerJson(response, 200, await answer(body));
      } catch (error) {
        const told = answerTo(error);
        if (told === undefined) throw error;
        answerJson(response, STATUS[told.code], told);
      }
    },
  };
}

/** What is told to whoever asked; undefined: it is no answer, but a failure. */
function answerTo(error: unknown): z.infer<typeof errorSchema> | undefined {
  const code = codeOf(error);
  return code && { code, message: error instanceof Error ? error.message : String(error) };
}

function codeOf(error: unknown): ErrorCode | undefined {
  if (error instanceof JobRefusedError) return 'refused';
  if (error instanceof JobTakenError) return 'taken';
  if (error instanceof RegistryUnavailableError) return 'registry';
  if (error instanceof JobRequestError) return error.code;
  const isBad =
    error instanceof z.ZodError ||
    error instanceof SyntaxError ||
    error instanceof BodyTooLargeError;
  return isBad ? 'invalid_argument' : undefined;
}

export interface LinkJobNodesOptions {
  readonly link: Pick<LinkClient, 'request'>;
  /** Where a node is reached; undefined: it is not known, or has no link. */
  readonly address: (nodeId: string) => LinkAddress | undefined;
}

/** The nodes of a cluster, over their links. */
export function linkJobNodes({ link, address }: LinkJobNodesOptions): JobNodes {
  const ask = async <T>(
    nodeId: string,
    name: string,
    body: unknown,
    schema: z.ZodType<T>,
    timeoutMs: number,
  ): Promise<T> => {
    const to = address(nodeId);
    if (to === undefined) throw new NodeSilentError(`node ${nodeId} is not there any more`);
    let answer: LinkAnswer;
    try {
      answer = await link.request(to, {
        method: 'POST',
        path: `${PREFIX}${name}`,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(body)),
        timeoutMs,
      });
    } catch (error) {
      if (error instanceof LinkError) {
        const isBroken = error.reason === 'refused' || error.reason === 'reset';
        throw new NodeSilentError(error.message, isBroken);
      }
      throw error;
    }
    const value = jsonOf(answer.body);
    const parsed = schema.safeParse(value);
    if (answer.status === 200 && parsed.success) return parsed.data;
    throw errorOf(errorSchema.safeParse(value).data, nodeId, answer.status);
  };
  return {
    start: ({ record }, order) => ask(record.id, 'start', order, jobSchema, START_MS),
    request: async (nodeId, id, name, body) =>
      (await ask(nodeId, 'request', { id, name, body }, textSchema, REQUEST_MS)).text,
    stop: async (nodeId, id, reason) =>
      (await ask(nodeId, 'stop', { id, reason }, textSchema, REQUEST_MS)).text,
    running: async (nodeId) =>
      new Set((await ask(nodeId, 'running', {}, runningSchema, RUNNING_MS)).ids),
  };
}

function errorOf(
  told: z.infer<typeof errorSchema> | undefined,
  nodeId: string,
  status: number,
): Error {
  if (told === undefined) {
    const text = `node ${nodeId} answered with status ${status} and what is no answer`;
    return new NodeSilentError(`${text}; is it of another version?`);
  }
  switch (told.code) {
    case 'refused':
      return new JobRefusedError(told.message);
    case 'taken':
      return new JobTakenError(told.message);
    case 'registry':
      return new RegistryUnavailableError(told.message);
    default:
      return new JobRequestError(told.code, told.message);
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
