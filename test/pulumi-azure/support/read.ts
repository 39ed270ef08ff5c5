/** Reads what was registered. */
import { Buffer } from 'node:buffer';
import { parse } from 'yaml';
import { configSchema, type SluiceConfig } from '../../../node-image/contract';
import { parseBootPlan } from '../../../node-image/lifecycle/boot/boot-plan';
import type { Registered, World } from './world';

/** The value at a path such as `sku.capacity` or `zones.0`; undefined where there is none. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (found, step) =>
        typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined,
      value,
    );
}

/** The list at a path; empty where there is none. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}

/** What a secret was given, whether the mock sees it wrapped or not. */
export function secretText(secret: Registered): string {
  return String(at(secret.inputs, 'properties.value'));
}

/** The sluice.yaml of a role, as the node reads it. */
export function configOf(world: World, name: string): SluiceConfig {
  return configSchema.parse(yamlOf(world, name));
}

/** The same, with what was written alone. */
export function yamlOf(world: World, name: string): Record<string, unknown> {
  return parse(secretText(world.only('azure-native:keyvault:Secret', `${name}-config-secret`)));
}

/** The script that a machine runs first. */
export function scriptOf(profile: unknown): string {
  return Buffer.from(String(at(profile, 'osProfile.customData')), 'base64').toString();
}

/** boot.json in a script, which the node itself has to take. */
export function bootOf(script: string): Record<string, unknown> {
  const found = /<<'END_OF_BOOT_JSON'\n(.*?)\nEND_OF_BOOT_JSON\n/s.exec(script);
  const json = found?.[1] ?? 'null';
  parseBootPlan(json);
  return JSON.parse(json);
}

/** The rules of a security group: `Allow tcp 443 from *`. */
export function rulesOf(group: Registered): string[] {
  return listAt(group.inputs, 'securityRules').map((rule) => {
    const groups = listAt(rule, 'sourceApplicationSecurityGroups').map((each) =>
      String(at(each, 'id')).replace(/^.*\//, ''),
    );
    const from = groups.length > 0 ? groups.join('+') : at(rule, 'sourceAddressPrefix');
    const protocol = String(at(rule, 'protocol')).toLowerCase();
    return `${at(rule, 'access')} ${protocol} ${at(rule, 'destinationPortRange')} from ${from}`;
  });
}
