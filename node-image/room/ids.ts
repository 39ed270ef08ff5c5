import { customAlphabet } from 'nanoid';

/** No letters or digits that are easily taken for others. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const random = customAlphabet(ALPHABET, 12);

/** A new id such as "PA_..." or "RM_...". Source: livekit/protocol utils/guid.go for the prefixes. */
export const newId = (prefix: string): string => `${prefix}${random()}`;
