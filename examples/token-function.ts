/**
 * A function that gives access tokens to users who are signed in: it may read the API key, and
 * nothing else of the cluster.
 */
import { Stack, type StackProps } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { ElasticCluster } from '../constructs/index';

/** Signs the token by hand, so that the function needs no packages: HMAC-SHA256 over two parts. */
const CODE = `
const { createHmac } = require('node:crypto');
const { SecretsManagerClient, GetSecretValueCommand } = require('@aws-sdk/client-secrets-manager');
const client = new SecretsManagerClient();
let pair;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
exports.handler = async (event) => {
  pair ??= client.send(new GetSecretValueCommand({ SecretId: process.env.API_KEY }))
    .then(({ SecretString }) => JSON.parse(SecretString));
  const { key, secret } = await pair;
  const identity = event.requestContext.authorizer.iam.userId;
  const now = Math.floor(Date.now() / 1000);
  const video = { roomJoin: true, room: event.pathParameters.room };
  const signed = part({ alg: 'HS256', typ: 'JWT' }) + '.' +
    part({ iss: key, sub: identity, nbf: now, exp: now + 600, video });
  const token = signed + '.' + createHmac('sha256', secret).update(signed).digest('base64url');
  return { statusCode: 200, body: JSON.stringify({ url: process.env.URL, token }) };
};
`;

export class TokenFunctionStack extends Stack {
  readonly tokens: lambda.Function;

  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    // The cluster may be another stack's: what is needed of it are its URL and its API key.
    const cluster = ElasticCluster.fromElasticClusterAttributes(this, 'Meet', {
      url: 'https://meet.example.com',
      apiKey: sm.Secret.fromSecretNameV2(this, 'ApiKey', 'meet/api-key'),
    });
    this.tokens = new lambda.Function(this, 'Tokens', {
      runtime: lambda.Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline(CODE),
      environment: { URL: cluster.url, API_KEY: cluster.apiKey.secretArn },
    });
    cluster.grantApiKey(this.tokens);

    const api = new apigateway.HttpApi(this, 'Api');
    api.addRoutes({
      path: '/tokens/{room}',
      methods: [apigateway.HttpMethod.POST],
      integration: new HttpLambdaIntegration('TokensIntegration', this.tokens),
      authorizer: new HttpIamAuthorizer(),
    });
  }
}
