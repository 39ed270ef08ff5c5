/** Bytes. */
export const MB = 1024 * 1024;

/** "512 MB" */
export const inMb = (bytes: number): string => `${Math.round(bytes / MB)} MB`;
