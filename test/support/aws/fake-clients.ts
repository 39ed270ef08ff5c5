import {
  type PreflightClients,
  preflightClients,
} from '../../../node-image/cloud/aws/preflight/clients';

/** What a call is answered with, by the name of its command; an Error is thrown. */
export type FakeAnswers = Readonly<
  Record<string, Error | object | ((input: Readonly<Record<string, unknown>>) => object)>
>;

/** An error as the SDK makes it. */
export function awsError(name: string, message = `of ${name}`): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

export interface FakeClients {
  readonly clients: PreflightClients;
  /** Names of the commands that were sent, such as "GetRoleCommand". */
  readonly sent: readonly string[];
}

/** The real clients of the SDK, of which no call leaves this process. What has no answer is denied. */
export function fakeClients(answers: FakeAnswers): FakeClients {
  const sent: string[] = [];
  const clients = preflightClients({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { close, ...all } = clients;
  for (const client of Object.values(all)) {
    const send = async (command: {
      readonly input: Readonly<Record<string, unknown>>;
    }): Promise<object> => {
      const { name } = command.constructor;
      sent.push(name);
      const given = answers[name];
      const answer = typeof given === 'function' ? given(command.input) : given;
      if (answer === undefined) throw awsError('AccessDenied', `${name} is not allowed`);
      if (answer instanceof Error) throw answer;
      return { $metadata: {}, ...answer };
    };
    Object.defineProperty(client, 'send', { value: send });
  }
  return { clients: { ...all, close }, sent };
}
