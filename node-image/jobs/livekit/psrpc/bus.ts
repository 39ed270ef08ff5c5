/** What psrpc goes over: Redis, or in tests the memory of the process. */
export interface MessageBus {
  /** Sent to all who listen now. @throws RegistryUnavailableError */
  publish(channel: string, bytes: Buffer): Promise<void>;
  /** @returns ends it */
  listen(channel: string, listener: (bytes: Buffer) => void): () => void;
  /**
   * Of all who heard a message that is for one of them, whether this one has it.
   *
   * @throws RegistryUnavailableError
   */
  takes(bytes: Buffer): Promise<boolean>;
}
