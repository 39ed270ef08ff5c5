/** A backup cannot be made or used. The text is one sentence for people, and says what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}
