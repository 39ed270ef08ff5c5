import { Decrypter, Encrypter } from 'age-encryption';
import { BackupError } from './backup-error';

/** Encrypts for whoever has the passphrase, as `age -p` does (age-encryption.org/v1). */
export async function sealFile(
  plain: Uint8Array,
  passphrase: string,
  /** The cost of a guess, as a power of two. @default - age's own, about a second */
  workFactor?: number,
): Promise<Uint8Array> {
  const age = new Encrypter();
  if (workFactor !== undefined) age.setScryptWorkFactor(workFactor);
  age.setPassphrase(passphrase);
  return age.encrypt(plain);
}

/**
 * Decrypts what `sealFile` or `age -p` has encrypted; all of it is known to be as it was written.
 *
 * @param name - of the file, for people
 * @throws BackupError
 */
export async function openFile(
  sealed: Uint8Array,
  passphrase: string,
  name: string,
): Promise<Uint8Array> {
  if (
    !Buffer.from(sealed.subarray(0, 64)).toString('latin1').startsWith('age-encryption.org/v1\n')
  ) {
    throw new BackupError(
      `${name} is no backup of Sluice, or its beginning is damaged: give a file that \`sluice backup\` has written.`,
    );
  }
  const age = new Decrypter();
  age.addPassphrase(passphrase);
  try {
    return await age.decrypt(sealed);
  } catch (error) {
    const isStranger = error instanceof Error && error.message.startsWith('no identity matched');
    throw new BackupError(
      isStranger
        ? `The passphrase is not the one that ${name} was encrypted with: give that one.`
        : `${name} is damaged or not whole: take another copy of it.`,
      { cause: error },
    );
  }
}
