import { describe, expect, it } from 'vitest';
import { treatmentOf } from './command-policy.ts';

const kindOf = (command: string): string => treatmentOf(command).kind;

describe('what becomes of a command', () => {
  it.each([
    'vim src/x.ts',
    'cd src && nano x',
    'git log | less',
    '/usr/bin/less README.md',
    'ssh host uptime',
    'python',
    'python3 -i',
    'python3 -i x.py',
    'node',
    'FORCE=1 node',
    'env -u X=1 FOO=2 node || true; bash',
    'git rebase -i HEAD~2',
    'git add -p',
    'if true; then vim x; fi',
    'sudo apt install x',
  ])('C24 refuses %s: it waits for a person', (command) => {
    expect(treatmentOf(command)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/person/) });
  });

  it.each([
    'npm run dev',
    'npm start',
    'npx vite',
    'npx --yes vite --port 3000',
    'npm install && npm run dev',
    'cd web; yarn dev',
    'pnpm exec next dev',
    'python3 -m http.server 8000',
    'tsc -p . --watch',
    'tail -f log.txt',
    'sleep 60 &',
    './server --port 1 > log 2>&1 &',
    '(sleep 1; sleep 2) &',
  ])('C24 runs %s in the background', (command) => {
    expect(kindOf(command)).toBe('background');
  });

  it.each([
    'npm test',
    'npm run build',
    'npx vite build',
    'npx vitest run',
    'node script.js',
    'node -e "console.log(1)"',
    'echo "print(1)" | python3',
    'python3 <<EOF\nvim\nless\nEOF',
    "cat > notes.md <<'END'\nnpm run dev\nvim\nEND\necho done",
    'python3 - < script.py',
    'bash run.sh',
    'sh -c "echo vim"',
    'git commit -m "use vim & less"',
    'grep -rn "ssh" . # vim',
    'which vim; command -v less | cat',
    'timeout 5 npm run dev',
    './server & sleep 1; curl localhost; kill %1',
    'npm run dev & sleep 2; true',
    'echo a 2>&1',
    'ls && echo "npm start"',
    'git add -A && git stash',
    'printf "a\\"; vim" > x',
  ])('C24 lets %s run to its end', (command) => {
    expect(kindOf(command)).toBe('foreground');
  });

  it('takes the ampersand off what runs in the background, and nothing else', () => {
    expect(treatmentOf('echo a && ./serve --x 1 & ')).toEqual({
      kind: 'background',
      command: 'echo a && ./serve --x 1 ',
    });
    expect(treatmentOf('npm run dev')).toEqual({ kind: 'background', command: 'npm run dev' });
  });
});
