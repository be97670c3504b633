import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageWithAgent, readAgentsImage, recordAgentsImage } from '../../open-agents-image.ts';
import { buildImage } from './build-images.ts';

function openInstallation(): string {
  const folder = mkdtempSync(join(tmpdir(), 'agentcompany-installation-'));
  mkdirSync(join(folder, '.cache'));
  return folder;
}

const image = { reference: 'agents:1', id: 'sha256:a', base: 'sha256:b', agents: { codex: '1.0.0' } };
const config = { container_runtime: 'dod', oci_runtime: 'runc', accept_no_limits: false } as const;
const request = { config, environment: {}, say: () => undefined, signal: AbortSignal.timeout(10_000) };

describe('the image with code agents', () => {
  it('is the one on record, for the agents in it, as long as the worker image it stands on is the present one', async () => {
    const folder = openInstallation();
    expect(await imageWithAgent(folder, 'sha256:b', 'codex')).toBeNull();
    recordAgentsImage(folder, image);
    expect(await readAgentsImage(folder)).toEqual(image);
    expect(await imageWithAgent(folder, 'sha256:b', 'codex')).toBe('sha256:a');
    expect(await imageWithAgent(folder, 'sha256:b', 'claude-code')).toBeNull();
    expect(await imageWithAgent(folder, 'sha256:b', 'constructor')).toBeNull();
    expect(await imageWithAgent(folder, 'sha256:new', 'codex')).toBeNull();
  });

  it('is none where its record cannot be understood', async () => {
    const folder = openInstallation();
    writeFileSync(join(folder, '.cache', 'agents-image.json'), '{"id": 1}');
    expect(await readAgentsImage(folder)).toBeNull();
  });

  it('is not built with agents nobody knows, nor without a worker image', async () => {
    const folder = openInstallation();
    const unknown = await buildImage({ ...request, installation: folder, agents: ['codex', 'clod'] });
    expect(unknown).toMatchObject({ ok: false, error: { code: 'AC_IMAGE_AGENT_UNKNOWN' } });
    expect(unknown.ok ? '' : unknown.error.message).toContain('claude-code, codex, opencode, gemini-cli');
    const early = await buildImage({ ...request, installation: folder, agents: ['codex'] });
    expect(early).toMatchObject({ ok: false, error: { code: 'AC_IMAGE_NOT_BUILT' } });
  });
});
