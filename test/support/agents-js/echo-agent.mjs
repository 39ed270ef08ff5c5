/**
 * A worker of @livekit/agents whose agents send back what they are sent, with the metadata of their
 * job before it. Its folder has to be the one that @livekit/agents is installed in.
 */
import { fileURLToPath } from 'node:url';
import { cli, defineAgent, ServerOptions } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';

// biome-ignore lint/style/noDefaultExport: the framework asks for one
export default defineAgent({
  entry: async (ctx) => {
    await ctx.connect();
    const say = (text, topic) =>
      ctx.room.localParticipant?.publishData(new TextEncoder().encode(text), {
        reliable: true,
        topic,
      });
    ctx.room.on(RoomEvent.DataReceived, (payload, _from, _kind, topic) => {
      if (topic !== 'ask') return;
      void say(`${ctx.job.metadata}: ${new TextDecoder().decode(payload)}`, 'answer');
    });
    // What it does at its end is for the test to see.
    ctx.addShutdownCallback(async () => console.log(`shutdown of ${ctx.job.id}`));
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cli.runApp(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      agentName: process.env.AGENT_NAME ?? '',
      // Of its own server for health.
      host: '127.0.0.1',
      port: Number(process.env.AGENT_PORT ?? '0'),
      numIdleProcesses: 1,
      // How busy the machine of the tests is, is none of theirs.
      loadFunc: async () => 0,
    }),
  );
}
