import { describe, expect, it } from 'vitest';
import { bootstrapArguments, codeName, mainSources } from './from-packages.mjs';

const oneLine = `# comment
deb http://mirror.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://mirror.example/debian bookworm-updates main
deb-src http://mirror.example/debian bookworm main
deb http://foreign.example/engine bookworm stable
deb http://mirror.example/debian trixie main
`;
const deb822 = `Types: deb deb-src
# moved
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main contrib

Types: deb
URIs: http://mirror.example/off
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://foreign.example/tools
Suites: stable
Components: main
`;

describe('the image made from packages', () => {
  it('takes the main sources of the release, in either form, and no foreign ones', () => {
    expect(mainSources([oneLine], 'bookworm')).toEqual([
      'deb http://mirror.example/debian bookworm main',
      'deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://mirror.example/debian bookworm-updates main',
    ]);
    expect(mainSources([deb822], 'bookworm')).toEqual([
      'deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian bookworm main',
      'deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian bookworm-updates main',
      'deb http://mirror.example/security bookworm-security main',
    ]);
    expect(mainSources(['', oneLine], 'noble')).toEqual([]);
  });

  it('reads the code name of the release', () => {
    expect(codeName('NAME="Debian"\nVERSION_CODENAME=bookworm\n')).toBe('bookworm');
    expect(codeName('NAME="Ubuntu"\nUBUNTU_CODENAME=noble\nVERSION_CODENAME="noble"\n')).toBe('noble');
  });

  it('removes every setuid bit after the packages are in, as the last thing', () => {
    const line = bootstrapArguments({
      node: '/n',
      gitconfig: '/g',
      output: 'o.tar',
      suite: 'bookworm',
      sources: ['deb x'],
    });
    const hooks = line.filter((argument) => argument.startsWith('--customize-hook='));
    expect(hooks.at(-1)).toContain('-perm /6000');
    expect(line.slice(-3)).toEqual(['bookworm', 'o.tar', 'deb x']);
  });
});
