import { encodeStun, STUN_ATTRIBUTE, STUN_TYPE } from '../../../node-image/net/stun';

const COOKIE = 0x2112a442;

/** A binding success for an IPv4 address. Source: RFC 8489, section 14.2. */
export function stunSuccess(transaction: Buffer, address: string, port: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeUInt8(1, 1);
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  const bits = Buffer.from(address.split('.').map(Number)).readUInt32BE();
  value.writeUInt32BE((bits ^ COOKIE) >>> 0, 4);
  return encodeStun({
    type: STUN_TYPE.bindingSuccess,
    transaction,
    attributes: [[STUN_ATTRIBUTE.mappedAddress, value]],
  });
}
