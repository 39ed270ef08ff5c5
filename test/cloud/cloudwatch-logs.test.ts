import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { CloudWatchLogs } from '../../node-image/cloud/aws/cloudwatch-logs';

type Answer = object | Error;

const named = (name: string): Error => Object.assign(new Error(`it is ${name}`), { name });
const NOT_FOUND = named('ResourceNotFoundException');
const never = new AbortController().signal;

/** A client that answers in order, the last answer again and again. */
function world(...answers: Answer[]) {
  const calls: { readonly name: string; readonly input: Record<string, unknown> }[] = [];
  const errors: string[] = [];
  const send = async (command: { readonly input: object }): Promise<object> => {
    calls.push({ name: command.constructor.name, input: { ...command.input } });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  };
  const logs = new CloudWatchLogs({
    client: { send } as Pick<CloudWatchLogsClient, 'send'>,
    group: 'sluice',
    machineId: 'i-1',
    log: { error: (_facts: unknown, text?: string) => void errors.push(String(text)) },
  });
  const put = (texts: readonly string[] = ['a line']) =>
    logs.put(
      'sluice-node',
      texts.map((text, n) => ({ cursor: `${n}`, atMs: n + 1, unit: 'sluice-node', text })),
      never,
    );
  return { calls, errors, put };
}

describe('a log group of CloudWatch', () => {
  it('gets the lines of a service in a stream of machine and service', async () => {
    const { calls, put } = world({});
    assert.equal(await put(['one', 'two']), 0);
    assert.deepEqual(calls, [
      {
        name: 'PutLogEventsCommand',
        input: {
          logGroupName: 'sluice',
          logStreamName: 'i-1/sluice-node',
          logEvents: [
            { timestamp: 1, message: 'one' },
            { timestamp: 2, message: 'two' },
          ],
        },
      },
    ]);
  });

  it('gets a stream that is not there yet, also where another has just made it', async () => {
    for (const made of [{}, named('ResourceAlreadyExistsException')]) {
      const { calls, put } = world(NOT_FOUND, made, {});
      assert.equal(await put(), 0);
      assert.deepEqual(
        calls.map(({ name }) => name),
        ['PutLogEventsCommand', 'CreateLogStreamCommand', 'PutLogEventsCommand'],
      );
    }
  });

  it('says what to do where there is no such group', async () => {
    await assert.rejects(world(NOT_FOUND).put(), /no log group sluice in this region: make it/);
  });

  it('leaves what is throttled or forbidden to whoever tries again', async () => {
    for (const name of ['ThrottlingException', 'AccessDeniedException']) {
      await assert.rejects(world(named(name)).put(), { name });
    }
  });

  it('counts lines that are too old, or hours ahead, and does not send them for ever', async () => {
    const info = { tooOldLogEventEndIndex: 2, tooNewLogEventStartIndex: 4 };
    assert.equal(await world({ rejectedLogEventsInfo: info }).put(['a', 'b', 'c', 'd', 'e']), 3);
    const expired = { expiredLogEventEndIndex: 1 };
    assert.equal(await world({ rejectedLogEventsInfo: expired }).put(['a', 'b']), 1);
  });

  it('goes on past lines that AWS refuses for good, and says so', async () => {
    const { put, errors } = world(named('InvalidParameterException'));
    assert.equal(await put(['a', 'b']), 2);
    assert.deepEqual(errors, ['CloudWatch does not take these lines']);
  });

  it('is not asked for lines that are empty', async () => {
    const { calls, put } = world({});
    assert.equal(await put(['', '']), 0);
    assert.deepEqual(calls, []);
  });
});
