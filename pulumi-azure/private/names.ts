import type * as pulumi from '@pulumi/pulumi';
import * as random from '@pulumi/random';

/** Ends names that must be of one's own in all of Azure, and known before what they name is made. */
export function nameSuffix(
  name: string,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  return new random.RandomString(
    `${name}-suffix`,
    { length: 8, upper: false, special: false, minLower: 1, minNumeric: 1 },
    opts,
  ).result;
}

/** The name as Azure takes it in many places: letters, digits, single hyphens; begins with a letter. */
export function plainName(name: string, longest: number): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/-{2,}/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, longest)
    .replace(/-+$/, '');
  return plain === '' ? 'sluice' : plain;
}

/** The same without hyphens, for storage accounts. */
export function compactName(name: string, longest: number): string {
  return plainName(name, 63).replaceAll('-', '').slice(0, longest);
}
