import { randomBytes, webcrypto } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** No attempt lasts as long. A worker whose clock is behind must not find the beginning in its future. */
const [beforeMs, afterMs] = [3_600_000, 7 * 86_400_000] as const;

/** Signs for inspected hosts towards one worker; its key lives in this process, for one attempt. */
export interface AttemptAuthority {
  /** PEM of its own certificate: what the worker's programs are told to trust. */
  readonly certificate: string;
  /** What TLS needs to answer as `host`. */
  contextFor(host: string): Promise<SecureContext>;
}

/** Makes an authority. The library that writes certificates is loaded only here. */
export async function createAttemptAuthority(): Promise<AttemptAuthority> {
  // The library finds its decorators' metadata there.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const makeKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [keys, hostKeys] = await Promise.all([makeKeys(), makeKeys()]);
  const now = Date.now();
  const common = {
    notBefore: new Date(now - beforeMs),
    notAfter: new Date(now + afterMs),
    signingAlgorithm: algorithm,
  };
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    serialNumber: serialNumber(),
    name: `CN=AgentCompany attempt ${randomBytes(4).toString('hex')}`,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const hostKey = x509.PemConverter.encode(
    await webcrypto.subtle.exportKey('pkcs8', hostKeys.privateKey),
    'PRIVATE KEY',
  );
  const sign = async (host: string): Promise<SecureContext> => {
    const certificate = await x509.X509CertificateGenerator.create({
      ...common,
      serialNumber: serialNumber(),
      subject: 'CN=AgentCompany inspected host',
      issuer: authority.subject,
      signingKey: keys.privateKey,
      publicKey: hostKeys.publicKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return createSecureContext({ key: hostKey, cert: certificate.toString('pem'), minVersion: 'TLSv1.2' });
  };
  const contexts = new Map<string, Promise<SecureContext>>();
  return {
    certificate: `${authority.toString('pem')}\n`,
    contextFor: (host) => {
      const context = contexts.get(host) ?? sign(host);
      contexts.set(host, context);
      return context;
    },
  };
}

/** 16 bytes, positive (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes[0] ?? 0) & 0x7f || 1, 0);
  return bytes.toString('hex');
}
