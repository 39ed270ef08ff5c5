import { z } from 'zod';

/** The file of `podman login`, as far as it is looked at. Source: containers-auth.json(5). */
const authFile = z.looseObject({
  auths: z.record(z.string(), z.looseObject({})).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
});
export type AuthFile = z.output<typeof authFile>;

/** One login, as a secret of a cloud may have it. */
const login = z.strictObject({
  registry: z.string().regex(/^[a-z0-9.-]+(?::\d{1,5})?$/i),
  username: z.string().min(1),
  password: z.string().min(1),
});

/** A login by name and password. */
export const authOf = (registry: string, username: string, password: string): AuthFile => ({
  auths: {
    [registry]: { auth: Buffer.from(`${username}:${password}`).toString('base64') },
  },
  credHelpers: {},
});

/**
 * Reads a file of `podman login`, or `{"registry", "username", "password"}`.
 *
 * @returns undefined where it is neither. What is in it is for nobody's eyes.
 */
export function readAuthFile(text: string): AuthFile | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const one = login.safeParse(value).data;
  if (one !== undefined) return authOf(one.registry, one.username, one.password);
  const file = authFile.safeParse(value).data;
  const isSaid = file !== undefined && ('auths' in Object(value) || 'credHelpers' in Object(value));
  return isSaid ? file : undefined;
}

/** The registry that an image is in: what stands before the first slash; '' where there is none. */
export const registryOf = (image: string): string =>
  image.slice(0, Math.max(0, image.indexOf('/')));

/** Whether a file has a login for a registry, or for a part of it. */
export const hasLogin = ({ auths, credHelpers }: AuthFile, registry: string): boolean =>
  [...Object.keys(auths), ...Object.keys(credHelpers)].some((key) => hostIn(key) === registry);

/** Keys are hosts, with a path or without; Docker's own has a scheme, and another name. */
function hostIn(key: string): string {
  const [host = ''] = key.replace(/^https?:\/\//, '').split('/');
  return host === 'index.docker.io' ? 'docker.io' : host;
}
