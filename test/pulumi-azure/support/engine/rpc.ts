/** What plugins of Pulumi's engine have in common: a server, whose port is the first line they print. */
import * as grpc from '@grpc/grpc-js';

/** One call that is answered once. */
export interface Call<Q> {
  readonly request: Q;
}

/** Answers a request, or throws what the engine shows. */
export type Handler<Q, A> = (request: Q) => A | Promise<A>;

/** As gRPC calls it. */
export function unary<Q, A>(handler: Handler<Q, A>) {
  return (
    call: Call<Q>,
    callback: (error: Partial<grpc.ServiceError> | null, answer?: A) => void,
  ) =>
    void Promise.resolve()
      .then(() => handler(call.request))
      .then(
        (answer) => callback(null, answer),
        (error: unknown) => callback(asError(error)),
      );
}

/** The engine asks it, does without, and goes on. */
export function unsupported(): never {
  throw Object.assign(new Error('not supported'), { code: grpc.status.UNIMPLEMENTED });
}

function asError(error: unknown): Partial<grpc.ServiceError> {
  const details = error instanceof Error ? error.message : String(error);
  const given = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN;
  return { code: Number.isInteger(given) ? given : grpc.status.UNKNOWN, details };
}

/** Serves until the engine ends the process. */
export function servePlugin(
  definition: grpc.ServiceDefinition,
  implementation: Readonly<Record<string, unknown>>,
): void {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 400 * 1024 * 1024 });
  server.addService(definition, implementation as grpc.UntypedServiceImplementation);
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
}
