/** Networks of IPv4 as text. Pure. */

export const CIDR = /^(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/;

/** The i-th quarter of a network, 0 to 3. */
export function quarter(network: string, index: number): string {
  const { address, length } = parsed(network);
  const size = 2 ** (32 - length - 2);
  return `${dotted(address + index * size)}/${length + 2}`;
}

/** Whether the address is the first of the network, whose prefix is within the bounds. */
export function isNetwork(network: string, shortest: number, longest: number): boolean {
  if (typeof network !== 'string' || !CIDR.test(network)) return false;
  const { address, length, octets } = parsed(network);
  return (
    octets.every((octet) => octet <= 255) &&
    length >= shortest &&
    length <= longest &&
    address % 2 ** (32 - length) === 0
  );
}

function parsed(network: string): { address: number; length: number; octets: number[] } {
  const [start = '', length = '0'] = network.split('/');
  const octets = start.split('.').map(Number);
  return {
    address: octets.reduce((sum, octet) => sum * 256 + octet, 0),
    length: Number(length),
    octets,
  };
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
