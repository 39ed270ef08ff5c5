import { availableParallelism, networkInterfaces } from 'node:os';
import { Command } from 'commander';
import type { z } from 'zod';
import { configSchema, configTree, keyAt, type SluiceConfig } from '../../contract';
import type { Interfaces } from '../listen-addresses';
import { ConfigError } from './config-error';
import { at, ConfigDraft, pathText } from './draft';
import {
  addConfigOptions,
  applyOptions,
  type Environment,
  type OptionValues,
  pick,
  SECTION_FILES,
  withBareFlags,
} from './options';
import { readYaml } from './read-yaml';
import { checkRole, withNodeLink } from './roles';
import {
  type ConfigFiles,
  diskFiles,
  expandPath,
  parseKeys,
  readSecretFile,
  reasonOf,
  shortSecrets,
  withClusterSecret,
  withTurnSecrets,
} from './secrets';
import {
  checkTogether,
  warnOfUnused,
  withIngressUrls,
  withMachine,
  withPlaceholderKeys,
} from './settle';
import { layShared, type SharedYaml } from './shared-layer';

export interface LoadConfigOptions {
  /** What follows the name of the program. @default none */
  readonly argv?: readonly string[];
  /** What commander read from argv, for those who did that already. @default - read from argv */
  readonly options?: OptionValues;
  readonly env: Environment;
  /** @default the disk */
  readonly files?: ConfigFiles;
  /** Cores of this machine. @default - asked of the system */
  readonly cores?: number;
  /** Addresses of this machine. @default - asked of the system */
  readonly interfaces?: Interfaces;
  /** Whether a configuration without an API key is refused. @default true */
  readonly needsKeys?: boolean;
  /** What the cluster has announced. @default nothing */
  readonly shared?: SharedYaml;
}

export interface LoadedConfig {
  readonly config: SluiceConfig;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
}

/**
 * Puts the configuration of a node together. What comes later wins: defaults, the file (or the
 * body that replaces it), variables and options named by key, LiveKit's own variables and options.
 *
 * @throws ConfigError with every problem at once
 */
export function loadConfig(given: LoadConfigOptions): LoadedConfig {
  const { env, files = diskFiles, needsKeys = true } = given;
  const options = given.options ?? parseOptions(given.argv ?? []);
  const draft = new ConfigDraft(configTree(), options['disableStrictConfig'] !== true);
  readBody(draft, options, env, files);
  readSections(draft, options, env, files);
  if (given.shared !== undefined) {
    layShared(draft, given.shared);
  }
  applyOptions(draft, options, env);
  applyKeys(draft, options, env);
  const config = check(draft);
  if (config === undefined) {
    throw new ConfigError(draft.problems);
  }
  const withKeys = readKeyFile(config, draft, env, files);
  const originOf = (path: readonly PropertyKey[]): string => draft.originOf(path);
  const withTurn = withTurnSecrets(withKeys, files, draft.problems, originOf);
  const secured = withClusterSecret(withTurn, env, files, draft.problems, originOf);
  const cores = given.cores ?? availableParallelism();
  const linked = withNodeLink(secured, given.interfaces ?? networkInterfaces());
  const reachable = withIngressUrls(withPlaceholderKeys(linked));
  const ready = withMachine(reachable, cores, draft.warnings);
  if (draft.problems.length === 0) {
    checkTogether(withSharedKeys(ready, given.shared), draft, needsKeys);
    checkRole(ready, draft);
    warnOfUnused(draft, ready);
  }
  if (draft.problems.length > 0) {
    throw new ConfigError(draft.problems);
  }
  const warnings = [...draft.warnings, ...(ready.development ? [] : shortSecrets(ready.keys))];
  return { config: ready, warnings };
}

/** For what only asks whether there is such a key: their secrets are not known here. */
function withSharedKeys(config: SluiceConfig, shared: SharedYaml | undefined): SluiceConfig {
  const others = Object.fromEntries((shared?.apiKeys ?? []).map((apiKey) => [apiKey, '']));
  return { ...config, keys: { ...others, ...config.keys } };
}

function parseOptions(argv: readonly string[]): OptionValues {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addConfigOptions(command);
  return command.parse(withBareFlags(argv), { from: 'user' }).opts();
}

