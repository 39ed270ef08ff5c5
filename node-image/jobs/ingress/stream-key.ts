import { createHash, timingSafeEqual } from 'node:crypto';
import { customAlphabet } from 'nanoid';

/** No letters or digits that are easily taken for others: people type these into their encoders. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** 139 bits. */
const LENGTH = 24;
/** What may be shown as a key, in characters; no key is longer. */
export const MAX_KEY_LENGTH = 256;

/** A new key: who has it may send. */
export const newStreamKey: () => string = customAlphabet(ALPHABET, LENGTH);

/** What a key is looked up by: how much of it was guessed does not show in the time that takes. */
export const hashOfKey = (key: string): string =>
  createHash('sha256').update(key).digest('base64url');

/** Whether two keys are the same, in constant time. No key is the same as none. */
export const sameKey = (known: string, shown: string): boolean =>
  known !== '' && timingSafeEqual(digest(known), digest(shown));

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();
