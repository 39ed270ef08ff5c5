// Required by a node of a test: its clock is an hour ahead, as that of a machine without NTP.
const HOUR_MS = 3_600_000;
const OwnDate = Date;
const now = () => OwnDate.now() + HOUR_MS;
globalThis.Date = new Proxy(OwnDate, {
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  apply: () => new OwnDate(now()).toString(),
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
});