function readBody(
  draft: ConfigDraft,
  options: OptionValues,
  env: Environment,
  files: ConfigFiles,
): void {
  const body = pick(options, env, 'config-body', 'SLUICE_CONFIG', 'LIVEKIT_CONFIG');
  const path = options['config'];
  if (body !== undefined) {
    readYaml(draft, body.text, body.origin);
  } else if (typeof path === 'string') {
    let text: string;
    try {
      text = files.read(path);
    } catch (error) {
      draft.problems.push(`--config ${path} cannot be read: ${reasonOf(error)}`);
      return;
    }
    readYaml(draft, text, path);
  }
}

/** Files that hold one section, as OpenVidu and LiveKit have them for Egress and Ingress. */
function readSections(
  draft: ConfigDraft,
  options: OptionValues,
  env: Environment,
  files: ConfigFiles,
): void {
  for (const { section, option, variable } of SECTION_FILES) {
    const given = pick(options, env, option, variable);
    if (given === undefined) {
      continue;
    }
    try {
      readYaml(draft, files.read(given.text), given.text, [section]);
    } catch (error) {
      const named = `${given.origin}${given.origin.startsWith('--') ? ' ' : ': '}${given.text}`;
      draft.problems.push(`${named} cannot be read: ${reasonOf(error)}`);
    }
  }
}

function applyKeys(draft: ConfigDraft, options: OptionValues, env: Environment): void {
  const given = pick(options, env, 'keys', 'LIVEKIT_KEYS');
  if (given === undefined) {
    return;
  }
  const keys = parseKeys(given.text);
  if (keys === undefined) {
    draft.problems.push(
      `${at(given.origin)}is given as a value (not shown); allowed is "key: secret", with the space, one a line`,
    );
    return;
  }
  draft.set(['keys'], keys, given.origin);
}

/**
 * Checks what was gathered. What is wrong by itself is taken away and the rest checked again, so
 * that how keys go together is reported in the same run.
 */
function check(draft: ConfigDraft): SluiceConfig | undefined {
  const sectionsWithProblems = new Set<PropertyKey | undefined>();
  for (;;) {
    const { success, data, error } = configSchema.safeParse(draft.values);
    if (success) {
      return data;
    }
    let taken = false;
    for (const issue of error.issues) {
      if (isAboutSeveralKeys(issue)) {
        // What is missing may be just what was taken away.
        if (!sectionsWithProblems.has(issue.path[0])) {
          const origin = at(draft.originOf(issue.path));
          draft.problems.push(`${origin}${pathText(issue.path)}: ${issue.message}`);
        }
        continue;
      }
      sectionsWithProblems.add(issue.path[0]);
      taken = refuseValue(draft, issue.path) || taken;
    }
    if (!taken) {
      return undefined;
    }
  }
}

/** @returns whether there was something to take away. */
function refuseValue(draft: ConfigDraft, path: readonly PropertyKey[]): boolean {
  const given = draft.valueAt(path);
  const key = keyAt(draft.tree, path) ?? draft.tree;
  draft.wrongValue(path, key, given, draft.originOf(path));
  // A list with a hole is no list: it goes as a whole.
  const inList = path.findIndex((step) => typeof step === 'number');
  const whole = inList === -1 ? path : path.slice(0, inList);
  const wasThere = draft.valueAt(whole) !== undefined;
  draft.forget(whole);
  return wasThere;
}

const isAboutSeveralKeys = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'custom' && issue.params?.['together'] === true;

/** A key_file replaces the keys of the file, as in LiveKit. */
function readKeyFile(
  config: SluiceConfig,
  draft: ConfigDraft,
  env: Environment,
  files: ConfigFiles,
): SluiceConfig {
  if (config.key_file === '') {
    return config;
  }
  const origin = at(draft.originOf(['key_file']));
  const key_file = expandPath(config.key_file, env);
  const text = readSecretFile(key_file, `${origin}key_file`, files, draft.problems);
  const keys = text === undefined ? {} : parseKeys(text);
  if (keys === undefined) {
    draft.problems.push(
      `${origin}key_file ${key_file} holds something else than keys; allowed is "key: secret", with the space, one a line`,
    );
  }
  return { ...config, key_file, keys: keys ?? {} };
}
