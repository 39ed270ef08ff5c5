import { FakeAws } from './fake-aws';

/** What the stand-in knows, as the argument of its process. */
export interface FakeAwsFacts {
  readonly parameters: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/** AWS and the metadata service for a machine in another network namespace. */
async function main(): Promise<void> {
  const facts = JSON.parse(process.argv[2] ?? '{}') as FakeAwsFacts;
  const fake = new FakeAws();
  for (const [name, value] of Object.entries(facts.parameters)) fake.parameters.set(name, value);
  for (const [name, value] of Object.entries(facts.secrets)) fake.secrets.set(name, value);
  await fake.serve(4566, '127.0.0.1');
  await fake.serve(80, '169.254.169.254');
  process.stdout.write('ready\n');
}

void main();
