/**
 * Stands in for pulumi-language-nodejs, which no registry of packages has: it starts the program as that
 * does, by the runner of the npm package.
 *
 * Source: Pulumi's protocol, language.proto; the arguments are those of @pulumi/pulumi, cmd/run.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LanguageRuntimeService } from '@pulumi/pulumi/proto/language_grpc_pb';
import {
  AboutResponse,
  GetRequiredPackagesResponse,
  GetRequiredPluginsResponse,
  LanguageHandshakeResponse,
  type RunRequest,
  RunResponse,
} from '@pulumi/pulumi/proto/language_pb';
import { PluginInfo } from '@pulumi/pulumi/proto/plugin_pb';
import { servePlugin, unary, unsupported } from './rpc';

/** How the runner ends where it has told the engine what is wrong. Source: cmd/run. */
const TOLD = 32;

/** The address of the engine is the last argument. */
const engine = process.argv.at(-1) ?? '';

async function run(request: RunRequest): Promise<RunResponse> {
  const info = request.getInfo();
  const folder = info?.getProgramDirectory() ?? request.getPwd();
  const options: unknown = info?.getOptions()?.toJavaScript();
  const runner = createRequire(join(folder, 'index.js')).resolve('@pulumi/pulumi/cmd/run');
  const args = [
    ...nodeArguments(options),
    runner,
    `--monitor=${request.getMonitorAddress()}`,
    `--engine=${engine}`,
    `--project=${request.getProject()}`,
    `--stack=${request.getStack()}`,
    `--organization=${request.getOrganization()}`,
    `--root-directory=${info?.getRootDirectory() ?? folder}`,
    `--pwd=${request.getPwd()}`,
    ...(request.getDryrun() ? ['--dry-run'] : []),
    `--parallel=${request.getParallel()}`,
    info?.getEntryPoint() ?? '.',
  ];
  const config = Object.fromEntries(request.getConfigMap().toObject(false));
  const child = spawn(process.execPath, args, {
    cwd: folder,
    // What it prints is the user's to see; the first line of standard output is taken already.
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(config),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    },
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const response = new RunResponse();
  if (code === TOLD) response.setBail(true);
  else if (code !== 0) response.setError(`the program ended with code ${code}`);
  return response;
}

/** `runtime.options.nodeargs` of Pulumi.yaml. */
function nodeArguments(options: unknown): string[] {
  if (typeof options !== 'object' || options === null || !('nodeargs' in options)) return [];
  return String(options.nodeargs).split(' ');
}

servePlugin(LanguageRuntimeService, {
  handshake: unary(() => new LanguageHandshakeResponse()),
  getRequiredPlugins: unary(() => new GetRequiredPluginsResponse()),
  // Providers are found by what the program asks for.
  getRequiredPackages: unary(() => new GetRequiredPackagesResponse()),
  getPluginInfo: unary(() => {
    const info = new PluginInfo();
    info.setVersion('3.0.0');
    return info;
  }),
  about: unary(() => new AboutResponse()),
  run: unary(run),
  ...Object.fromEntries(
    [
      'installDependencies',
      'runtimeOptionsPrompts',
      'template',
      'getProgramDependencies',
      'runPlugin',
      'generateProgram',
      'generateProject',
      'generatePackage',
      'pack',
      'link',
      'cancel',
    ].map((name) => [name, unary(unsupported)]),
  ),
});
