import { readShell, type SimpleCommand } from './shell-words.ts';

/** What becomes of a command: it runs to its end, it runs beside the agent, or it does not run at all. */
export type Treatment =
  | { readonly kind: 'foreground' }
  | { readonly kind: 'background'; readonly command: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Programs that wait for a person at a terminal, whatever their arguments; nobody sits at this one. */
const interactive = new Set(
  'vi vim nvim view nano pico emacs joe mc less more most man info top htop ssh sftp scp telnet ftp screen tmux su sudo passwd'.split(
    ' ',
  ),
);
/** Programs that read commands from their input where they are given neither a file nor a text to run. */
const interpreters =
  /^(python[\d.]*|ipython|node|deno|bun|irb|ruby|lua|ghci|scala|jshell|psql|mysql|sqlite3|mongosh|redis-cli|bash|sh|dash|zsh|fish|bc)$/;
const servers: readonly RegExp[] = [
  /^(npm|pnpm|yarn|bun) (run )?(dev|start|serve|watch|preview|storybook)\b/,
  /^(vite|next|nuxt|astro|remix|gatsby|parcel|ng|webpack|webpack-dev-server|rails|php artisan)( (dev|serve|server|start|preview|develop|s))?$/,
  /^(vite|next|nuxt|astro|remix|gatsby|ng|webpack|rails|wrangler|php artisan) (dev|serve|server|start|preview|develop|s)\b/,
  /^vite( --?\S+( [\d.]+)?)*$/,
  /^(nodemon|live-server|http-server|serve|json-server|browser-sync|uvicorn|gunicorn|hypercorn|redis-server|caddy)\b/,
  /^python[\d.]* -m (http\.server|flask|uvicorn|gunicorn)\b/,
  /^(python[\d.]* )?manage\.py runserver\b|^flask (run|.* run)\b|^php -S\b|^hugo (server|serve)\b|^mkdocs serve\b/,
  /^(tsc|esbuild|rollup|webpack|jest|vitest|tailwindcss|node|cargo|babel)\b.* (--watch(All)?|-w)(\s|$)/,
  /^(tail|journalctl)\b.* (-[a-zA-Z]*[fF]|--follow)\b/,
  /^docker(-| )compose up\b/,
];

/** What stands before the program: `env X=1`, `nohup`, `then`. */
const prefix = /^(\w+=.*|env|exec|nohup|command|time|nice|setsid|then|do|else|\{|!)$/;
/** Programs that start another one, and their options. */
const launcher = /^(npx|bunx|pnpm (dlx|exec)|yarn dlx|npm exec)( --?\S*)* (?=\S)/;

/** The program and its arguments behind `env X=1`, `npx` and the like. */
function unwrapped(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => !prefix.test(word));
  const rest = start === -1 ? [] : words.slice(start);
  const launched = launcher.exec(rest.join(' '));
  return launched === null ? rest : rest.slice(launched[0].trim().split(' ').length);
}

function programOf(words: readonly string[]): string {
  return (words[0] ?? '').replace(/^.*\//, '');
}

/** Why a command would wait for a person; null where it would not. */
function waitsFor(command: SimpleCommand): string | null {
  const words = unwrapped(command.words);
  const program = programOf(words);
  const args = words.slice(1);
  if (interactive.has(program)) return `${program} wants a person at a terminal, and there is none`;
  const isFed = command.readsInput || command.before.startsWith('|');
  const isBare = args.every((word) => /^(-i|-q|-u|--interactive)$/.test(word));
  if (interpreters.test(program) && ((isBare && !isFed) || args[0] === '-i'))
    return `${program} without a file or a text to run waits for a person to type: give it a file, or -c or -e with the text`;
  if (program === 'git' && isInteractiveGit(args))
    return `git ${args[0]} wants a person here: give it all it needs as options`;
  return null;
}

function isInteractiveGit([verb = '', ...options]: readonly string[]): boolean {
  if (/^(rebase|add|clean|checkout|stash|commit|reset)$/.test(verb))
    return options.some((option) => /^(-i|-p|--interactive|--patch)$/.test(option));
  return false;
}

function serves(command: SimpleCommand): boolean {
  const words = unwrapped(command.words);
  const line = [programOf(words), ...words.slice(1)].join(' ');
  return servers.some((server) => server.test(line));
}

/**
 * What becomes of a shell command (C24). It is told by the words the command is written with: a courtesy that spares the agent the
 * time limit, no protection, which the time limit and the container are.
 */
export function treatmentOf(command: string): Treatment {
  const text = command.trim();
  const { commands, lastOperator } = readShell(text);
  for (const one of commands) {
    const reason = waitsFor(one);
    if (reason !== null) return { kind: 'refused', reason };
  }
  if (lastOperator === '&') {
    // Behind a comment it stays, and the shell waits.
    return { kind: 'background', command: text.endsWith('&') ? text.slice(0, -1) : `${text}\nwait` };
  }
  const isServer = commands.some((one) => one.after !== '&' && serves(one));
  return isServer ? { kind: 'background', command: text } : { kind: 'foreground' };
}
