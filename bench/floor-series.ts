/** The physical floor by itself, for each SRTP profile and size of packet. */
import { PROFILES, runFloor } from './floor';
import { type ExtraSeries, markdown } from './series';

const SOCKETS = 50;
const SIZES = { sound: 80, pictures: 1_100 };

export const floorSeries: ExtraSeries = {
  name: 'floor',
  seconds: 14,
  run: async ({ program, address, isSmoke }) => {
    const rows: {
      readonly profile: string;
      readonly what: string;
      readonly single: Awaited<ReturnType<typeof runFloor>>;
      readonly batched: Awaited<ReturnType<typeof runFloor>>;
    }[] = [];
    for (const profile of PROFILES) {
      for (const [what, payloadBytes] of Object.entries(SIZES)) {
        const plan = {
          address,
          sockets: SOCKETS,
          payloadBytes,
          profile,
          seconds: isSmoke ? 0.2 : 1,
        };
        const single = await runFloor(program, plan);
        const batched = await runFloor(program, { ...plan, batched: true });
        rows.push({ profile, what: `${what}, ${payloadBytes} bytes`, single, batched });
      }
    }
    return {
      series: 'floor',
      title: 'The physical floor',
      about: `A native loop copies a packet for each of ${SOCKETS} sockets, encrypts it by a key of that socket (aws-lc) and sends it; CPU of the sending thread, user and system, in µs a packet. Another thread takes what arrives.`,
      table: markdown(
        ['SRTP profile, payload', 'a call a packet', 'up to 32 packets a call', 'of it encryption'],
        rows.map(({ profile, what, single, batched }) => [
          `${profile}, ${what}`,
          single.cpuMicrosecondsPerPacket.toFixed(2),
          batched.cpuMicrosecondsPerPacket.toFixed(2),
          single.encryptMicrosecondsPerPacket.toFixed(2),
        ]),
      ),
      figures: rows,
    };
  },
};
