import type { FastifyInstance } from 'fastify';
import type { Result } from '@agentcompany/protocol';
import { idPattern, maximumHaves, objectNamePattern, tipHeader } from '../contract/worker-hosts.ts';
import type { ProjectRepositories } from '../git/repositories.ts';
import { refuse } from './problem.ts';

export interface PackOptions {
  readonly repositories: (projectId: string) => Promise<Result<ProjectRepositories>>;
}

const schema = {
  params: {
    type: 'object',
    properties: { project: { type: 'string', maxLength: 100 } },
    required: ['project'],
  },
  body: {
    type: 'object',
    properties: {
      run: { type: 'string', pattern: idPattern },
      have: { type: 'array', maxItems: maximumHaves, items: { type: 'string', pattern: objectNamePattern } },
    },
    required: ['run', 'have'],
    additionalProperties: false,
  },
} as const;

interface Route {
  readonly Params: { readonly project: string };
  readonly Body: { readonly run: string; readonly have: readonly string[] };
}

/**
 * `POST /v1/projects/<id>/pack` with `{run, have}`: the objects of the run branch's tip that a host with the commits `have` lacks, as a
 * thin pack; 204 where it lacks none. The tip is named in a header.
 */
export async function packRoutes(server: FastifyInstance, { repositories }: PackOptions): Promise<void> {
  server.post<Route>('/v1/projects/:project/pack', { schema }, async (request, reply) => {
    const project = await repositories(request.params.project);
    if (!project.ok) return refuse(reply, project.error);
    const { run: runId, have } = request.body;
    const packed = await project.value.packFor({ runId, have });
    if (!packed.ok) return refuse(reply, packed.error);
    const { tip, pack } = packed.value;
    reply.header(tipHeader, tip);
    if (pack === null) return reply.code(204).send();
    reply.header('content-length', pack.bytes).type('application/x-git-pack');
    return reply.send(pack.handle.createReadStream({ start: 0 }));
  });
}
