import { customAlphabet } from 'nanoid';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const name = customAlphabet(BASE62, 12);
/** 43 characters of 62 are 256 bits. */
const secret = customAlphabet(BASE62, 43);

/** A new API key and its secret. */
export const newApiKey = (): { apiKey: string; secret: string } => ({
  apiKey: `API${name()}`,
  secret: secret(),
});
