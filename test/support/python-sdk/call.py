"""A call of two with LiveKit's SDK for Python: what each end sees of the other, as one line of JSON."""

import asyncio
import json
import math
import os
import struct
import sys

from livekit import api, rtc

URL = os.environ["LIVEKIT_URL"]
API_URL = os.environ["LIVEKIT_API_URL"]
KEY = os.environ["LIVEKIT_API_KEY"]
SECRET = os.environ["LIVEKIT_API_SECRET"]
ROOM = sys.argv[1]
WIDTH, HEIGHT = 320, 240
RATE = 48_000


def token(identity: str) -> str:
    grant = api.VideoGrants(room_join=True, room=ROOM, can_update_own_metadata=True)
    return api.AccessToken(KEY, SECRET).with_identity(identity).with_grants(grant).to_jwt()


async def paint(source: rtc.VideoSource) -> None:
    """Blue, so that it is not what a picture is before the first frame."""
    frame = rtc.VideoFrame(
        WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, bytes([0, 0, 255, 255]) * (WIDTH * HEIGHT)
    )
    while True:
        source.capture_frame(frame)
        await asyncio.sleep(1 / 10)


async def hum(source: rtc.AudioSource) -> None:
    samples = [int(12_000 * math.sin(2 * math.pi * 440 * i / RATE)) for i in range(RATE // 100)]
    frame = rtc.AudioFrame(struct.pack(f"<{len(samples)}h", *samples), RATE, 1, len(samples))
    while True:
        await source.capture_frame(frame)


async def seen(track: rtc.Track) -> dict:
    """The first picture that is blue."""
    stream = rtc.VideoStream(track, format=rtc.VideoBufferType.RGBA)
    async for event in stream:
        frame = event.frame
        middle = 4 * (frame.height // 2 * frame.width + frame.width // 2)
        red, _, blue = frame.data[middle : middle + 3]
        if blue > 200 and red < 60:
            await stream.aclose()
            return {"width": frame.width, "height": frame.height}
    raise RuntimeError("the picture ended")


async def heard(track: rtc.Track) -> bool:
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
    async for event in stream:
        samples = struct.unpack(f"<{len(event.frame.data)}h", event.frame.data.tobytes())
        if max(samples) > 4_000:
            await stream.aclose()
            return True
    raise RuntimeError("the sound ended")


async def main() -> dict:
    loop = asyncio.get_running_loop()
    alice, bob = rtc.Room(), rtc.Room()
    tracks = {"video": loop.create_future(), "audio": loop.create_future()}
    packet, muted, kicked, attributes, text = (loop.create_future() for _ in range(5))

    def settle(future: asyncio.Future, value: object) -> None:
        if not future.done():
            future.set_result(value)

    @bob.on("track_subscribed")
    def _(track, publication, participant):
        is_video = track.kind == rtc.TrackKind.KIND_VIDEO
        settle(tracks["video" if is_video else "audio"], track)

    bob.on("data_received", lambda p: settle(packet, [p.topic, p.data.decode()]))
    bob.on("track_muted", lambda p, publication: settle(muted, p.identity))
    bob.on("disconnected", lambda reason: settle(kicked, rtc.DisconnectReason.Name(reason)))
    bob.on("participant_attributes_changed", lambda a, p: settle(attributes, dict(p.attributes)))
    bob.register_text_stream_handler(
        "chat", lambda reader, identity: asyncio.ensure_future(read_text(reader))
    )

    async def read_text(reader) -> None:
        settle(text, await reader.read_all())

    await bob.connect(URL, token("bob"))
    await alice.connect(URL, token("alice"))

    @bob.local_participant.register_rpc_method("double")
    async def _(call):
        return str(2 * int(call.payload))

    camera = rtc.VideoSource(WIDTH, HEIGHT)
    microphone = rtc.AudioSource(RATE, 1)
    work = [asyncio.create_task(paint(camera)), asyncio.create_task(hum(microphone))]
    me = alice.local_participant
    await me.publish_track(rtc.LocalVideoTrack.create_video_track("camera", camera))
    sound = await me.publish_track(rtc.LocalAudioTrack.create_audio_track("microphone", microphone))

    result = {
        "seen": await seen(await tracks["video"]),
        "heard": await heard(await tracks["audio"]),
        "rpc": await me.perform_rpc(destination_identity="bob", method="double", payload="21"),
    }
    await me.publish_data("hello", reliable=True, topic="greeting")
    result["packet"] = await packet
    long_text = "long " * 20_000
    await me.send_text(long_text, topic="chat")
    result["text"] = (await text) == long_text
    await me.set_attributes({"hand": "raised"})
    result["attributes"] = await attributes

    async with api.LiveKitAPI(API_URL, KEY, SECRET) as server:
        there = await server.room.list_participants(api.ListParticipantsRequest(room=ROOM))
        result["listed"] = sorted(one.identity for one in there.participants)
        await server.room.mute_published_track(
            api.MuteRoomTrackRequest(room=ROOM, identity="alice", track_sid=sound.sid, muted=True)
        )
        result["muted"] = await muted
        await server.room.remove_participant(api.RoomParticipantIdentity(room=ROOM, identity="bob"))
        result["kicked"] = await kicked
    for task in work:
        task.cancel()
    await alice.disconnect()
    return result


print(json.dumps(asyncio.run(asyncio.wait_for(main(), 60))), flush=True)
# What the SDK has in native threads may panic while Python takes itself down.
os._exit(0)
