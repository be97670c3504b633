import type { ServiceRequest } from './serve-attempt.ts';

export async function serveCheckpoint(_request: ServiceRequest): Promise<boolean> {
  return false;
}
