import type { FastifyPluginAsync } from 'fastify';
import { registerConsole } from '../console/console-routes';
import type { SluiceConfig } from '../contract';
import { hasPlaceholderKey } from './config';

/** The web page, which gives out tokens of the first key where that is the one for development. */
export function consoleRoutes(config: SluiceConfig): FastifyPluginAsync {
  const [key = ['', '']] = Object.entries(config.keys);
  return async (app) => {
    await registerConsole(app, {
      apiKey: key[0],
      apiSecret: key[1],
      development: hasPlaceholderKey(config),
    });
  };
}
