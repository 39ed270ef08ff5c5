const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Does something that listens for signals at once, and takes those listeners away again. mediasoup
 * has its workers end on the signals that a node leaves in order on, which takes as long as its Rooms
 * do.
 */
export function withoutSignalListeners<T>(act: () => T): T {
  const before = SIGNALS.map((signal) => new Set(process.rawListeners(signal)));
  const result = act();
  for (const [i, signal] of SIGNALS.entries()) {
    for (const listener of process.rawListeners(signal)) {
      if (before[i]?.has(listener) === false) {
        // Of the type that rawListeners says, which is wider than what listens to signals.
        process.removeListener(signal, listener as NodeJS.SignalsListener);
      }
    }
  }
  return result;
}
