import type { Command } from 'commander';
import {
  CERTIFICATE_SETTINGS_FILE,
  CERTIFICATE_STATE_FILE,
  CERTIFICATE_STATUS_FILE,
  CHALLENGE_SOCKET,
  ENTRY_CERTIFICATE_FILE,
} from '../../certificates/settings';
import { EXIT_FAILED, EXIT_OK } from '../../lifecycle/exit-codes';
import type { CertificatesOptions } from '../../lifecycle/run-certificates';
import { newCommand } from '../command';
import { CliError, type CliIo } from '../io';

const ADMIN_SOCKET = '/run/sluice/haproxy/admin.sock';
/** An order under way is not waited for longer, ms: the next start places another. */
const CLOSE_MS = 10_000;

interface Options {
  readonly settings: string;
  readonly state: string;
  readonly certificate: string;
  readonly status: string;
  readonly challengeSocket: string;
  readonly adminSocket: string;
}

/** Looks after the certificate until the process is told to stop. */
export type RunCertificates = (options: Omit<CertificatesOptions, 'signal'>) => Promise<void>;

export function certificatesCommand(io: CliIo, run: RunCertificates = runHere): Command {
  const command = newCommand('certificates', io);
  return command
    .summary('order the certificate of this entry, and renew it')
    .description(
      "order the certificate of this machine's entry by ACME, renew it, and put it into the HAProxy that runs",
    )
    .option('--settings <path>', 'what `sluice boot` has written for it', CERTIFICATE_SETTINGS_FILE)
    .option('--state <path>', 'account, certificate and their keys', CERTIFICATE_STATE_FILE)
    .option('--certificate <path>', 'as haproxy.cfg names it', ENTRY_CERTIFICATE_FILE)
    .option('--status <path>', 'how it stands, for `sluice agent`', CERTIFICATE_STATUS_FILE)
    .option('--challenge-socket <path>', 'where HAProxy asks for proofs', CHALLENGE_SOCKET)
    .option('--admin-socket <path>', 'where HAProxy is told', ADMIN_SOCKET)
    .addHelpText(
      'after',
      `
Run by sluice-certificates.service where boot.json has entry.lets_encrypt. Master Nodes of a cluster
share one account and one certificate: one of them orders, the others take it from the registry.`,
    )
    .action(async () => {
      try {
        await run({ files: command.opts<Options>() });
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        throw new CliError(EXIT_FAILED, error.message, { cause: error });
      }
    });
}

const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

async function runHere(options: Parameters<RunCertificates>[0]): Promise<void> {
  const { runCertificates } = await import('../../lifecycle/run-certificates.js');
  const end = new AbortController();
  for (const signal of END_SIGNALS) {
    process.on(signal, () => {
      setTimeout(() => process.exit(EXIT_OK), CLOSE_MS).unref();
      end.abort();
    });
  }
  await runCertificates({ ...options, signal: end.signal });
}
