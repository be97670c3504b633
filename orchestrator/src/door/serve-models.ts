import type { ServiceRequest } from './serve-attempt.ts';

export async function serveModels(_request: ServiceRequest): Promise<boolean> {
  return false;
}
