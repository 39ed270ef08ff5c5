/**
 * Loaded into each node of a local cluster before its program: ends the node when whoever started it
 * is gone, however that ended. Its standard input is a pipe of the parent's, which then closes.
 */

/** How long the node may take to end in order, ms. */
const END_MS = 8000;

const { stdin } = process;
stdin.once('close', () => {
  process.kill(process.pid, 'SIGINT');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_MS).unref();
});
stdin.on('error', () => {});
stdin.resume();
if ('unref' in stdin) {
  stdin.unref();
}
// Nobody reads the log any more then, which must not end the node before its participants know.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => {});
}
