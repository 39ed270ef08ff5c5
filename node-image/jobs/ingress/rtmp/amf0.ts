/** A value of AMF0, as far as encoders send it. */
export type AmfValue = number | boolean | string | null | undefined | AmfObject;
export interface AmfObject {
  readonly [name: string]: AmfValue;
}

/** What cannot be read as AMF0. */
export class AmfError extends Error {
  override readonly name = 'AmfError';
}

/** Objects in objects, and values in all: no encoder sends more. */
const MAX_DEPTH = 8;
const MAX_VALUES = 1000;

/**
 * Reads all values that a message has.
 *
 * @throws AmfError
 * Source: Action Message Format AMF 0, Adobe 2007.
 */
export function readAmf(body: Buffer): AmfValue[] {
  const reader = new AmfReader(body);
  const values: AmfValue[] = [];
  while (!reader.atEnd) {
    values.push(reader.value(0));
  }
  return values;
}

class AmfReader {
  readonly #body: Buffer;
  #at = 0;
  #count = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get atEnd(): boolean {
    return this.#at >= this.#body.length;
  }

  value(depth: number): AmfValue {
    this.#count += 1;
    if (depth > MAX_DEPTH || this.#count > MAX_VALUES) {
      throw new AmfError('the message has more values than are read');
    }
    const type = this.#take(1).readUInt8();
    switch (type) {
      case 0x00:
        return this.#take(8).readDoubleBE();
      case 0x01:
        return this.#take(1).readUInt8() !== 0;
      case 0x02:
        return this.#text(this.#take(2).readUInt16BE());
      case 0x03:
        return this.#object(depth);
      case 0x05:
        return null;
      case 0x06:
        return undefined;
      case 0x08:
        // How many it has is said again by its end.
        this.#take(4);
        return this.#object(depth);
      case 0x0a:
        return this.#list(depth);
      case 0x0b:
        return this.#take(10).readDoubleBE();
      case 0x0c:
        return this.#text(this.#take(4).readUInt32BE());
      default:
        throw new AmfError(`a value has the type ${type}, which encoders do not send`);
    }
  }

  #object(depth: number): AmfObject {
    const fields: [string, AmfValue][] = [];
    for (;;) {
      const name = this.#text(this.#take(2).readUInt16BE());
      if (name === '' && this.#body[this.#at] === 0x09) {
        this.#at += 1;
        return Object.fromEntries(fields);
      }
      fields.push([name, this.value(depth + 1)]);
    }
  }

  #list(depth: number): AmfObject {
    const length = this.#take(4).readUInt32BE();
    const fields: [string, AmfValue][] = [];
    for (let i = 0; i < length; i += 1) {
      fields.push([`${i}`, this.value(depth + 1)]);
    }
    return Object.fromEntries(fields);
  }

  #text(length: number): string {
    return this.#take(length).toString('utf8');
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#body.length) {
      throw new AmfError('the message ends within a value');
    }
    const taken = this.#body.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** Writes values, one after the other. */
export function writeAmf(...values: readonly AmfValue[]): Buffer {
  return Buffer.concat(values.map(encoded));
}

function encoded(value: AmfValue): Buffer {
  if (value === null || value === undefined) return Buffer.from([0x05]);
  if (typeof value === 'boolean') return Buffer.from([0x01, value ? 1 : 0]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([0x02]), named(value)]);
  if (typeof value === 'number') {
    const buffer = Buffer.alloc(9);
    buffer.writeDoubleBE(value, 1);
    return buffer;
  }
  const fields = Object.entries(value).flatMap(([name, one]) => [named(name), encoded(one)]);
  return Buffer.concat([Buffer.from([0x03]), ...fields, Buffer.from([0, 0, 0x09])]);
}

function named(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
