import type { Command } from 'commander';
import { EXIT_USAGE } from '../../lifecycle/exit-codes';
import type { EntryCertificate, InitOptions } from '../../lifecycle/own-machines/init';
import { RECORDINGS } from '../../lifecycle/own-machines/own-jobs';
import { examples, newCommand } from '../command';
import { CliError, type CliIo } from '../io';
import { onThisMachine } from './own-machine';

interface InitCommandOptions {
  readonly domain?: string;
  readonly selfSigned?: boolean;
  readonly certificate?: string;
  readonly certificateKey?: string;
  readonly email?: string;
  readonly agreeTerms?: boolean;
  readonly jobs?: boolean;
  readonly recordings?: string;
  readonly rtmp?: boolean;
  readonly highAvailability?: boolean;
  readonly cluster?: string;
  readonly name?: string;
  readonly address?: string;
}

export function initCommand(io: CliIo): Command {
  return newCommand('init', io)
    .description('make this machine the Master Node of a new cluster')
    .option('--domain <name>', 'name or address that clients connect to')
    .option('--self-signed', 'with a certificate that clients do not trust by themselves')
    .option('--certificate <file>', "PEM of certificate and chain; without one: Let's Encrypt")
    .option('--certificate-key <file>', 'PEM of its key, where it is not in the same file')
    .option('--agree-terms', "you agree to the terms of Let's Encrypt, letsencrypt.org/repository")
    .option('--email <address>', "for Let's Encrypt, which tells of what goes wrong")
    .option('--high-availability', 'with further Master Nodes (three in all), each with a Redis')
    .option('--jobs', 'with recordings and streams; Media Nodes need install.sh --jobs')
    .option('--recordings <folder>', `of each Media Node, for --jobs (default: ${RECORDINGS})`)
    .option('--rtmp', 'with --jobs: take encoders by RTMP (1935) and RTMPS (1936)')
    .option('--cluster <name>', 'name of the cluster, for people (default: sluice)')
    .option('--name <name>', 'of this machine among the nodes (default: its host name)')
    .option('--address <address>', 'private one of this machine (default: the first there is)')
    .addHelpText(
      'after',
      `
Run as root on a machine on which install.sh has installed Sluice. It makes the secrets of the
cluster, starts Redis, the node, and the entry on port 443, and prints what to type on a machine
that is to be a Media Node. Run again, it keeps all secrets, and takes over another certificate.
${examples(
  'sluice init --domain meet.example.com --agree-terms',
  'sluice init --domain meet.example.com --certificate /etc/ssl/meet.pem',
  'sluice init --self-signed --domain 10.0.0.5',
  'sluice init --high-availability --domain meet.example.com --agree-terms',
  'sluice init --domain meet.example.com --agree-terms --jobs --rtmp',
)}`,
    )
    .action(async (options: InitCommandOptions) => {
      const certificate = await certificateOf(options, io);
      const { domain, highAvailability, cluster, name, address } = options;
      const jobs = jobsOf(options);
      const { init } = await import('../../lifecycle/own-machines/init.js');
      const { OWN_FILES } = await import('../../lifecycle/own-machines/own-files.js');
      const done = await onThisMachine(({ machine, facts }) =>
        init({
          machine,
          facts,
          domain,
          certificate,
          highAvailability,
          jobs,
          cluster,
          name,
          address,
          say: (line) => io.printError(`init: ${line}\n`),
        }),
      );
      io.print(`
Clients connect to   ${done.url}${done.selfSigned ? '   (self-signed: they have to be told to trust it)' : ''}
API key and secret   ${OWN_FILES.admin}   (. ${OWN_FILES.admin}, and sluice nodes lists the nodes)

To add a Media Node, install Sluice on another machine${jobs === undefined ? '' : ' (install.sh --jobs)'}, and run there as root within the hour:

  sluice join --master ${done.master} --token ${done.token}
${
  done.masterToken === undefined
    ? ''
    : `
To add a Master Node, do the same there; three of them bear the loss of one:

  sluice join --role master --master ${done.master} --token ${done.masterToken}
`
}
Each token is good for one machine; sluice token create makes another one.
`);
    });
}

function jobsOf({ jobs, recordings, rtmp = false }: InitCommandOptions): InitOptions['jobs'] {
  if (jobs === true) return { rtmp, recordings: recordings ?? RECORDINGS };
  if (!rtmp && recordings === undefined) return undefined;
  throw new CliError(EXIT_USAGE, '--recordings and --rtmp go with --jobs: give that, too.');
}

async function certificateOf(
  { domain, selfSigned, certificate, certificateKey, email, agreeTerms }: InitCommandOptions,
  io: CliIo,
): Promise<EntryCertificate> {
  const refuse = (text: string): CliError => new CliError(EXIT_USAGE, text);
  if (selfSigned === true && certificate !== undefined) {
    throw refuse('--self-signed and --certificate do not go together: give one of them.');
  }
  if (certificateKey !== undefined && certificate === undefined) {
    throw refuse('--certificate-key goes with --certificate: give both.');
  }
  if (selfSigned === true) return { kind: 'self-signed' };
  if (domain === undefined) {
    throw refuse(
      'It is not said what clients connect to: give --domain NAME, or --self-signed to try it on this network.',
    );
  }
  if (certificate === undefined) {
    if (agreeTerms === true) return { kind: 'lets-encrypt', email };
    throw refuse(
      "Let's Encrypt gives a certificate to who agrees to its terms (letsencrypt.org/repository): give --agree-terms, or a certificate by --certificate, or --self-signed.",
    );
  }
  const read = (path: string): Promise<string> =>
    io.readFile(path).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw refuse(`${path} cannot be read: ${why}`);
    });
  return {
    kind: 'given',
    file: certificate,
    pem: await read(certificate),
    keyPem: certificateKey === undefined ? undefined : await read(certificateKey),
  };
}
