import type { Command } from 'commander';
import type { AddedKey, KeysView, RetiredKey } from '../../api/cluster/keys-routes';
import { asJson, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { tableOf } from '../table';
import { momentInWords } from '../words';

const NOT_LASTING =
  'It is known to this node only, until it ends: a Single Node has its keys from its configuration.';

export function keysCommand(io: CliIo): Command {
  return newCommand('keys', io)
    .description('API keys of the running cluster: no node has to start anew for them')
    .addCommand(listCommand(io))
    .addCommand(addCommand(io))
    .addCommand(retireCommand(io))
    .addHelpText(
      'after',
      `
To change a key: add one, give it to your programs, see that they use it, retire the old one.
${examples('sluice keys add', 'sluice keys list', 'sluice keys retire APIkq3Vx9ZrT2wB')}`,
    );
}

function listCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('list', io))
    .description('the keys, where they come from, and which are retired; never their secrets')
    .action(async (options: ConnectionOptions) => {
      const view = await clientOf(options, io).call<KeysView>('GET', 'keys');
      io.print(options.json === true ? asJson(view) : listInWords(view, io.columns));
    });
}

function addCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('add', io))
    .description('make a key that all nodes take at once; its secret is shown this once')
    .action(async (options: ConnectionOptions) => {
      const added = await clientOf(options, io).call<AddedKey>('POST', 'keys');
      if (options.json === true) {
        io.print(asJson(added));
        return;
      }
      io.print(`API Key:  ${added.apiKey}\nAPI Secret:  ${added.secret}\n`);
      io.printError(
        added.lasting ? 'The secret is not shown again: keep it.\n' : `${NOT_LASTING}\n`,
      );
    });
}

function retireCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('retire', io))
    .description('refuse a key from now on, on all nodes, also where their files have it')
    .argument('<key>', 'the API key')
    .addHelpText(
      'after',
      '\nParticipants stay: they are given new tokens. It cannot be taken back; add a new key instead.\n',
    )
    .action(async (key: string, options: ConnectionOptions) => {
      const path = `keys/${encodeURIComponent(key)}`;
      const retired = await clientOf(options, io).call<RetiredKey>('DELETE', path);
      if (options.json === true) {
        io.print(asJson(retired));
        return;
      }
      const { apiKey, changed } = retired;
      io.print(changed ? `${apiKey} is retired.\n` : `${apiKey} was retired before.\n`);
      if (!retired.lasting) {
        io.printError(`${NOT_LASTING}\n`);
      }
    });
}

function listInWords({ keys, problem }: KeysView, columns: number): string {
  const table = tableOf(
    [{ title: 'API key' }, { title: 'From' }, { title: 'State' }, { title: 'Since' }],
    keys.map(({ apiKey, source, state, addedAtMs, retiredAtMs }) => {
      const since = state === 'retired' ? retiredAtMs : addedAtMs;
      return [apiKey, source, state, since === undefined ? '' : momentInWords(since)];
    }),
    columns,
  );
  return problem === '' ? table : `${table}The keys of the cluster cannot be used: ${problem}.\n`;
}
