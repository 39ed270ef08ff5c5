"""A worker of livekit-agents whose agents send back what they are sent, with the metadata of their job before it."""

import asyncio
import os

from livekit import rtc
from livekit.agents import AgentServer, JobContext, cli

server = AgentServer(
    # How busy the machine of the tests is, is none of theirs.
    load_fnc=lambda: 0.0,
    num_idle_processes=1,
    # Of its own server for health.
    host="127.0.0.1",
    port=0,
)


@server.rtc_session(agent_name=os.environ.get("AGENT_NAME", ""))
async def entry(ctx: JobContext) -> None:
    said: set[asyncio.Task[None]] = set()

    def on_data(packet: rtc.DataPacket) -> None:
        if packet.topic != "ask":
            return
        text = f"{ctx.job.metadata}: {packet.data.decode()}"
        task = asyncio.create_task(ctx.room.local_participant.publish_data(text, topic="answer"))
        said.add(task)
        task.add_done_callback(said.discard)

    ctx.room.on("data_received", on_data)

    async def ended() -> None:
        print(f"shutdown of {ctx.job.id}", flush=True)

    ctx.add_shutdown_callback(ended)
    await ctx.connect()


if __name__ == "__main__":
    cli.run_app(server)
