import type { Command } from 'commander';
import { z } from 'zod';
import { BOOT_PLAN_FILE } from '../../lifecycle/boot/boot-plan';
import { EXIT_FAILED } from '../../lifecycle/exit-codes';
import { newCommand } from '../command';
import { CliError, type CliIo } from '../io';

export function registryLoginCommand(io: CliIo): Command {
  return newCommand('registry-login', io)
    .summary('print the login that this machine has for the registry of an image')
    .description(
      'print the login that this machine has for the registry of an image, as a file for Podman; it is secret',
    )
    .argument('<image>', 'its full name, such as registry.example.com/media/egress:1.2')
    .addHelpText(
      'after',
      `
Run as root before an image is fetched that is not there yet. The login is the first of: the file that
REGISTRY_AUTH_FILE names, /etc/sluice/registry.json (of \`podman login --authfile\`), the secret
"registry" of boot.json; or that of the machine: for Amazon ECR by its role, for Azure Container
Registry by its identity. Without any it is empty.`,
    )
    .action(async (image: string) => {
      const { LOGIN_FILES, registryLogin } = await import(
        '../../lifecycle/registry-login/registry-login.js'
      );
      const own = io.env['REGISTRY_AUTH_FILE'];
      try {
        const login = await registryLogin({
          image,
          files: [...(own ? [own] : []), ...LOGIN_FILES],
          read: (file) => readIfThere(io, file),
          azureCredential: async () => {
            const { machineIdentity } = await import('../../cloud/azure/clients.js');
            return machineIdentity(await identityOf(io));
          },
        });
        io.print(`${JSON.stringify(login)}\n`);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        throw new CliError(EXIT_FAILED, error.message, { cause: error });
      }
    });
}

async function readIfThere(io: CliIo, file: string): Promise<string | undefined> {
  try {
    return await io.readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Of the machine in Azure, where it has several; '': the only one. */
async function identityOf(io: CliIo): Promise<string> {
  const text = await readIfThere(io, BOOT_PLAN_FILE);
  try {
    return z.object({ identity: z.string() }).parse(JSON.parse(text ?? '{}')).identity;
  } catch {
    return '';
  }
}
