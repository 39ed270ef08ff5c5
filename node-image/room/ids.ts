import { customAlphabet } from 'nanoid';

/** No letters or digits that are easily taken for others. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const random = customAlphabet(ALPHABET, 12);

/** A new id such as "PA_..." or "RM_...". Source: livekit/protocol utils/guid.go for the prefixes. */
export const newId = (prefix: string): string => `${prefix}${random()}`;

/** The same digits for the same bytes: of an id that several nodes have to find by themselves. */
export const idDigits = (bytes: Uint8Array, length: number): string =>
  Array.from(bytes.subarray(0, length), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
